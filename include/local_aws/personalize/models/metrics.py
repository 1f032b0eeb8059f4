"""Offline metrics as Personalize defines them (developer guide, "Evaluating a solution version")."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from numpy.typing import NDArray

CUTOFFS = (5, 10, 25)


def ndcg(hits: Sequence[bool] | NDArray[np.bool_], cutoff: int) -> float:
    """Normalized discounted cumulative gain of a list, as in the developer guide.

    The sum of 1 / log(1 + place) over the hits among the first `cutoff` places, divided by the same sum with
    all these hits in front (Järvelin and Kekäläinen 2002).

    :param hits: shape (places,): whether each recommended item is a true one, best first.

    >>> round(ndcg([False, True, False, False, True], 5), 4)
    0.6241
    """
    gains = np.asarray(hits[:cutoff], dtype=float)
    if not gains.any():
        return 0.0
    discount = 1 / np.log(1 + np.arange(1, len(gains) + 1))
    return float((gains * discount).sum() / (np.sort(gains)[::-1] * discount).sum())


def reciprocal_rank(hits: Sequence[bool] | NDArray[np.bool_], cutoff: int = 25) -> float:
    """1 / place of the first hit; 0 without a hit.

    :param hits: shape (places,), best first.
    """
    places = np.flatnonzero(np.asarray(hits[:cutoff]))
    return 1 / float(places[0] + 1) if len(places) else 0.0


def precision(hits: Sequence[bool] | NDArray[np.bool_], cutoff: int) -> float:
    """Number of hits among the first `cutoff` places, divided by `cutoff`.

    :param hits: shape (places,), best first.
    """
    return float(np.sum(hits[:cutoff])) / cutoff


def offline(
    answers: Iterable[tuple[Sequence[int] | NDArray[np.int64], Collection[int]]], items: int
) -> dict[str, float]:
    """The metrics of a solution version: means over the users of the test, and coverage.

    :param answers: for each user of the test, the recommended items, shape (places,), and the true items.
    :param items: number of all items; coverage is the share of them that is recommended to any user.
    """
    rows: list[list[float]] = []
    recommended_items: set[int] = set()
    for recommended, truth in answers:
        hits = np.isin(np.asarray(recommended, dtype=int), list(truth))
        recommended_items.update(int(item) for item in recommended)
        values = [f(hits, cutoff) for f in (ndcg, precision) for cutoff in CUTOFFS]
        rows.append([reciprocal_rank(hits), *values])
    means = np.mean(rows, axis=0) if rows else np.zeros(1 + 2 * len(CUTOFFS))
    names = ["mean_reciprocal_rank_at_25"]
    names += [f"normalized_discounted_cumulative_gain_at_{cutoff}" for cutoff in CUTOFFS]
    names += [f"precision_at_{cutoff}" for cutoff in CUTOFFS]
    return {
        "coverage": len(recommended_items) / items if items else 0.0,
        **dict(zip(names, map(float, means), strict=True)),
    }
