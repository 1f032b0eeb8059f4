"""What every state of every kind of job means."""

from __future__ import annotations

from typing import Any

import pytest

from aws_ml.lifecycle.kinds import KINDS
from aws_ml.lifecycle.outcome import outcome

JOBS = ("processing", "training", "transform", "tuning")
STATES = [
    *((kind, status, "running") for kind in JOBS for status in ("InProgress", "Stopping", "SomethingNew")),
    *((kind, "Completed", "success") for kind in JOBS),
    *((kind, status, "failure") for kind in JOBS for status in ("Failed", "Stopped")),
    *(
        ("endpoint", status, "running")
        for status in ("Creating", "Updating", "SystemUpdating", "RollingBack", "SomethingNew")
    ),
    ("endpoint", "InService", "success"),
    *(("endpoint", status, "failure") for status in ("Failed", "OutOfService", "UpdateRollbackFailed")),
    ("endpoint", "Deleting", "failure"),
]


@pytest.mark.parametrize(("kind", "status", "state"), STATES)
def test_a_state_is_running_success_or_failure(kind: str, status: str, state: str) -> None:
    now = outcome(KINDS[kind], {KINDS[kind].status: status})
    assert (now.state, now.status) == (state, status)
    assert bool(now.reason) == (state == "failure")  # a failure always says something


def test_aws_reason_is_the_reason() -> None:
    job = {"ProcessingJobStatus": "Failed", "FailureReason": "AlgorithmError: exit code 3"}
    assert outcome(KINDS["processing"], job).reason == "AlgorithmError: exit code 3"


def test_a_job_that_ran_too_long_says_so() -> None:
    job: dict[str, Any] = {"TrainingJobStatus": "Stopped", "SecondaryStatus": "MaxRuntimeExceeded"}
    now = outcome(KINDS["training"], job)
    assert "longer than its MaxRuntimeInSeconds" in now.reason
    assert not now.stopped  # AWS ended it


def test_an_update_that_was_rolled_back_is_a_failure_though_the_endpoint_is_in_service() -> None:
    endpoint = {"EndpointStatus": "InService", "EndpointConfigName": "old", "FailureReason": "no capacity"}
    now = outcome(KINDS["endpoint"], endpoint, {"EndpointConfigName": "new"})
    assert now.state == "failure"
    assert (
        "EndpointConfigName is old, asked for was new: the update was rolled back. no capacity" in now.reason
    )
