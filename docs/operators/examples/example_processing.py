"""A processing job: start it, wait for it, see its log lines in the sensor's log."""

from __future__ import annotations

from airflow.sdk import DAG

from aws_ml.operators.sagemaker import SageMakerProcessingOperator
from aws_ml.sensors.sagemaker import SageMakerProcessingSensor

with DAG("example_processing", schedule=None, tags=["example"]):
    start = SageMakerProcessingOperator(
        task_id="start",
        config={
            "ProcessingJobName": "{{ macros.aws_ml.resource_name('example', 'processing', dag_run) }}",
            "AppSpecification": {
                "ImageUri": "{{ macros.aws_ml.image_uri('sklearn', '1.9-0') }}",
                "ContainerEntrypoint": ["python3", "-c", "print('hello from the job')"],
            },
            "ProcessingResources": {
                "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10}
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            "RoleArn": "{{ var.value.ml_role_arn }}",
        },
        wait_for_completion=False,
    )
    wait = SageMakerProcessingSensor(
        task_id="wait",
        job_name="{{ ti.xcom_pull('start')['Processing']['ProcessingJobName'] }}",
        deferrable=True,
    )
    start >> wait
