"""A job as two tasks: an operator that starts it, a sensor that waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, Variable, chain

from aws_ml.images import connection_image_uri
from aws_ml.names import resource_name
from aws_ml.operators.sagemaker import (
    SageMakerEndpointOperator,
    SageMakerProcessingOperator,
    SageMakerTrainingOperator,
    SageMakerTransformOperator,
)
from aws_ml.sensors.sagemaker import (
    SageMakerEndpointSensor,
    SageMakerProcessingSensor,
    SageMakerTrainingSensor,
    SageMakerTransformSensor,
)
from include.aws.sagemaker_requests import processing, tagged
from include.workflows.common.xcom import xcom

if TYPE_CHECKING:
    from aws_ml.base import JobTask
    from aws_ml.sensors.sagemaker import JobSensor
    from include.aws.sagemaker_requests import Config
    from include.use_cases.definition import RecommendationUseCase, UseCase


Pair = tuple[BaseOperator, BaseOperator]


@dataclass(frozen=True)
class JobKind:
    """A kind of job: who starts it, who waits, and how the sensor learns what to wait for.

    :param path: of the job's name, or ARN, in what the operator returns.
    :param argument: of the sensor, which takes it.
    """

    operator: type[JobTask]
    sensor: type[JobSensor]
    path: tuple[str, ...]
    argument: str


PROCESSING = JobKind(
    SageMakerProcessingOperator, SageMakerProcessingSensor, ("Processing", "ProcessingJobName"), "job_name"
)
TRAINING = JobKind(
    SageMakerTrainingOperator, SageMakerTrainingSensor, ("Training", "TrainingJobName"), "job_name"
)
TRANSFORM = JobKind(
    SageMakerTransformOperator, SageMakerTransformSensor, ("Transform", "TransformJobName"), "job_name"
)
ENDPOINT = JobKind(
    SageMakerEndpointOperator, SageMakerEndpointSensor, ("Endpoint", "EndpointName"), "endpoint_name"
)


def start_and_wait(
    job: JobKind,
    task_id: str,
    config: Any,
    *,
    wait_id: str | None = None,
    waits_for: dict[str, str] | None = None,
    **of_operator: Any,
) -> Pair:
    """The tasks that start a job and wait for it, one after the other.

    :param config: the request; of a mapped group, what an earlier task returned.
    :param wait_id: of the sensor; default: `wait_for_<task_id>`.
    :param waits_for: further arguments of the sensor.
    :param of_operator: further arguments of the operator.
    """
    start = job.operator(task_id=task_id, config=config, wait_for_completion=False, **of_operator)
    arguments: dict[str, Any] = {job.argument: xcom(start, *job.path), **(waits_for or {})}
    wait = job.sensor(task_id=wait_id or f"wait_for_{task_id}", deferrable=True, **arguments)
    chain(start, wait)
    return start, wait


def update_endpoint(task_id: str, request: Any, configuration: str) -> Pair:
    """An update of an endpoint.

    :param configuration: template of the configuration that the endpoint must serve before the sensor
        succeeds.
    """
    waits_for = {"endpoint_config_name": configuration}
    return start_and_wait(ENDPOINT, task_id, request, waits_for=waits_for, operation="update")


def image_template(framework: str, version: str) -> str:
    """A template: the AWS image in the region of the connection."""
    return f"{{{{ macros.aws_ml.image_uri('{framework}', '{version}') }}}}"


def name_template(use_case: str, step: str) -> str:
    """A template: this run's name for the resource of a step."""
    return f"{{{{ macros.aws_ml.resource_name('{use_case}', '{step}', dag_run) }}}}"


def processing_request(
    case: UseCase | RecommendationUseCase,
    step: str,
    context: Any,
    *,
    script: str,
    inputs: dict[str, str],
    outputs: dict[str, str],
    arguments: list[str],
) -> Config:
    """The request of a processing job, made while the run goes on: nothing in it is a template."""
    request = processing(
        resource_name(case.name, step, context["dag_run"]),
        image=connection_image_uri("sklearn", case.sklearn_version),
        script=script,
        inputs=inputs,
        outputs=outputs,
        arguments=arguments,
        instance_type=context["params"]["instance_type"],
        role=Variable.get("ml_role_arn"),
    )
    return tagged(case.name, request)
