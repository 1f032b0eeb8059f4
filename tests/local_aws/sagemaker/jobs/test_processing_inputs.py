from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.local_aws.sagemaker.job_requests import cluster, s3_input, s3_outputs

if TYPE_CHECKING:
    from collections.abc import Callable


def content(s3: Any, bucket: str, key: str) -> bytes:
    return bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())


def test_several_instances_share_the_input_by_key(
    run_processing: Callable[..., dict[str, Any]], s3: Any, bucket: str
) -> None:
    for number in range(5):
        s3.put_object(Bucket=bucket, Key=f"parts/{number}.csv", Body=b"x")
    code = """
import json, os
host = json.load(open("/opt/ml/config/resourceconfig.json"))["current_host"]
names = sorted(os.listdir("/opt/ml/processing/data"))
open("/opt/ml/processing/out/" + host, "w").write(" ".join(names))
"""
    source = s3_input(f"s3://{bucket}/parts/", S3DataDistributionType="ShardedByS3Key")
    job = run_processing(
        "sharded",
        code,
        ProcessingResources=cluster(2),
        ProcessingInputs=[source],
        ProcessingOutputConfig=s3_outputs(f"s3://{bucket}/shards"),
    )
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert content(s3, bucket, "shards/algo-1") == b"0.csv 2.csv 4.csv"
    assert content(s3, bucket, "shards/algo-2") == b"1.csv 3.csv"


LISTING = """
import pathlib
root = pathlib.Path("/opt/ml/processing/data")
found = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
pathlib.Path("/opt/ml/output/message").write_text(" ".join(found))
"""


def test_the_objects_of_a_manifest_keep_their_names_below_the_input_folder(
    run_processing: Callable[..., dict[str, Any]], s3: Any, bucket: str
) -> None:
    for key in ("all/a.csv", "all/2026/11/21/c.csv", "all/unwanted.csv"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    manifest = json.dumps([{"prefix": f"s3://{bucket}/all/"}, "a.csv", "2026/11/21/c.csv"])
    s3.put_object(Bucket=bucket, Key="elsewhere/wanted.manifest", Body=manifest.encode())
    source = s3_input(f"s3://{bucket}/elsewhere/wanted.manifest", S3DataType="ManifestFile")
    job = run_processing("manifest", LISTING, ProcessingInputs=[source])
    assert (job["ProcessingJobStatus"], job["ExitMessage"]) == ("Completed", "2026/11/21/c.csv a.csv")


def test_a_missing_object_of_a_manifest_fails_the_job(
    run_processing: Callable[..., dict[str, Any]], s3: Any, bucket: str
) -> None:
    s3.put_object(Bucket=bucket, Key="all/a.csv", Body=b"x")
    manifest = json.dumps([{"prefix": f"s3://{bucket}/all/"}, "a.csv", "gone.csv"])
    s3.put_object(Bucket=bucket, Key="stale.manifest", Body=manifest.encode())
    source = s3_input(f"s3://{bucket}/stale.manifest", S3DataType="ManifestFile")
    job = run_processing("stale-manifest", "pass", ProcessingInputs=[source])
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith(
        "ClientError: Data download failed:The specified key does not exist"
    )
    assert f"s3://{bucket}/all/gone.csv, named by s3://{bucket}/stale.manifest" in job["FailureReason"]


def test_an_empty_manifest_is_an_input_without_objects(
    run_processing: Callable[..., dict[str, Any]], s3: Any, bucket: str
) -> None:
    manifest = json.dumps([{"prefix": f"s3://{bucket}/all/"}])
    s3.put_object(Bucket=bucket, Key="empty.manifest", Body=manifest.encode())
    source = s3_input(f"s3://{bucket}/empty.manifest", S3DataType="ManifestFile")
    job = run_processing("empty-manifest", "pass", ProcessingInputs=[source])
    assert job["ProcessingJobStatus"] == "Failed"
    assert f'No S3 objects found under S3 URL "s3://{bucket}/empty.manifest"' in job["FailureReason"]


def test_a_missing_manifest_fails_the_job(run_processing: Callable[..., dict[str, Any]], bucket: str) -> None:
    source = s3_input(f"s3://{bucket}/no.manifest", S3DataType="ManifestFile")
    job = run_processing("no-manifest", "pass", ProcessingInputs=[source])
    assert job["ProcessingJobStatus"] == "Failed"
    assert f"does not exist. (s3://{bucket}/no.manifest)" in job["FailureReason"]


@pytest.mark.parametrize(
    ("name", "manifest", "complaint"),
    [
        ("no-json", b"not json", "Expecting value"),
        ("no-prefix", b'["a.csv"]', "must be a JSON array"),
        ("empty-list", b"[]", "must be a JSON array"),
        ("no-uri", b'[{"prefix": 7}, "a.csv"]', "must be a JSON array"),
        ("no-s3-uri", b'[{"prefix": "all/"}, "a.csv"]', "not an S3 URI"),
    ],
)
def test_a_bad_manifest_is_named(
    run_processing: Callable[..., dict[str, Any]],
    s3: Any,
    bucket: str,
    name: str,
    manifest: bytes,
    complaint: str,
) -> None:
    s3.put_object(Bucket=bucket, Key="bad.manifest", Body=manifest)
    source = s3_input(f"s3://{bucket}/bad.manifest", S3DataType="ManifestFile")
    job = run_processing(name, "pass", ProcessingInputs=[source])
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Data download failed:")
    assert complaint in job["FailureReason"]


def test_an_input_without_objects_is_named(
    run_processing: Callable[..., dict[str, Any]], bucket: str
) -> None:
    job = run_processing("nothing", "pass", ProcessingInputs=[s3_input(f"s3://{bucket}/empty/")])
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith(
        f'ClientError: Data download failed:No S3 objects found under S3 URL "s3://{bucket}/empty/"'
    )


def test_a_key_never_leaves_the_input_folder(
    run_processing: Callable[..., dict[str, Any]], s3: Any, bucket: str
) -> None:
    s3.put_object(Bucket=bucket, Key="evil/../../escaped.txt", Body=b"x")
    job = run_processing("evil", "pass", ProcessingInputs=[s3_input(f"s3://{bucket}/evil/")])
    assert job["ProcessingJobStatus"] == "Failed"
    assert "../../escaped.txt" in job["FailureReason"]


def test_a_name_that_is_both_file_and_folder_is_named(
    run_processing: Callable[..., dict[str, Any]], s3: Any, bucket: str
) -> None:
    for key in ("both/a", "both/a/b"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    job = run_processing("both", "pass", ProcessingInputs=[s3_input(f"s3://{bucket}/both/")])
    assert "both a folder as well as a file" in job["FailureReason"]
