"""What a look costs, when the next one is due, and what happens when AWS does not answer."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from aws_ml.clients import Aws
from aws_ml.lifecycle import poller as poller_module
from aws_ml.lifecycle.kinds import KINDS
from aws_ml.lifecycle.logs import LogCursor
from aws_ml.lifecycle.poller import PolledJob, Poller
from tests.plugins.lifecycle.small_jobs import unique

if TYPE_CHECKING:
    from aws_ml.lifecycle.outcome import Outcome

PROCESSING = KINDS["processing"]


class Recorder:
    """A SageMaker client that records its calls.

    :param statuses: of the jobs, by name.
    """

    def __init__(self, statuses: dict[str, str]) -> None:
        self.statuses = statuses
        self.calls: list[str] = []
        self.errors: list[Exception] = []  # raised by the next calls, the last first

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


def test_a_log_that_may_not_be_read_is_reported_once_and_the_wait_goes_on(
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


def test_a_wait_that_was_abandoned_does_not_disturb_the_others() -> None:
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


def test_a_describe_that_is_not_allowed_ends_the_wait_with_the_reason() -> None:
    delivered: list[tuple[str, Outcome]] = []
    poller, recorder, (job,) = polled_jobs({"a": "Completed"}, delivered)
    denied = {"Error": {"Code": "AccessDeniedException", "Message": "not authorized"}}
    recorder.errors = [ClientError(denied, "Describe")]
    poller.poll_here(job)
    assert delivered[0][1].state == "failure"
    assert "not authorized" in delivered[0][1].reason


def test_the_older_a_job_the_longer_the_pause() -> None:
    _, _, (job,) = polled_jobs({"a": "InProgress"}, [])
    job.longest, job.deadline = 30.0, time.time() + 10_000
    pauses = []
    for age in (1, 20, 100, 10_000):
        job.schedule(job.since + age)
        pauses.append(job.due - job.since - age)
    assert pauses == pytest.approx([0.5, 2, 10, 30], rel=poller_module.JITTER)


def test_a_thread_serves_all_jobs_and_ends_with_the_last() -> None:
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
