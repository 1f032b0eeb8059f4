"""The files of a window: those of its hours, found without a look at the others."""

from __future__ import annotations

import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from include.use_cases.churn.use_case import CHURN
from include.workflows.common.folders import manifest_of
from include.workflows.common.s3_documents import objects_of
from include.workflows.monitoring.captured_files import labelled_traffic, traffic_inputs
from scripts import local_settings as local

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
    folder = f"s3://{local.BUCKET}/{case}/here"
    inputs, _ = traffic_inputs(case, local.BUCKET, folder, **{"start": START, **arguments})
    place = next(iter(inputs), None)
    if place is None:
        return []
    assert inputs == {place: manifest_of(folder, place)}
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
