from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.local_aws.s3.conftest import Refused

FROM = "from/a b+é?versionId=x&#.csv"


@pytest.fixture
def source(s3: Any, bucket: str) -> dict[str, str]:
    s3.put_object(
        Bucket=bucket,
        Key=FROM,
        Body=b"content",
        ContentType="text/csv",
        Metadata={"a": "1"},
        Tagging="t=1",
        ChecksumAlgorithm="SHA256",
    )
    return {"Bucket": bucket, "Key": FROM}


def content_and_description(
    s3: Any, bucket: str, key: str
) -> tuple[bytes, str, dict[str, str], list[dict[str, str]]]:
    got = s3.get_object(Bucket=bucket, Key=key)
    tags = s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    return got["Body"].read(), got["ContentType"], got["Metadata"], tags


def test_a_copy_is_an_object_of_its_own(s3: Any, bucket: str, source: dict[str, str]) -> None:
    etag = s3.head_object(**source)["ETag"]
    result = s3.copy_object(Bucket=bucket, Key="to", CopySource=source)["CopyObjectResult"]
    assert result["ETag"] == etag
    assert "ChecksumSHA256" in result
    assert abs((result["LastModified"] - datetime.now(UTC)).total_seconds()) < 60
    s3.put_object(**source, Body=b"changed")
    s3.delete_object(**source)
    tags = [{"Key": "t", "Value": "1"}]
    assert content_and_description(s3, bucket, "to") == (b"content", "text/csv", {"a": "1"}, tags)


def test_the_source_may_be_written_as_text(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="plain/key", Body=b"x")
    for number, text in enumerate((f"{bucket}/plain/key", f"/{bucket}/plain/key")):
        s3.copy_object(Bucket=bucket, Key=f"to-{number}", CopySource=text)
        assert s3.get_object(Bucket=bucket, Key=f"to-{number}")["Body"].read() == b"x"


def test_directives_replace_metadata_and_tags(s3: Any, bucket: str, source: dict[str, str]) -> None:
    new = {"Metadata": {"b": "2"}, "ContentType": "text/plain", "Tagging": "u=2"}
    s3.copy_object(Bucket=bucket, Key="same", CopySource=source, **new)
    assert content_and_description(s3, bucket, "same")[1:3] == ("text/csv", {"a": "1"})
    s3.copy_object(Bucket=bucket, Key="new", CopySource=source, **new, MetadataDirective="REPLACE")
    assert content_and_description(s3, bucket, "new")[1:] == (
        "text/plain",
        {"b": "2"},
        [{"Key": "t", "Value": "1"}],
    )
    s3.copy_object(Bucket=bucket, Key="tags", CopySource=source, **new, TaggingDirective="REPLACE")
    assert content_and_description(s3, bucket, "tags")[1:] == (
        "text/csv",
        {"a": "1"},
        [{"Key": "u", "Value": "2"}],
    )


def test_a_copy_to_itself_must_change_something(
    s3: Any, source: dict[str, str], refused: type[Refused]
) -> None:
    with refused("InvalidRequest", 400):
        s3.copy_object(**source, CopySource=source)
    s3.copy_object(**source, CopySource=source, MetadataDirective="REPLACE", Metadata={"new": "1"})
    assert content_and_description(s3, *source.values())[:3] == (
        b"content",
        "binary/octet-stream",
        {"new": "1"},
    )
    s3.copy_object(**source, CopySource=source, StorageClass="GLACIER_IR")
    assert s3.head_object(**source)["StorageClass"] == "GLACIER_IR"


EARLIER = datetime(2001, 1, 1, tzinfo=UTC)
CONTENT = f'"{hashlib.md5(b"content").hexdigest()}"'


@pytest.mark.parametrize(
    "condition",
    [
        {"CopySourceIfMatch": '"other"'},
        {"CopySourceIfNoneMatch": CONTENT},
        {"CopySourceIfUnmodifiedSince": EARLIER},
    ],
)
def test_a_copy_whose_condition_fails_writes_nothing(
    s3: Any, bucket: str, source: dict[str, str], condition: dict[str, Any], refused: type[Refused]
) -> None:
    with refused("PreconditionFailed", 412):
        s3.copy_object(Bucket=bucket, Key="to", CopySource=source, **condition)
    with refused("404", 404):
        s3.head_object(Bucket=bucket, Key="to")


def test_a_copy_whose_condition_holds_is_made(s3: Any, bucket: str, source: dict[str, str]) -> None:
    held = {"CopySourceIfMatch": CONTENT, "CopySourceIfModifiedSince": EARLIER}
    s3.copy_object(Bucket=bucket, Key="to", CopySource=source, **held)
    assert s3.head_object(Bucket=bucket, Key="to")["ContentLength"] == 7


def test_a_copy_can_require_that_the_key_is_free(
    s3: Any, bucket: str, source: dict[str, str], refused: type[Refused]
) -> None:
    s3.put_object(Bucket=bucket, Key="to", Body=b"old")
    with refused("PreconditionFailed", 412):
        s3.copy_object(Bucket=bucket, Key="to", CopySource=source, IfNoneMatch="*")
    assert s3.get_object(Bucket=bucket, Key="to")["Body"].read() == b"old"


def test_a_missing_source_is_named(s3: Any, bucket: str, refused: type[Refused]) -> None:
    with refused("NoSuchKey", 404) as error:
        s3.copy_object(Bucket=bucket, Key="to", CopySource={"Bucket": bucket, "Key": "missing"})
    assert error.response["Error"]["Key"] == "missing"
    with refused("NoSuchBucket", 404):
        s3.copy_object(Bucket=bucket, Key="to", CopySource={"Bucket": "missing", "Key": "k"})
    with refused("NoSuchBucket", 404):
        s3.copy_object(Bucket="missing", Key="to", CopySource={"Bucket": bucket, "Key": "k"})
    with refused("InvalidArgument", 400):
        s3.copy_object(Bucket=bucket, Key="to", CopySource="no-slash")


def test_a_copy_of_an_object_in_parts_is_a_plain_object(s3: Any, bucket: str) -> None:
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts", Metadata={"a": "1"})["UploadId"]
    etag = s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"content")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    s3.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload=parts)
    s3.copy_object(
        Bucket=bucket, Key="plain", CopySource={"Bucket": bucket, "Key": "parts"}, ChecksumAlgorithm="SHA1"
    )
    head = s3.head_object(Bucket=bucket, Key="plain", ChecksumMode="ENABLED")
    assert (head["ETag"], head["Metadata"]) == (CONTENT, {"a": "1"})
    assert head["ChecksumSHA1"] == base64.b64encode(hashlib.sha1(b"content").digest()).decode()
