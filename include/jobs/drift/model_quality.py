"""Model quality against its constraints, in the format of Model Monitor.

Amazon SageMaker developer guide, "Monitor model quality". A constraint is the baseline's metric less a
tolerance; it is broken when the window's metric lies beyond. Small windows break constraints by chance: that
alone is watched; drift needs the loss to exceed the sampling error, too. A metric of which the window holds
nothing, such as the recall of no positives, is not judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drift.columns import DRIFT, OK, WATCH
from drift.distances import SIGMAS
from drift.rates import Rate, deviations
from quality.classification import count, measure, measure_one, rates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np

Metrics = dict[str, float]

KEY = "binary_classification_constraints"
LESS, GREATER = "LessThanThreshold", "GreaterThanThreshold"
BAD_RATES = ("false_positive_rate", "false_negative_rate")  # the less the better
AREAS = ("auc", "pr_auc")
BETAS = {"f0_5": 0.5, "f1": 1.0, "f2": 2.0}
OF_NEGATIVES = ("true_negative_rate", "false_positive_rate")
LEAST_OF_A_CLASS = 10  # rows of either class from which the sampling error of an area is known
NO_SAMPLING_ERROR = 1e12  # rows of a limit that was written by hand


def metrics_of(actual: np.ndarray, predicted: np.ndarray | None, scores: np.ndarray) -> Metrics:
    """Metrics that are a single number; without those that are a share of no rows.

    :param actual, predicted: classes, both of shape (rows,), True is positive; without predicted ones only
        the areas under curves are measured.
    :param scores: probabilities of the positive class, shape (rows,).
    """
    if predicted is None:
        both_classes = actual.any() and not actual.all()
        return {name: measure_one(name, actual, actual, scores) for name in AREAS if both_classes}
    undefined = set(_undefined(actual, predicted))
    one_class = actual.all() or not actual.any()
    measured = rates(count(actual, predicted)) if one_class else measure(actual, predicted, scores)
    return {
        name: value
        for name, value in measured.items()
        if "best_constant" not in name and name not in undefined
    }


def _undefined(actual: np.ndarray, predicted: np.ndarray) -> Iterator[str]:
    """Metrics that are a share of rows of which there are none."""
    if not predicted.any():
        yield "precision"
    if not actual.any():
        yield from ("recall", "true_positive_rate", "false_negative_rate", *BETAS)
    if actual.all():
        yield from OF_NEGATIVES


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


def not_judged(
    limits: Mapping[str, Any], metrics: Mapping[str, float], baseline: Mapping[str, Any], actual: np.ndarray
) -> dict[str, str]:
    """Metrics that have a constraint but cannot be judged, each with the reason; parameters as of `compare`.

    Metrics without a value in the window, and areas where a class has too few rows.
    """
    smaller_classes = {
        "window": _smaller_class(len(actual), int(actual.sum())),
        "baseline": _smaller_class(baseline["rows"], baseline["positives"]),
    }
    few = [
        f"{rows} rows of the rarer class in the {where}, {LEAST_OF_A_CLASS} are needed"
        for where, rows in smaller_classes.items()
        if rows < LEAST_OF_A_CLASS
    ]
    areas = {name: few[0] for name in AREAS if few and name in limits[KEY]}
    absent = "not defined in this window" if "accuracy" in metrics else "the answers have no labels"
    return {name: absent for name in limits[KEY] if name not in metrics} | areas


def _smaller_class(rows: int, positives: int) -> int:
    return min(positives, rows - positives)


def compare(
    limits: Mapping[str, Any], metrics: Mapping[str, float], baseline: Mapping[str, Any], actual: np.ndarray
) -> tuple[list[str], str]:
    """The constraints that are broken, and the band.

    :param limits: the content of `model_quality_constraints.json`.
    :param baseline: `rows`, `positives` and `metrics` of the baseline.
    :param actual: the true classes of the window, shape (rows,), True is positive.
    """
    left_out = not_judged(limits, metrics, baseline, actual)
    broken = {
        name: limit["threshold"]
        for name, limit in limits[KEY].items()
        if name not in left_out and _beyond(metrics[name], limit["threshold"], limit["comparison_operator"])
    }
    window = {"rows": len(actual), "positives": int(actual.sum()), "metrics": metrics}
    lost = any(_lost(name, limit, baseline, window) for name, limit in broken.items())
    return list(broken), DRIFT if lost else WATCH if broken else OK


def _beyond(value: float, threshold: float, operator: str) -> bool:
    return value < threshold if operator == LESS else value > threshold


def _lost(name: str, limit: float, baseline: Mapping[str, Any], window: Mapping[str, Any]) -> bool:
    """Whether a metric is worse than in the baseline by more than the sampling error of both."""
    after = _share(name, window["metrics"][name], _size(name, window))
    value = baseline["metrics"].get(name)
    size = NO_SAMPLING_ERROR if value is None else _size(name, baseline)
    before = _share(name, limit if value is None else value, size or NO_SAMPLING_ERROR)
    return after.share < before.share and deviations(before, after) > SIGMAS


def _share(name: str, value: float, size: float) -> Rate:
    """A metric as a share of so many rows; the more the better."""
    return Rate((1 - value if name in BAD_RATES else value) * size, size)


def _size(name: str, sample: Mapping[str, Any]) -> float:
    """The number of rows that a metric is a share of.

    For an F score the mean of positives and predicted positives, weighted as F weighs them: F = TP / mean.
    For areas, whatever number of rows gives a share the error of the area: under the ROC curve by Hanley and
    McNeil, Radiology 143, 1982; under the precision-recall curve the positives (Boyd, Eng and Page, "Area
    under the precision-recall curve", ECML PKDD 2013).

    :param sample: `rows`, `positives` and `metrics`.
    """
    metrics, positives = sample["metrics"], sample["positives"]
    negatives = sample["rows"] - positives
    if name == "auc":
        return _rows_of_area(metrics[name], positives, negatives)
    if name == "accuracy":
        return float(sample["rows"])
    if name in OF_NEGATIVES:
        return float(negatives)
    predicted = metrics.get("recall", 0.0) * positives + metrics.get("false_positive_rate", 0.0) * negatives
    if name == "precision":
        return float(predicted)
    square = BETAS.get(name, 0.0) ** 2
    return float((square * positives + predicted) / (square + 1)) if name in BETAS else float(positives)


def _rows_of_area(area: float, positives: int, negatives: int) -> float:
    area = min(max(area, 1e-6), 1 - 1e-6)  # at 0 and 1 the limit of the formula
    ones, twos = area / (2 - area), 2 * area**2 / (1 + area)
    own = area * (1 - area)
    spread = (positives - 1) * (ones - area**2) + (negatives - 1) * (twos - area**2)
    return own * positives * negatives / (own + spread)
