"""How far each column of a window is from its baseline, and in which band that puts it.

The effect size decides: PSI less the bias that samples of these sizes have. PSI does not see how far values
went beyond the outer bins, so for numbers the squared Wasserstein distance in standard deviations counts,
too: for a mere shift of a normal distribution both are the same number. A band needs the effect to exceed
the threshold and the noise level of samples of these sizes; p-values only colour.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from drift import distances
from drift.bins import category_bins, novelty_bins, number_bins, unseen
from drift.profile import CategoryColumn, NumberColumn

if TYPE_CHECKING:
    from drift.profile import Column

OK, WATCH, DRIFT = "ok", "watch", "drift"


@dataclass(frozen=True)
class Thresholds:
    """Effect sizes on the scale of PSI from which a column is watched, and has drifted."""

    watch: float = 0.1
    drift: float = 0.2

    def band(self, effect: float, noise: float) -> str:
        """ok, watch or drift."""
        if effect > max(self.drift, noise):
            return DRIFT
        return WATCH if effect > max(min(self.watch, self.drift), noise) else OK


@dataclass(frozen=True)
class ColumnDrift:
    """The comparison of one column, as it stands in drift.json."""

    name: str
    kind: str
    weight: float  # share of the model's attributions, 0 to 1
    rows: int
    psi: float  # less its bias, 0 at least
    js_distance: float
    wasserstein: float | None  # in standard deviations of the baseline; None for categories
    l_infinity: float
    l_infinity_noise: float
    effect: float  # what the band goes by
    noise: float  # what the effect exceeds by chance in one of a thousand windows
    watch: float
    drift: float
    p_value: float
    band: str
    missing_share: float
    unknown_share: float  # rows of values that the baseline does not hold; 0 for numbers

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class _Pair:
    """What numbers and categories differ in.

    :param bins: those whose PSI decides.
    """

    kind: str
    bins: tuple[np.ndarray, np.ndarray]
    wasserstein: float | None
    gap: float
    gap_noise: float
    unknown: int


def compare_column(
    name: str, baseline: Column, window: Column, weight: float, thresholds: Thresholds
) -> ColumnDrift:
    """Compare one column with its baseline, on whose grid it was counted; the window must hold rows.

    :raises TypeError: when one holds numbers and the other categories.
    """
    if isinstance(baseline, NumberColumn) and isinstance(window, NumberColumn):
        pair = _numbers(baseline, window)
    elif isinstance(baseline, CategoryColumn) and isinstance(window, CategoryColumn):
        pair = _categories(baseline, window)
    else:
        raise TypeError(f"column {name!r} is a number on one side and a category on the other")
    raw, sampling = distances.psi(*pair.bins), distances.Sampling.of(*pair.bins)
    effect, noise = _effect(raw, pair.wasserstein, sampling)
    return ColumnDrift(
        name=name,
        kind=pair.kind,
        weight=weight,
        rows=window.rows,
        psi=max(raw - sampling.bias, 0.0),
        js_distance=distances.js_distance(*pair.bins),
        wasserstein=pair.wasserstein,
        l_infinity=pair.gap,
        l_infinity_noise=pair.gap_noise,
        effect=effect,
        noise=noise,
        watch=thresholds.watch,
        drift=thresholds.drift,
        p_value=sampling.p_value(raw),
        band=thresholds.band(effect, noise),
        missing_share=window.missing / window.rows,
        unknown_share=pair.unknown / window.rows,
    )


def _effect(raw: float, far: float | None, sampling: distances.Sampling) -> tuple[float, float]:
    """The effect size, on PSI's scale, and its noise level.

    Without drift the squared Wasserstein distance lies below what PSI reaches by chance, bias included: the
    shift of the mean in it is a χ² of one degree of freedom times the same (1/n + 1/m).
    """
    effect = max(raw - sampling.bias, 0.0)
    squared = (far or 0.0) ** 2
    if squared > sampling.bias + sampling.noise:
        effect = max(effect, squared)
    return effect, sampling.noise


def _categories(baseline: CategoryColumn, window: CategoryColumn) -> _Pair:
    bins = category_bins(baseline, window)
    gap, noise = distances.greatest_difference(*bins), distances.greatest_difference_noise(*bins)
    # the values themselves, or how well they are known: whichever chance explains less
    decisive = max(bins, novelty_bins(baseline, window), key=_excess)
    return _Pair("category", decisive, None, gap, noise, unseen(baseline, window))


def _excess(bins: tuple[np.ndarray, np.ndarray]) -> float:
    """By how much PSI exceeds what it reaches by chance."""
    sampling = distances.Sampling.of(*bins)
    return distances.psi(*bins) - sampling.bias - sampling.noise


def _numbers(baseline: NumberColumn, window: NumberColumn) -> _Pair:
    bins = number_bins(baseline, window)
    if not (baseline.present and window.present):
        return _Pair("number", bins, None, 0.0, 0.0, 0)
    cells, counts = _together(baseline, window)
    gap, noise = distances.greatest_gap(*counts), distances.greatest_gap_noise(*counts)
    return _Pair("number", bins, _wasserstein(baseline, cells, counts), gap, noise, 0)


def _wasserstein(
    baseline: NumberColumn, cells: np.ndarray, counts: tuple[np.ndarray, np.ndarray]
) -> float | None:
    """Wasserstein distance in standard deviations of the baseline; None where these are 0.

    Values count as at most one range of the baseline away from it: one row that is off by a factor of a
    thousand must not decide about the column.
    """
    if not baseline.deviation > 0:
        return None
    reach = baseline.maximum - baseline.minimum
    values = np.clip(places(cells, baseline), baseline.minimum - reach, baseline.maximum + reach)
    return distances.wasserstein(values, *counts) / baseline.deviation


def _together(
    baseline: NumberColumn, window: NumberColumn
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """All cells that either column uses, ascending, and the counts of both."""
    (first, baseline_counts), (second, window_counts) = baseline.ordinals, window.ordinals
    cells = np.union1d(first, second)
    counts = np.zeros((2, len(cells)))
    counts[0, np.searchsorted(cells, first)] = baseline_counts
    counts[1, np.searchsorted(cells, second)] = window_counts
    return cells, (counts[0], counts[1])


def places(cells: np.ndarray, column: NumberColumn) -> np.ndarray:
    """Middles of cells on a column's grid, wherever its own values lie; shape (cells,), as `cells`."""
    grid = NumberColumn(column.centre, minimum=-math.inf, maximum=math.inf)  # nothing is clipped
    return grid.values(cells, middle=True)
