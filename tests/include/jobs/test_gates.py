"""Gates: what is not measured does not pass."""

from __future__ import annotations

import json
import math

import numpy as np

from quality.classification import METRIC_TITLES, METRICS, measure
from quality.gates import check_gates, missed_gates


def test_every_measured_metric_may_have_a_gate() -> None:
    actual, scores = np.array([True, False, True]), np.array([0.9, 0.2, 0.4])
    assert list(METRICS) == list(measure(actual, scores > 0.5, scores))
    assert set(METRIC_TITLES) < set(METRICS)


def test_nan_and_a_missing_metric_do_not_pass() -> None:
    gates = check_gates(
        {"auc": 0.5, "f1": 0.0, "recall": -1}, {"auc": {"value": math.nan}, "recall": {"value": 0.0}}
    )
    assert {name: gate["passed"] for name, gate in gates.items()} == {
        "auc": False,
        "f1": False,
        "recall": True,
    }
    assert json.loads(json.dumps(gates, allow_nan=False))["auc"]["value"] is None
    assert missed_gates(gates) == [
        "auc not measured, at least 0.5 needed",
        "f1 not measured, at least 0 needed",
    ]
