"""Metrics of a binary classifier, in the JSON shape of SageMaker's model quality reports.

Shape: Amazon SageMaker developer guide, "Model quality metrics". The outer key of the confusion matrix is the
actual class, the inner one the predicted class; 1 is the positive class.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from job import DataError

Matrix = dict[str, dict[str, int]]
Metrics = dict[str, float]

RATES = (
    *("accuracy", "precision", "recall", "f1", "f0_5", "f2"),
    *("true_positive_rate", "true_negative_rate", "false_positive_rate", "false_negative_rate"),
)
OF_CONSTANT = ("recall", "precision", "accuracy", "f0_5", "f1", "f2")
METRICS = (*RATES, "auc", "pr_auc", *(f"{name}_best_constant_classifier" for name in OF_CONSTANT))
METRIC_TITLES = {  # the metrics that every report shows → what it calls them
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "auc": "ROC AUC",
    "pr_auc": "PR AUC",
}

DEVIATION_MIN_ROWS = 200  # below, the deviation is the text "NaN", as SageMaker writes it
SAMPLES, SAMPLE_SHARE = 5, 0.8
MAX_CURVE_POINTS = 1000


def evaluate(actual: np.ndarray, predicted: np.ndarray, scores: np.ndarray) -> dict[str, Any]:
    """All metrics of a set of predictions.

    :param actual: the true classes, shape (rows,), True is positive.
    :param predicted: the predicted classes, shape (rows,).
    :param scores: the predicted probabilities of the positive class, shape (rows,).
    :return: the content of `binary_classification_metrics`.
    :raises DataError: when the rows hold one class only, for which no curve is defined.
    """
    if actual.all() or not actual.any():
        raise DataError(f"all {len(actual)} rows are of one class: ROC and precision-recall are not defined")
    values = measure(actual, predicted, scores)
    deviations = _deviations(actual, predicted, scores)
    return {
        "confusion_matrix": count(actual, predicted),
        **{
            name: {"value": value, "standard_deviation": deviations.get(name, "NaN")}
            for name, value in values.items()
        },
        **curves(actual, scores),
    }


def count(actual: np.ndarray, predicted: np.ndarray) -> Matrix:
    """Confusion matrix; `count(...)["1"]["0"]` are the positives that were missed.

    :param actual, predicted: classes, both of shape (rows,), True is positive.
    """
    table = confusion_matrix(actual, predicted, labels=[False, True])
    return {str(a): {str(p): int(table[a, p]) for p in (0, 1)} for a in (0, 1)}


def measure(actual: np.ndarray, predicted: np.ndarray, scores: np.ndarray) -> Metrics:
    """Every metric that is a single number, by the names in `METRICS`; arguments as of `evaluate`.

    `auc` is the area under the ROC curve (Fawcett, Pattern Recognition Letters 27, 2006); `pr_auc` the
    average precision, the step-wise area under the precision-recall curve: Σ (Rₙ - Rₙ₋₁)·Pₙ (scikit-learn's
    `average_precision_score`). The constant classifier calls every row positive, as in SageMaker's example.
    """
    constant = rates(count(actual, np.ones_like(actual)))
    return {
        **rates(count(actual, predicted)),
        "auc": float(roc_auc_score(actual, scores)),
        "pr_auc": float(average_precision_score(actual, scores)),
        **{f"{name}_best_constant_classifier": constant[name] for name in OF_CONSTANT},
    }


def measure_one(name: str, actual: np.ndarray, predicted: np.ndarray, scores: np.ndarray) -> float:
    """One of `RATES`, `auc` or `pr_auc`, without the work for the others; arguments as of `evaluate`."""
    if name == "auc":
        return float(roc_auc_score(actual, scores))
    if name == "pr_auc":
        return float(average_precision_score(actual, scores))
    return rates(count(actual, predicted))[name]


def rates(matrix: Matrix) -> Metrics:
    """Rates that follow from a confusion matrix; a rate of nothing (0/0) is 0."""
    tn, fp, fn, tp = matrix["0"]["0"], matrix["0"]["1"], matrix["1"]["0"], matrix["1"]["1"]
    precision, recall = _ratio(tp, tp + fp), _ratio(tp, tp + fn)
    return {
        "accuracy": _ratio(tp + tn, tp + tn + fp + fn),
        "precision": precision,
        "recall": recall,
        "f1": f_score(precision, recall, 1.0),
        "f0_5": f_score(precision, recall, 0.5),
        "f2": f_score(precision, recall, 2.0),
        "true_positive_rate": recall,
        "true_negative_rate": _ratio(tn, tn + fp),
        "false_positive_rate": _ratio(fp, tn + fp),
        "false_negative_rate": _ratio(fn, tp + fn),
    }


def f_score(precision: float, recall: float, beta: float) -> float:
    """F-beta, (1 + β²)·P·R / (β²·P + R): recall weighs β times as much as precision.

    van Rijsbergen, Information Retrieval, 1979, chapter 7.
    """
    return _ratio((1 + beta**2) * precision * recall, beta**2 * precision + recall)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _deviations(actual: np.ndarray, predicted: np.ndarray, scores: np.ndarray) -> Metrics:
    """Standard deviation of each metric over five random samples of 80 % of the rows."""
    if len(actual) < DEVIATION_MIN_ROWS:
        return {}
    random = np.random.default_rng(0)
    samples = []
    for _ in range(SAMPLES):
        rows = random.choice(len(actual), int(SAMPLE_SHARE * len(actual)), replace=False)
        if actual[rows].all() or not actual[rows].any():
            return {}
        samples.append(measure(actual[rows], predicted[rows], scores[rows]))
    return {name: float(np.std([sample[name] for sample in samples])) for name in samples[0]}


def curves(actual: np.ndarray, scores: np.ndarray) -> dict[str, Any]:
    """ROC and precision-recall curve, thinned to a thousand points each.

    :param actual, scores: classes (True is positive) and probabilities, both of shape (rows,).
    """
    false_positives, true_positives, _ = roc_curve(actual, scores)
    precisions, recalls, _ = precision_recall_curve(actual, scores)
    return {
        "receiver_operating_characteristic_curve": {
            "false_positive_rates": _thin(false_positives),
            "true_positive_rates": _thin(true_positives),
        },
        "precision_recall_curve": {"precisions": _thin(precisions[::-1]), "recalls": _thin(recalls[::-1])},
    }


def _thin(values: np.ndarray) -> list[float]:
    """At most a thousand of the values, evenly spaced, both ends among them."""
    places = np.linspace(0, len(values) - 1, min(len(values), MAX_CURVE_POINTS)).round().astype(int)
    return [float(value) for value in values[places]]
