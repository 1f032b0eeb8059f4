"""Workflows survive a busy service, and report jobs that did not succeed as failures."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from aws_ml.clients import Aws, forget_clients
from aws_ml.operators import sagemaker as operators
from aws_ml.sensors import sagemaker as sensors
from scripts import local_settings as local
from tests.airflow_home import run_dag_of, start_local_aws
from tests.chaos import counting_jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow.dag_processing.dagbag import DagBag

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.timeout(600)]

PARTS = {
    "processing": (operators.SageMakerProcessingOperator, sensors.SageMakerProcessingSensor),
    "training": (operators.SageMakerTrainingOperator, sensors.SageMakerTrainingSensor),
    "transform": (operators.SageMakerTransformOperator, sensors.SageMakerTransformSensor),
    "tuning": (operators.SageMakerTuningOperator, sensors.SageMakerTuningSensor),
}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], None]]:
    """Start a local AWS with faults; everything in this process talks to it until the module ends."""
    before, started = os.environ.get("AWS_ENDPOINT_URL"), []

    def start(faults: str) -> None:
        process, url = start_local_aws(tmp_path_factory.mktemp("faulty") / "state", "--faults", faults)
        started.append(process)
        os.environ["AWS_ENDPOINT_URL"] = url
        forget_clients()
        place = {"LocationConstraint": local.REGION}
        Aws().client("s3").create_bucket(Bucket=local.BUCKET, CreateBucketConfiguration=place)

    yield start
    for process in started:
        process.terminate()
        process.wait(30)
    forget_clients()
    if before is None:
        del os.environ["AWS_ENDPOINT_URL"]
    else:
        os.environ["AWS_ENDPOINT_URL"] = before


def test_with_a_third_of_all_requests_throttled_churn_ends_green(
    faulty: Callable[[str], None], dag_bag: DagBag
) -> None:
    faulty("throttle=0.3,error=0.02,seed=7")
    run = dag_bag.dags["churn"].test()
    others = {ti.task_id: ti.state for ti in run.get_task_instances() if ti.state != "success"}
    assert others == {"teardown": "skipped"}  # nobody asked for it


@pytest.fixture(scope="module")
def lying(faulty: Callable[[str], None]) -> None:
    """An AWS that stops every job `stopped-...` and rolls back the update of every endpoint `rolled-...`."""
    faulty("stop=stopped-.*,rollback=rolled-.*")
    counting_jobs.prepare(boto3.client("s3"), boto3.client("sagemaker"))


def reason(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> str:
    return caplog.text + capfd.readouterr().out


@pytest.mark.usefixtures("lying")
@pytest.mark.parametrize(
    "how", ["operator deferred", "operator in place", "sensor deferred", "sensor poking"]
)
@pytest.mark.parametrize("kind", PARTS)
def test_a_stopped_job_is_a_failure(
    kind: str, how: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    operator, sensor = PARTS[kind]
    name = f"stopped-{kind}-{how.split()[0][:2]}-{how.split()[1][:2]}"
    deferrable = "deferred" in how

    def build() -> Any:
        config = counting_jobs.REQUESTS[kind](name)
        if how.startswith("operator"):
            return operator(task_id="job", config=config, deferrable=deferrable, check_interval=1)
        start = operator(task_id="start", config=config, wait_for_completion=False)
        return start >> sensor(task_id="job", job_name=name, deferrable=deferrable, poke_interval=1)

    run = run_dag_of(build)
    assert {ti.task_id: ti.state for ti in run.get_task_instances()}["job"] == "failed"
    assert f"{name} did not succeed (Stopped)" in reason(caplog, capfd)


@pytest.mark.usefixtures("lying")
@pytest.mark.parametrize("deferrable", [True, False])
def test_an_update_that_is_rolled_back_is_a_failure(
    deferrable: bool, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    name = f"rolled-{deferrable}".lower()
    sagemaker = boto3.client("sagemaker")
    variant = {
        "VariantName": "A",
        "ModelName": counting_jobs.MODEL,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    for config in (f"{name}-old", f"{name}-new"):
        sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-old")
    sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    update = {"EndpointName": name, "EndpointConfigName": f"{name}-new"}
    run = run_dag_of(
        lambda: operators.SageMakerEndpointOperator(
            task_id="update", config=update, operation="update", deferrable=deferrable, check_interval=1
        )
    )
    assert run.state == "failed"
    text = reason(caplog, capfd)
    assert "asked for was" in text
    assert "rolled back" in text
    assert sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"] == f"{name}-old"
    sagemaker.delete_endpoint(EndpointName=name)
