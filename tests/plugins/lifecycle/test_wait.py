"""Waiting in place, with log lines, for every way in which a job ends (against the local AWS)."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from aws_ml.clients import Aws
from aws_ml.errors import JobFailed, JobTimedOut, ServiceFault, from_reason
from aws_ml.lifecycle import poller as poller_module
from aws_ml.lifecycle.kinds import KINDS
from aws_ml.lifecycle.logs import LogCursor
from aws_ml.lifecycle.poller import PolledJob, Poller
from aws_ml.lifecycle.wait import MARGIN_SECONDS, Wait, wait_here
from tests.plugins.lifecycle.small_jobs import (
    FAILING,
    LOG,
    SLEEPING,
    processing,
    sagemaker,
    unique,
)

if TYPE_CHECKING:
    from aws_ml.lifecycle.outcome import Outcome

PROCESSING = KINDS["processing"]
AWS = Aws()


def started(word: str, code: str, **more: Any) -> dict[str, Any]:
    name = unique(word)
    sagemaker().create_processing_job(**processing(name, code, **more))
    return PROCESSING.look(sagemaker(), name)


@pytest.mark.usefixtures("aws")
def test_every_line_of_the_job_is_logged_once_and_in_order(caplog: pytest.LogCaptureFixture) -> None:
    code = "import time; [(print('line', n, flush=True), time.sleep(0.05)) for n in range(40)]"
    with caplog.at_level(logging.INFO, "tests.jobs"):
        wait_here(AWS, Wait.for_job(PROCESSING, started("lines", code)), LOG)
    lines = [message.split(": ", 1)[1] for message in caplog.messages if ": line " in message]
    assert lines == [f"line {n}" for n in range(40)]


@pytest.mark.usefixtures("aws")
def test_a_failure_carries_aws_reason_and_the_last_lines() -> None:
    with pytest.raises(JobFailed, match=r"did not succeed \(Failed\): .*exit code: 3") as caught:
        wait_here(AWS, Wait.for_job(PROCESSING, started("failing", FAILING)), LOG)
    assert "about to fail" in str(caught.value)
    assert "/aws/sagemaker/ProcessingJobs" in str(caught.value)


@pytest.mark.usefixtures("aws")
def test_a_stopped_job_is_a_failure() -> None:
    description = started("stopped", SLEEPING)
    threading.Timer(
        1, sagemaker().stop_processing_job, kwargs={"ProcessingJobName": description[PROCESSING.name]}
    ).start()
    with pytest.raises(JobFailed, match=r"\(Stopped\): the processing job is Stopped"):
        wait_here(AWS, Wait.for_job(PROCESSING, description), LOG)


@pytest.mark.usefixtures("aws")
def test_a_wait_that_takes_too_long_says_that_the_job_may_still_run() -> None:
    description = started("slow", SLEEPING)
    with pytest.raises(JobTimedOut, match="It may still run, and cost"):
        wait_here(AWS, Wait.for_job(PROCESSING, description, seconds=1), LOG)
    sagemaker().stop_processing_job(ProcessingJobName=description[PROCESSING.name])


@pytest.mark.usefixtures("aws")
def test_a_job_that_is_gone_is_a_failure() -> None:
    description = {**started("gone", SLEEPING), PROCESSING.name: "never-was"}
    with pytest.raises(JobFailed, match=r"\(missing\): there is no processing job of that name"):
        wait_here(AWS, Wait.for_job(PROCESSING, description), LOG)


def test_the_time_limit_is_the_jobs_own_and_a_margin() -> None:
    import datetime as dt

    now = time.time()
    job: dict[str, Any] = {PROCESSING.name: "x", "CreationTime": dt.datetime.now(dt.UTC)}
    limited = Wait.for_job(PROCESSING, {**job, "StoppingCondition": {"MaxRuntimeInSeconds": 600}})
    assert limited.deadline - now == pytest.approx(600 + MARGIN_SECONDS, abs=2)
    assert Wait.for_job(PROCESSING, job).deadline - now == pytest.approx(86400, abs=2)
    assert Wait.for_job(PROCESSING, job, seconds=5).deadline - now == pytest.approx(5, abs=2)
    assert Wait.for_job(PROCESSING, job, at_most=7).deadline - now == pytest.approx(7, abs=2)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("InternalServerError: We encountered an internal error.", ServiceFault),
        ("CapacityError: Unable to provision requested ML compute capacity.", ServiceFault),
        ("AlgorithmError: exit code 1", JobFailed),
        ("ClientError: Data download failed", JobFailed),
        ("", JobFailed),
    ],
)
def test_a_reason_tells_whose_fault_it_was(reason: str, kind: type[Exception]) -> None:
    assert type(from_reason("text", reason)) is kind


# ---- the poller, by itself


class Recorder:
    """A SageMaker client that counts calls; `answers` may hold an exception for the next ones."""

    def __init__(self, statuses: dict[str, str]) -> None:
        self.statuses, self.calls = statuses, []  # type: ignore[var-annotated]
        self.errors: list[Exception] = []

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.errors:
            raise self.errors.pop()

    def describe_processing_job(self, ProcessingJobName: str) -> dict[str, Any]:  # noqa: N803
        self._call("describe")
        return {
            "ProcessingJobName": ProcessingJobName,
            "ProcessingJobStatus": self.statuses[ProcessingJobName],
        }

    def get_paginator(self, operation: str) -> Recorder:
        assert operation == "list_processing_jobs"
        return self

    def paginate(self, **parameters: Any) -> list[dict[str, Any]]:
        self._call("list")
        self.since = parameters["LastModifiedTimeAfter"]
        names = self.statuses.items()
        return [
            {"ProcessingJobSummaries": [{"ProcessingJobName": n, "ProcessingJobStatus": s} for n, s in names]}
        ]


class Recorded(Aws):
    """A connection whose client is a Recorder."""

    def client(self, service: str) -> Any:
        return RECORDERS[self.region_name]


RECORDERS: dict[Any, Recorder] = {}


def polled_jobs(
    statuses: dict[str, str], delivered: list[Any], deadline: float = 60
) -> tuple[Poller, Recorder, list[PolledJob]]:
    """A poller, its client, and a job for each status; `delivered` receives names and outcomes."""
    region = unique("region")
    recorder = RECORDERS[region] = Recorder(statuses)
    now = time.time()
    polled = [
        PolledJob(
            kind=PROCESSING,
            name=name,
            since=now - 100,
            deadline=now + deadline,
            longest=1.0,
            expected={},
            cursor=None,
            deliver=lambda job, _, outcome: delivered.append((job.name, outcome)),
        )
        for name in statuses
    ]
    return Poller(Recorded(region_name=region)), recorder, polled


def test_many_jobs_cost_one_list_and_a_describe_for_each_that_failed() -> None:
    delivered: list[Any] = []
    statuses = {f"job-{n}": "InProgress" for n in range(500)} | {"done": "Completed", "bad": "Failed"}
    poller, recorder, jobs = polled_jobs(statuses, delivered)
    poller.look(jobs)
    assert recorder.calls == ["list", "describe"]  # why it failed; of a success there is nothing to add
    assert recorder.since <= jobs[0].since  # a job may have ended before anybody looked
    assert {name: outcome.state for name, outcome in delivered} == {"done": "success", "bad": "failure"}
    recorder.calls.clear()
    poller.look([job for job in jobs if not job.ended])
    assert recorder.calls == ["list"]
    assert recorder.since > jobs[0].since  # from now on only what changed


DENIED = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "X")


def test_jobs_that_may_not_be_listed_are_described() -> None:
    delivered: list[Any] = []
    poller, recorder, jobs = polled_jobs({f"job-{n}": "Completed" for n in range(5)}, delivered)
    recorder.errors = [DENIED]
    poller.look(jobs)
    assert recorder.calls == ["list", *["describe"] * 5]
    assert len(delivered) == 5


def test_a_log_that_may_not_be_read_is_said_once_and_the_wait_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def deny(*_: Any) -> Any:
        raise DENIED

    monkeypatch.setattr(poller_module, "read_lines", deny)
    news: list[Any] = []
    poller, recorder, (job,) = polled_jobs({"a": "InProgress"}, [])
    job.cursor, job.deliver = LogCursor(), lambda _, lines, outcome: news.append((lines, outcome))
    for _ in range(2):
        poller.look([job])
    recorder.statuses["a"] = "Completed"
    poller.look([job])
    assert [len(lines) for lines, _ in news] == [1, 0]
    assert "cannot be read" in news[0][0][0]
    assert news[1][1].state == "success"


def test_one_who_no_longer_listens_does_not_disturb_the_others() -> None:
    delivered: list[Any] = []
    poller, _, (deaf, other) = polled_jobs({"a": "Completed", "b": "Completed"}, delivered)

    def leave(*_: Any) -> None:
        raise RuntimeError("the event loop is closed")

    deaf.deliver = leave
    poller.look([deaf, other])
    assert [name for name, _ in delivered] == ["b"]
    assert deaf.ended


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "Describe"),
        ClientError(
            {"Error": {"Code": "X", "Message": "?"}, "ResponseMetadata": {"HTTPStatusCode": 503}}, "D"
        ),
        EndpointConnectionError(endpoint_url="x"),
    ],
)
def test_a_look_that_aws_cannot_answer_now_is_repeated_later(error: Exception) -> None:
    delivered: list[tuple[str, Outcome]] = []
    poller, recorder, (job,) = polled_jobs({"a": "Completed"}, delivered)
    recorder.errors = [error, error]
    started_at = time.monotonic()
    poller.poll_here(job)
    assert [outcome.state for _, outcome in delivered] == ["success"]
    assert recorder.calls == ["describe"] * 3
    assert time.monotonic() - started_at > 2  # it backed off


def test_a_look_that_is_not_allowed_ends_the_wait_with_the_reason() -> None:
    delivered: list[tuple[str, Outcome]] = []
    poller, recorder, (job,) = polled_jobs({"a": "Completed"}, delivered)
    denied = {"Error": {"Code": "AccessDeniedException", "Message": "not authorized"}}
    recorder.errors = [ClientError(denied, "Describe")]
    poller.poll_here(job)
    assert delivered[0][1].state == "failure"
    assert "not authorized" in delivered[0][1].reason


def test_the_older_a_job_the_rarer_the_looks() -> None:
    _, _, (job,) = polled_jobs({"a": "InProgress"}, [])
    job.longest, job.deadline = 30.0, time.time() + 10_000
    pauses = []
    for age in (1, 20, 100, 10_000):
        job.schedule(job.since + age)
        pauses.append(job.due - job.since - age)
    assert pauses == pytest.approx([0.5, 2, 10, 30], rel=poller_module.JITTER)


def test_a_thread_serves_all_watches_and_ends_with_the_last() -> None:
    delivered: list[Any] = []
    poller, recorder, jobs = polled_jobs({f"job-{n}": "InProgress" for n in range(20)}, delivered)
    for job in jobs:
        poller.add(job)
    time.sleep(2.5)
    recorder.statuses = dict.fromkeys(recorder.statuses, "Completed")
    deadline = time.monotonic() + 10
    while len(delivered) < 20:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert recorder.calls.count("list") <= 8
    time.sleep(0.2)
    assert "aws-ml-poller" not in {thread.name for thread in threading.enumerate()}


def event(number: int, moment: int) -> dict[str, Any]:
    return {"eventId": str(number), "timestamp": moment}


def test_a_cursor_takes_each_event_once_also_a_late_one_and_after_a_restart() -> None:
    cursor = LogCursor()
    assert [cursor.take(event(1, 10_000)), cursor.take(event(1, 10_000))] == [True, False]
    assert cursor.take(event(2, 8_000))  # another host's line, late
    again = LogCursor.load(cursor.dump())
    assert [again.take(event(n, 10_000)) for n in (1, 3)] == [False, True]
    assert again.start == 5_000


def test_a_cursor_stays_small() -> None:
    cursor = LogCursor()
    for number in range(100_000):
        assert cursor.take(event(number, number * 10))
    assert len(cursor.dump()["read"]) <= 501
