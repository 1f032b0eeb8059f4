"""Batch transform jobs, with real containers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.sagemaker.hosting.tiny_model import ROLE, container

if TYPE_CHECKING:
    from collections.abc import Callable

BUCKET = "transform-tests"


@pytest.fixture(scope="module")
def aws(client: Callable[[str], Any]) -> Any:
    """Clients by short names, a bucket, and the models double and pipeline."""

    class Aws:
        s3, sagemaker, logs = (client(name) for name in ("s3", "sagemaker", "logs"))

    Aws.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    double = container(Aws.s3, BUCKET, 2)
    Aws.sagemaker.create_model(ModelName="double", PrimaryContainer=double, ExecutionRoleArn=ROLE)
    Aws.sagemaker.create_model(ModelName="pipeline", Containers=[double] * 3, ExecutionRoleArn=ROLE)
    return Aws


def start(aws: Any, name: str, objects: dict[str, bytes], **changes: Any) -> None:
    """Upload objects below `{name}/in/` and create the job `name` on them."""
    for key, body in objects.items():
        aws.s3.put_object(Bucket=BUCKET, Key=f"{name}/in/{key}", Body=body)
    request: dict[str, Any] = {
        "TransformJobName": name,
        "ModelName": "double",
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{name}/in/"}},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        "TransformOutput": {
            "S3OutputPath": f"s3://{BUCKET}/{name}/out",
            "Accept": "text/csv",
            "AssembleWith": "Line",
        },
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }
    for member, value in changes.items():
        request[member] = {**request[member], **value} if isinstance(request.get(member), dict) else value
    aws.sagemaker.create_transform_job(**request)


def finished(aws: Any, name: str, timeout: float = 60) -> Any:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        description = aws.sagemaker.describe_transform_job(TransformJobName=name)
        if description["TransformJobStatus"] not in ("InProgress", "Stopping"):
            return description
        time.sleep(0.1)
    raise AssertionError(f"{name} is still {description['TransformJobStatus']}")


def outputs(aws: Any, name: str) -> dict[str, bytes]:
    entries = aws.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{name}/out/").get("Contents", [])
    keys = [entry["Key"] for entry in entries]
    return {
        key.removeprefix(f"{name}/out/"): aws.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        for key in keys
    }


def test_every_object_becomes_one_output_with_its_records_in_order(aws: Any) -> None:
    many = b"".join(b"%d\n" % number for number in range(5000))
    start(
        aws,
        "order",
        {"a.csv": b"1\n2\n3", "sub/b.csv": many, "empty.csv": b""},
        MaxConcurrentTransforms=4,
        MaxPayloadInMB=1,
    )
    job = finished(aws, "order")
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert job["TransformEndTime"] >= job["TransformStartTime"] >= job["CreationTime"]
    expected = b"".join(b"%.1f\n" % (2 * number) for number in range(5000))
    assert outputs(aws, "order") == {
        "a.csv.out": b"2.0\n4.0\n6.0\n",
        "sub/b.csv.out": expected,
        "empty.csv.out": b"",
    }


def test_single_records_go_one_by_one(aws: Any) -> None:
    start(aws, "single", {"a.csv": b"1\n2\n3\n"}, BatchStrategy="SingleRecord")
    assert finished(aws, "single")["TransformJobStatus"] == "Completed"
    assert outputs(aws, "single") == {"a.csv.out": b"2.0\n4.0\n6.0\n"}
    stream = aws.logs.describe_log_streams(
        logGroupName="/aws/sagemaker/TransformJobs", logStreamNamePrefix="single/"
    )
    name = stream["logStreams"][0]["logStreamName"]
    events = aws.logs.get_log_events(
        logGroupName="/aws/sagemaker/TransformJobs", logStreamName=name, startFromHead=True
    )["events"]
    assert [e["message"] for e in events].count("got text/csv true") == 3  # SAGEMAKER_BATCH is set


def test_a_pipeline_hands_each_answer_to_the_next_container(aws: Any) -> None:
    start(aws, "three", {"a.csv": b"1,10\n2,20\n"}, ModelName="pipeline")
    assert finished(aws, "three")["TransformJobStatus"] == "Completed"
    assert outputs(aws, "three") == {"a.csv.out": b"8.0,80.0\n16.0,160.0\n"}


def test_records_are_filtered_joined_and_filtered_again(aws: Any) -> None:
    filters = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}
    start(aws, "joined", {"a.csv": b"x,1,10\ny,2,20\n"}, DataProcessing=filters)
    job = finished(aws, "joined")
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert outputs(aws, "joined") == {"a.csv.out": b"x,20.0\ny,40.0\n"}


def test_one_broken_row_in_ten_thousand_fails_the_job_with_its_place_and_leaves_no_output(aws: Any) -> None:
    rows = [b"%d\n" % number for number in range(10_000)]
    rows[6666] = b"broken\n"
    start(aws, "broken", {"a.csv": b"".join(rows)}, BatchStrategy="SingleRecord", MaxConcurrentTransforms=4)
    job = finished(aws, "broken")
    assert job["TransformJobStatus"] == "Failed"
    assert (
        f"s3://{BUCKET}/broken/in/a.csv, records 6667 to 6667: container-1 answered 500"
        in job["FailureReason"]
    )
    assert outputs(aws, "broken") == {}


def test_a_line_longer_than_the_payload_limit_is_named(aws: Any) -> None:
    start(aws, "long", {"a.csv": b"1\n" + b"2" * (2 * 1024**2)}, MaxPayloadInMB=1)
    reason = finished(aws, "long")["FailureReason"]
    assert "a.csv: line 2 is longer than MaxPayloadInMB allows (1048576 bytes)" in reason
    assert outputs(aws, "long") == {}


def test_a_job_without_input_fails_as_on_aws(aws: Any) -> None:
    start(aws, "nothing", {})
    assert "No S3 objects found under S3 URL" in finished(aws, "nothing")["FailureReason"]


def test_a_running_job_can_be_stopped(aws: Any) -> None:
    start(aws, "stopped", {"a.csv": b"slow\n" * 50}, BatchStrategy="SingleRecord")
    time.sleep(1.5)
    aws.sagemaker.stop_transform_job(TransformJobName="stopped")
    assert (
        aws.sagemaker.describe_transform_job(TransformJobName="stopped")["TransformJobStatus"] == "Stopping"
    )
    job = finished(aws, "stopped")
    assert job["TransformJobStatus"] == "Stopped", job
    with pytest.raises(ClientError, match="is in status Stopped"):
        aws.sagemaker.stop_transform_job(TransformJobName="stopped")


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"ModelName": "none"}, 'Could not find model "arn:aws:sagemaker:eu-west-1:123456789012:model/none".'),
    ({"DataProcessing": {"InputFilter": "$[?(@.a)]"}}, "DataProcessing.InputFilter: "),
    ({"DataProcessing": {"OutputFilter": "$.name"}}, "CSV records have positions, no names"),
    (
        {"DataProcessing": {"JoinSource": "Input"}, "TransformOutput": {"Accept": "application/json"}},
        "JoinSource Input needs equal ContentType and Accept",
    ),
    ({"TransformInput": {"SplitType": "None"}, "BatchStrategy": "MultiRecord"}, "BatchStrategy needs"),
]


@pytest.mark.parametrize(("changes", "text"), REFUSED, ids=lambda case: str(case)[:40])
def test_a_request_that_could_not_work_is_refused(aws: Any, changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ClientError) as error:
        start(aws, "refused", {"a.csv": b"1\n"}, **changes)
    assert error.value.response["Error"]["Code"] == "ValidationException"
    assert text in error.value.response["Error"]["Message"]
    assert aws.sagemaker.list_transform_jobs(NameContains="refused")["TransformJobSummaries"] == []


def test_a_name_is_used_once(aws: Any) -> None:
    start(aws, "once", {"a.csv": b"1\n"})
    with pytest.raises(ClientError) as error:
        start(aws, "once", {})
    assert error.value.response["Error"]["Code"] == "ResourceInUse"
    finished(aws, "once")
