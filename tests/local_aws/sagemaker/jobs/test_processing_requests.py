from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.sagemaker.job_requests import processing, s3_input

if TYPE_CHECKING:
    from collections.abc import Callable

BAD_REQUESTS = {
    "an unknown image": (
        {"AppSpecification": {"ImageUri": "example.com/mine:1"}},
        "AppSpecification.ImageUri.*example.com/mine:1",
    ),
    "a dataset definition": (
        {
            "ProcessingInputs": [
                {"InputName": "athena", "DatasetDefinition": {"LocalPath": "/opt/ml/processing/a"}}
            ]
        },
        "'athena'.*not supported locally",
    ),
    "an input without a source": ({"ProcessingInputs": [{"InputName": "void"}]}, "'void' needs a S3Input"),
    "an output into a feature group": (
        {
            "ProcessingOutputConfig": {
                "Outputs": [{"OutputName": "fs", "FeatureStoreOutput": {"FeatureGroupName": "g"}}]
            }
        },
        "'fs'.*not supported locally",
    ),
    "a path outside": (
        {"ProcessingInputs": [s3_input("s3://b/k", LocalPath="/etc")]},
        "must be a path that begins with /opt/ml/processing, not '/etc'",
    ),
    "a path that climbs out": (
        {"ProcessingInputs": [s3_input("s3://b/k", LocalPath="/opt/ml/processing/../x")]},
        "must be a path that begins with /opt/ml/processing",
    ),
    "two inputs in one place": (
        {
            "ProcessingInputs": [
                s3_input("s3://b/k", "a", LocalPath="/opt/ml/processing/x"),
                s3_input("s3://b/k", "b", LocalPath="/opt/ml/processing/x/"),
            ]
        },
        "LocalPath: '/opt/ml/processing/x' is used more than once",
    ),
    "two inputs of one name": (
        {"ProcessingInputs": [s3_input("s3://b/k", LocalPath=f"/opt/ml/processing/{n}") for n in "ab"]},
        "InputName: 'data' is used more than once",
    ),
    "pipe mode": ({"ProcessingInputs": [s3_input("s3://b/k", S3InputMode="Pipe")]}, "Pipe.*use File"),
    "gzip without pipe mode": (
        {"ProcessingInputs": [s3_input("s3://b/k", S3CompressionType="Gzip")]},
        "Gzip is only valid",
    ),
}


@pytest.mark.parametrize(("wrong", "complaint"), BAD_REQUESTS.values(), ids=BAD_REQUESTS)
def test_a_bad_request_is_refused(
    sagemaker: Any, wrong: dict[str, Any], complaint: str, script: Callable[[str], str]
) -> None:
    with pytest.raises(ClientError, match=f"ValidationException.*{complaint}"):
        sagemaker.create_processing_job(**processing("bad", script("pass"), **wrong))
    with pytest.raises(ClientError, match="Could not find requested job"):
        sagemaker.describe_processing_job(ProcessingJobName="bad")
