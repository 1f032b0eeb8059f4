"""Metrics against a hand-made example, against scikit-learn, and in SageMaker's shape."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from job import DataError
from quality.classification import count, curves, evaluate, f_score, measure, rates

# two of three positives found, one of four negatives called positive
ACTUAL = np.array([1, 1, 1, 0, 0, 0, 0], dtype=bool)
SCORES = np.array([0.9, 0.8, 0.3, 0.7, 0.4, 0.2, 0.1])
PREDICTED = SCORES > 0.5


def random_predictions(rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(5)
    actual = random.random(rows) < 0.3
    scores = np.clip(random.normal(0.3 + 0.3 * actual, 0.2), 0, 1)
    return actual, scores > 0.5, scores


def test_the_outer_key_is_the_actual_class_and_the_inner_the_predicted_one() -> None:
    assert count(ACTUAL, PREDICTED) == {"0": {"0": 3, "1": 1}, "1": {"0": 1, "1": 2}}
    assert count(np.array([True]), np.array([False])) == {"0": {"0": 0, "1": 0}, "1": {"0": 1, "1": 0}}


def test_the_hand_made_example() -> None:
    measured = measure(ACTUAL, PREDICTED, SCORES)
    assert measured["accuracy"] == pytest.approx(5 / 7)
    assert measured["precision"] == measured["recall"] == measured["f1"] == pytest.approx(2 / 3)
    assert measured["false_positive_rate"] == pytest.approx(1 / 4)
    assert measured["false_negative_rate"] == pytest.approx(1 / 3)
    # of the 12 pairs of a positive and a negative, 10 are in the right order
    assert measured["auc"] == pytest.approx(10 / 12)
    # precision at each positive in the order of scores: 1/1, 2/2, 3/5
    assert measured["pr_auc"] == pytest.approx((1 + 1 + 3 / 5) / 3)


def test_sagemakers_worked_example() -> None:
    """Developer guide, "Model quality metrics": the constant classifier calls every row positive."""
    actual = np.array([0, 0, 0, 1], dtype=bool)
    measured = measure(actual, np.array([0, 1, 1, 1], dtype=bool), np.array([0.1, 0.6, 0.7, 0.9]))
    expected = {"recall": 1, "precision": 1 / 3, "accuracy": 0.5, "true_negative_rate": 1 / 3}
    assert {name: measured[name] for name in expected} == pytest.approx(expected)
    constant = {"recall": 1, "precision": 0.25, "accuracy": 0.25}
    assert {name: measured[f"{name}_best_constant_classifier"] for name in constant} == constant


def test_rates_agree_with_scikit_learn() -> None:
    actual, predicted, scores = random_predictions(1000)
    measured = measure(actual, predicted, scores)
    expected = {
        "accuracy": sklearn_metrics.accuracy_score(actual, predicted),
        "precision": sklearn_metrics.precision_score(actual, predicted),
        "recall": sklearn_metrics.recall_score(actual, predicted),
        **{
            name: sklearn_metrics.fbeta_score(actual, predicted, beta=beta)
            for name, beta in (("f0_5", 0.5), ("f1", 1), ("f2", 2))
        },
        "true_negative_rate": sklearn_metrics.recall_score(~actual, ~predicted),
    }
    assert {name: measured[name] for name in expected} == pytest.approx(expected)


def test_a_rate_of_nothing_is_zero() -> None:
    nothing_found = rates({"0": {"0": 5, "1": 0}, "1": {"0": 2, "1": 0}})
    assert (nothing_found["precision"], nothing_found["recall"], nothing_found["f1"]) == (0, 0, 0)
    assert f_score(0, 0, 1) == 0


def test_the_deviation_is_a_number_from_200_rows_on_and_the_text_nan_below() -> None:
    large, small = evaluate(*random_predictions(200)), evaluate(*random_predictions(199))
    assert 0 < large["auc"]["standard_deviation"] < 0.1
    assert small["auc"]["standard_deviation"] == "NaN"


def test_the_document_is_strict_json_and_the_same_every_time() -> None:
    first, second = (json.dumps(evaluate(*random_predictions(300)), allow_nan=False) for _ in range(2))
    assert first == second


def test_curves_run_from_corner_to_corner_and_stay_small() -> None:
    actual, _, scores = random_predictions(50_000)
    both = curves(actual, scores)
    roc, precision_recall = both["receiver_operating_characteristic_curve"], both["precision_recall_curve"]
    assert (roc["false_positive_rates"][0], roc["true_positive_rates"][0]) == (0, 0)
    assert (roc["false_positive_rates"][-1], roc["true_positive_rates"][-1]) == (1, 1)
    assert (precision_recall["recalls"][0], precision_recall["recalls"][-1]) == (0, 1)
    assert len(roc["false_positive_rates"]) == len(precision_recall["recalls"]) == 1000
    area = np.trapezoid(roc["true_positive_rates"], roc["false_positive_rates"])
    assert area == pytest.approx(sklearn_metrics.roc_auc_score(actual, scores), abs=1e-3)


@pytest.mark.parametrize("label", [True, False])
def test_rows_of_one_class_are_refused(label: bool) -> None:
    with pytest.raises(DataError, match="all 3 rows are of one class"):
        evaluate(np.full(3, label), np.full(3, label), np.array([0.1, 0.2, 0.3]))
