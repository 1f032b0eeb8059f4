"""Waiting in this process, with log lines, for every way in which a job ends (against the local AWS)."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from typing import Any

import pytest

from aws_ml.clients import Aws
from aws_ml.errors import JobFailed, JobTimedOut, ServiceFault, from_reason
from aws_ml.lifecycle.kinds import KINDS
from aws_ml.lifecycle.wait import MARGIN_SECONDS, Wait, wait_here
from tests.plugins.lifecycle.small_jobs import (
    FAILING,
    LOG,
    SLEEPING,
    processing,
    sagemaker,
    unique,
)

PROCESSING = KINDS["processing"]
AWS = Aws()


def started(word: str, code: str, **members: Any) -> dict[str, Any]:
    name = unique(word)
    sagemaker().create_processing_job(**processing(name, code, **members))
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
