"""What each state of a job means to each operator and sensor, and to each way of waiting.

Other tests get success, failure and stops from the local AWS. Here a description replaces AWS, as no server
can be made to show every state.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from aws_ml import errors
from aws_ml.clients import Aws
from aws_ml.lifecycle.kinds import KINDS, Kind
from aws_ml.lifecycle.outcome import outcome
from aws_ml.operators import sagemaker as operators
from aws_ml.sensors import sagemaker as sensors

if TYPE_CHECKING:
    from collections.abc import Callable

CLASSES = ["Processing", "Training", "Transform", "Tuning", "Endpoint"]
NEW, OLD = "churn-2", "churn-1"  # endpoint configurations: the requested one and the one before
NOW = dt.datetime.now(dt.UTC)
ENDED: dict[str, type[errors.JobError] | None] = {
    "success": None,
    "failed": errors.JobFailed,
    "failed by AWS": errors.ServiceFault,
    "stopped": errors.JobFailed,
    "gone": errors.JobFailed,
    "time-out": errors.JobTimedOut,
}


def description(kind: Kind, state: str) -> dict[str, Any] | None:
    """The job as AWS describes it in a state; None when it is gone."""
    endpoint = kind.key == "endpoint"
    status = {
        "success": "InService" if endpoint else "Completed",
        "failed": "Failed",
        "failed by AWS": "Failed",
        "stopped": "InService" if endpoint else "Stopped",  # of an endpoint: the update was rolled back
        "time-out": "Creating" if endpoint else "InProgress",
        "unknown": "Dreaming",
    }.get(state)
    if status is None:
        return None
    reason = {"failed": "AlgorithmError: no luck", "failed by AWS": "InternalServerError: try again"}
    return {
        kind.name: "job",
        kind.arn: "arn:aws:sagemaker:eu-west-1:123456789012:x/job",
        kind.status: status,
        "EndpointConfigName": OLD if state == "stopped" else NEW,
        "CreationTime": NOW,
        "FailureReason": reason.get(state, ""),
    }


def operator(word: str) -> Any:
    config = {"EndpointName": "job", "EndpointConfigName": NEW} if word == "Endpoint" else {}
    return getattr(operators, f"SageMaker{word}Operator")(task_id="x", config=config)


def sensor(word: str) -> Any:
    options: dict[str, Any] = {"job_name": "job"}
    if word == "Endpoint":
        options = {"endpoint_name": "job", "endpoint_config_name": NEW}
    return getattr(sensors, f"SageMaker{word}Sensor")(task_id="x", print_log=False, **options)


def event(task: Any, state: str) -> dict[str, Any]:
    """What the trigger tells of a job in a state."""
    if state == "gone":
        return {"job_name": "job", "state": "failure", "job_status": "missing", "reason": "there is none"}
    if state == "time-out":
        return {"job_name": "job", "state": "failure", "job_status": "timeout", "reason": "too late"}
    now = outcome(task.kind, description(task.kind, state) or {}, task.expected())
    return {"job_name": "job", "state": now.state, "job_status": now.status, "reason": now.reason}


@pytest.mark.parametrize("state", ENDED)
@pytest.mark.parametrize("make", [operator, sensor])
@pytest.mark.parametrize("word", CLASSES)
def test_a_task_that_resumes_judges_its_job(
    word: str, make: Callable[[str], Any], state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = make(word)
    monkeypatch.setattr(type(task), "look", lambda self, _: description(self.kind, "success"))
    monkeypatch.setattr(type(task), "result", lambda *_: {"result": "done"}, raising=False)
    monkeypatch.setattr(Aws, "client", lambda *_: None)
    if expected := ENDED[state]:
        with pytest.raises(expected, match="job did not succeed"):
            task.execute_complete({}, event(task, state))
    else:
        assert task.execute_complete({}, event(task, state))


@pytest.mark.parametrize("state", [*ENDED, "unknown"])
@pytest.mark.parametrize("word", CLASSES)
def test_a_poking_sensor_judges_its_job(word: str, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    task = sensor(word)
    monkeypatch.setattr(type(task), "look", lambda self, _: description(self.kind, "success"))
    monkeypatch.setattr(Kind, "find", lambda kind, *_: description(kind, state))
    monkeypatch.setattr(Aws, "client", lambda *_: None)
    if state == "time-out":
        task.timeout = -1
    if expected := ENDED.get(state):
        with pytest.raises(expected, match="job did not succeed"):
            task.poke({})
    else:
        assert task.poke({}).is_done == (state == "success")


@pytest.mark.parametrize("word", CLASSES)
def test_an_unknown_state_is_waited_on(word: str) -> None:
    """AWS adds states; a new one is neither a success nor a reason to fail."""
    kind = KINDS[word.lower()]
    assert outcome(kind, description(kind, "unknown") or {}).state == "running"


def test_no_event_at_all_is_a_failure() -> None:
    with pytest.raises(errors.JobFailed):
        operator("Training").execute_complete({}, None)
