"""Jobs whose request an earlier task has made: an operator that starts, a sensor that waits.

For mapped task groups, where the request depends on what the group is mapped over. `group` is the group's id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Variable, chain

from aws_ml.images import connection_image_uri
from aws_ml.names import resource_name
from aws_ml.operators.sagemaker import (
    SageMakerEndpointOperator,
    SageMakerProcessingOperator,
    SageMakerTransformOperator,
)
from aws_ml.sensors.sagemaker import (
    SageMakerEndpointSensor,
    SageMakerProcessingSensor,
    SageMakerTransformSensor,
)
from include.aws import sagemaker_requests

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

    from include.aws.sagemaker_requests import Config
    from include.use_cases.definition import RecommendationUseCase, UseCase

Pair = tuple["BaseOperator", "BaseOperator"]


def pulled(task_id: str, path: str) -> str:
    """A template: a part of what a task of the same mapped group returned.

    >>> pulled("monitor.start", "['Processing']['ProcessingJobName']")
    """
    return f"{{{{ ti.xcom_pull('{task_id}', map_indexes=ti.map_index){path} }}}}"


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
    request = sagemaker_requests.processing(
        resource_name(case.name, step, context["dag_run"]),
        image=connection_image_uri("sklearn", case.sklearn_version),
        script=script,
        inputs=inputs,
        outputs=outputs,
        arguments=arguments,
        instance_type=context["params"]["instance_type"],
        role=Variable.get("ml_role_arn"),
    )
    return sagemaker_requests.tagged(case.name, request)


def process(group: str, step: str, request: Any) -> Pair:
    """A processing job."""
    start = SageMakerProcessingOperator(task_id=step, config=request, wait_for_completion=False)
    job = pulled(f"{group}.{step}", "['Processing']['ProcessingJobName']")
    wait = SageMakerProcessingSensor(task_id=f"wait_for_{step}", job_name=job, deferrable=True)
    chain(start, wait)
    return start, wait


def transform(group: str, step: str, request: Any) -> Pair:
    """A batch transform."""
    start = SageMakerTransformOperator(task_id=step, config=request, wait_for_completion=False)
    job = pulled(f"{group}.{step}", "['Transform']['TransformJobName']")
    wait = SageMakerTransformSensor(task_id=f"wait_for_{step}", job_name=job, deferrable=True)
    chain(start, wait)
    return start, wait


def update_endpoint(group: str, step: str, request: Any, wanted: str) -> Pair:
    """An update of an endpoint: waited for until it serves the configuration `wanted`, a template."""
    start = SageMakerEndpointOperator(
        task_id=step, config=request, operation="update", wait_for_completion=False
    )
    job = pulled(f"{group}.{step}", "['Endpoint']['EndpointName']")
    wait = SageMakerEndpointSensor(
        task_id=f"wait_for_{step}",
        endpoint_name=job,
        endpoint_config_name=wanted,  # not what the operator returns: that served when the update began
        deferrable=True,
    )
    chain(start, wait)
    return start, wait
