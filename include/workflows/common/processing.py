"""A processing job and the sensor that waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import TriggerRule

from aws_ml.operators.sagemaker import SageMakerProcessingOperator
from aws_ml.sensors.sagemaker import SageMakerProcessingSensor
from include.aws import sagemaker_requests

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

CODE = "{{ ti.xcom_pull('upload_code')['files'] }}"


def processing(
    use_case: str,
    step: str,
    *,
    script: str = "",
    image: str,
    run: str,
    inputs: dict[str, str],
    outputs: list[str],
    arguments: list[str],
) -> tuple[BaseOperator, BaseOperator]:
    """The tasks `step` and `wait_for_step` that run a script of the code that `upload_code` brought.

    It runs when none of the tasks before it failed and one of them was not skipped.

    :param script: its name; default: `step.py`.
    :param run: S3 URI; an output appears below it under its own name.
    """
    start = SageMakerProcessingOperator(
        task_id=step,
        config=sagemaker_requests.tagged(
            use_case,
            sagemaker_requests.processing(
                f"{{{{ macros.aws_ml.resource_name('{use_case}', '{step}', dag_run) }}}}",
                image=image,
                script=script or f"{step}.py",
                inputs={"code": CODE, **inputs},
                outputs={name: f"{run}/{name}" for name in outputs},
                arguments=arguments,
                instance_type="{{ params.processing_instance_type }}",
            ),
        ),
        wait_for_completion=False,
        trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
    )
    wait = SageMakerProcessingSensor(
        task_id=f"wait_for_{step}",
        job_name=f"{{{{ ti.xcom_pull('{step}')['Processing']['ProcessingJobName'] }}}}",
        deferrable=True,
    )
    start >> wait
    return start, wait
