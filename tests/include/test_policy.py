"""When drift is confirmed, when it retrains, when a challenger takes over."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.use_cases.definition import METRICS, Monitoring, Promotion
from include.use_cases.policy import (
    BadEvent,
    Decision,
    Retraining,
    Verdict,
    Window,
    confirm,
    may_retrain,
    promote,
    read_event,
    retrainings_remembered,
    windows_remembered,
)
from quality.classification import METRIC_TITLES

NOW = datetime(2026, 11, 21, tzinfo=UTC)
DAY = timedelta(days=1)
POLICY = Monitoring(drifted_windows=2, of_windows=3)


def windows(*verdicts: Verdict, baseline: str = "v1") -> list[Window]:
    """One window a day, the last one ends now."""
    count = len(verdicts)
    ends = [NOW - (count - 1 - n) * DAY for n in range(count)]
    return [Window(end - DAY, end, verdict, baseline) for end, verdict in zip(ends, verdicts, strict=True)]


@pytest.mark.parametrize(
    ("verdicts", "confirmed"),
    [
        (("drift",), False),
        (("drift", "drift"), True),
        (("drift", "ok", "drift"), True),
        (("drift", "ok", "ok", "drift"), False),
        (("drift", "drift", "ok"), False),  # the newest window is what counts
        (("drift", "watch"), False),
        (("drift", "not enough data", "not enough data", "drift"), True),  # no evidence against it either
        (("drift", "drift", "not enough data"), False),
        ((), False),
    ],
)
def test_so_many_drifted_windows_of_the_last_confirm_a_drift(
    verdicts: tuple[Verdict, ...], confirmed: bool
) -> None:
    assert confirm(windows(*verdicts), POLICY).yes is confirmed


def test_windows_against_another_baseline_do_not_count() -> None:
    assert not confirm(
        [*windows("drift", "drift", baseline="v1")[:1], *windows("drift", baseline="v2")], POLICY
    ).yes


def test_the_same_traffic_looked_at_twice_is_one_window() -> None:
    overlapping = [
        Window(NOW - DAY, NOW, "drift", "v1"),
        Window(NOW - 1.5 * DAY, NOW - DAY / 2, "drift", "v1"),
    ]
    assert not confirm(overlapping, POLICY).yes
    assert confirm([*overlapping, Window(NOW - 3 * DAY, NOW - 2 * DAY, "drift", "v1")], POLICY).yes


@pytest.mark.parametrize(
    ("cause", "hours_ago", "allowed"),
    [
        ("drift", [], True),
        ("drift", [5], False),  # cool-down
        ("drift", [100], True),
        ("schedule", [5], True),  # the clock has no cool-down, but the limit of the week
        ("schedule", [5, 100], False),
        ("drift", [100, 150], False),
        ("drift", [100, 200], True),
        ("manual", [1, 2, 3], True),
    ],
)
def test_cool_down_and_the_limit_of_a_week(cause: Any, hours_ago: list[float], allowed: bool) -> None:
    earlier = [Retraining(NOW - timedelta(hours=hours), trained=True) for hours in hours_ago]
    decision = may_retrain(cause, earlier, NOW, Monitoring(cool_down_hours=72, most_per_week=2))
    assert decision.yes is allowed, decision.why


def test_what_trained_nothing_does_not_count() -> None:
    assert may_retrain("drift", [Retraining(NOW, trained=False)] * 5, NOW, POLICY).yes


def comparison(
    champion: float, challenger: float, better: float = 1.0, **others: tuple[float, float]
) -> dict[str, Any]:
    return {
        "champion": {"auc": champion, **{name: pair[0] for name, pair in others.items()}},
        "challenger": {"auc": challenger, **{name: pair[1] for name, pair in others.items()}},
        "better_share": better,
    }


@pytest.mark.parametrize(
    ("metrics", "policy", "promoted", "word"),
    [
        (comparison(0.90, 0.92), Promotion(), True, "0.9000 → 0.9200"),
        (comparison(0.90, 0.90), Promotion(), False, "a gain of 0.005"),
        (comparison(0.90, 0.85), Promotion(), False, "-0.0500"),
        (comparison(0.90, 0.92, better=0.7), Promotion(), False, "70%"),
        (comparison(0.50, 0.60), Promotion(gates={"auc": 0.8}), False, "below the gate"),
        (
            comparison(0.9, 0.92, recall=(0.8, 0.6)),
            Promotion(most_loss={"recall": 0.1}),
            False,
            "recall -0.2",
        ),
        (comparison(0.9, 0.92, recall=(0.8, 0.75)), Promotion(most_loss={"recall": 0.1}), True, "auc"),
    ],
)
def test_a_challenger_takes_over_only_when_it_is_surely_better(
    metrics: dict[str, Any], policy: Promotion, promoted: bool, word: str
) -> None:
    decision = promote(metrics, policy)
    assert decision.yes is promoted
    assert word in decision.why


@pytest.mark.parametrize("number", [math.nan, math.inf, None, "0.99", True])
@pytest.mark.parametrize("place", ["champion auc", "challenger auc", "challenger recall", "better_share"])
def test_a_number_that_is_none_keeps_the_champion(number: Any, place: str) -> None:
    """No comparison with NaN is true, so that a gate written the wrong way round would let it pass."""
    policy = Promotion(gates={"recall": 0.1}, most_loss={"recall": 0.5})
    document = comparison(0.90, 0.99, recall=(0.8, 0.9))
    assert promote(document, policy).yes
    side, _, metric = place.partition(" ")
    if metric:
        document[side][metric] = number
    else:
        document[side] = number
    decision = promote(document, policy)
    assert not decision.yes
    assert f"{place} is" in decision.why


def test_a_metric_that_was_not_measured_keeps_the_champion() -> None:
    decision = promote(comparison(0.90, 0.99), Promotion(gates={"recall": 0.1}))
    assert decision == Decision(False, "not comparable: champion recall is None, challenger recall is None")


@pytest.mark.parametrize("rules", [Monitoring(window_hours=24), Monitoring(window_hours=1000, of_windows=9)])
def test_what_is_remembered_reaches_as_far_back_as_the_rules_look(rules: Monitoring) -> None:
    for length in (timedelta(hours=rules.window_hours), timedelta(days=30)):
        assert windows_remembered(rules, length) >= rules.of_windows * length
    assert retrainings_remembered(rules) >= max(timedelta(days=7), timedelta(hours=rules.cool_down_hours))


REPORT = {"use_case": "churn", "verdict": "drift"}


@pytest.mark.parametrize(
    "extra",
    [REPORT, {**REPORT, "from_rest_api": True}, {"from_trigger": True, "payload": REPORT}],
    ids=["outlet", "rest", "watcher"],
)
def test_a_drift_event_is_read_in_each_shape_that_airflow_knows(extra: dict[str, Any]) -> None:
    cause = read_event("drift/churn", extra)
    assert (cause.use_case, cause.kind, cause.report) == ("churn", "drift", REPORT)


def test_an_event_without_content_is_about_the_asset() -> None:
    assert read_event("drift/churn", {"from_rest_api": True}).report == {}


@pytest.mark.parametrize(
    ("asset", "extra"),
    [
        ("drift/churn", {"use_case": "census"}),
        ("drift", {}),
        ("drift/churn", {"from_trigger": True, "payload": "drift"}),
    ],
)
def test_an_event_that_contradicts_itself_is_refused(asset: str, extra: dict[str, Any]) -> None:
    with pytest.raises(BadEvent, match=asset):
        read_event(asset, extra)


def test_gates_and_promotion_name_metrics_that_are_measured_and_compared() -> None:
    assert tuple(METRIC_TITLES) == METRICS
