"""Champion and challenger on the same rows: how sure a gain is, and the document that says so.

How sure comes from the paired bootstrap (Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
chapter 16): rows, or users, are drawn with replacement, and both sides are measured on the same draw.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SIDES = ("champion", "challenger")
SAMPLES = 500
Predictions = tuple[np.ndarray, np.ndarray]  # classes (bool) and scores, both of shape (rows,)


def resamples(count: int) -> Iterator[np.ndarray]:
    """Rows of each bootstrap sample, shape (count,); the same ones every time."""
    random = np.random.default_rng(0)
    for _ in range(SAMPLES):
        yield random.integers(0, count, count)


def describe_gain(gains: np.ndarray) -> dict[str, Any]:
    """How sure a gain is: the part of `comparison.json` that says so.

    :param gains: the challenger's gain in each bootstrap sample, shape (samples,).
    :return: `better_share`, the share of samples with a gain above 0, and `gain`: its mean and the ends of
        its 90 % percentile interval (Efron and Tibshirani, chapter 13).
    """
    low, high = np.quantile(gains, [0.05, 0.95])
    interval = {"mean": float(gains.mean()), "low": float(low), "high": float(high)}
    return {"gain": {**interval, "samples": len(gains)}, "better_share": float((gains > 0).mean())}


def comparison_document(
    measured: Mapping[str, Mapping[str, float]],
    gains: np.ndarray,
    metric: str,
    shown_metrics: Sequence[str],
    **counts: Any,
) -> dict[str, Any]:
    """`comparison.json`: the metrics of both sides, and how sure the gain of `metric` is.

    :param measured: metrics by name, of each side.
    :param gains: shape (samples,).
    :param shown_metrics: names of the metrics that people are shown.
    :param counts: what was compared: `rows`, `compared_on` and more.
    """
    head = {"version": "1.0", **counts, "metric": metric, "shown": list(shown_metrics)}
    return {**head, **{side: dict(measured[side]) for side in SIDES}, **describe_gain(gains)}


def summary_line(document: Mapping[str, Any]) -> str:
    """The comparison in a line of a log: `champion 0.9000, challenger 0.9100; better in 97%`."""
    values = ", ".join(f"{side} {document[side][document['metric']]:.4f}" for side in SIDES)
    return f"{values}; better in {document['better_share']:.0%}"
