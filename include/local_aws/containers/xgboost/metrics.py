"""Evaluation metrics that the container adds to XGBoost's own; computed by scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import xgboost

HIGHER_IS_BETTER = {
    "accuracy",
    "auc",
    "aucpr",
    "balanced_accuracy",
    "f1",
    "f1_binary",
    "f1_macro",
    "map",
    "ndcg",
}
HIGHER_IS_BETTER |= {"precision", "precision_macro", "precision_micro", "r2"}
HIGHER_IS_BETTER |= {"recall", "recall_macro", "recall_micro"}


def maximises(metric: str) -> bool:
    """Whether a higher value is better; the channel of `validation:auc` is ignored."""
    return metric.rpartition(":")[2].partition("@")[0] in HIGHER_IS_BETTER


def custom_metric(names: list[str]) -> Callable[[np.ndarray, xgboost.DMatrix], list[tuple[str, float]]]:
    """The argument `custom_metric` of `xgboost.train` for the container's own metrics."""

    def evaluate(predictions: np.ndarray, data: xgboost.DMatrix) -> list[tuple[str, float]]:
        truth = data.get_label()
        return [(name, _value(name, truth, predictions)) for name in names]

    return evaluate


def _value(name: str, truth: np.ndarray, predictions: np.ndarray) -> float:
    """One metric of scikit-learn.

    :param truth: shape (rows,).
    :param predictions: shape (rows,), or (rows, classes) for class probabilities.
    """
    from sklearn import metrics

    if name in ("mse", "r2"):
        return float((metrics.mean_squared_error if name == "mse" else metrics.r2_score)(truth, predictions))
    labels = predictions.argmax(axis=1) if predictions.ndim > 1 else np.rint(predictions)
    base, _, average = name.partition("_")
    if name == "accuracy":
        return float(metrics.accuracy_score(truth, labels))
    if name == "balanced_accuracy":
        return float(metrics.balanced_accuracy_score(truth, labels))
    score: Any = {
        "f1": metrics.f1_score,
        "precision": metrics.precision_score,
        "recall": metrics.recall_score,
    }[base]
    averaging = average or ("macro" if base == "f1" else "binary" if len(np.unique(truth)) == 2 else "macro")
    return float(score(truth, labels, average=averaging, zero_division=0))
