"""Which items follow which: the one model behind every personalized recipe.

An event is linked with the events that follow it in its user's history, within a window, by 1/√distance;
the other direction counts less. The sums are damped and divided by powers of the popularity of both items:

    W[i, j] = C[i, j]^0.8 / ((n_i + 5)^0.5 · (n_j + 5)^0.45),   C = F + 0.3·Fᵀ,   F[i, j] = Σ distance^-0.5

The exponents were chosen on inner splits of MovieLens 100K (the newest tenth of each user's *training*
events), never on a hold-out: see benchmarks/README.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.local_aws.personalize.models.interactions import Interactions

WIDEST, NARROWEST = 30, 4  # events after one that are linked with it
PAIRS = 60_000_000  # links at most, about: larger data gets a narrower window
AT_ONCE = 8_000_000  # links that are summed up at a time
SHRINK = 5.0


@dataclass(frozen=True)
class Weights:
    """How links become weights of the model."""

    backward: float = 0.3
    damping: float = 0.8
    source: float = 0.5
    target: float = 0.45
    fewest: float = 0.0  # links below are noise
    neighbours: int = 596  # kept for an item


def count(data: Interactions, *, distance_power: float = 0.5) -> sparse.csr_array:
    """F: the sum over all links from one item to another; float32, items × items.

    Memory follows the number of distinct pairs of items; the time follows `PAIRS`.
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
    """Links whose earlier event is among the `starts` rows from `first` on."""
    users, items = data.users[first:last], data.items[first:last]
    sources, targets, weights = [], [], []
    for distance in range(1, window + 1):
        here = min(starts, len(users) - distance)
        if here <= 0:
            break
        same = users[:here] == users[distance : here + distance]
        sources.append(items[:here][same])
        targets.append(items[distance : here + distance][same])
        weights.append(np.full(len(sources[-1]), distance**-power, np.float32))
    number = len(data.item_ids)
    if not sources:
        return sparse.csr_array((number, number), dtype=np.float32)
    pairs = (np.concatenate(sources), np.concatenate(targets))
    return sparse.coo_array((np.concatenate(weights), pairs), shape=(number, number)).tocsr()


def weigh(counts: sparse.csr_array, popularity: NDArray[np.int64], how: Weights) -> sparse.csr_array:
    """W from F: both directions, damped, divided by popularity, the strongest neighbours of each item."""
    both = (counts + counts.T.multiply(np.float32(how.backward))).tocsr()
    if how.fewest:
        both.data[both.data < how.fewest] = 0
        both.eliminate_zeros()
    damped = both.data**how.damping if how.damping != 1 else both.data
    shrunk = popularity + SHRINK
    source = np.repeat(shrunk**-how.source, np.diff(both.indptr))
    both.data = (damped * source * shrunk[both.indices] ** -how.target).astype(np.float32)
    return strongest(both, how.neighbours)


def strongest(matrix: sparse.csr_array, most: int) -> sparse.csr_array:
    """The `most` largest entries of every row."""
    lengths = np.diff(matrix.indptr)
    if not len(lengths) or lengths.max() <= most:
        return matrix
    kept = np.ones(matrix.nnz, dtype=bool)
    for row in np.flatnonzero(lengths > most):
        part = slice(matrix.indptr[row], matrix.indptr[row + 1])
        values = matrix.data[part]
        kept[part] = values >= np.partition(values, -most)[-most]
    matrix.data = np.where(kept, matrix.data, np.float32(0))
    matrix.eliminate_zeros()
    return matrix
