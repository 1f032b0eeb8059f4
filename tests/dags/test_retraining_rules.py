"""What a retraining may be told, what it remembers, and whom it believes."""

from __future__ import annotations

import copy
import json
import uuid
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from airflow.sdk import Asset
from airflow.sdk.api.datamodels._generated import DagRunType
from airflow.sdk.exceptions import AirflowSkipException, ParamValidationError

from aws_ml.names import run_key
from include.use_cases.churn.use_case import CHURN
from include.use_cases.movie_recommendations.use_case import MOVIES
from include.workflows.common.errors import UnreadableEvents, WrongOverride
from include.workflows.retraining import causes
from include.workflows.retraining.before import before, is_own_run
from include.workflows.retraining.overrides import checked_overrides
from scripts import local_settings as local

if TYPE_CHECKING:
    from pathlib import Path

    from airflow.dag_processing.dagbag import DagBag

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def message(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The file in which the messages to people land."""
    target = tmp_path / "messages"
    target.touch()
    arguments = {"path": str(target), "text": "{subject}: {text}"}
    notifier = {"class": "tests.dags.notifiers.FileNotifier", "arguments": arguments}
    monkeypatch.setenv("AIRFLOW_VAR_ML_NOTIFIER", json.dumps(notifier))
    return target


class Notes(dict[str, Any]):
    """What a task has pushed to XCom."""

    map_index = -1

    def xcom_push(self, key: str, value: Any) -> None:
        self[key] = value

    def xcom_pull(self, key: str, **source: Any) -> Any:
        return self.get(key)


def context(
    *, run_type: DagRunType = DagRunType.MANUAL, days_ago: float = 0, **others: Any
) -> dict[str, Any]:
    """A task's context, as far as the rules look."""
    moment = NOW - timedelta(days=days_ago)
    run = SimpleNamespace(run_id=f"test__{uuid.uuid4().hex}", run_after=moment, run_type=run_type)
    dag = SimpleNamespace(dag_id="retraining")
    return {"dag_run": run, "dag": dag, "ti": Notes(), "params": {"use_cases": ["churn"]}, **others}


# ---- overrides


@pytest.mark.parametrize(
    "overrides",
    [
        {"deploy": True},
        {"data_uri": "s3://elsewhere/data.csv"},
        {"teardown": True},
        {"gate_f1": 0.0},
        {"max_dept": 3},
        {"max_depth": 3, "deploy": True},
    ],
)
def test_what_the_loop_decides_and_what_does_not_exist_is_refused(
    dag_bag: DagBag, overrides: dict[str, Any]
) -> None:
    params = copy.deepcopy(dag_bag.dags["retraining"].params)
    with pytest.raises(ParamValidationError, match="Additional properties are not allowed"):
        params["overrides"] = overrides
    with pytest.raises(WrongOverride, match="churn: a retraining does not set"):
        checked_overrides(CHURN, overrides)


def test_seed_instances_and_hyperparameters_are_taken(dag_bag: DagBag) -> None:
    overrides = {"split_seed": 7, "training_instance_type": "ml.m5.xlarge", "max_depth": 3, "eta": 0.1}
    params = copy.deepcopy(dag_bag.dags["retraining"].params)
    params["overrides"] = overrides
    assert checked_overrides(CHURN, params["overrides"]) == overrides
    assert checked_overrides(MOVIES, {"split_seed": 7}) == {"split_seed": 7}


@pytest.mark.parametrize(
    "overrides", [{"max_depth": "deep"}, {"split_seed": -1}, {"training_instance_type": "x"}]
)
def test_a_value_that_the_dag_would_refuse_is_refused(dag_bag: DagBag, overrides: dict[str, Any]) -> None:
    params = copy.deepcopy(dag_bag.dags["retraining"].params)
    with pytest.raises(ParamValidationError):
        params["overrides"] = overrides
    with pytest.raises(WrongOverride, match=f"churn: {next(iter(overrides))} cannot be"):
        checked_overrides(CHURN, overrides)


def test_a_hyperparameter_that_is_no_number_is_refused() -> None:
    with pytest.raises(WrongOverride, match="churn: eta cannot be nan"):
        checked_overrides(CHURN, {"eta": float("nan")})


def test_a_use_case_without_the_param_says_so(dag_bag: DagBag) -> None:
    """The form knows all use cases; the task knows the one."""
    with pytest.raises(
        WrongOverride, match="movie_recommendations: a retraining does not set max_depth, only"
    ):
        checked_overrides(MOVIES, {"max_depth": 3})


# ---- what served before


@pytest.fixture
def folder(aws: str) -> str:
    return f"s3://{local.BUCKET}/churn/retraining/{uuid.uuid4().hex}"


def test_a_step_that_is_cleared_midway_still_knows_the_way_back(folder: str) -> None:
    """In mid-canary the endpoint serves the canary's configuration: that is no way back."""
    assert before(folder, "endpoint_config", "old", own=False) == "old"
    assert before(folder, "endpoint_config", "canary", own=True) == "old"
    assert before(folder, "endpoint_config", "final", own=True) == "old"


def test_what_somebody_else_put_into_service_since_is_the_way_back(folder: str) -> None:
    before(folder, "endpoint_config", "old", own=False)
    assert before(folder, "endpoint_config", "newer", own=False) == "newer"
    assert before(folder, "endpoint_config", "canary", own=True) == "newer"


def test_without_a_memory_nothing_is_guessed(folder: str) -> None:
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError):
        before(folder, "endpoint_config", "canary", own=True)


def test_the_challenger_of_this_retraining_is_known_by_its_run() -> None:
    run = context()
    training = SimpleNamespace(run_id=f"retraining__{run_key(run['dag_run'])}", run_after=NOW)
    assert is_own_run(f"s3://b/churn/runs/{run_key(training)}", run)
    assert not is_own_run(f"s3://b/churn/runs/{run_key(training)}", context())


# ---- causes


def function_of(task: Any) -> Any:
    return task.function


def events(*pairs: tuple[str, dict[str, Any]]) -> dict[Asset, list[Any]]:
    return {Asset(name): [SimpleNamespace(extra=extra)] for name, extra in pairs}


def test_an_event_that_cannot_be_read_does_not_hide_the_others() -> None:
    happened = events(("drift/churn", {"use_case": "churn"}), ("drift/movies", {"use_case": "churn"}))
    run = context(run_type=DagRunType.ASSET_TRIGGERED, triggering_asset_events=happened)
    assert [cause["use_case"] for cause in function_of(causes.causes)(**run)] == ["churn"]
    assert run["ti"]["faults"] == ["event of drift/movies: its content is about 'churn'"]


def test_people_are_told_of_events_that_cannot_be_read(database: None, message: Path) -> None:
    """By a task of its own: a message that cannot be sent stops no retraining."""
    run, source = context(), {"task_ids": "causes", "key": "faults"}
    with pytest.raises(AirflowSkipException):
        function_of(causes.report_events)(source, **run)
    run["ti"]["faults"] = ["event of drift/movies: its content is about 'churn'"]
    function_of(causes.report_events)(source, **run)
    assert "drift events that cannot be read: event of drift/movies" in message.read_text()


@pytest.mark.parametrize(
    ("run_type", "kind"),
    [(DagRunType.SCHEDULED, "schedule"), (DagRunType.MANUAL, "manual"), (DagRunType.BACKFILL, "manual")],
)
def test_the_clock_and_people_are_no_drift(run_type: DagRunType, kind: str) -> None:
    """Only a person's wish is not limited."""
    assert function_of(causes.causes)(**context(run_type=run_type)) == [
        {"use_case": "churn", "kind": kind, "report": {}}
    ]


def test_a_run_by_events_without_a_readable_one_fails() -> None:
    """It is no wish of a person, which no limit holds back."""
    happened = events(("drift/movies", {"use_case": "churn"}))
    with pytest.raises(UnreadableEvents, match="None of 1 events"):
        function_of(causes.causes)(
            **context(run_type=DagRunType.ASSET_TRIGGERED, triggering_asset_events=happened)
        )


# ---- earlier decisions


@pytest.fixture
def case() -> str:
    return "churn"


def put_decision(text: str, run: dict[str, Any]) -> str:
    key = f"churn/retraining/{run_key(run['dag_run'])}/decision.json"
    boto3.client("s3").put_object(Bucket=local.BUCKET, Key=key, Body=text.encode())
    return key


def decided(days_ago: float, *, trained: bool = True) -> str:
    moment = NOW - timedelta(days=days_ago)
    return json.dumps({"moment": moment.isoformat(), "trained": trained})


@pytest.fixture
def decisions(aws: str) -> Any:
    """Puts documents of earlier decisions into the bucket, and removes them."""
    keys = []

    def put(text: str, days_ago: float) -> None:
        keys.append(put_decision(text, context(days_ago=days_ago)))

    yield put
    for key in keys:
        boto3.client("s3").delete_object(Bucket=local.BUCKET, Key=key)


DRIFT: Any = {"use_case": "churn", "kind": "drift", "report": {}}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"moment": "2026-11', "cannot be read"),
        # "the last retraining was -36000 hours ago"
        ('{"moment": "2999-01-01T00:00:00+00:00", "trained": true}', "is in the future"),
        ('{"moment": "2026-11-01T00:00:00", "trained": true}', "has no time zone"),
        ('{"moment": "2026-11-01T00:00:00+00:00", "trained": "no"}', "expected true or false"),
        ('{"trained": true}', "KeyError"),
        ("[]", "TypeError"),
        ("[" * 100_000, "cannot be read"),
        ('{"moment": NaN, "trained": true}', "no finite number"),
    ],
)
def test_one_bad_decision_is_named_and_left_out(decisions: Any, text: str, words: str) -> None:
    decisions(text, 2)
    run = context()
    (fault,) = causes.check_allowed(DRIFT, local.BUCKET, run)
    assert run["ti"]["allowed"] == {"yes": True, "why": "drift was confirmed"}
    assert run["ti"]["faults"] == [fault]
    assert words in fault
    assert "/decision.json is left out" in fault


def test_earlier_decisions_hold_back_a_drift(decisions: Any) -> None:
    decisions(decided(2), 2)
    run = context()
    with pytest.raises(AirflowSkipException, match="churn: the last retraining was 48.0 hours ago"):
        causes.check_allowed(DRIFT, local.BUCKET, run)
    assert run["ti"]["allowed"]["yes"] is False
    assert run["ti"]["faults"] == []


def test_a_run_that_is_cleared_later_knows_no_newer_decision(decisions: Any) -> None:
    """The last retraining was -24 hours ago."""
    decisions(decided(1), 1)
    causes.check_allowed(DRIFT, local.BUCKET, run := context(days_ago=2))
    assert run["ti"]["allowed"]["yes"] is True


def test_a_cleared_run_is_not_held_back_by_its_own_decision(aws: str) -> None:
    run = context(days_ago=1)
    key = put_decision(decided(1), run)
    causes.check_allowed(DRIFT, local.BUCKET, run)
    boto3.client("s3").delete_object(Bucket=local.BUCKET, Key=key)


def test_decisions_of_long_ago_are_neither_listed_nor_read(decisions: Any, airflow_calls: Any) -> None:
    decisions(decided(30), 30)
    decisions(decided(2, trained=False), 2)
    before_calls = len(airflow_calls())
    causes.check_allowed(DRIFT, local.BUCKET, context())
    names = [event["eventName"] for event in airflow_calls()[before_calls:]]
    assert names.count("ListObjectsV2") + names.count("ListObjects") == 1
    assert names.count("GetObject") == 1
