"""Metrics of ranked lists, by examples worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from quality.ranking import measure, ndcg, ndcg_listed, precision, reciprocal_rank

HITS = np.array([False, True, False, False, True])


def test_precision_and_reciprocal_rank() -> None:
    assert precision(HITS, 5) == 0.4
    assert precision(HITS, 10) == 0.2  # a short list is divided by the cutoff all the same
    assert reciprocal_rank(HITS, 5) == 0.5
    assert reciprocal_rank(HITS, 1) == 0


def test_the_standard_ndcg_is_over_the_best_list_possible() -> None:
    gained = 1 / math.log2(3) + 1 / math.log2(6)
    assert ndcg(HITS, 5, relevant=3) == pytest.approx(gained / (1 + 1 / math.log2(3) + 1 / math.log2(4)))
    assert ndcg(np.array([True]), 5, relevant=1) == 1
    assert ndcg(HITS, 5, relevant=0) == 0


def test_the_originals_ndcg_counts_the_first_two_places_the_same_and_looks_at_the_list_only() -> None:
    assert ndcg_listed(np.array([True, False]), 5) == ndcg_listed(np.array([False, True]), 5) == 1
    assert ndcg_listed(HITS, 5) == pytest.approx((1 + 1 / math.log2(5)) / 2)
    assert ndcg_listed(np.array([False]), 5) == 0


def test_each_metric_has_its_own_name() -> None:
    answers = {"1": list("abcdefghijk")}
    measured = measure(answers, {"1": {"g", "h"}}, catalogue=22)
    assert measured["precision_5"] == 0
    assert measured["precision_10"] == 0.2
    assert measured["precision_25"] == pytest.approx(2 / 25)
    assert measured["mrr_5"] == 0
    assert measured["mrr_25"] == pytest.approx(1 / 7)
    assert measured["coverage"] == 0.5
    assert measured["users"] == 1


def test_a_user_without_an_answer_is_a_miss_one_without_truth_does_not_count() -> None:
    measured = measure({"1": ["a"]}, {"1": {"a"}, "2": {"b"}, "3": set()}, catalogue=2)
    assert measured["mrr_25"] == 0.5
    assert measured["users"] == 2
