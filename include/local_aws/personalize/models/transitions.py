"""Transitions between items: the model behind every personalized recipe.

An event is linked to the events that follow it in its user's history, within a window, with the weight
1/√distance; the other direction counts less. The sums are damped and divided by powers of the popularity n of
both items:

    W[i, j] = C[i, j]^0.8 / ((n_i + 5)^0.5 · (n_j + 5)^0.45),   C = F + 0.3·Fᵀ,   F[i, j] = Σ distance^-0.5

With the exponents 1, 0.5 and 0.5 this would be the cosine similarity of item-based collaborative filtering
(Sarwar et al. 2001). The exponents are our own: they were chosen on inner splits of MovieLens 100K (the
newest tenth of each user's *training* events), never on a hold-out: see benchmarks/README.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.local_aws.personalize.models.interactions import Interactions

WIDEST, NARROWEST = 30, 4  # window: the number of following events that an event is linked to
PAIRS = 60_000_000  # approximate maximum of links: larger data gets a narrower window
AT_ONCE = 8_000_000  # links that are added up at a time
SHRINK = 5.0  # added to the popularity


@dataclass(frozen=True)
class Weights:
    """How links become weights of the model.

    :param backward: weight of the backward direction, Fᵀ.
    :param damping: exponent of C.
    :param source: exponent of the popularity of the row's item.
    :param target: exponent of the popularity of the column's item.
    :param fewest: entries of C below become 0.
    :param neighbours: number of entries of each row; the largest.
    """

    backward: float = 0.3
    damping: float = 0.8
    source: float = 0.5
    target: float = 0.45
    fewest: float = 0.0
    neighbours: int = 596


def count(data: Interactions, *, distance_power: float = 0.5) -> sparse.csr_array:
    """F: the sum over all links from one item to another, shape (items, items), float32.

    Memory grows with the number of distinct pairs of items, time with the number of links (at most `PAIRS`).
    """
    number = len(data.item_ids)
    window = int(np.clip(PAIRS // max(1, len(data)), NARROWEST, WIDEST))
    rows_at_once = max(1, AT_ONCE // window)
    total = sparse.csr_array((number, number), dtype=np.float32)
    for first in range(0, len(data), rows_at_once):
        last = min(len(data), first + rows_at_once + window)
        total = total + _links(data, first, last, rows_at_once, window, distance_power)
    total.setdiag(0)
    total.eliminate_zeros()
    return total


def _links(
    data: Interactions, first: int, last: int, starts: int, window: int, power: float
) -> sparse.csr_array:
    """F of the links whose earlier event is in the `starts` rows from `first` on, shape (items, items)."""
    users, items = data.users[first:last], data.items[first:last]
    sources, targets, weights = [], [], []
    for distance in range(1, window + 1):
        rows = min(starts, len(users) - distance)
        if rows <= 0:
            break
        same = users[:rows] == users[distance : rows + distance]
        sources.append(items[:rows][same])
        targets.append(items[distance : rows + distance][same])
        weights.append(np.full(len(sources[-1]), distance**-power, np.float32))
    number = len(data.item_ids)
    if not sources:
        return sparse.csr_array((number, number), dtype=np.float32)
    pairs = (np.concatenate(sources), np.concatenate(targets))
    return sparse.coo_array((np.concatenate(weights), pairs), shape=(number, number)).tocsr()


def weigh(counts: sparse.csr_array, popularity: NDArray[np.int64], weighting: Weights) -> sparse.csr_array:
    """W from F: the largest entries of each row, shape (items, items).

    :param counts: F, shape (items, items).
    :param popularity: n, shape (items,).
    """
    both = (counts + counts.T.multiply(np.float32(weighting.backward))).tocsr()
    if weighting.fewest:
        both.data[both.data < weighting.fewest] = 0
        both.eliminate_zeros()
    damped = both.data**weighting.damping if weighting.damping != 1 else both.data
    shrunk = popularity + SHRINK
    source = np.repeat(shrunk**-weighting.source, np.diff(both.indptr))
    both.data = (damped * source * shrunk[both.indices] ** -weighting.target).astype(np.float32)
    return strongest(both, weighting.neighbours)


def strongest(matrix: sparse.csr_array, most: int) -> sparse.csr_array:
    """The `most` largest entries of every row; the others are removed. Same shape."""
    lengths = np.diff(matrix.indptr)
    if not len(lengths) or lengths.max() <= most:
        return matrix
    strong = np.ones(matrix.nnz, dtype=bool)
    for row in np.flatnonzero(lengths > most):
        part = slice(matrix.indptr[row], matrix.indptr[row + 1])
        values = matrix.data[part]
        strong[part] = values >= np.partition(values, -most)[-most]
    matrix.data = np.where(strong, matrix.data, np.float32(0))
    matrix.eliminate_zeros()
    return matrix
