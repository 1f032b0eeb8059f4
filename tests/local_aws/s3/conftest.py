from __future__ import annotations

import hashlib
import itertools
from typing import TYPE_CHECKING, Any, Self

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

NUMBERS = itertools.count()
HELLO = b"hello world"
MD5 = f'"{hashlib.md5(HELLO).hexdigest()}"'


@pytest.fixture(scope="module")
def s3(client: Callable[[str], Any]) -> Any:
    return client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    """A new, empty bucket."""
    name = f"bucket-{next(NUMBERS)}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return name


@pytest.fixture
def hello(s3: Any, bucket: str) -> dict[str, str]:
    """A bucket with one object, `hello`."""
    s3.put_object(Bucket=bucket, Key="hello", Body=HELLO)
    return {"Bucket": bucket, "Key": "hello"}


@pytest.fixture
def refused() -> type[Refused]:
    """`with refused("NoSuchKey", 404) as error:` expects a code and a status; `error` has the response."""
    return Refused


class Refused:
    def __init__(self, code: str, status: int) -> None:
        self._expected = (code, status)
        self.response: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> bool:
        assert isinstance(error, ClientError), f"expected {self._expected}, got {error!r}"
        self.response = error.response
        answer = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        assert answer == self._expected, error
        return True
