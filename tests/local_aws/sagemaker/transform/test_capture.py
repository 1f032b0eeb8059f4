"""DataCaptureConfig of batch transform jobs: manifests of input and output, identifiers for ground truth."""

from __future__ import annotations

import csv
import io
import json
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.sagemaker.hosting.tiny_model import ROLE, SCRIPT, container
from tests.local_aws.sagemaker.job_requests import eventually, s3_input

if TYPE_CHECKING:
    from collections.abc import Callable

JSON_SCRIPT = SCRIPT.replace(
    b"return '\\n'.join(','.join(map(str, row)) for row in rows), 'text/csv; charset=utf-8'",
    b"import json; return '\\n'.join(json.dumps({'output': row}) for row in rows), 'application/jsonlines'",
)
SCALAR_SCRIPT = JSON_SCRIPT.replace(b"{'output': row}", b"row")


@pytest.fixture
def transform(sagemaker: Any, s3: Any, bucket: str) -> Callable[..., dict[str, Any]]:
    """Runs a transform job named as its bucket on objects below `in/`; returns the job when it has ended."""

    def transform(objects: dict[str, bytes], script: bytes = SCRIPT, **members: Any) -> dict[str, Any]:
        model = container(s3, bucket, 2, script)
        sagemaker.create_model(ModelName=bucket, PrimaryContainer=model, ExecutionRoleArn=ROLE)
        for key, body in objects.items():
            s3.put_object(Bucket=bucket, Key=f"in/{key}", Body=body)
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/in/"}
        request: dict[str, Any] = {
            "TransformInput": {
                "DataSource": {"S3DataSource": source},
                "ContentType": "text/csv",
                "SplitType": "Line",
            },
            "TransformOutput": {"S3OutputPath": f"s3://{bucket}/out", "AssembleWith": "Line"},
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
            "DataCaptureConfig": {"DestinationS3Uri": f"s3://{bucket}/captured"},
        }
        sagemaker.create_transform_job(TransformJobName=bucket, ModelName=bucket, **(request | members))
        job: dict[str, Any] = finished(sagemaker, bucket)
        return job

    return transform


def finished(sagemaker: Any, name: str) -> Any:
    def job() -> Any:
        description = sagemaker.describe_transform_job(TransformJobName=name)
        return description if description["TransformJobStatus"] in ("Completed", "Failed") else None

    return eventually(job, 60)


def read(s3: Any, bucket: str, key: str) -> bytes:
    content: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return content


def manifests(s3: Any, bucket: str, side: str) -> dict[str, Any]:
    """The manifests below one side of the destination, by their folder."""
    entries = s3.list_objects_v2(Bucket=bucket, Prefix=f"captured/{side}/").get("Contents", [])
    keys = [entry["Key"] for entry in entries]
    return {key.rpartition("/")[0]: json.loads(read(s3, bucket, key)) for key in keys}


def capture_with_ids(bucket: str) -> dict[str, Any]:
    return {"DestinationS3Uri": f"s3://{bucket}/captured", "GenerateInferenceId": True}


def test_manifests_name_what_went_in_and_came_out(
    transform: Callable[..., dict[str, Any]], s3: Any, bucket: str
) -> None:
    job = transform({"a.csv": b"1\n", "deep/b.csv": b"2\n"})
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    folder = time.strftime("%Y/%m/%d/%H", time.gmtime(job["TransformStartTime"].timestamp()))
    assert manifests(s3, bucket, "input") == {
        f"captured/input/{folder}": [{"prefix": f"s3://{bucket}/in/"}, "a.csv", "deep/b.csv"]
    }
    assert manifests(s3, bucket, "output") == {
        f"captured/output/{folder}": [{"prefix": f"s3://{bucket}/out/"}, "a.csv.out", "deep/b.csv.out"]
    }
    assert read(s3, bucket, "out/a.csv.out") == b"2.0\n"  # without GenerateInferenceId nothing is added


def test_a_manifest_is_the_input_of_a_processing_job(
    transform: Callable[..., dict[str, Any]],
    run_processing: Callable[..., dict[str, Any]],
    s3: Any,
    bucket: str,
) -> None:
    transform({"a.csv": b"1\n", "deep/b.csv": b"2\n3\n"})
    (manifest,) = s3.list_objects_v2(Bucket=bucket, Prefix="captured/output/")["Contents"]
    code = """
import pathlib
root = pathlib.Path("/opt/ml/processing/data")
files = sorted(path for path in root.rglob("*") if path.is_file())
text = [f"{path.relative_to(root)}={path.read_text().split()}" for path in files]
pathlib.Path("/opt/ml/output/message").write_text(";".join(text))
"""
    source = s3_input(f"s3://{bucket}/{manifest['Key']}", S3DataType="ManifestFile")
    job = run_processing(f"read-{bucket}"[:63], code, ProcessingInputs=[source])
    assert job["ExitMessage"] == "a.csv.out=['2.0'];deep/b.csv.out=['4.0', '6.0']"


def test_every_csv_record_gets_an_identifier_and_the_start_of_the_job(
    transform: Callable[..., dict[str, Any]], s3: Any, bucket: str
) -> None:
    job = transform({"a.csv": b"1\n2\n3\n"}, DataCaptureConfig=capture_with_ids(bucket))
    rows = list(csv.reader(io.StringIO(read(s3, bucket, "out/a.csv.out").decode())))
    assert [row[:-2] for row in rows] == [["2.0"], ["4.0"], ["6.0"]]
    assert len({uuid.UUID(row[-2]) for row in rows}) == 3
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(job["TransformStartTime"].timestamp()))
    assert {row[-1] for row in rows} == {started}


def test_identifiers_follow_what_the_filters_leave(
    transform: Callable[..., dict[str, Any]], s3: Any, bucket: str
) -> None:
    filters = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}
    output = {"S3OutputPath": f"s3://{bucket}/out", "AssembleWith": "Line", "Accept": "text/csv"}
    transform(
        {"a.csv": b"x,1,10\ny,2,20\n"},
        DataCaptureConfig=capture_with_ids(bucket),
        DataProcessing=filters,
        TransformOutput=output,
    )
    rows = list(csv.reader(io.StringIO(read(s3, bucket, "out/a.csv.out").decode())))
    assert [row[:2] for row in rows] == [["x", "20.0"], ["y", "40.0"]]
    assert [len(row) for row in rows] == [4, 4]


def test_json_records_get_two_members(transform: Callable[..., dict[str, Any]], s3: Any, bucket: str) -> None:
    transform({"a.csv": b"1\n2\n"}, JSON_SCRIPT, DataCaptureConfig=capture_with_ids(bucket))
    records = [json.loads(line) for line in read(s3, bucket, "out/a.csv.out").splitlines()]
    assert [record["output"] for record in records] == [[2.0], [4.0]]
    assert len({uuid.UUID(record["SageMakerInferenceId"]) for record in records}) == 2
    assert all(record["SageMakerInferenceTime"].endswith("Z") for record in records)


def test_json_without_a_place_for_an_identifier_fails_the_job(
    transform: Callable[..., dict[str, Any]], s3: Any, bucket: str
) -> None:
    job = transform({"a.csv": b"1\n2\n"}, SCALAR_SCRIPT, DataCaptureConfig=capture_with_ids(bucket))
    assert job["TransformJobStatus"] == "Failed"
    assert "a.csv: records 1 to 2: GenerateInferenceId needs JSON objects" in job["FailureReason"]
    assert manifests(s3, bucket, "input") == {}


def test_a_destination_has_to_be_an_s3_uri(transform: Callable[..., dict[str, Any]], bucket: str) -> None:
    capture = {"DestinationS3Uri": "https://example.com/captured"}
    with pytest.raises(ClientError, match="ValidationException.*DataCaptureConfig.DestinationS3Uri"):
        transform({"a.csv": b"1\n"}, DataCaptureConfig=capture)
