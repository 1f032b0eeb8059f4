"""The files of a window: those of its hours, found without a look at the others."""

from __future__ import annotations

import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from include.use_cases.catalogue import CASES, RECOMMENDERS
from include.use_cases.churn.use_case import CHURN
from include.use_cases.movie_recommendations.use_case import MOVIES
from include.workflows.common.s3_documents import objects_of
from include.workflows.monitoring.captured_files import labelled_traffic, traffic_inputs
from include.workflows.recommendation import campaigns
from include.workflows.retraining import recommender
from include.workflows.retraining.handover import learned_until
from scripts import local_settings as local
from tests.dags.test_retraining_rules import Notes
from tests.dags.test_retraining_rules import context as rules_context

if TYPE_CHECKING:
    from collections.abc import Iterable

START = datetime(2026, 11, 21, 4, 30, tzinfo=UTC)
DAY = timedelta(days=1)
VARIANT = "capture/churn/AllTraffic"


@pytest.fixture
def case(aws: str) -> str:
    return f"case_x{uuid.uuid4().hex[:6]}"


def put(case: str, names: Iterable[str]) -> None:
    s3 = boto3.client("s3")
    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(lambda name: s3.put_object(Bucket=local.BUCKET, Key=f"{case}/{name}", Body=b"{}"), names)
        )


def files_of(case: str, **arguments: Any) -> list[str]:
    """The files of the capture, as the manifest lists them."""
    folder = f"s3://{local.BUCKET}/{case}/{uuid.uuid4().hex}"
    inputs, _ = traffic_inputs(case, local.BUCKET, folder, **{"start": START, **arguments})
    place = next(iter(inputs), None)
    if place is None:
        return []
    assert list(inputs) == [place]
    assert inputs[place].startswith(f"{folder}/inputs/{place}-")
    key = inputs[place].removeprefix(f"s3://{local.BUCKET}/")
    prefix, *files = json.loads(boto3.client("s3").get_object(Bucket=local.BUCKET, Key=key)["Body"].read())
    assert prefix == {"prefix": f"s3://{local.BUCKET}/"}
    return [file.removeprefix(f"{case}/") for file in files]


def test_the_hours_of_a_window_are_listed_in_a_manifest(case: str) -> None:
    hours = (
        "2025/12/31/23",
        "2026/11/21/03",
        "2026/11/21/04",
        "2026/11/21/05",
        "2026/11/22/00",
        "2027/01/01/00",
    )
    put(case, (f"{VARIANT}/{hour}/a.jsonl" for hour in hours))
    assert files_of(case) == [f"{VARIANT}/{hour}/a.jsonl" for hour in hours[2:]]
    until = datetime(2026, 11, 21, 5, 59, tzinfo=UTC)
    assert files_of(case, until=until) == [f"{VARIANT}/{hour}/a.jsonl" for hour in hours[2:4]]


def test_hours_are_in_utc(case: str) -> None:
    put(case, (f"{VARIANT}/2026/11/21/{hour:02}/a.jsonl" for hour in range(8)))
    there = START.astimezone(timezone(timedelta(hours=9)))
    assert files_of(case, start=there, until=there) == [f"{VARIANT}/2026/11/21/04/a.jsonl"]


def test_every_variant_and_every_endpoint_counts(case: str) -> None:
    trees = ("churn/AllTraffic", "churn/challenger", "old-churn/AllTraffic")
    put(case, (f"capture/{tree}/2026/11/21/05/a.jsonl" for tree in trees))
    assert files_of(case) == [f"capture/{tree}/2026/11/21/05/a.jsonl" for tree in trees]


def test_a_log_without_folders_above_its_years(case: str) -> None:
    put(case, ["interactions/2026/11/21/05/ml-log-1"])
    assert files_of(case, places=("interactions",)) == ["interactions/2026/11/21/05/ml-log-1"]


@pytest.mark.parametrize(
    "name",
    ["a.jsonl", "odd/a.jsonl", "2026/11/21/05/deep/a.jsonl", "2026/11/21/a.jsonl", "2026-11-21/05/a.jsonl"],
)
def test_what_lies_in_no_hour_is_named(case: str, name: str) -> None:
    put(case, [f"interactions/{name}", "interactions/2026/11/21/05/a.csv"])
    assert files_of(case, places=("interactions",)) == ["interactions/2026/11/21/05/a.csv"]
    folder = f"s3://{local.BUCKET}/{case}/here"
    strays = traffic_inputs(case, local.BUCKET, folder, START, ("interactions",)).strays
    assert strays == [f"s3://{local.BUCKET}/{case}/interactions/{name}"]


def test_a_log_of_several_sources_is_read_whole(case: str) -> None:
    names = [f"interactions/{source}2026/11/21/05/a.csv" for source in ("", "app/", "web/eu/")]
    put(case, names)
    assert files_of(case, places=("interactions",)) == names


def test_a_label_is_learned_from_by_when_it_arrived(case: str) -> None:
    """It may come weeks after its request, and after a retraining that the request came before."""
    churn = replace(CHURN, name=case, label_days=30)
    now = datetime.now(UTC)
    request, old_request = (f"{VARIANT}/{now - days * DAY:%Y/%m/%d/%H}/a.jsonl" for days in (20, 70))
    early, late = (f"ground_truth/{now - days * DAY:%Y/%m/%d/%H}/a.jsonl" for days in (20, 19))
    put(case, [request, old_request, early])
    time.sleep(1)  # S3 tells whole seconds
    moment = datetime.now(UTC).replace(microsecond=0)
    put(case, [late])
    folder = f"s3://{local.BUCKET}/{case}/here"

    def learned(since: datetime, until: datetime) -> dict[str, list[str]]:
        inputs = labelled_traffic(churn, local.BUCKET, folder, since, until).inputs
        return {place: objects_of(uri) for place, uri in inputs.items()}

    def uris(*names: str) -> list[str]:
        return [f"s3://{local.BUCKET}/{case}/{name}" for name in names]

    assert learned(now - DAY, moment) == {"capture": uris(request), "ground_truth": uris(early)}
    assert learned(moment, moment + DAY) == {"capture": uris(request), "ground_truth": uris(late)}
    assert learned(moment + DAY, moment + 2 * DAY) == {}


def test_a_label_whose_request_reaches_s3_later_is_the_next_retrainings(case: str) -> None:
    """Data capture writes a request some minutes after it came; its label may be there at once."""
    churn, hour = replace(CHURN, name=case), f"{datetime.now(UTC):%Y/%m/%d/%H}"
    put(case, [f"ground_truth/{hour}/label.jsonl"])
    time.sleep(1.1)  # S3's times are whole seconds
    due, folder = datetime.now(UTC), f"s3://{local.BUCKET}/{case}/here"

    def until(moment: datetime, since: datetime) -> datetime:
        run = SimpleNamespace(run_after=moment)
        return learned_until({"dag_run": run, "params": {"settle_minutes": 1}}, since)

    first = until(due, due - DAY)
    assert first == due - timedelta(minutes=1)
    assert labelled_traffic(churn, local.BUCKET, folder, due - DAY, first).inputs == {}
    put(case, [f"{VARIANT}/{hour}/request.jsonl"])
    second = until(due + DAY, first)
    inputs = labelled_traffic(churn, local.BUCKET, folder, first, second).inputs
    assert sorted(inputs) == ["capture", "ground_truth"]
    assert until(due, due) == due  # never back before what the champion has learned


@pytest.mark.parametrize("is_by_retraining", [True, False])
def test_the_log_between_the_listing_and_the_training_is_not_lost(
    case: str, monkeypatch: pytest.MonkeyPatch, is_by_retraining: bool
) -> None:
    """A retraining lists the log; its training run may begin much later, when a task was cleared."""
    movies = replace(MOVIES, name=case)
    monkeypatch.setitem(RECOMMENDERS, case, movies)
    listed, began = datetime(2026, 11, 29, 4, tzinfo=UTC), datetime(2026, 11, 29, 16, 10, tzinfo=UTC)
    run = f"s3://{local.BUCKET}/{case}/runs/x"
    conf = {"learned_until": listed.isoformat()} if is_by_retraining else {}
    record: Any = campaigns.record_run
    context = {"ti": Notes(), "dag_run": SimpleNamespace(run_after=began, conf=conf)}
    left = record.function(case, run, {}, {}, **context)
    assert left["moment"] == began.isoformat()
    assert campaigns._read_record(run)["learned_until"] == (
        listed.isoformat() if is_by_retraining else began.isoformat()
    )


def test_what_a_retraining_lists_of_the_log_is_what_its_version_has_learned(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    movies, now = replace(MOVIES, name=case), datetime.now(UTC)
    for catalogue in (RECOMMENDERS, CASES):
        monkeypatch.setitem(catalogue, case, movies)
    monkeypatch.setenv("AIRFLOW_VAR_ML_ROLE_ARN", local.ROLE)
    hours = [f"interactions/{now - timedelta(hours=hours):%Y/%m/%d/%H}/log.csv" for hours in range(9)]
    put(case, [*hours, "data/i.csv"])

    def plan(since: datetime, due: datetime) -> tuple[list[str], Any]:
        data = {"interactions": f"s3://{local.BUCKET}/{case}/data/i.csv"}
        run, moment = f"s3://{local.BUCKET}/{case}/runs/x", since.isoformat()
        serving = campaigns.Served(case, "arn", run, data, moment, moment)
        monkeypatch.setattr(recommender, "served", lambda *anything: serving)
        function: Any = recommender.plan_recommender
        task_context = {
            **rules_context(),
            "params": {"overrides": {}, "instance_type": "ml.m5.large", "settle_minutes": 0},
        }
        task_context["dag_run"].run_after = due
        cause = {"use_case": case, "kind": "manual", "report": {}}
        result = function.function(cause, local.BUCKET, {"files": "s3://c/code/"}, **task_context)
        inputs = {each["InputName"]: each["S3Input"]["S3Uri"] for each in result["join"]["ProcessingInputs"]}
        return objects_of(inputs["interactions"]), result["conf"]

    middle = now - timedelta(hours=4)
    first, conf = plan(now - timedelta(days=7), middle)
    assert conf["learned_until"] == middle.isoformat()
    second, _ = plan(datetime.fromisoformat(conf["learned_until"]), now)
    assert {*first, *second} == {f"s3://{local.BUCKET}/{case}/{hour}" for hour in hours}
    assert set(first) != {*first, *second}


def test_the_work_does_not_grow_with_history(case: str, airflow_calls: Any) -> None:
    """A year at a file a minute is half a million keys; here 100 files an hour, for 10 and for 100 hours."""

    def work(hours: int) -> tuple[list[str], list[str]]:
        before = START - timedelta(hours=hours)
        put(
            case,
            (
                f"{VARIANT}/{before + timedelta(hours=hour):%Y/%m/%d/%H}/{number:03}.jsonl"
                for hour in range(hours)
                for number in range(100)
            ),
        )
        calls = len(airflow_calls())
        files = files_of(case, until=START + timedelta(hours=1))
        return files, [event["eventName"] for event in airflow_calls()[calls:]]

    put(case, (f"{VARIANT}/2026/11/21/05/{number:04}.jsonl" for number in range(1200)))
    little, much = work(10), work(100)
    assert little == much
    assert len(little[0]) == 1200
    assert little[1].count("ListObjectsV2") + little[1].count("ListObjects") <= 6
