"""Every field of a use case changes something: a task, a request, a report, or a decision."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from include.datasets import DatasetError
from include.datasets.canonical import write_canonical
from include.use_cases import policy
from include.use_cases.churn.use_case import CHURN
from include.use_cases.definition import (
    DriftPolicy,
    Join,
    PromotionPolicy,
    Published,
    RawFormat,
    RecommendationUseCase,
    Recommender,
    UseCase,
)
from include.use_cases.movie_recommendations.use_case import MOVIES
from include.workflows.classification.steps import Classifier
from include.workflows.common.errors import VerificationFailed, WorkflowError
from include.workflows.monitoring.captured_files import oldest_request
from include.workflows.monitoring.windows import window_span
from include.workflows.recommendation.steps import Recommendation
from include.workflows.retraining.classifier import comparison_arguments
from include.workflows.retraining.permission import needs_person
from include.workflows.retraining.traffic_shift import canary_minutes, shift_variants
from include.workflows.retraining.verification import check_errors, check_speed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from include.use_cases.definition import Kind

Case = TypeVar("Case", UseCase, RecommendationUseCase)
PARTS = (RawFormat, DriftPolicy, PromotionPolicy, Published)
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
    "label_days": 7,
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


def field_names(case: UseCase | RecommendationUseCase) -> list[str]:
    """Fields of a use case; of its parts, their fields (`raw.header`)."""
    names = []
    for field in fields(case):
        part = getattr(case, field.name)
        nested = isinstance(part, PARTS)
        names += [f"{field.name}.{inner.name}" for inner in fields(part)] if nested else [field.name]
    return names


def changed(name: str) -> UseCase:
    """The churn use case with another value of one field."""
    return with_field(CHURN, name, OTHER[name])


def with_field(case: Case, name: str, value: Any) -> Case:
    """A use case with another value of one field, which may be one of a part (`raw.header`)."""
    part, _, inner = name.partition(".")
    change: dict[str, Any] = {part: replace(getattr(case, part), **{inner: value}) if inner else value}
    return replace(case, **change)


def tasks_of(case: UseCase) -> str:
    """The DAG of a use case with all its requests, as Airflow stores it."""
    from airflow.serialization.serialized_objects import DagSerialization

    with (steps := Classifier(case)).dag(doc_md="") as dag:
        steps.stage_data(), steps.upload_code(), steps.preprocess(), steps.train(), steps.create_model()
        steps.batch_transform(), steps.evaluate(), steps.baseline(), steps.register()
        steps.deploy(), steps.publish(), steps.teardown(), steps.finish()
    return json.dumps(DagSerialization.to_dict(dag)["dag"], sort_keys=True, default=str)


@cache
def churn_tasks() -> str:
    return tasks_of(CHURN)


def canonical_of(case: UseCase, folder: Path) -> str:
    """The canonical table of a raw file, or the reason why there is none."""
    (folder / "raw.csv").write_text("Phone,Day Mins,Plan;Tariff,Churn?\n1, 5,?,True.\n2,?,?,False.\n")
    (folder / "plans.csv").write_text("Phone,Plan;Tariff\n1,a\n")
    columns: dict[str, Kind] = {"Phone": "ignore", "Day Mins": "number", "Plan;Tariff": "category"}
    try:
        write_canonical(
            [folder / "raw.csv"],
            folder / "canonical.csv",
            columns={**columns, "Churn?": "label"},
            raw=case.raw,
            joined={"plans": [folder / "plans.csv"]},
        )
    except DatasetError as error:
        return str(error)
    return (folder / "canonical.csv").read_text()


def raises(check: Callable[[], object]) -> bool:
    try:
        check()
    except VerificationFailed:
        return True
    return False


def policy_decisions(case: UseCase | RecommendationUseCase) -> list[object]:
    """What the policies of every use case say in situations near their limits."""
    window = timedelta(hours=1)
    verdicts: tuple[policy.Verdict, ...] = ("drift", "ok", "drift")
    windows = [
        policy.Window(NOW - (age + 1) * window, NOW - age * window, verdict, "arn")
        for age, verdict in enumerate(verdicts)
    ]
    earlier = [policy.Retraining(NOW - timedelta(hours=hours), trained=True) for hours in (2,)]
    numbers = {"auc": 0.9, "f1": 0.8, "recall": 0.7}
    better = {"auc": 0.95, "f1": 0.8, "recall": 0.65}
    if isinstance(case, RecommendationUseCase):
        numbers, better = {**numbers, "ndcg_10": 0.3}, {**better, "ndcg_10": 0.4}
    comparison = {"champion": numbers, "challenger": better, "better_share": 0.95}
    return [
        case.monitor_arguments,
        window_span(case.monitoring, None, NOW, NOW - timedelta(days=30)),
        policy.confirm(windows, case.monitoring),
        policy.confirm(windows[:2], case.monitoring),
        policy.may_retrain("drift", earlier, NOW, case.monitoring),
        policy.may_retrain("schedule", earlier, NOW, case.monitoring),
        policy.promote(comparison, case.promotion),
        needs_person(case.promotion, ask=False),
        raises(lambda: check_speed("here", [10.0] * 100, case.promotion, None)),
    ]


def decisions_of(case: UseCase) -> list[object]:
    """The same, and what only a classifier decides."""
    return [
        *policy_decisions(case),
        comparison_arguments(case),
        shift_variants(case.promotion, "old", "new", "ml.m5.large"),
        canary_minutes(case.promotion, None),
        oldest_request(case, NOW),
        raises(lambda: check_errors("here", ["an error"] * 3, 100, case.promotion)),
    ]


def test_another_value_is_listed_for_every_field() -> None:
    assert set(field_names(MOVIES)) == set(OTHER_RECOMMENDATION) | CHECKED
    assert set(field_names(CHURN)) == set(OTHER)


@pytest.mark.parametrize("name", field_names(CHURN))
def test_a_field_changes_a_task_a_request_a_report_or_a_decision(name: str, tmp_path: Path) -> None:
    case = changed(name)
    if name.startswith("raw."):
        assert canonical_of(case, tmp_path) != canonical_of(CHURN, tmp_path)
    assert decisions_of(case) != decisions_of(CHURN) or tasks_of(case) != churn_tasks()


CHECKED = {"promotion.metric"}  # another one is refused: test_other_metrics_are_refused
OF_CLASSIFIERS = {
    *("monitoring.columns", "monitoring.drift_share", "monitoring.rate_factor"),
    *("promotion.canary_share", "promotion.canary_minutes", "promotion.most_errors"),
}
OTHER_RECOMMENDATION: dict[str, Any] = {
    "name": "books",
    "title": "Books",
    "datasets": {**MOVIES.datasets, "Items": "books"},
    "schemas": {**MOVIES.schemas, "Users": {"USER_ID": "string"}},
    "recommenders": (*MOVIES.recommenders, Recommender("more", "aws-sims", ask="")),
    "event_type": "READ",
    "published": {},
    "published_source": "elsewhere",
    "cold_share": 0.1,
    "holdout_share": 0.2,
    "sklearn_version": "1.4-2",
    "split_seed": 7,
    "instance_type": "ml.m5.xlarge",
    "owner": "somebody",
    "tags": ("other",),
    "monitoring.new_share": 0.1,
    "monitoring.decline": 0.1,
    **{
        name: value
        for name, value in OTHER.items()
        if name.startswith(("monitoring.", "promotion.")) and name not in OF_CLASSIFIERS | CHECKED
    },
}


def recommendation_tasks(case: RecommendationUseCase) -> str:
    """The DAG of a recommendation use case with all its requests, as Airflow stores it."""
    from airflow.serialization.serialized_objects import DagSerialization

    with (steps := Recommendation(case)).dag(doc_md="") as dag:
        steps.stage_data(), steps.upload_code(), steps.prepare(), steps.validate()
        steps.dataset_group(), steps.import_data(), steps.train(), steps.filter_unseen()
        steps.event_tracker(), steps.offline_metrics(), steps.record(), steps.ask_campaigns()
        steps.batch(), steps.session(), steps.evaluate(), steps.publish(), steps.teardown(), steps.finish()
    return json.dumps(DagSerialization.to_dict(dag)["dag"], sort_keys=True, default=str)


@pytest.mark.parametrize("name", sorted(OTHER_RECOMMENDATION))
def test_a_field_of_a_recommendation_use_case_changes_something(name: str) -> None:
    case = with_field(MOVIES, name, OTHER_RECOMMENDATION[name])
    if policy_decisions(case) == policy_decisions(MOVIES):
        assert recommendation_tasks(case) != recommendation_tasks(MOVIES)


def test_other_metrics_are_refused() -> None:
    with pytest.raises(ValueError, match="compared by 'ndcg_10'"):
        with_field(MOVIES, "promotion.metric", "mrr_25")
    with pytest.raises(ValueError, match="churn: unknown metric f7"):
        replace(CHURN, gates={"f7": 0.5})
    with pytest.raises(ValueError, match="churn: columns have 0 labels"):
        replace(CHURN, columns={"State": "category"})


def test_what_no_job_could_be_told_is_refused() -> None:
    """SageMaker takes a hundred arguments of 256 characters."""
    many: dict[str, Kind] = {**CHURN.columns, **{f"column {n}": "number" for n in range(70)}}
    with pytest.raises(ValueError, match="churn: 91 columns are more than a job's arguments can name"):
        replace(CHURN, columns=many)
    long: dict[str, Kind] = {**CHURN.columns, "n" * 250: "number"}
    with pytest.raises(ValueError, match="churn: 'number:nnn.* is longer than a job's arguments"):
        replace(CHURN, columns=long)


def test_a_hyperparameter_cannot_take_the_name_of_a_param() -> None:
    case = replace(CHURN, hyperparameters={"teardown": "1"})
    with pytest.raises(WorkflowError, match="a hyperparameter cannot be called teardown"):
        Classifier(case).dag(doc_md="")
