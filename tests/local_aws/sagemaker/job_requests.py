"""Requests of small jobs, and waiting for their end."""

from __future__ import annotations

import hashlib
import io
import tarfile
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ROLE = "arn:aws:iam::123456789012:role/service-role/SageMaker"
ACCOUNT_IMAGES = "683313688378.dkr.ecr.us-east-1.amazonaws.com"
SCIKIT_LEARN = f"{ACCOUNT_IMAGES}/sagemaker-scikit-learn:1.4-2"
XGBOOST = f"{ACCOUNT_IMAGES}/sagemaker-xgboost:3.0-5"
ENDED = ("Completed", "Failed", "Stopped")


def processing(name: str, script: str, *arguments: str, **members: Any) -> dict[str, Any]:
    """A processing job that runs a Python script of S3, without the start-up time of site-packages."""
    inputs = [s3_input(script, "code"), *members.pop("ProcessingInputs", [])]
    return {
        "ProcessingJobName": name,
        "RoleArn": ROLE,
        "AppSpecification": {
            "ImageUri": SCIKIT_LEARN,
            "ContainerEntrypoint": ["python3", "-S", f"/opt/ml/processing/code/{script.rsplit('/', 1)[-1]}"],
            **({"ContainerArguments": list(arguments)} if arguments else {}),
        },
        "ProcessingResources": cluster(1),
        "ProcessingInputs": inputs,
        **members,
    }


def cluster(count: int) -> dict[str, Any]:
    return {"ClusterConfig": {"InstanceCount": count, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}}


def s3_input(uri: str, name: str = "data", **members: Any) -> dict[str, Any]:
    path = f"/opt/ml/processing/{name}"
    return {
        "InputName": name,
        "S3Input": {"S3Uri": uri, "LocalPath": path, "S3DataType": "S3Prefix", **members},
    }


def s3_outputs(uri: str, name: str = "out", mode: str = "EndOfJob") -> dict[str, Any]:
    s3_output = {"S3Uri": uri, "LocalPath": f"/opt/ml/processing/{name}", "S3UploadMode": mode}
    return {"Outputs": [{"OutputName": name, "S3Output": s3_output}]}


def training(name: str, script: str, bucket: str, **members: Any) -> dict[str, Any]:
    """A training job that runs a Python script of S3 instead of the image's own program."""
    channels = [channel("code", script), *members.pop("InputDataConfig", [])]
    return {
        "TrainingJobName": name,
        "RoleArn": ROLE,
        "AlgorithmSpecification": {
            "TrainingImage": SCIKIT_LEARN,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python3", "-S", f"/opt/ml/input/data/code/{script.rsplit('/', 1)[-1]}"],
        },
        "InputDataConfig": channels,
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/models"},
        "ResourceConfig": instances(1),
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        **members,
    }


def instances(count: int) -> dict[str, Any]:
    return {"InstanceCount": count, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}


def channel(name: str, uri: str, **members: Any) -> dict[str, Any]:
    return {
        "ChannelName": name,
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri, **members}},
        "ContentType": "text/csv",
    }


def upload(s3: Any, bucket: str, code: str) -> str:
    """Put Python code into a bucket; returns the URI of the script."""
    key = f"scripts/{hashlib.sha256(code.encode()).hexdigest()}.py"
    s3.put_object(Bucket=bucket, Key=key, Body=code.encode())
    return f"s3://{bucket}/{key}"


def eventually(condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    """The first true value of the condition."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return value


def finished_processing(sagemaker: Any, name: str) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        job = sagemaker.describe_processing_job(ProcessingJobName=name)
        return job if job["ProcessingJobStatus"] in ENDED else None

    job: dict[str, Any] = eventually(ended)
    return job


def finished_training(sagemaker: Any, name: str) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        job = sagemaker.describe_training_job(TrainingJobName=name)
        return job if job["TrainingJobStatus"] in ENDED else None

    job: dict[str, Any] = eventually(ended)
    return job


def log_lines(logs: Any, group: str, job: str) -> list[str]:
    """Everything that a job's streams hold, in order."""
    lines = []
    for stream in logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{job}/")["logStreams"]:
        token: dict[str, str] = {}
        while True:
            page = logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True, **token
            )
            lines += [event["message"] for event in page["events"]]
            if page["nextForwardToken"] == token.get("nextToken"):
                break
            token = {"nextToken": page["nextForwardToken"]}
    return lines


def unpacked(s3: Any, uri: str) -> dict[str, bytes]:
    """The files of an archive in S3, by name."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        contents = {member.name: tar.extractfile(member) for member in tar.getmembers()}
        return {name: content.read() for name, content in contents.items() if content is not None}
