from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.sagemaker.job_requests import XGBOOST, channel, instances, training

if TYPE_CHECKING:
    from collections.abc import Callable


def with_algorithm(**members: Any) -> Callable[[dict[str, Any]], object]:
    def change(request: dict[str, Any]) -> None:
        request["AlgorithmSpecification"].update(members)

    return change


def with_members(**members: Any) -> Callable[[dict[str, Any]], object]:
    return lambda request: request.update(members)


def without_image(request: dict[str, Any]) -> None:
    del request["AlgorithmSpecification"]["TrainingImage"]


def built_in_on_two(request: dict[str, Any]) -> None:
    del request["AlgorithmSpecification"]["ContainerEntrypoint"]
    request["AlgorithmSpecification"]["TrainingImage"] = XGBOOST
    request["ResourceConfig"] = instances(2)


EFS = {
    "FileSystemDataSource": {
        "FileSystemId": "fs-01234567890",
        "FileSystemAccessMode": "ro",
        "FileSystemType": "EFS",
        "DirectoryPath": "/",
    }
}
BAD_REQUESTS = {
    "an unknown image": (
        with_algorithm(TrainingImage="example.com/mine:1"),
        "TrainingImage.*example.com/mine:1",
    ),
    "no image": (without_image, "TrainingImage is required"),
    "an algorithm by name": (with_algorithm(AlgorithmName="mine"), "AlgorithmName is not supported"),
    "pipe mode": (
        with_algorithm(TrainingInputMode="Pipe"),
        "'code'.*Pipe.*use File or FastFile",
    ),
    "a regex that is none": (
        with_algorithm(MetricDefinitions=[{"Name": "auc", "Regex": "auc=("}]),
        "MetricDefinitions 'auc'",
    ),
    "a regex without a group": (
        with_algorithm(MetricDefinitions=[{"Name": "auc", "Regex": "auc=.*"}]),
        "'auc'.*no group",
    ),
    "the built-in XGBoost on two instances": (built_in_on_two, "built-in XGBoost runs on one instance"),
    "spot training without patience": (
        with_members(EnableManagedSpotTraining=True),
        "Invalid MaxWaitTimeInSeconds",
    ),
    "a file system": (
        with_members(InputDataConfig=[{"ChannelName": "efs", "DataSource": EFS}]),
        "'efs': only S3DataSource",
    ),
    "two channels of one name": (
        with_members(InputDataConfig=[channel("a", "s3://b/k"), channel("a", "s3://b/k")]),
        "'a' is used more than once",
    ),
    "checkpoints outside": (
        with_members(CheckpointConfig={"S3Uri": "s3://b/c", "LocalPath": "/tmp/c"}),
        "CheckpointConfig.LocalPath must be a path that begins with /opt/ml",
    ),
    "a channel without objects": (
        with_members(InputDataConfig=[channel("train", "s3://no-such-bucket/none/")]),
        'No S3 objects found under S3 URL "s3://no-such-bucket/none/" given in input data source',
    ),
}


@pytest.mark.parametrize(("spoil", "complaint"), BAD_REQUESTS.values(), ids=BAD_REQUESTS)
def test_a_bad_request_is_refused(
    sagemaker: Any,
    s3: Any,
    bucket: str,
    spoil: Callable[[dict[str, Any]], object],
    complaint: str,
    script: Callable[[str], str],
) -> None:
    s3.put_object(Bucket=bucket, Key="data/x.csv", Body=b"1\n")
    request = training(
        "bad", script("pass"), bucket, InputDataConfig=[channel("train", f"s3://{bucket}/data")]
    )
    spoil(request)
    with pytest.raises(ClientError, match=f"ValidationException.*{complaint}"):
        sagemaker.create_training_job(**request)
    with pytest.raises(ClientError, match="Requested resource not found"):
        sagemaker.describe_training_job(TrainingJobName="bad")
