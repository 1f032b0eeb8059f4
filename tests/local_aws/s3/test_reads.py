"""Reads of objects: ranges and conditions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.local_aws.s3.conftest import HELLO, MD5

if TYPE_CHECKING:
    from tests.local_aws.s3.conftest import Refused


@pytest.mark.parametrize(
    ("byte_range", "expected", "content_range"),
    [
        ("bytes=0-4", b"hello", "bytes 0-4/11"),
        ("bytes=6-", b"world", "bytes 6-10/11"),
        ("bytes=-5", b"world", "bytes 6-10/11"),
        ("bytes=-100", HELLO, "bytes 0-10/11"),
        ("bytes=6-1000", b"world", "bytes 6-10/11"),
        ("bytes=10-10", b"d", "bytes 10-10/11"),
    ],
)
def test_a_range_of_an_object_can_be_read(
    s3: Any, hello: dict[str, str], byte_range: str, expected: bytes, content_range: str
) -> None:
    got = s3.get_object(**hello, Range=byte_range)
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert (got["Body"].read(), got["ContentRange"]) == (expected, content_range)
    assert s3.head_object(**hello, Range=byte_range)["ContentLength"] == len(expected)


@pytest.mark.parametrize("byte_range", ["bytes=11-", "bytes=50-60", "bytes=-0"])
def test_a_range_outside_of_the_object_is_refused(
    s3: Any, hello: dict[str, str], byte_range: str, refused: type[Refused]
) -> None:
    with refused("InvalidRange", 416) as error:
        s3.get_object(**hello, Range=byte_range)
    assert error.response["Error"]["ActualObjectSize"] == "11"


@pytest.mark.parametrize("byte_range", ["bytes=5-2", "bytes=-", "lines=1-2", "bytes=0-1,3-4", "bytes=a-b"])
def test_an_invalid_range_is_ignored(s3: Any, hello: dict[str, str], byte_range: str) -> None:
    got = s3.get_object(**hello, Range=byte_range)
    assert (got["ResponseMetadata"]["HTTPStatusCode"], got["Body"].read()) == (200, HELLO)


def test_an_empty_object_has_no_ranges(s3: Any, bucket: str, refused: type[Refused]) -> None:
    s3.put_object(Bucket=bucket, Key="empty")
    with refused("InvalidRange", 416):
        s3.get_object(Bucket=bucket, Key="empty", Range="bytes=0-")


EARLIER, LATER = datetime(2001, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "condition",
    [
        {"IfMatch": MD5},
        {"IfMatch": "*"},
        {"IfMatch": f'"other", {MD5}'},
        {"IfNoneMatch": '"other"'},
        {"IfModifiedSince": EARLIER},
        {"IfUnmodifiedSince": LATER},
        {"IfMatch": MD5, "IfUnmodifiedSince": EARLIER},
        {"IfNoneMatch": '"other"', "IfModifiedSince": LATER},
    ],
)
def test_a_read_whose_condition_holds_is_answered(
    s3: Any, hello: dict[str, str], condition: dict[str, Any]
) -> None:
    assert s3.get_object(**hello, **condition)["Body"].read() == HELLO
    s3.head_object(**hello, **condition)


@pytest.mark.parametrize("condition", [{"IfMatch": '"other"'}, {"IfUnmodifiedSince": EARLIER}])
def test_a_read_whose_precondition_fails_is_412(
    s3: Any, hello: dict[str, str], condition: dict[str, Any], refused: type[Refused]
) -> None:
    with refused("PreconditionFailed", 412):
        s3.get_object(**hello, **condition)
    with refused("412", 412):
        s3.head_object(**hello, **condition)


@pytest.mark.parametrize(
    "condition", [{"IfNoneMatch": MD5}, {"IfNoneMatch": "*"}, {"IfModifiedSince": LATER}]
)
def test_a_read_of_what_the_client_has_is_304(
    s3: Any, hello: dict[str, str], condition: dict[str, Any], refused: type[Refused]
) -> None:
    with refused("304", 304):
        s3.get_object(**hello, **condition)
    with refused("304", 304):
        s3.head_object(**hello, **condition)


def test_a_reader_can_rename_the_headers_of_an_answer(s3: Any, hello: dict[str, str]) -> None:
    got = s3.get_object(
        **hello,
        ResponseContentType="text/plain",
        ResponseContentDisposition="inline",
        ResponseCacheControl="no-cache",
    )
    assert (got["ContentType"], got["ContentDisposition"], got["CacheControl"]) == (
        "text/plain",
        "inline",
        "no-cache",
    )
