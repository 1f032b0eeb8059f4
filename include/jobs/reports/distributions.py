"""Distributions of the baseline and of a window side by side, as SVG or as rows of bars."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from drift.columns import places
from drift.profile import CategoryColumn, NumberColumn
from reports.page import render
from reports.plots import Axis, Plot, Series

if TYPE_CHECKING:
    from markupsafe import Markup

    from drift.profile import Column

BINS = 20
VALUES = 10  # categories in the picture, the most frequent ones
TAIL = 0.002  # share of the rows at either end that may lie outside the picture


def distribution(name: str, baseline: Column, window: Column) -> Markup:
    """The picture of one column; both were counted on the same grid.

    :raises TypeError: when one holds numbers and the other categories.
    """
    if isinstance(baseline, NumberColumn) and isinstance(window, NumberColumn):
        return histogram(name, baseline, window).svg()
    if isinstance(baseline, CategoryColumn) and isinstance(window, CategoryColumn):
        return bars(baseline, window)
    raise TypeError(f"column {name!r} is a number on one side and a category on the other")


def histogram(name: str, baseline: NumberColumn, window: NumberColumn) -> Plot:
    """Shares of the rows in about twenty bins of equal width."""
    edges = _edges(baseline, window)
    series = []
    for title, column in (("baseline", baseline), ("window", window)):
        values, counts = _places(column)
        bin_counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges, weights=counts)
        shares = bin_counts / max(column.present, 1)
        series.append(Series(title, list(zip(edges[:-1].tolist(), shares.tolist(), strict=True)), "bars"))
    top = max((share for bars_of in series for _, share in bars_of.points), default=0.0)
    x = Axis(name, float(edges[0]), float(edges[-1]))
    return Plot(f"{name}, baseline and window", x, Axis("share of the rows", 0, top or 1.0), tuple(series))


def _places(column: NumberColumn) -> tuple[np.ndarray, np.ndarray]:
    """Where the values of a column lie, and how many, both of shape (cells,).

    Whole numbers lie where their cells begin.
    """
    cells, counts = column.ordinals
    return (column.values(cells) if column.integral else places(cells, column)), counts


def _edges(baseline: NumberColumn, window: NumberColumn) -> np.ndarray:
    """Edges of bins that hold all but the outermost rows of both, shape (bins + 1,).

    Bins of whole numbers are a whole number wide.
    """
    ends = [end for column in (baseline, window) if column.present for end in _ends(column)]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    if baseline.integral and window.integral:
        step = max(math.ceil((high - low + 1) / BINS), 1)
        return np.asarray(low - 0.5 + step * np.arange(math.ceil((high - low + 1) / step) + 1))
    if not high > low:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, BINS + 1)


def _ends(column: NumberColumn) -> tuple[float, float]:
    values, counts = _places(column)
    order = np.argsort(values)
    ranks = np.cumsum(counts[order]) / counts.sum()
    first, last = np.searchsorted(ranks, [TAIL, 1 - TAIL])
    return float(values[order][first]), float(values[order][min(last, len(values) - 1)])


def bars(baseline: CategoryColumn, window: CategoryColumn) -> Markup:
    """The most frequent values of either, each with two bars."""
    before, after = max(baseline.present, 1), max(window.present, 1)
    shares = {
        value: (baseline.counts.get(value, 0) / before, window.counts.get(value, 0) / after)
        for value in {**baseline.counts, **window.counts}
    }
    pictured = sorted(shares, key=lambda value: (-max(shares[value]), value))[:VALUES]
    if len(pictured) == len(shares):
        pictured.sort()  # the picture is complete: by name, a value is easier to find
    widest = max((max(shares[value]) for value in pictured), default=1.0) or 1.0
    rows = [(value, shares[value]) for value in pictured]
    return render("bars.html", {"rows": rows, "top": widest, "hidden": len(shares) - len(pictured)})
