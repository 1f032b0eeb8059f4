"""Predict a file row by row with a model that exists: trigger with its name as `model_name`."""

from __future__ import annotations

from airflow.sdk import DAG, Param

from aws_ml.operators.sagemaker import SageMakerTransformOperator
from aws_ml.sensors.sagemaker import SageMakerTransformSensor

DATA = "s3://{{ var.value.ml_bucket }}/examples"

with DAG(
    "example_transform",
    schedule=None,
    tags=["example"],
    params={"model_name": Param("my-model", type="string")},
):
    start = SageMakerTransformOperator(
        task_id="start",
        config={
            "TransformJobName": "{{ macros.aws_ml.resource_name('example', 'transform', dag_run) }}",
            "ModelName": "{{ params.model_name }}",
            "BatchStrategy": "MultiRecord",
            "TransformInput": {
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"{DATA}/rows/"}},
                "ContentType": "text/csv",
                "SplitType": "Line",
            },
            "TransformOutput": {
                "S3OutputPath": f"{DATA}/predictions/{{{{ macros.aws_ml.run_key(dag_run) }}}}",
                "AssembleWith": "Line",
            },
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        },
        wait_for_completion=False,
    )
    wait = SageMakerTransformSensor(
        task_id="wait",
        job_name="{{ ti.xcom_pull('start')['Transform']['TransformJobName'] }}",
        deferrable=True,
    )
    start >> wait
