"""The share of positive predictions: the drift of a rare answer, which distances hardly see."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special

from drift.columns import DRIFT, OK, WATCH
from drift.distances import SIGMAS


@dataclass(frozen=True)
class Rate:
    """Positives among rows."""

    positives: float
    rows: float

    @property
    def share(self) -> float:
        return self.positives / self.rows if self.rows else 0.0


@dataclass(frozen=True)
class RateDrift:
    """A window's rate beside the baseline's."""

    ratio: float  # of the shares, half a positive added to each count, so that it is defined without any
    p_value: float  # chance of such a difference without drift
    band: str


def compare_rates(baseline: Rate, window: Rate, factor: float) -> RateDrift:
    """Drift where the ratio leaves [1/factor, factor] by more than sampling explains; watch at its root.

    :param factor: above 1; 1.5 is half as many positives again, or two thirds.
    """
    ratio = _smoothed(window) / _smoothed(baseline)
    change, allowed, distance = abs(math.log(ratio)), math.log(factor), deviations(baseline, window)
    band = OK
    if distance > SIGMAS and change > allowed / 2:
        band = DRIFT if change > allowed else WATCH
    return RateDrift(ratio, float(2 * special.ndtr(-distance)), band)


def _smoothed(rate: Rate) -> float:
    return (rate.positives + 0.5) / (rate.rows + 0.5)


def deviations(baseline: Rate, window: Rate) -> float:
    """The difference of two shares in standard deviations, right for rare positives and for none at all.

    By asin √((x + 3/8) / (n + 3/4)), whose variance is 1/(4n) whatever the share: Anscombe, Biometrika 35,
    1948.
    """
    angles = [math.asin(math.sqrt((r.positives + 0.375) / (r.rows + 0.75))) for r in (baseline, window)]
    return 2 * abs(angles[0] - angles[1]) / math.sqrt(1 / baseline.rows + 1 / window.rows)
