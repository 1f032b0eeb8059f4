"""Every field of a use case changes something: a task, a request, a report, or a decision."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from include.use_cases import policy
from include.use_cases.churn.use_case import CHURN
from include.use_cases.definition import Join, Monitoring, Promotion, Published, RawFormat, UseCase
from include.workflows.classification.steps import Classifier
from include.workflows.common.errors import VerificationFailed
from include.workflows.monitoring.windows import window_span
from include.workflows.retraining.classifier import comparison_arguments
from include.workflows.retraining.decision import needs_person
from include.workflows.retraining.traffic_shift import canary_minutes, shift_variants
from include.workflows.retraining.verification import check_errors, check_speed

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 11, 29, tzinfo=UTC)
OTHER: dict[str, Any] = {
    "name": "attrition",
    "title": "Attrition",
    "dataset": "attrition_data",
    "columns": {**CHURN.columns, "Area Code": "ignore"},
    "labels": ("no", "yes"),
    "hyperparameters": {**CHURN.hyperparameters, "max_depth": "3"},
    "classes": ("remains", "goes"),
    "gates": {"f1": 0.5},
    "sklearn_version": "1.4-2",
    "xgboost_version": "1.7-1",
    "split_seed": 7,
    "threshold": 0.3,
    "instance_type": "ml.m5.xlarge",
    "owner": "somebody",
    "tags": ("other",),
    "raw.header": False,
    "raw.separator": ";",
    "raw.strip": True,
    "raw.missing": ("?",),
    "raw.joins": (Join("plans", "Phone"),),
    "published.metrics": {"f1": 0.1},
    "published.source": "elsewhere",
    "monitoring.window_hours": 1.0,
    "monitoring.minimum_rows": 10,
    "monitoring.watch": 0.05,
    "monitoring.drift": 0.5,
    "monitoring.columns": {"Day Mins": 0.3},
    "monitoring.drift_share": 0.5,
    "monitoring.rate_factor": 3.0,
    "monitoring.drifted_windows": 1,
    "monitoring.of_windows": 1,
    "monitoring.cool_down_hours": 1.0,
    "monitoring.most_per_week": 1,
    "promotion.metric": "f1",
    "promotion.least_gain": 0.2,
    "promotion.gates": {"f1": 0.99},
    "promotion.certainty": 0.99,
    "promotion.most_loss": {"recall": 0.01},
    "promotion.approval": "manual",
    "promotion.canary_share": 0.5,
    "promotion.canary_minutes": 1.0,
    "promotion.most_errors": 0.5,
    "promotion.slowest_ms": 1.0,
}


def field_names() -> list[str]:
    """Fields of `UseCase`; of its parts, their fields (`raw.header`)."""
    names = []
    for field in fields(UseCase):
        part = getattr(CHURN, field.name)
        nested = isinstance(part, RawFormat | Monitoring | Promotion | Published)
        names += [f"{field.name}.{inner.name}" for inner in fields(part)] if nested else [field.name]
    return names


def changed(name: str) -> UseCase:
    """The churn use case with another value of one field."""
    part, _, inner = name.partition(".")
    if not inner:
        return replace(CHURN, **{part: OTHER[name]})
    return replace(CHURN, **{part: replace(getattr(CHURN, part), **{inner: OTHER[name]})})


def tasks_of(case: UseCase) -> str:
    """The DAG of a use case with all its requests, as Airflow stores it."""
    from airflow.serialization.serialized_objects import DagSerialization

    with (steps := Classifier(case)).dag(doc_md="") as dag:
        steps.stage_data(), steps.upload_code(), steps.preprocess(), steps.train(), steps.create_model()
        steps.batch_transform(), steps.evaluate(), steps.baseline(), steps.register()
        steps.deploy(), steps.publish(), steps.teardown()
    return json.dumps(DagSerialization.to_dict(dag)["dag"], sort_keys=True, default=str)


@cache
def churn_tasks() -> str:
    return tasks_of(CHURN)


def raises(check: Callable[[], object]) -> bool:
    try:
        check()
    except VerificationFailed:
        return True
    return False


def decisions_of(case: UseCase) -> list[object]:
    """What monitor and retraining make of a case's policies in situations near their limits."""
    window = timedelta(hours=1)
    verdicts: tuple[policy.Verdict, ...] = ("drift", "ok", "drift")
    windows = [
        policy.Window(NOW - (age + 1) * window, NOW - age * window, verdict, "arn")
        for age, verdict in enumerate(verdicts)
    ]
    earlier = [policy.Retraining(NOW - timedelta(hours=hours), trained=True) for hours in (2,)]
    numbers = {"auc": 0.9, "f1": 0.8, "recall": 0.7}
    better = {"auc": 0.95, "f1": 0.8, "recall": 0.65}
    comparison = {"champion": numbers, "challenger": better, "better_share": 0.95}
    return [
        case.monitor_arguments,
        comparison_arguments(case),
        window_span(case.monitoring, None, NOW, NOW - timedelta(days=30)),
        policy.confirm(windows, case.monitoring),
        policy.confirm(windows[:2], case.monitoring),
        policy.may_retrain("drift", earlier, NOW, case.monitoring),
        policy.may_retrain("schedule", earlier, NOW, case.monitoring),
        policy.promote(comparison, case.promotion),
        needs_person(case.promotion, ask=False),
        shift_variants(case.promotion, "old", "new", "ml.m5.large"),
        canary_minutes(case.promotion, None),
        raises(lambda: check_errors("here", ["an error"] * 3, 100, case.promotion)),
        raises(lambda: check_speed("here", [10.0] * 100, case.promotion, None)),
    ]


def test_another_value_is_listed_for_every_field() -> None:
    assert is_dataclass(UseCase)
    assert set(field_names()) == set(OTHER)


@pytest.mark.parametrize("name", field_names())
def test_a_field_changes_a_task_a_request_a_report_or_a_decision(name: str) -> None:
    case = changed(name)
    assert decisions_of(case) != decisions_of(CHURN) or tasks_of(case) != churn_tasks()
