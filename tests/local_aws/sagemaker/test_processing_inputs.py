from __future__ import annotations

import json

import pytest

from tests.local_aws.sagemaker.job_requests import cluster, s3_input, s3_outputs


def content(s3, bucket, key):
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def test_several_instances_share_the_input_by_key(run_processing, s3, bucket):
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


def test_a_manifest_names_the_objects_to_download(run_processing, s3, bucket):
    for key in ("all/a.csv", "all/b/c.csv", "all/unwanted.csv"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    manifest = json.dumps([{"prefix": f"s3://{bucket}/all/"}, "a.csv", "b/c.csv"])
    s3.put_object(Bucket=bucket, Key="wanted.manifest", Body=manifest.encode())
    code = "import os; print(sorted(f for _, _, names in os.walk('/opt/ml/processing/data') for f in names))"
    code += (
        "; open('/opt/ml/output/message', 'w').write('ok') if os.listdir('/opt/ml/processing/data/b') else 0"
    )
    source = s3_input(f"s3://{bucket}/wanted.manifest", S3DataType="ManifestFile")
    job = run_processing("manifest", code, ProcessingInputs=[source])
    assert (job["ProcessingJobStatus"], job["ExitMessage"]) == ("Completed", "ok")


@pytest.mark.parametrize(
    ("name", "manifest", "complaint"),
    [
        ("no-json", b"not json", "Expecting value"),
        ("no-prefix", b'["a.csv"]', "must be a JSON array"),
        ("empty-list", b"[]", "must be a JSON array"),
    ],
)
def test_a_bad_manifest_is_named(run_processing, s3, bucket, name, manifest, complaint):
    s3.put_object(Bucket=bucket, Key="bad.manifest", Body=manifest)
    source = s3_input(f"s3://{bucket}/bad.manifest", S3DataType="ManifestFile")
    job = run_processing(name, "pass", ProcessingInputs=[source])
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Data download failed:")
    assert complaint in job["FailureReason"]


def test_an_input_without_objects_is_named(run_processing, bucket):
    job = run_processing("nothing", "pass", ProcessingInputs=[s3_input(f"s3://{bucket}/empty/")])
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith(
        f'ClientError: Data download failed:No S3 objects found under S3 URL "s3://{bucket}/empty/"'
    )


def test_a_key_never_leaves_the_input_folder(run_processing, s3, bucket):
    s3.put_object(Bucket=bucket, Key="evil/../../escaped.txt", Body=b"x")
    job = run_processing("evil", "pass", ProcessingInputs=[s3_input(f"s3://{bucket}/evil/")])
    assert job["ProcessingJobStatus"] == "Failed"
    assert "../../escaped.txt" in job["FailureReason"]


def test_a_name_that_is_both_file_and_folder_is_named(run_processing, s3, bucket):
    for key in ("both/a", "both/a/b"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    job = run_processing("both", "pass", ProcessingInputs=[s3_input(f"s3://{bucket}/both/")])
    assert "both a folder as well as a file" in job["FailureReason"]
