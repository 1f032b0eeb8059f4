"""Operators, sensors and the trigger in Airflow, against the local AWS."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
import time
from typing import Any

import boto3
import pytest
from airflow.providers.amazon.aws.operators import sagemaker as provider_operators
from airflow.providers.amazon.aws.sensors import sagemaker as provider_sensors

from aws_ml.clients import Aws
from aws_ml.errors import (
    RETRY_POLICY,
    JobExists,
    JobFailed,
    JobRejected,
    JobSuperseded,
    JobTimedOut,
    ServiceFault,
)
from aws_ml.lifecycle.ensure import ensure_job
from aws_ml.lifecycle.kinds import KINDS
from aws_ml.lifecycle.wait import Wait
from aws_ml.operators import sagemaker as operators
from aws_ml.sensors import sagemaker as sensors
from aws_ml.triggers.job import JobTrigger
from tests.airflow_home import run_dag_of
from tests.plugins.lifecycle.small_jobs import (
    FAILING,
    HELLO,
    LOG,
    SLEEPING,
    jobs,
    processing,
    sagemaker,
    status,
    unique,
    wait_until,
)

pytestmark = pytest.mark.usefixtures("aws", "database")

OPERATORS = ["Processing", "Training", "Transform", "Tuning", "Endpoint", "Model", "EndpointConfig"]
SENSORS = ["Processing", "Training", "Transform", "Tuning", "Endpoint"]


def states(dag_run: Any) -> dict[str, str]:
    return {ti.task_id: ti.state for ti in dag_run.get_task_instances()}


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_are_subclasses_of_the_providers(name: str) -> None:
    operator_class, base = (getattr(m, f"SageMaker{name}Operator") for m in (operators, provider_operators))
    assert issubclass(operator_class, base)
    assert set(base.template_fields) <= set(operator_class.template_fields)
    task = operator_class(
        task_id="x", config={"EndpointName": "e", "EndpointConfigName": "c"}, region_name="eu-west-1"
    )
    assert task.retry_policy == RETRY_POLICY


@pytest.mark.parametrize("name", SENSORS)
def test_sensors_are_subclasses_of_the_providers(name: str) -> None:
    sensor_class, base = (getattr(m, f"SageMaker{name}Sensor") for m in (sensors, provider_sensors))
    assert issubclass(sensor_class, base)
    assert set(base.template_fields) <= set(sensor_class.template_fields)


WAITS: list[dict[str, Any]] = [{"deferrable": True}, {"deferrable": False}]


@pytest.mark.parametrize("how", WAITS, ids=["deferred", "here"])
def test_an_operator_can_wait_by_itself(how: dict[str, Any]) -> None:
    name = unique("alone")

    def build() -> None:
        operators.SageMakerProcessingOperator(task_id="job", config=processing(name, HELLO), **how)

    assert run_dag_of(build).state == "success"
    assert status(name) == "Completed"


@pytest.mark.parametrize(
    ("seconds", "code", "deferrals", "expected"),
    [
        ("20", "import time; time.sleep(3)", 0, "success"),
        ("20", FAILING, 0, "failed"),
        ("1", "import time; time.sleep(3)", 1, "success"),
        ("0", "import time; time.sleep(3)", 1, "success"),
    ],
)
def test_a_task_looks_by_itself_for_as_long_as_the_setting_says(
    seconds: str, code: str, deferrals: int, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensor = sensors.SageMakerProcessingSensor
    deferred, defer = list[Any](), sensor.defer

    def note(self: Any, **how: Any) -> None:
        deferred.append(how)
        defer(self, **how)

    monkeypatch.setenv("AIRFLOW__AWS_ML__DEFER_AFTER", seconds)
    monkeypatch.setattr(sensor, "defer", note)
    job = unique("soon")
    sagemaker().create_processing_job(**processing(job, code))
    run = run_dag_of(lambda: sensor(task_id="wait", job_name=job, deferrable=True))
    assert (run.state, len(deferred)) == (expected, deferrals)
    if expected == "success":
        (task,) = run.get_task_instances()
        assert task.xcom_pull(task_ids="wait")["ProcessingJobStatus"] == "Completed"


@pytest.mark.parametrize("how", WAITS, ids=["deferred", "poking"])
@pytest.mark.parametrize(("code", "expected"), [(HELLO, "success"), (FAILING, "failed")])
def test_an_operator_starts_and_a_sensor_waits(how: dict[str, Any], code: str, expected: str) -> None:
    name = unique("pair")

    def build() -> None:
        config = processing(name, code)
        start = operators.SageMakerProcessingOperator(task_id="job", config=config, wait_for_completion=False)
        job = "{{ ti.xcom_pull('job')['Processing']['ProcessingJobName'] }}"
        start >> sensors.SageMakerProcessingSensor(
            task_id="wait", job_name=job, poke_interval=1, retries=0, **how
        )

    assert states(run_dag_of(build)) == {"job": "success", "wait": expected}
    assert jobs(name) == [name]


def test_a_failed_job_is_not_tried_again_by_the_task() -> None:
    """It failed by its own fault: the policy says no, though the task has retries."""
    name = unique("once")

    def build() -> None:
        operators.SageMakerProcessingOperator(
            task_id="job",
            config=processing(name, FAILING),
            deferrable=False,
            retries=3,
            retry_delay=dt.timedelta(seconds=0.1),
        )

    assert run_dag_of(build).state == "failed"
    assert jobs(name) == [name]


@pytest.mark.parametrize("how", WAITS, ids=["deferred", "here"])
def test_a_job_that_the_end_of_an_earlier_try_stops_gets_a_successor(how: dict[str, Any]) -> None:
    """A cleared task's next try can start, and find the job, before the last one's trigger has stopped it."""
    name = unique("superseded")
    config = processing(name, "import time; time.sleep(8)")
    ensure_job(sagemaker(), boto3.client("s3"), KINDS["processing"], config, "new", LOG)
    threading.Timer(4, sagemaker().stop_processing_job, kwargs={"ProcessingJobName": name}).start()

    def build() -> None:
        operators.SageMakerProcessingOperator(task_id="job", config=config, retries=1, **how)

    run = run_dag_of(build)
    assert [(ti.state, ti.try_number) for ti in run.get_task_instances()] == [("success", 2)]
    assert {job: status(job) for job in jobs(name)} == {name: "Stopped", f"{name}-2": "Completed"}


@pytest.mark.parametrize(
    ("error", "action"),
    [
        *((kind, "fail") for kind in (JobRejected, JobExists, JobFailed, JobTimedOut)),
        *((kind, "retry") for kind in (ServiceFault, JobSuperseded)),
        (ValueError, "default"),
    ],
)
def test_one_policy_decides_on_retries(error: type[Exception], action: str) -> None:
    assert RETRY_POLICY.evaluate(error("x"), 1, 3).action.value == action


# ---- the trigger


def trigger_for(name: str, **options: Any) -> JobTrigger:
    description = KINDS["processing"].look(sagemaker(), name)
    return JobTrigger(
        Wait.for_job(KINDS["processing"], description, **options).serialize(), Aws().serialize()
    )


async def first(trigger: JobTrigger) -> dict[str, Any]:
    async for event in trigger.run():
        payload: dict[str, Any] = event.payload
        return payload
    raise AssertionError("no event")


@pytest.mark.parametrize(
    ("code", "state", "job_status"), [(HELLO, "success", "Completed"), (FAILING, "failure", "Failed")]
)
def test_the_trigger_tells_how_the_job_ended(code: str, state: str, job_status: str) -> None:
    name = unique("trigger")
    sagemaker().create_processing_job(**processing(name, code))
    event = asyncio.run(first(trigger_for(name)))
    assert (event["job_name"], event["state"], event["job_status"]) == (name, state, job_status)
    assert any("hello" in line or "about to fail" in line for line in event["lines"])


def test_the_trigger_ends_in_time_when_the_job_does_not() -> None:
    name = unique("late")
    sagemaker().create_processing_job(**processing(name, SLEEPING))
    event = asyncio.run(first(trigger_for(name, seconds=3)))
    assert (event["state"], event["job_status"]) == ("failure", "timeout")
    assert status(name) == "InProgress"
    sagemaker().stop_processing_job(ProcessingJobName=name)


def test_killing_the_wait_stops_the_job_unless_stop_on_kill_is_false() -> None:
    for stop_on_kill, expected in ((True, "Stopped"), (False, "InProgress")):
        name = unique("killed")
        sagemaker().create_processing_job(**processing(name, SLEEPING))
        trigger = trigger_for(name)
        trigger.stop_on_kill = stop_on_kill
        asyncio.run(trigger.on_kill())
        assert wait_until(name, expected) == expected
        sagemaker().stop_processing_job(ProcessingJobName=name) if not stop_on_kill else None
        asyncio.run(trigger.on_kill())  # a job that has ended is left as it is


def test_the_event_loop_is_never_blocked() -> None:
    names = [unique("loop") for _ in range(3)]
    for name in names:
        sagemaker().create_processing_job(**processing(name, HELLO))
    Aws(region_name="eu-west-1")  # a new connection: its clients are made while the test measures

    async def measure() -> float:
        longest = 0.0
        waits = asyncio.gather(*(first(trigger_for(name)) for name in names))
        while not waits.done():
            started = time.monotonic()
            await asyncio.sleep(0.005)
            longest = max(longest, time.monotonic() - started)
        await waits
        return longest

    assert asyncio.run(measure()) < 1.0


def test_a_trigger_survives_serialization_whole() -> None:
    aws = Aws("my_conn", "eu-central-1", False, {"retries": {"total_max_attempts": 3}})
    wait = {"kind": "endpoint", "name": "x", "since": 1.0, "deadline": 2.0, "longest": 3.0}
    wait |= {"expected": {"EndpointConfigName": "c"}, "print_log": False}
    trigger = JobTrigger(wait, aws.serialize(), stop_on_kill=False)
    path, arguments = trigger.serialize()
    again = JobTrigger(**arguments)
    assert path == f"{JobTrigger.__module__}.{JobTrigger.__qualname__}"
    assert again.serialize() == trigger.serialize()
    assert Aws(**again.aws) == aws
