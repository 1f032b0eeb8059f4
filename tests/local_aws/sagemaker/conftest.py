"""boto3 clients of a running server, and a bucket of one's own."""

from __future__ import annotations

import uuid

import pytest

from tests.local_aws.sagemaker.job_requests import finished_processing, processing, upload


@pytest.fixture(scope="module")
def sagemaker(client):
    return client("sagemaker")


@pytest.fixture(scope="module")
def s3(client):
    return client("s3")


@pytest.fixture(scope="module")
def logs(client):
    return client("logs")


@pytest.fixture
def bucket(s3):
    """The name of a new, empty bucket."""
    name = f"jobs-{uuid.uuid4()}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    return name


@pytest.fixture
def script(s3, bucket):
    """`script("print(1)")` uploads a script and returns its URI."""
    return lambda code: upload(s3, bucket, code)


@pytest.fixture
def run_processing(sagemaker, script):
    """Runs code in a processing job; returns the job when it has ended."""

    def run(name, code, *arguments, **more):
        sagemaker.create_processing_job(**processing(name, script(code), *arguments, **more))
        return finished_processing(sagemaker, name)

    return run
