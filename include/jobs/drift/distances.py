"""How far two distributions are apart, and how far sampling alone would put them.

`baseline` and `window` are counts over the same bins, both of shape (bins,).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

SIGNIFICANCE = 0.001  # chance that a column without drift exceeds its noise level
SIGMAS = float(-special.ndtri(SIGNIFICANCE / 2))


def shares(counts: np.ndarray) -> np.ndarray:
    """Counts as shares of their sum; half a row is added to each bin (Jeffreys' prior), so that no
    share is zero; shape (bins,).
    """
    smoothed = counts + 0.5
    return np.asarray(smoothed / smoothed.sum())


def psi(baseline: np.ndarray, window: np.ndarray) -> float:
    """Population stability index, Σ (q - p) ln(q/p): the symmetric Kullback-Leibler divergence (Jeffreys).

    Siddiqi, Credit Risk Scorecards, 2006. For two normals of equal variance it is the squared distance of
    their means in standard deviations.
    """
    p, q = shares(baseline), shares(window)
    return float(np.sum((q - p) * np.log(q / p)))


@dataclass(frozen=True)
class Sampling:
    """What PSI does when nothing has drifted: (1/n + 1/m) times a χ² of bins - 1 degrees of freedom.

    B. Yurdakul, J. Naranjo, "Statistical properties of the population stability index", J. Risk Model
    Validation 14(4), 2020.
    """

    unit: float  # 1/n + 1/m
    freedom: int  # bins - 1

    @classmethod
    def of(cls, baseline: np.ndarray, window: np.ndarray) -> Sampling:
        return cls(1 / max(baseline.sum(), 1) + 1 / max(window.sum(), 1), max(len(baseline) - 1, 0))

    @property
    def bias(self) -> float:
        """The mean of PSI without drift."""
        return self.freedom * self.unit

    @property
    def noise(self) -> float:
        """What PSI less its bias exceeds by chance in one of a thousand windows."""
        if not self.freedom:
            return 0.0
        return float(special.chdtri(self.freedom, SIGNIFICANCE)) * self.unit - self.bias

    def p_value(self, index: float) -> float:
        """The chance of a PSI (bias included) this great without drift."""
        return float(special.chdtrc(self.freedom, index / self.unit)) if self.freedom else 1.0


def js_distance(baseline: np.ndarray, window: np.ndarray) -> float:
    """Jensen-Shannon distance, base 2: 0 for equal, 1 for disjoint distributions.

    J. Lin, IEEE Trans. Information Theory 37, 1991; the root is a metric: Endres and Schindelin, 2003.
    """
    p, q = baseline / baseline.sum(), window / window.sum()
    middle = (p + q) / 2
    divergence = special.rel_entr(p, middle).sum() + special.rel_entr(q, middle).sum()
    return math.sqrt(max(float(divergence) / 2 / math.log(2), 0.0))


def wasserstein(values: np.ndarray, baseline: np.ndarray, window: np.ndarray) -> float:
    """First Wasserstein distance ∫ |F - G| dx, in the unit of the values.

    Vallender, Theory of Probability and its Applications 18, 1974.

    :param values: where the bins lie, ascending, shape (bins,).
    """
    gaps = np.abs(np.cumsum(baseline) / baseline.sum() - np.cumsum(window) / window.sum())
    return float(np.sum(gaps[:-1] * np.diff(values)))


def greatest_gap(baseline: np.ndarray, window: np.ndarray) -> float:
    """The greatest |F - G| over ascending bins: L-infinity of the distribution functions."""
    gaps = np.cumsum(baseline) / baseline.sum() - np.cumsum(window) / window.sum()
    return float(np.abs(gaps).max())


def greatest_gap_noise(baseline: np.ndarray, window: np.ndarray) -> float:
    """What `greatest_gap` exceeds by chance in one of a thousand windows.

    The two-sample Kolmogorov-Smirnov test, asymptotic: Smirnov, Annals of Mathematical Statistics 19, 1948.
    """
    unit = 1 / baseline.sum() + 1 / window.sum()
    return float(special.kolmogi(SIGNIFICANCE)) * math.sqrt(unit)


def greatest_difference(baseline: np.ndarray, window: np.ndarray) -> float:
    """The greatest |p - q| over bins without order: L-infinity of the shares."""
    return float(np.abs(baseline / baseline.sum() - window / window.sum()).max())


def greatest_difference_noise(baseline: np.ndarray, window: np.ndarray) -> float:
    """What `greatest_difference` exceeds by chance in one of a thousand windows.

    The widest normal interval of a difference of shares, at a significance divided by the number of bins
    (Bonferroni).
    """
    m, n = baseline.sum(), window.sum()
    pooled = (baseline + window) / (m + n)
    widest = float(np.sqrt(pooled * (1 - pooled) * (1 / m + 1 / n)).max())
    return float(-special.ndtri(SIGNIFICANCE / 2 / len(baseline))) * widest
