"""Search hyperparameters of the built-in XGBoost. Names of tuning jobs have at most 32 characters."""

from __future__ import annotations

from airflow.sdk import DAG

from aws_ml.operators.sagemaker import SageMakerTuningOperator
from aws_ml.sensors.sagemaker import SageMakerTuningSensor

DATA = "s3://{{ var.value.ml_bucket }}/examples"


def channel(name: str) -> dict[str, object]:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"{DATA}/train/"}}
    return {"ChannelName": name, "ContentType": "text/csv", "DataSource": source}


with DAG("example_tuning", schedule=None, tags=["example"]):
    tune = SageMakerTuningOperator(
        task_id="tune",
        config={
            "HyperParameterTuningJobName": "{{ macros.aws_ml.resource_name('ex', 'tune', dag_run, 32) }}",
            "HyperParameterTuningJobConfig": {
                "Strategy": "Bayesian",
                "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:auc"},
                "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2},
                "ParameterRanges": {
                    "ContinuousParameterRanges": [{"Name": "eta", "MinValue": "0.05", "MaxValue": "0.5"}],
                    "IntegerParameterRanges": [{"Name": "max_depth", "MinValue": "2", "MaxValue": "6"}],
                },
            },
            "TrainingJobDefinition": {
                "AlgorithmSpecification": {
                    "TrainingImage": "{{ macros.aws_ml.image_uri('xgboost', '3.2-0') }}",
                    "TrainingInputMode": "File",
                },
                "StaticHyperParameters": {"objective": "binary:logistic", "num_round": "10"},
                "InputDataConfig": [channel("train"), channel("validation")],
                "OutputDataConfig": {"S3OutputPath": f"{DATA}/models"},
                "ResourceConfig": {
                    "InstanceType": "ml.m5.large",
                    "InstanceCount": 1,
                    "VolumeSizeInGB": 10,
                },
                "StoppingCondition": {"MaxRuntimeInSeconds": 600},
                "RoleArn": "{{ var.value.ml_role_arn }}",
            },
        },
        wait_for_completion=False,
    )
    wait = SageMakerTuningSensor(
        task_id="wait",
        job_name="{{ ti.xcom_pull('tune')['Tuning']['HyperParameterTuningJobName'] }}",
        deferrable=True,
    )
    tune >> wait
