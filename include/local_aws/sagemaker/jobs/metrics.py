"""The metrics that SageMaker reads from a training job's log by regular expressions."""

from __future__ import annotations

import math
import re
import threading
import time
from typing import TYPE_CHECKING

from include.local_aws.protocol.errors import ValidationException

if TYPE_CHECKING:
    from collections.abc import Iterable

    from include.local_aws.state import Document

Definition = dict[str, str]  # {"Name": ..., "Regex": ...}

# The metrics that the built-in XGBoost computes, for its channels train and validation.
XGBOOST_METRICS = (
    "accuracy", "auc", "aucpr", "balanced_accuracy", "error", "f1", "f1_binary", "f1_macro", "logloss",
    "mae", "map", "mape", "merror", "mlogloss", "mse", "ndcg", "precision", "precision_macro",
    "precision_micro", "r2", "recall", "recall_macro", "recall_micro", "rmse", "rmsle",
)  # fmt: skip
NUMBER = r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"


def xgboost_definitions() -> list[Definition]:
    """The MetricDefinitions that AWS gives the built-in XGBoost: `train:auc`, `validation:auc` and so on."""
    return [
        {"Name": f"{channel}:{metric}", "Regex": rf".*\[[0-9]+\].*#011{channel}-{metric}:{NUMBER}.*"}
        for channel in ("train", "validation")
        for metric in XGBOOST_METRICS
    ]


class MetricReader:
    """Matches every line of a log; the last value of a metric is its final value. Safe to call from many
    threads.

    :raises ValidationException: for an invalid regular expression, or one without a group for the number.
    """

    def __init__(self, definitions: Iterable[Definition]) -> None:
        self._patterns = [(definition["Name"], _compiled(definition)) for definition in definitions]
        self._lock = threading.Lock()
        self._last: dict[str, Document] = {}

    def read(self, line: str) -> None:
        for name, pattern in self._patterns:
            # a pattern that begins with `.*` matches from the start of a line or not at all;
            # searching from every other position of a long line would only take time
            search = pattern.match if pattern.pattern.startswith(".*") else pattern.search
            if match := search(line):
                self._store(name, match.group(1))

    def final(self) -> list[Document]:
        """FinalMetricDataList: `[{"MetricName", "Value", "Timestamp"}]`, in the order of the definitions."""
        with self._lock:
            return [self._last[name] for name, _ in self._patterns if name in self._last]

    def _store(self, name: str, text: str | None) -> None:
        try:
            value = float(text or "")
        except ValueError:
            return  # the expression matched a text that is not a number; AWS ignores it, too
        if not math.isfinite(value):
            return  # "nan" and "inf" are no numbers that could be compared
        with self._lock:
            self._last[name] = {"MetricName": name, "Value": value, "Timestamp": time.time()}


def _compiled(definition: Definition) -> re.Pattern[str]:
    where = f"MetricDefinitions {definition['Name']!r}"
    try:
        pattern = re.compile(definition["Regex"])
    except re.error as error:
        raise ValidationException(
            f"{where}: {definition['Regex']!r} is no regular expression: {error}"
        ) from error
    if not pattern.groups:
        raise ValidationException(f"{where}: {definition['Regex']!r} has no group that captures the value.")
    return pattern
