"""Offline metrics as Personalize defines them (developer guide, "Evaluating a solution version")."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from numpy.typing import NDArray

CUTOFFS = (5, 10, 25)


def ndcg(hits: Sequence[bool] | NDArray[np.bool_], cutoff: int) -> float:
    """Discounted gain of the first `cutoff` places, 1/log(1 + place), over that of the same hits in front.

    >>> round(ndcg([False, True, False, False, True], 5), 4)
    0.6241
    """
    seen = np.asarray(hits[:cutoff], dtype=float)
    if not seen.any():
        return 0.0
    discount = 1 / np.log(1 + np.arange(1, len(seen) + 1))
    return float((seen * discount).sum() / (np.sort(seen)[::-1] * discount).sum())


def reciprocal_rank(hits: Sequence[bool] | NDArray[np.bool_], cutoff: int = 25) -> float:
    """1 / place of the first hit; 0 without one."""
    found = np.flatnonzero(np.asarray(hits[:cutoff]))
    return 1 / float(found[0] + 1) if len(found) else 0.0


def precision(hits: Sequence[bool] | NDArray[np.bool_], cutoff: int) -> float:
    """Hits among the first `cutoff` places, of `cutoff`."""
    return float(np.sum(hits[:cutoff])) / cutoff


def offline(
    answers: Iterable[tuple[Sequence[int] | NDArray[np.int64], Collection[int]]], items: int
) -> dict[str, float]:
    """The metrics of a solution version.

    :param answers: for each user of the test, the recommended items and the true ones.
    :param items: how many there are in all.
    """
    rows: list[list[float]] = []
    shown: set[int] = set()
    for recommended, truth in answers:
        hits = np.isin(np.asarray(recommended, dtype=int), list(truth))
        shown.update(int(item) for item in recommended)
        values = [f(hits, cutoff) for f in (ndcg, precision) for cutoff in CUTOFFS]
        rows.append([reciprocal_rank(hits), *values])
    means = np.mean(rows, axis=0) if rows else np.zeros(1 + 2 * len(CUTOFFS))
    names = ["mean_reciprocal_rank_at_25"]
    names += [f"normalized_discounted_cumulative_gain_at_{cutoff}" for cutoff in CUTOFFS]
    names += [f"precision_at_{cutoff}" for cutoff in CUTOFFS]
    return {
        "coverage": len(shown) / items if items else 0.0,
        **dict(zip(names, map(float, means), strict=True)),
    }
