"""Model quality where labels are rare: an unchanged model is no drift, a broken one is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from drift.columns import DRIFT, OK
from drift.model_quality import KEY, compare, constraints, metrics_of, not_judged

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]  # actual and predicted classes, scores

BASELINE_ROWS = 2_000
WINDOWS = 50


def answered(random: np.random.Generator, rows: int, positive_share: float) -> Rows:
    """A model that misses some positives and raises some alarms, whatever their share is."""
    actual = random.random(rows) < positive_share
    odds = 4 * actual + np.log(positive_share / (1 - positive_share)) + random.normal(size=rows)
    scores = 1 / (1 + np.exp(-odds))
    return actual, scores > 0.5, scores


def described(rows: Rows) -> dict[str, Any]:
    """`quality` of a baseline."""
    return {"rows": len(rows[0]), "positives": int(rows[0].sum()), "metrics": metrics_of(*rows)}


def band(before: Rows, window: Rows) -> str:
    baseline = described(before)
    limits = constraints(baseline["metrics"], 0.05)
    return compare(limits, metrics_of(*window), baseline, window[0])[1]


@pytest.mark.parametrize("positive_share", [0.005, 0.02, 0.14])
def test_windows_of_an_unchanged_model_are_no_drift(positive_share: float) -> None:
    bands = []
    for seed in range(WINDOWS):
        random = np.random.default_rng(seed)
        before = answered(random, BASELINE_ROWS, positive_share)
        bands += [band(before, answered(random, rows, positive_share)) for rows in (100, 500, 2_000)]
    assert bands.count(DRIFT) / len(bands) <= 0.01


@pytest.mark.parametrize(("positive_share", "rows"), [(0.02, 2_000), (0.14, 500), (0.14, 2_000)])
def test_a_broken_model_is_drift(positive_share: float, rows: int) -> None:
    for seed in range(10):
        random = np.random.default_rng(seed)
        before = answered(random, BASELINE_ROWS, positive_share)
        actual, predicted, scores = answered(random, rows, positive_share)
        assert band(before, (random.permutation(actual), predicted, scores)) == DRIFT
        assert band(before, (actual, scores < 0.5, 1 - scores)) == DRIFT


@pytest.mark.parametrize("recall", [0.77, 0.9, 1.0])
def test_a_perfect_model_is_ok_where_no_row_is_positive(recall: float) -> None:
    actual = np.arange(1_000) < 200
    predicted = np.arange(1_000) < 200 * recall
    none = np.zeros(500, dtype=bool)
    window = (none, none, np.full(500, 0.1))
    assert band((actual, predicted, np.where(predicted, 0.9, 0.1)), window) == OK
    assert sorted(metrics_of(*window)) == ["accuracy", "false_positive_rate", "true_negative_rate"]


@pytest.mark.parametrize("positives", [1, 2, 3])
def test_a_few_positives_that_are_missed_are_no_drift(positives: int) -> None:
    """Of a model that misses a tenth of them."""
    before = np.arange(1_000) < 200
    hit = np.arange(1_000) < 180
    actual, missed = np.arange(500) < positives, np.zeros(500, dtype=bool)
    assert band((before, hit, hit * 0.8), (actual, missed, missed * 0.8)) == "watch"


def test_metrics_that_are_not_judged_have_a_reason() -> None:
    random = np.random.default_rng(0)
    baseline = described(answered(random, BASELINE_ROWS, 0.14))
    limits = constraints(baseline["metrics"], 0.05)
    actual, none = np.arange(500) < 9, np.zeros(500, dtype=bool)
    reasons = not_judged(limits, metrics_of(actual, none, none * 0.5), baseline, actual)
    few = "9 rows of the rarer class in the window, 10 are needed"
    assert reasons == {"auc": few, "pr_auc": few, "precision": "not defined in this window"}


def test_a_limit_that_was_written_by_hand_allows_for_the_error_of_the_window() -> None:
    baseline = {"rows": 1_000, "positives": 0, "metrics": {"accuracy": 1.0}}
    limits = {KEY: {"recall": {"threshold": 0.9, "comparison_operator": "LessThanThreshold"}}}
    for positives, expected in ((2, "watch"), (200, DRIFT)):
        actual, none = np.arange(500) < positives, np.zeros(500, dtype=bool)
        assert compare(limits, metrics_of(actual, none, none * 0.5), baseline, actual)[1] == expected
