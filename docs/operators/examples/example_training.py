"""Built-in XGBoost on a CSV file without header, label first; then a model of what came out."""

from __future__ import annotations

from airflow.sdk import DAG

from aws_ml.operators.sagemaker import SageMakerModelOperator, SageMakerTrainingOperator
from aws_ml.sensors.sagemaker import SageMakerTrainingSensor

IMAGE = "{{ macros.aws_ml.image_uri('xgboost', '3.2-0') }}"
DATA = "s3://{{ var.value.ml_bucket }}/examples"

with DAG("example_training", schedule=None, tags=["example"]):
    train = SageMakerTrainingOperator(
        task_id="train",
        config={
            "TrainingJobName": "{{ macros.aws_ml.resource_name('example', 'training', dag_run) }}",
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "HyperParameters": {"objective": "binary:logistic", "num_round": "10"},
            "InputDataConfig": [
                {
                    "ChannelName": "train",
                    "ContentType": "text/csv",
                    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"{DATA}/train/"}},
                }
            ],
            "OutputDataConfig": {"S3OutputPath": f"{DATA}/models"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            "RoleArn": "{{ var.value.ml_role_arn }}",
        },
        wait_for_completion=False,
    )
    wait = SageMakerTrainingSensor(
        task_id="wait",
        job_name="{{ ti.xcom_pull('train')['Training']['TrainingJobName'] }}",
        deferrable=True,
    )
    create_model = SageMakerModelOperator(
        task_id="create_model",
        config={
            "ModelName": "{{ macros.aws_ml.resource_name('example', 'model', dag_run) }}",
            "PrimaryContainer": {
                "Image": IMAGE,
                "ModelDataUrl": "{{ ti.xcom_pull('wait')['ModelArtifacts']['S3ModelArtifacts'] }}",
            },
            "ExecutionRoleArn": "{{ var.value.ml_role_arn }}",
        },
    )
    train >> wait >> create_model
