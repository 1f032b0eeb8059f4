"""Charts as inline SVG: no library, no network, colours from the page's style sheet (light and dark).

AWS's scikit-learn image has no plotting library (the XGBoost image has matplotlib, but reports are not made
there); axes, lines, points and bars are all that the reports need.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Sequence

Point = tuple[float, float]

WIDTH, HEIGHT = 480, 340
LEFT, RIGHT, TOP, BOTTOM = 56, 14, 34, 46  # margins around the plotting area
TICKS = 5  # about so many on an axis


@dataclass(frozen=True)
class Series:
    """Points and how they are drawn. Guides are dashed, in grey; other series get the next colour.

    Series("model", [(0, 0), (0.1, 0.8), (1, 1)])
    Series("chance", [(0, 0), (1, 1)], "guide")
    """

    name: str  # an empty name keeps it out of the legend
    points: Sequence[Point]
    kind: Literal["line", "guide", "marks", "bars"] = "line"
    colour: int | None = None  # 0, 1 or 2, to share a colour with another series


@dataclass(frozen=True)
class Axis:
    """A linear axis: its label and the values at its two ends."""

    label: str
    start: float = 0.0
    end: float = 1.0

    def share(self, value: float) -> float:
        """Where a value lies: 0 at the start, 1 at the end, clipped."""
        return min(max((value - self.start) / (self.end - self.start), 0.0), 1.0)

    def ticks(self) -> list[float]:
        """Round values, about five of them."""
        rough = (self.end - self.start) / TICKS
        power = 10.0 ** math.floor(math.log10(rough))
        step = power * next(nice for nice in (1, 2, 2.5, 5, 10) if nice * power >= rough * 0.999)
        first = math.ceil(self.start / step - 1e-9)
        last = math.floor(self.end / step + 1e-9)
        return [n * step for n in range(first, last + 1)]


@dataclass(frozen=True)
class Plot:
    """A chart. `Plot("ROC", Axis("false positive rate"), Axis("recall"), (Series(...),)).svg()`"""

    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]

    def svg(self) -> Markup:
        """The chart as one `<svg>` element, with the title as its accessible name."""
        styled = list(zip(self.series, self._styles(), strict=True))
        shapes = "".join(self._draw(series, style) for series, style in styled)
        return Markup(  # noqa: S704 — every text in it is escaped
            f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(self.title)}">'
            f"{self._frame()}{shapes}{_legend(styled)}</svg>"
        )

    def _styles(self) -> list[str]:
        """The CSS class of each series: grey for guides, else its own colour or the next one."""
        free = itertools.count()
        return [
            "guide"
            if series.kind == "guide"
            else f"s{next(free) if series.colour is None else series.colour}"
            for series in self.series
        ]

    def _at(self, point: Point) -> tuple[float, float]:
        return (
            round(LEFT + self.x.share(point[0]) * (WIDTH - LEFT - RIGHT), 1),
            round(HEIGHT - BOTTOM - self.y.share(point[1]) * (HEIGHT - TOP - BOTTOM), 1),
        )

    def _frame(self) -> str:
        right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
        parts = []
        for value in self.x.ticks():
            at, _ = self._at((value, self.y.start))
            parts.append(f'<line class="grid" x1="{at}" y1="{TOP}" x2="{at}" y2="{bottom}"/>')
            parts.append(f'<text x="{at}" y="{bottom + 16}" text-anchor="middle">{value:g}</text>')
        for value in self.y.ticks():
            _, at = self._at((self.x.start, value))
            parts.append(f'<line class="grid" x1="{LEFT}" y1="{at}" x2="{right}" y2="{at}"/>')
            parts.append(f'<text x="{LEFT - 8}" y="{at + 4}" text-anchor="end">{value:g}</text>')
        centre, middle = (LEFT + right) / 2, (TOP + bottom) / 2
        return "".join(parts) + (
            f'<line class="axis" x1="{LEFT}" y1="{bottom}" x2="{right}" y2="{bottom}"/>'
            f'<line class="axis" x1="{LEFT}" y1="{TOP}" x2="{LEFT}" y2="{bottom}"/>'
            f'<text x="{centre}" y="{HEIGHT - 8}" text-anchor="middle">{escape(self.x.label)}</text>'
            f'<text x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">'
            f"{escape(self.y.label)}</text>"
        )

    def _draw(self, series: Series, style: str) -> str:
        if series.kind == "marks":
            return "".join(self._mark(point, style) for point in series.points)
        if series.kind == "bars":
            return "".join(self._bar(point, series, style) for point in series.points)
        path = " ".join(f"{x},{y}" for x, y in map(self._at, series.points))
        return f'<polyline class="{"" if style == "guide" else "line "}{style}" points="{path}"/>'

    def _mark(self, point: Point, style: str) -> str:
        x, y = self._at(point)
        return f'<circle class="mark {style}" cx="{x}" cy="{y}" r="5"><title>{_pair(point)}</title></circle>'

    def _bar(self, point: Point, series: Series, style: str) -> str:
        """A bar whose lower left corner is at the point's x; two series of bars stand side by side."""
        together = [other for other in self.series if other.kind == "bars"]
        steps = sorted({x for other in together for x, _ in other.points})
        slot = (steps[1] - steps[0] if len(steps) > 1 else self.x.end - self.x.start) / len(together)
        left = point[0] + together.index(series) * slot
        (x1, y), (x2, base) = self._at((left, point[1])), self._at((left + slot * 0.9, self.y.start))
        return (
            f'<rect class="bar {style}" x="{x1}" y="{y}" width="{x2 - x1:.1f}" height="{base - y:.1f}">'
            f"<title>{_pair(point)}</title></rect>"
        )


def _legend(styled: list[tuple[Series, str]]) -> str:
    parts, x = [], float(LEFT)
    for series, style in styled:
        if not series.name:
            continue
        if series.kind in ("line", "guide"):
            kind = "" if style == "guide" else "line "
            parts.append(f'<polyline class="{kind}{style}" points="{x},16 {x + 18},16"/>')
        else:
            kind = "bar" if series.kind == "bars" else "mark"
            parts.append(f'<rect class="{kind} {style}" x="{x + 4}" y="11" width="10" height="10" rx="2"/>')
        parts.append(f'<text class="legend" x="{x + 24}" y="20">{escape(series.name)}</text>')
        x += 24 + 6.6 * len(series.name) + 18
    return "".join(parts)


def _pair(point: Point) -> str:
    return f"{point[0]:.4g}, {point[1]:.4g}"
