"""Jobs of every kind that take a while and count lines as they go, and what they need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scripts import local_settings as local
from tests.local_aws.sagemaker.hosting import tiny_model

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGE, MODEL, SLOW_MODEL = tiny_model.IMAGE, "chaos", "chaos-slow"
SECONDS_TO_LOAD = 18  # of the slow model: so long its endpoint is Creating
LINES = 36
PAUSE = 0.5
COUNTING = (
    f"import time; [(print('line', i, flush=True), time.sleep({PAUSE})) for i in range({LINES})]; "
    "print('score=1;')"
)
ENTRY = ["python3", "-S", "-u", "-c", COUNTING]
SERVING = f"""
import os, time
def model_fn(folder):
    time.sleep(float(open(folder + '/factor.txt').read()))
def input_fn(body, content_type):
    time.sleep({2 * PAUSE})  # two rows at a time
    os.write(1, body if isinstance(body, bytes) else body.encode())
    return body
def predict_fn(rows, model):
    return rows
def output_fn(rows, accept):
    return 'ok', 'text/csv'
""".encode()
INSTANCE = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10}
OUTPUT = {"S3OutputPath": f"s3://{local.BUCKET}/chaos/output"}


def prepare(s3: Any, sagemaker: Any) -> None:
    """Models, the input of transform jobs, the code of tuning jobs."""
    for name, seconds in ((MODEL, 0), (SLOW_MODEL, SECONDS_TO_LOAD)):
        container = tiny_model.container(s3, local.BUCKET, seconds, SERVING)
        sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=local.ROLE)
    rows = "".join(f"line {number}\n" for number in range(LINES))
    s3.put_object(Bucket=local.BUCKET, Key="chaos/input/rows.csv", Body=rows.encode())
    s3.put_object(Bucket=local.BUCKET, Key="chaos/tuning/train.py", Body=COUNTING.encode())


def processing(name: str) -> dict[str, Any]:
    return {
        "ProcessingJobName": name,
        "RoleArn": local.ROLE,
        "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": ENTRY},
        "ProcessingResources": {"ClusterConfig": INSTANCE},
        "StoppingCondition": {"MaxRuntimeInSeconds": 300},
    }


def training(name: str) -> dict[str, Any]:
    return {
        "TrainingJobName": name,
        "RoleArn": local.ROLE,
        "AlgorithmSpecification": {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ENTRY,
        },
        "OutputDataConfig": OUTPUT,
        "ResourceConfig": INSTANCE,
        "StoppingCondition": {"MaxRuntimeInSeconds": 300},
    }


def transform(name: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{local.BUCKET}/chaos/input/"}
    return {
        "TransformJobName": name,
        "ModelName": MODEL,
        "BatchStrategy": "SingleRecord",
        "TransformInput": {
            "DataSource": {"S3DataSource": source},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        "TransformOutput": {"S3OutputPath": f"s3://{local.BUCKET}/chaos/{name}", "AssembleWith": "Line"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }


def tuning(name: str) -> dict[str, Any]:
    definition = training("")
    del definition["TrainingJobName"]
    definition["AlgorithmSpecification"] = {
        "TrainingImage": IMAGE,
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "score", "Regex": "score=([0-9.]+)"}],
    }
    code = f"s3://{local.BUCKET}/chaos/tuning/"
    channel = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": code}}
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 1},
            "ParameterRanges": {"IntegerParameterRanges": [{"Name": "x", "MinValue": "1", "MaxValue": "9"}]},
        },
        "TrainingJobDefinition": {
            **definition,
            "StaticHyperParameters": {
                "sagemaker_program": '"train.py"',
                "sagemaker_submit_directory": '"/opt/ml/input/data/code"',
            },
            "InputDataConfig": [{"ChannelName": "code", "DataSource": channel}],
        },
    }


def endpoint(name: str) -> dict[str, Any]:
    return {
        "EndpointConfig": {
            "EndpointConfigName": name,
            "ProductionVariants": [tiny_model.variant(SLOW_MODEL)],
        },
        "Endpoint": {"EndpointName": name, "EndpointConfigName": name},
    }


REQUESTS: dict[str, Callable[[str], dict[str, Any]]] = {
    "processing": processing,
    "training": training,
    "transform": transform,
    "tuning": tuning,
    "endpoint": endpoint,
}
