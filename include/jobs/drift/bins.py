"""The bins over which a column's baseline and window are compared.

Numbers: about twenty bins of equal share of the baseline, fewer in small windows; a value that alone makes up
such a share has a bin of its own. Categories: one bin each; those of which a window of that size would hold
less than five rows (Cochran 1954) are spread over some buckets by their names. Missing values are a bin.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from drift.profile import bucket_of

if TYPE_CHECKING:
    from drift.profile import CategoryColumn, NumberColumn

Counts = tuple[np.ndarray, np.ndarray]  # of the baseline and of the window, shape (bins,)

MAX_BINS = 20
BIN_ROWS = 10  # rows that a bin of numbers should hold at least
CATEGORY_ROWS = 5
CLASS_SHARE = 0.005  # of the rows: values that are as frequent as that share a class


def number_bins(baseline: NumberColumn, window: NumberColumn) -> Counts:
    """Counts over bins of equal share of the baseline."""
    cells, counts = baseline.ordinals
    smaller = min(baseline.present, window.present)
    edges = equal_shares(cells, counts, max(min(MAX_BINS, smaller // BIN_ROWS), 2))
    parts = [
        np.append(_count(edges, *column.ordinals), column.missing).astype(float)
        for column in (baseline, window)
    ]
    return _used(parts[0], parts[1])


def equal_shares(cells: np.ndarray, counts: np.ndarray, bins: int) -> np.ndarray:
    """Edges between cells, ascending; bin k is what lies from edge k - 1 to edge k.

    :param cells: ordinals, ascending, shape (cells,).
    :param counts: rows in each cell, shape (cells,).
    :return: shape (edges,); an edge is half an ordinal, so that no cell lies on an edge.
    """
    bin_rows = counts.sum() / bins
    heavy = np.flatnonzero(counts >= bin_rows)
    edges = [cells[heavy] - 0.5, cells[heavy] + 0.5]
    for before, after in itertools.pairwise([-1, *heavy.tolist(), len(cells)]):
        between = slice(before + 1, after)
        edges.append(_split(cells[between], counts[between], bin_rows))
    return np.unique(np.concatenate(edges))


def _split(cells: np.ndarray, counts: np.ndarray, part_rows: float) -> np.ndarray:
    """Edges that cut cells into parts of about `part_rows` rows, shape (edges,)."""
    ends = np.cumsum(counts)
    parts = round(float(ends[-1]) / part_rows) if len(ends) else 0
    cuts = np.searchsorted(ends, ends[-1:] * np.arange(1, parts) / max(parts, 1))
    cuts = cuts[cuts + 1 < len(cells)]
    return np.asarray((cells[cuts] + cells[cuts + 1]) // 2 + 0.5)


def _count(edges: np.ndarray, cells: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.bincount(np.searchsorted(edges, cells), counts, len(edges) + 1)


def category_bins(baseline: CategoryColumn, window: CategoryColumn) -> Counts:
    """Counts of the frequent categories, of the others by buckets of their names, of missing ones.

    A bucket holds about ten rows or more. The names decide on the bucket, whether they are known or new, so
    that one value that takes the place of many rare ones fills its bucket.
    """
    total, rows = max(baseline.present, 1), min(baseline.present, window.present)
    frequent = [name for name, number in baseline.counts.items() if number / total * rows >= CATEGORY_ROWS]
    rare = [_buckets(column, set(frequent)) for column in (baseline, window)]
    number = _bucket_number(rare[0].sum() / total * rows)
    parts = [
        np.array(
            [*(column.counts.get(name, 0) for name in frequent), *_folded(buckets, number), column.missing]
        )
        for column, buckets in zip((baseline, window), rare, strict=True)
    ]
    return _used(parts[0].astype(float), parts[1].astype(float))


def novelty_bins(baseline: CategoryColumn, window: CategoryColumn) -> Counts:
    """Counts of rows by how often the baseline holds their value: never, once, 2 or 3 times, 4 to 7, ...

    Of the baseline's own rows, a value is known from the other rows only: one that occurs once is new, one
    that occurs twice has been seen once. So the baseline says how many new values to expect in a window
    (Good, Biometrika 40, 1953; leave-one-out). Values beyond those that are counted one by one are new.

    Values of half a percent of the rows or more share a class: there one of them would be a class of its own,
    and the row that is left out could move it into the next one.
    """
    last = int(max(baseline.present * CLASS_SHARE, 1)).bit_length()
    expected, classes = np.zeros(last + 1), np.zeros(last + 1)
    expected[0], classes[0] = baseline.other, window.other
    for number in baseline.counts.values():
        if number:
            expected[min((number - 1).bit_length(), last)] += number
    for name, number in window.counts.items():
        classes[min(baseline.counts.get(name, 0).bit_length(), last)] += number
    return _used(expected, classes)


def unseen(baseline: CategoryColumn, window: CategoryColumn) -> int:
    """Rows of a window whose value the baseline does not hold."""
    return window.other + sum(
        number for name, number in window.counts.items() if not baseline.counts.get(name)
    )


def _buckets(column: CategoryColumn, frequent: set[str]) -> np.ndarray:
    """Rows of the values that are not frequent, by the bucket of their name; shape (64,)."""
    buckets = column.other_buckets.copy()
    for name, number in column.counts.items():
        if number and name not in frequent:
            buckets[bucket_of(name)] += number
    return buckets


def _bucket_number(rows: float) -> int:
    """Into how many buckets so many rows are spread: a power of two, sixteen at most."""
    return 1 << max(0, min(4, int(math.log2(max(rows / BIN_ROWS, 1)))))


def _folded(buckets: np.ndarray, number: int) -> np.ndarray:
    """Fewer buckets, shape (number,)."""
    return np.asarray(buckets.reshape(-1, number).sum(axis=0))


def _used(baseline: np.ndarray, window: np.ndarray) -> Counts:
    """Without the bins that are empty in both."""
    used = (baseline > 0) | (window > 0)
    return baseline[used], window[used]
