"""Metrics of ranked lists: precision, NDCG, reciprocal rank, coverage.

NDCG comes in two forms. `ndcg` is the standard form (Järvelin and Kekäläinen, ACM TOIS 20, 2002): gains
1/log2(1 + place), over the best list possible. `ndcg_listed` is the original workshop's, for comparison with
published numbers: places 1 and 2 count the same, and the best order of the *returned* list is the measure.

`hits` is True at each place of a list whose item is a true one, shape (places,), best place first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

CUTOFFS = (5, 10, 25)


def precision(hits: np.ndarray, cutoff: int) -> float:
    """Hits among the first `cutoff` places, of `cutoff`."""
    return float(hits[:cutoff].sum()) / cutoff


def reciprocal_rank(hits: np.ndarray, cutoff: int) -> float:
    """1 / place of the first hit within the cutoff, 0 without a hit (Voorhees, TREC-8, 1999)."""
    places = np.flatnonzero(hits[:cutoff])
    return 1 / float(places[0] + 1) if len(places) else 0.0


def ndcg(hits: np.ndarray, cutoff: int, relevant: int) -> float:
    """Standard form; `relevant` is the number of true items."""
    discount = 1 / np.log2(1 + np.arange(1, cutoff + 1))
    best = discount[: min(cutoff, relevant)].sum()
    gains = hits[:cutoff].astype(float)
    return float((gains * discount[: len(gains)]).sum() / best) if best else 0.0


def ndcg_listed(hits: np.ndarray, cutoff: int) -> float:
    """The original's form: 1/log2(place), place 1 as place 2; over the same hits in front."""
    gains = hits[:cutoff].astype(float)
    if not gains.any():
        return 0.0
    discount = 1 / np.log2(np.maximum(2, np.arange(1, len(gains) + 1)))
    return float((gains * discount).sum() / (np.sort(gains)[::-1] * discount).sum())


def ndcg_by_user(
    answers: Mapping[str, Sequence[str]], truth: Mapping[str, Collection[str]], cutoff: int
) -> np.ndarray:
    """NDCG of each user that has true items, shape (users,); a user without an answer counts as 0."""
    values = []
    for user, true_items in truth.items():
        hits = np.array([item in true_items for item in list(answers.get(user, ()))[:cutoff]], dtype=bool)
        values.append(ndcg(hits, cutoff, len(true_items)))
    return np.array(values)


def measure(
    answers: Mapping[str, Sequence[str]], truth: Mapping[str, Collection[str]], catalogue: int
) -> dict[str, float]:
    """Means over the users that have true items; a user without an answer counts as a miss.

    :param answers: recommended items by user, best first.
    :param truth: true items by user.
    :param catalogue: the number of items that could be recommended, for the coverage.
    :return: `mrr_k`, `ndcg_k`, `ndcg_listed_k`, `precision_k` for k = 5, 10, 25, `coverage` and `users`.
    """
    rows = [_row(list(answers.get(user, ())), true_items) for user, true_items in truth.items() if true_items]
    recommended = {item for user in truth for item in list(answers.get(user, ()))[: max(CUTOFFS)]}
    names = [f"{name}_{cutoff}" for cutoff in CUTOFFS for name in ("mrr", "ndcg", "ndcg_listed", "precision")]
    means = np.mean(rows, axis=0) if rows else np.zeros(len(names))
    coverage = len(recommended) / catalogue if catalogue else 0.0
    return {**dict(zip(names, map(float, means), strict=True)), "coverage": coverage, "users": len(rows)}


def _row(recommended: list[str], true_items: Collection[str]) -> list[float]:
    """All metrics of one user, in the order of `measure`'s names."""
    hits = np.array([item in true_items for item in recommended], dtype=bool)
    return [
        value
        for cutoff in CUTOFFS
        for value in (
            reciprocal_rank(hits, cutoff),
            ndcg(hits, cutoff, len(true_items)),
            ndcg_listed(hits, cutoff),
            precision(hits, cutoff),
        )
    ]
