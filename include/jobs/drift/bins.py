"""The bins over which a column's baseline and window are compared.

Numbers: about twenty bins of equal share of the baseline, fewer in small windows; a value that alone makes up
such a share has a bin of its own. Categories: one bin each; those of which a window of that size would hold
less than five rows share one (Cochran 1954). Missing values are a bin.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from drift.profile import CategoryColumn, NumberColumn

Counts = tuple[np.ndarray, np.ndarray]  # of the baseline and of the window, shape (bins,)

MAX_BINS = 20
BIN_ROWS = 10  # rows that a bin of numbers should hold at least
CATEGORY_ROWS = 5


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
    """Counts of the frequent categories, of the rare ones together, of new ones, of missing ones.

    Where the baseline holds values seen only once, or more than are counted, new ones are to be expected
    (Good, Biometrika 40, 1953): they are counted with the rare ones. Elsewhere they have a bin of their
    own.
    """
    total, rows = max(baseline.present, 1), min(baseline.present, window.present)
    frequent = [name for name, number in baseline.counts.items() if number / total * rows >= CATEGORY_ROWS]
    frequent_names = set(frequent)
    rare = _rest(baseline, frequent_names), _rest(window, frequent_names, baseline)
    new = 0, unseen(baseline, window)
    if baseline.other or 1 in baseline.counts.values():
        rare, new = (rare[0], rare[1] + new[1]), (0, 0)
    pairs = [(baseline.counts[name], window.counts.get(name, 0)) for name in frequent]
    table = np.array([*pairs, rare, new, (baseline.missing, window.missing)], dtype=float)
    return _used(table[:, 0], table[:, 1])


def unseen(baseline: CategoryColumn, window: CategoryColumn) -> int:
    """Rows of a window whose value the baseline does not hold."""
    return window.other + sum(
        number for name, number in window.counts.items() if not baseline.counts.get(name)
    )


def _rest(column: CategoryColumn, frequent: set[str], within: CategoryColumn | None = None) -> int:
    """Rows of values that are not frequent; of a window, only those that the baseline holds."""
    names = (within or column).counts
    counted = sum(n for name, n in column.counts.items() if name not in frequent and names.get(name))
    return counted + (column.other if within is None else 0)


def _used(baseline: np.ndarray, window: np.ndarray) -> Counts:
    """Without the bins that are empty in both."""
    used = (baseline > 0) | (window > 0)
    return baseline[used], window[used]
