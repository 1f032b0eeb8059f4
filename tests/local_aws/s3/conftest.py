from __future__ import annotations

import itertools

import pytest
from botocore.exceptions import ClientError

NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def s3(client):
    return client("s3")


@pytest.fixture
def bucket(s3):
    """A new, empty bucket."""
    name = f"bucket-{next(NUMBERS)}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return name


@pytest.fixture
def refused():
    """`with refused("NoSuchKey", 404) as error:` expects AWS's code and HTTP status; gives the answer."""
    return Refused


class Refused:
    def __init__(self, code: str, status: int) -> None:
        self._expected = (code, status)
        self.response = {}

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        assert isinstance(error, ClientError), f"expected {self._expected}, got {error!r}"
        self.response = error.response
        answer = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        assert answer == self._expected, error
        return True
