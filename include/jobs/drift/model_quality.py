"""Model quality against its constraints, in the format of Model Monitor.

Amazon SageMaker developer guide, "Monitor model quality". A constraint is the baseline's metric less a
tolerance; it is broken when the window's metric lies beyond. Small windows break constraints by chance: that
alone is watched; drift needs the loss to exceed the sampling error, too.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from drift.columns import DRIFT, OK, WATCH
from drift.distances import SIGMAS
from quality.classification import count, measure, rates

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

Metrics = dict[str, float]

KEY = "binary_classification_constraints"
LESS, GREATER = "LessThanThreshold", "GreaterThanThreshold"
BAD_RATES = ("false_positive_rate", "false_negative_rate")  # the less the better


def metrics_of(actual: np.ndarray, predicted: np.ndarray, scores: np.ndarray) -> Metrics:
    """Metrics that are a single number; without the areas under curves when the rows are of one class.

    :param actual, predicted: classes, both of shape (rows,), True is positive.
    :param scores: probabilities of the positive class, shape (rows,).
    """
    if actual.all() or not actual.any():
        return rates(count(actual, predicted))
    measured = measure(actual, predicted, scores)
    return {name: value for name, value in measured.items() if "best_constant" not in name}


def constraints(metrics: Mapping[str, float], tolerance: float) -> dict[str, Any]:
    """The content of `model_quality_constraints.json`."""
    limits = {
        name: {
            "threshold": min(value + tolerance, 1.0) if name in BAD_RATES else max(value - tolerance, 0.0),
            "comparison_operator": GREATER if name in BAD_RATES else LESS,
        }
        for name, value in metrics.items()
    }
    return {"version": 0.0, KEY: limits}


def compare(
    limits: Mapping[str, Any], metrics: Mapping[str, float], baseline: Mapping[str, Any], actual: np.ndarray
) -> tuple[list[str], str]:
    """The constraints that are broken, and the band.

    :param limits: the content of `model_quality_constraints.json`.
    :param baseline: `rows`, `positives` and `metrics` of the baseline.
    :param actual: the true classes of the window, shape (rows,), True is positive.
    """
    broken = [
        name
        for name, limit in limits[KEY].items()
        if name in metrics and _beyond(metrics[name], limit["threshold"], limit["comparison_operator"])
    ]
    return broken, _band(broken, metrics, baseline, actual) if broken else OK


def _band(
    broken: list[str], metrics: Mapping[str, float], baseline: Mapping[str, Any], actual: np.ndarray
) -> str:
    """Drift where one of the losses is more than the sampling error of both metrics."""
    for name in broken:
        before = baseline["metrics"].get(name)
        if before is None:
            return DRIFT  # a constraint written by hand
        error = math.hypot(
            _error(name, metrics[name], len(actual), int(actual.sum())),
            _error(name, before, baseline["rows"], baseline["positives"]),
        )
        if abs(metrics[name] - before) > SIGMAS * error:
            return DRIFT
    return WATCH


def _beyond(value: float, threshold: float, operator: str) -> bool:
    return value < threshold if operator == LESS else value > threshold


def _error(name: str, value: float, rows: int, positives: int) -> float:
    """Standard error of a metric.

    Binomial over the rows that the metric is a share of, two successes and failures added (Agresti and
    Coull, 1998); for F scores and precision over the positives, which is about what they rest on; for areas
    Hanley and McNeil, Radiology 143, 1982.
    """
    negatives = rows - positives
    if name == "auc":
        ones, twos = value / (2 - value), 2 * value**2 / (1 + value)
        spread = (positives - 1) * (ones - value**2) + (negatives - 1) * (twos - value**2)
        return math.sqrt(max(value * (1 - value) + spread, 0.0) / max(positives * negatives, 1))
    of_negatives = name in ("true_negative_rate", "false_positive_rate")
    base = rows if name == "accuracy" else negatives if of_negatives else positives
    share = (value * base + 2) / (base + 4)
    return math.sqrt(share * (1 - share) / (base + 4))
