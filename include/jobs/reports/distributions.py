"""Distributions of the baseline and of a window side by side, as SVG or as rows of bars."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from drift.columns import places
from drift.profile import NumberColumn
from reports.plots import Axis, Plot, Series

if TYPE_CHECKING:
    from drift.profile import CategoryColumn, Column

BINS = 20
VALUES = 10  # categories that are shown, the most frequent ones
TAIL = 0.002  # share of the rows at either end that may lie outside the picture

STYLE = """
.pairs { display: grid; grid-template-columns: max-content 1fr; gap: 6px 12px; align-items: center; }
.pairs > span { overflow-wrap: anywhere; max-width: 14em; font-size: 13px; }
.pairs i { display: block; height: 8px; min-width: 1px; border-radius: 2px; }
.pairs i.s0 { background: var(--series-0); } .pairs i.s1 { background: var(--series-1); }
.key { font-size: 12px; } .key b { display: inline-block; width: 10px; height: 10px; border-radius: 2px; }
.key .s0 { background: var(--series-0); } .key .s1 { background: var(--series-1); margin-left: 14px; }
"""


def distribution(name: str, baseline: Column, window: Column) -> str:
    """The picture of one column; both were counted on the same grid."""
    if isinstance(baseline, NumberColumn) and isinstance(window, NumberColumn):
        return histogram(name, baseline, window).svg()
    assert not isinstance(baseline, NumberColumn)  # noqa: S101 — `compare_column` has made sure of it
    assert not isinstance(window, NumberColumn)  # noqa: S101
    return bars(baseline, window)


def histogram(name: str, baseline: NumberColumn, window: NumberColumn) -> Plot:
    """Shares of the rows in about twenty bins of equal width."""
    edges = _edges(baseline, window)
    series = []
    for title, column in (("baseline", baseline), ("window", window)):
        values, counts = _places(column)
        held, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges, weights=counts)
        shares = held / max(column.present, 1)
        series.append(Series(title, list(zip(edges[:-1].tolist(), shares.tolist(), strict=True)), "bars"))
    top = max((share for one in series for _, share in one.points), default=0.0)
    x = Axis(name, float(edges[0]), float(edges[-1]))
    return Plot(f"{name}, baseline and window", x, Axis("share of the rows", 0, top or 1.0), tuple(series))


def _places(column: NumberColumn) -> tuple[np.ndarray, np.ndarray]:
    """Where the values of a column lie, and how many; whole numbers lie where their cells begin."""
    cells, counts = column.ordinals
    return (column.values(cells) if column.integral else places(cells, column)), counts


def _edges(baseline: NumberColumn, window: NumberColumn) -> np.ndarray:
    """Edges of bins that hold all but the outermost rows of both; of whole numbers, whole ones."""
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


def bars(baseline: CategoryColumn, window: CategoryColumn) -> str:
    """The most frequent values of either, each with two bars."""
    before, after = max(baseline.present, 1), max(window.present, 1)
    shares = {
        value: (baseline.counts.get(value, 0) / before, window.counts.get(value, 0) / after)
        for value in {**baseline.counts, **window.counts}
    }
    shown = sorted(shares, key=lambda value: (-max(shares[value]), value))[:VALUES]
    if len(shown) == len(shares):
        shown.sort()  # where all are shown, each has its place
    top = max((max(shares[value]) for value in shown), default=1.0) or 1.0
    rows = "".join(f"<span>{escape(value)}</span><div>{_two(*shares[value], top)}</div>" for value in shown)
    more = len(shares) - len(shown)
    note = f'<p class="note">and {more} more values</p>' if more > 0 else ""
    key = '<p class="key"><b class="s0"></b> baseline <b class="s1"></b> window</p>'
    return f'{key}<div class="pairs">{rows}</div>{note}'


def _two(*shares: float) -> str:
    """Bars of baseline and window; the third number is the share that fills the width."""
    return "".join(
        f'<i class="s{n}" style="width:{share / shares[2]:.1%}" title="{share:.2%}"></i>'
        for n, share in enumerate(shares[:2])
    )
