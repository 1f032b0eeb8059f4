"""The share of positive predictions: the drift of a rare answer, which distances hardly see."""

from __future__ import annotations

import math
from dataclasses import dataclass

from drift_columns import DRIFT, OK, WATCH
from drift_distances import SIGMAS


@dataclass(frozen=True)
class Rate:
    """Positives among rows."""

    positives: int
    rows: int

    @property
    def share(self) -> float:
        return self.positives / self.rows if self.rows else 0.0


@dataclass(frozen=True)
class RateDrift:
    """A window's rate beside the baseline's."""

    ratio: float  # of the shares, half a positive added to each count, so that it is defined without any
    noise: float  # what |ln ratio| exceeds by chance in one of a thousand windows
    band: str


def compare_rates(baseline: Rate, window: Rate, factor: float) -> RateDrift:
    """Drift where the ratio leaves [1/factor, factor] by more than sampling explains; watch at its root.

    The variance of the logarithm of a ratio of shares is (1 - p)/x + (1 - q)/y, with x and y positives:
    Katz et al., Biometrics 34, 1978; half a positive more: Walter, Biometrika 62, 1975.

    :param factor: above 1; 1.5 is half as many positives again, or two thirds.
    """
    x, m = baseline.positives + 0.5, baseline.rows + 0.5
    y, n = window.positives + 0.5, window.rows + 0.5
    change = math.log((y / n) / (x / m))
    noise = SIGMAS * math.sqrt(max(1 / x - 1 / m + 1 / y - 1 / n, 0.0))
    allowed = math.log(factor)
    band = OK
    if abs(change) > max(allowed / 2, noise):
        band = DRIFT if abs(change) > allowed else WATCH
    return RateDrift(math.exp(change), noise, band)
