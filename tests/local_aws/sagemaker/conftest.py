"""boto3 clients of a running server, and a bucket for each test."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.local_aws.sagemaker.job_requests import finished_processing, processing, upload

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def sagemaker(client: Callable[[str], Any]) -> Any:
    return client("sagemaker")


@pytest.fixture(scope="module")
def s3(client: Callable[[str], Any]) -> Any:
    return client("s3")


@pytest.fixture(scope="module")
def logs(client: Callable[[str], Any]) -> Any:
    return client("logs")


@pytest.fixture
def bucket(s3: Any) -> str:
    """The name of a new, empty bucket."""
    name = f"jobs-{uuid.uuid4()}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    return name


@pytest.fixture
def script(s3: Any, bucket: str) -> Callable[[str], str]:
    """`script("print(1)")` uploads a script and returns its URI."""
    return lambda code: upload(s3, bucket, code)


@pytest.fixture
def run_processing(sagemaker: Any, script: Callable[[str], str]) -> Callable[..., dict[str, Any]]:
    """Runs code in a processing job; returns the job when it has ended."""

    def run(name: str, code: str, *arguments: str, **members: Any) -> dict[str, Any]:
        sagemaker.create_processing_job(**processing(name, script(code), *arguments, **members))
        return finished_processing(sagemaker, name)

    return run
