"""Small jobs for the local AWS: a processing job that runs a script, a training job, a transform job."""

from __future__ import annotations

import logging
import time
import uuid
from typing import Any

import boto3

from scripts import local_settings as local

IMAGE = "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
LOG = logging.getLogger("tests.jobs")

HELLO = "print('hello'); print('world')"
FAILING = "import sys; print('about to fail'); sys.exit(3)"
SLEEPING = "import time; print('started', flush=True); time.sleep(60)"


def sagemaker() -> Any:
    return boto3.client("sagemaker")


def unique(word: str) -> str:
    return f"{word}-{uuid.uuid4().hex[:8]}"


def processing(name: str, code: str, **members: Any) -> dict[str, Any]:
    """A processing job that runs code given as text."""
    return {
        "ProcessingJobName": name,
        "RoleArn": local.ROLE,
        "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": ["python3", "-S", "-u", "-c", code]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10}
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 120},
        **members,
    }


def status(name: str) -> str:
    return str(sagemaker().describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"])


def wait_until(name: str, *statuses: str, seconds: float = 30) -> str:
    """Wait until a processing job has one of the statuses, which is returned."""
    deadline = time.monotonic() + seconds
    while (latest := status(name)) not in statuses:
        assert time.monotonic() < deadline, f"{name} is {latest}"
        time.sleep(0.1)
    return latest


def jobs(prefix: str) -> list[str]:
    """Names of all processing jobs that contain a text, sorted."""
    summaries = sagemaker().list_processing_jobs(NameContains=prefix, MaxResults=100)[
        "ProcessingJobSummaries"
    ]
    return sorted(job["ProcessingJobName"] for job in summaries)
