"""Gates: the least value that a metric must have before a model goes further."""

from __future__ import annotations

import argparse
import json
import math
from typing import TYPE_CHECKING, Any

from quality.classification import METRICS

if TYPE_CHECKING:
    from collections.abc import Mapping

# more is better: a least value of an error rate, or of a constant classifier, would mean nothing
GATE_METRICS = tuple(name for name in METRICS if "constant" not in name and not name.startswith("false_"))
Gates = dict[str, dict[str, Any]]  # metric → least, value, passed


def parse_gates(text: str) -> dict[str, float]:
    """The `--gates` argument, `{"f1": 0.81}`: metric → least value.

    :raises argparse.ArgumentTypeError: when it is no JSON object, a metric is unknown, or a value is no
        finite number.
    """
    try:
        gates = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not JSON: {error}") from error
    if not isinstance(gates, dict):
        raise argparse.ArgumentTypeError(f"{text[:40]!r}: expected an object of metrics and least values")
    for name, least in gates.items():
        if name not in GATE_METRICS:
            raise argparse.ArgumentTypeError(f"unknown metric {name!r}: expected {', '.join(GATE_METRICS)}")
        if isinstance(least, bool) or not isinstance(least, int | float) or not math.isfinite(least):
            raise argparse.ArgumentTypeError(f"{name}: {least!r} is not a finite number")
    return {name: float(least) for name, least in gates.items()}


def check_gates(gates: Mapping[str, float], metrics: Mapping[str, Any]) -> Gates:
    """Each gate beside the measured value; a metric that is missing or no number does not pass.

    :param metrics: `binary_classification_metrics`, a metric is `{"value": ...}`.
    """
    gate_results: Gates = {}
    for name, least in gates.items():
        entry = metrics.get(name)
        value = entry.get("value") if isinstance(entry, dict) else None
        usable = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        gate_results[name] = {
            "least": least,
            "value": value if usable else None,
            "passed": usable and value is not None and value >= least,
        }
    return gate_results


def missed_gates(gates: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The gates that did not pass, in words: `f1 0.7500 < 0.81`."""
    return [f"{name} {_shortfall(gate)}" for name, gate in gates.items() if not gate["passed"]]


def _shortfall(gate: Mapping[str, Any]) -> str:
    if gate["value"] is None:
        return f"not measured, at least {gate['least']:g} needed"
    return f"{gate['value']:.4f} < {gate['least']:g}"
