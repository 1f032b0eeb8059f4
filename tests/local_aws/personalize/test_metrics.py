"""The definitions of Personalize's metrics, by their worked example and at their edges."""

from __future__ import annotations

import pytest

from include.local_aws.personalize.models.metrics import ndcg, offline, precision, reciprocal_rank


def test_the_worked_example() -> None:
    hits = [False, True, False, False, True]
    assert ndcg(hits, 5) == pytest.approx(0.6241, abs=5e-5)
    assert precision(hits, 5) == 0.4
    assert reciprocal_rank(hits) == 0.5


def test_all_or_nothing() -> None:
    assert ndcg([True] * 5, 5) == 1
    assert ndcg([False] * 5, 5) == 0
    assert reciprocal_rank([False] * 30) == 0
    assert reciprocal_rank([False] * 25 + [True]) == 0  # only the first 25 places count


def test_a_short_list_is_still_divided_by_the_cutoff() -> None:
    assert precision([True, True], 10) == 0.2


def test_means_over_users_and_coverage() -> None:
    metrics = offline([([1, 2, 3], {2}), ([1, 4, 5], {9})], items=10)
    assert metrics["coverage"] == 0.5
    assert metrics["mean_reciprocal_rank_at_25"] == 0.25
    assert metrics["precision_at_5"] == pytest.approx(0.1)
    assert set(metrics) == {
        "coverage",
        "mean_reciprocal_rank_at_25",
        *(f"normalized_discounted_cumulative_gain_at_{k}" for k in (5, 10, 25)),
        *(f"precision_at_{k}" for k in (5, 10, 25)),
    }
