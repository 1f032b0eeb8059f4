from __future__ import annotations

import base64
import hashlib
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import pytest

from include.local_aws.calls import Caller
from include.local_aws.protocol.errors import AwsError
from include.local_aws.protocol.http import Upload
from include.local_aws.s3.objects import Objects
from include.local_aws.s3.store import ObjectStore
from include.local_aws.state import State
from tests.local_aws.s3.conftest import HELLO, MD5

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local_aws.conftest import RunningServer
    from tests.local_aws.s3.conftest import Refused


def test_an_object_comes_back_as_it_was_put(s3: Any, bucket: str) -> None:
    expires = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    members = {
        "Metadata": {"owner": "ml", "note": "two words"},
        "ContentType": "text/csv; charset=utf-8",
        "ContentEncoding": "gzip",
        "ContentDisposition": 'attachment; filename="a.csv"',
        "ContentLanguage": "en, de",
        "CacheControl": "max-age=60",
        "Expires": expires,
        "StorageClass": "STANDARD_IA",
    }
    put = s3.put_object(Bucket=bucket, Key="k", Body=HELLO, **members)
    got = s3.get_object(Bucket=bucket, Key="k")
    assert put["ETag"] == got["ETag"] == MD5
    assert got["Body"].read() == HELLO
    assert {name: got[name] for name in members} == members
    head = s3.head_object(Bucket=bucket, Key="k")
    assert {name: head[name] for name in members} == members
    assert head["ContentLength"] == len(HELLO)
    assert abs(head["LastModified"] - datetime.now(UTC)) < timedelta(minutes=1)


def test_an_object_has_s3s_defaults(s3: Any, hello: dict[str, str]) -> None:
    head = s3.head_object(**hello)
    assert head["ContentType"] == "binary/octet-stream"
    assert head["ServerSideEncryption"] == "AES256"
    assert "StorageClass" not in head
    assert "ContentEncoding" not in head  # not the aws-chunked that it came with


def test_an_empty_object_is_an_object(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="empty")
    assert s3.get_object(Bucket=bucket, Key="empty")["Body"].read() == b""
    assert s3.head_object(Bucket=bucket, Key="empty")["ContentLength"] == 0


def test_a_put_replaces_content_and_metadata_together(s3: Any, hello: dict[str, str]) -> None:
    s3.put_object(**hello, Body=b"new", ContentType="text/plain")
    got = s3.get_object(**hello)
    assert (got["Body"].read(), got["ContentType"], got["Metadata"]) == (b"new", "text/plain", {})


def test_a_missing_object_is_named(s3: Any, bucket: str, refused: type[Refused]) -> None:
    with refused("NoSuchKey", 404) as error:
        s3.get_object(Bucket=bucket, Key="a/missing one")
    assert error.response["Error"]["Key"] == "a/missing one"
    with refused("404", 404):
        s3.head_object(Bucket=bucket, Key="missing")


def test_a_write_can_require_that_the_key_is_free(s3: Any, bucket: str, refused: type[Refused]) -> None:
    s3.put_object(Bucket=bucket, Key="once", Body=b"first", IfNoneMatch="*")
    with refused("PreconditionFailed", 412):
        s3.put_object(Bucket=bucket, Key="once", Body=b"second", IfNoneMatch="*")
    assert s3.get_object(Bucket=bucket, Key="once")["Body"].read() == b"first"
    with refused("NotImplemented", 501):
        s3.put_object(Bucket=bucket, Key="once", Body=b"third", IfNoneMatch='"etag"')


def test_a_write_can_require_an_etag(s3: Any, hello: dict[str, str], refused: type[Refused]) -> None:
    with refused("PreconditionFailed", 412):
        s3.put_object(**hello, Body=b"lost", IfMatch='"other"')
    s3.put_object(**hello, Body=b"won", IfMatch=MD5)
    assert s3.get_object(**hello)["Body"].read() == b"won"
    with refused("NoSuchKey", 404):
        s3.put_object(Bucket=hello["Bucket"], Key="missing", Body=b"x", IfMatch=MD5)


def test_one_of_many_conditional_writers_wins(server: RunningServer, bucket: str) -> None:
    client = server.client("s3", max_pool_connections=8)
    outcomes = []

    def write(number: int) -> None:
        try:
            client.put_object(Bucket=bucket, Key="lock", Body=str(number).encode(), IfNoneMatch="*")
        except client.exceptions.ClientError as error:
            outcomes.append(error.response["Error"]["Code"])
        else:
            outcomes.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [outcome for outcome in outcomes if outcome != "PreconditionFailed"]
    assert len(outcomes) == 8
    assert client.get_object(Bucket=bucket, Key="lock")["Body"].read() == str(winner).encode()


def test_a_content_md5_that_does_not_fit_keeps_nothing(s3: Any, bucket: str, refused: type[Refused]) -> None:
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    with refused("BadDigest", 400):
        s3.put_object(Bucket=bucket, Key="k", Body=HELLO, ContentMD5=wrong)
    with refused("BadDigest", 400):
        s3.put_object(Bucket=bucket, Key="k", Body=HELLO, ChecksumSHA256=base64.b64encode(b"0" * 32).decode())
    with refused("404", 404):
        s3.head_object(Bucket=bucket, Key="k")


def test_checksums_are_kept_and_given_back_on_request(s3: Any, bucket: str) -> None:
    value = base64.b64encode(hashlib.sha256(HELLO).digest()).decode()
    put = s3.put_object(Bucket=bucket, Key="k", Body=HELLO, ChecksumAlgorithm="SHA256")
    assert (put["ChecksumSHA256"], put["ChecksumType"]) == (value, "FULL_OBJECT")
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (got["Body"].read(), got["ChecksumSHA256"]) == (HELLO, value)
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["ChecksumSHA256"] == value
    assert "ChecksumSHA256" not in s3.head_object(Bucket=bucket, Key="k")
    assert "ChecksumSHA256" not in s3.get_object(Bucket=bucket, Key="k", Range="bytes=1-2")


def test_a_client_without_checksums_is_served(server: RunningServer, bucket: str) -> None:
    plain = server.client("s3", request_checksum_calculation="when_required")
    plain.put_object(Bucket=bucket, Key="k", Body=HELLO)
    assert plain.get_object(Bucket=bucket, Key="k")["Body"].read() == HELLO


def test_deleting_a_missing_object_succeeds(s3: Any, hello: dict[str, str], refused: type[Refused]) -> None:
    for _ in range(2):
        assert s3.delete_object(**hello)["ResponseMetadata"]["HTTPStatusCode"] == 204
    with refused("NoSuchKey", 404):
        s3.get_object(**hello)


def test_a_deletion_can_require_an_etag(s3: Any, hello: dict[str, str], refused: type[Refused]) -> None:
    with refused("PreconditionFailed", 412):
        s3.delete_object(**hello, IfMatch='"other"')
    s3.delete_object(**hello, IfMatch=MD5)
    with refused("404", 404):
        s3.head_object(**hello)


def test_many_objects_are_deleted_at_once(s3: Any, bucket: str) -> None:
    for number in range(3):
        s3.put_object(Bucket=bucket, Key=f"k{number}")
    objects = [{"Key": "k0"}, {"Key": "k1", "VersionId": "7"}, {"Key": "missing <&>"}]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})
    assert answer["Deleted"] == [{"Key": "k0"}, {"Key": "missing <&>"}]
    assert [(error["Key"], error["Code"]) for error in answer["Errors"]] == [("k1", "NoSuchVersion")]
    quiet = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k1"}], "Quiet": True})
    assert "Deleted" not in quiet
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["k2"]


def test_more_than_a_thousand_deletions_are_refused(s3: Any, bucket: str, refused: type[Refused]) -> None:
    with refused("MalformedXML", 400):
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": str(n)} for n in range(1001)]})


def test_every_object_is_the_version_null(s3: Any, hello: dict[str, str], refused: type[Refused]) -> None:
    assert s3.get_object(**hello, VersionId="null")["Body"].read() == HELLO
    with refused("NoSuchVersion", 404):
        s3.get_object(**hello, VersionId="3HL4kqtJlcpXroDTDmJ")


def test_attributes_of_an_object(s3: Any, hello: dict[str, str]) -> None:
    attributes = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
    answer = s3.get_object_attributes(**hello, ObjectAttributes=attributes)
    assert (answer["ETag"], answer["ObjectSize"]) == (MD5.strip('"'), 11)
    assert answer["StorageClass"] == "STANDARD"
    assert set(answer["Checksum"]) == {"ChecksumCRC32", "ChecksumType"}
    assert "ObjectParts" not in answer
    assert "ETag" not in s3.get_object_attributes(**hello, ObjectAttributes=["ObjectSize"])


def test_an_object_put_at_once_is_its_only_part(
    s3: Any, hello: dict[str, str], refused: type[Refused]
) -> None:
    got = s3.get_object(**hello, PartNumber=1)
    assert (got["ResponseMetadata"]["HTTPStatusCode"], got["Body"].read()) == (206, HELLO)
    with refused("InvalidPartNumber", 416):
        s3.get_object(**hello, PartNumber=2)


def test_too_much_metadata_is_refused(s3: Any, bucket: str, refused: type[Refused]) -> None:
    s3.put_object(Bucket=bucket, Key="k", Metadata={"a": "x" * 2047})
    with refused("MetadataTooLarge", 400):
        s3.put_object(Bucket=bucket, Key="k", Metadata={"a": "x" * 2048})


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_presigned_urls_work(server: RunningServer, bucket: str, version: str) -> None:
    signer = server.client("s3", signature_version=version)
    where = {"Bucket": bucket, "Key": "a b/é.txt"}
    upload = Request(signer.generate_presigned_url("put_object", Params=where), data=HELLO, method="PUT")
    with urlopen(upload) as answer:
        assert answer.headers["ETag"] == MD5
    with urlopen(signer.generate_presigned_url("get_object", Params=where)) as answer:
        assert answer.read() == HELLO


def test_unsupported_members_are_refused_and_nothing_is_written(
    s3: Any, bucket: str, refused: type[Refused]
) -> None:
    with refused("NotImplemented", 501):
        s3.put_object(
            Bucket=bucket, Key="k", Body=HELLO, SSECustomerKey="k" * 32, SSECustomerAlgorithm="AES256"
        )
    with refused("InvalidRequest", 400):
        s3.put_object(Bucket=bucket, Key="k", Body=HELLO, ObjectLockLegalHoldStatus="ON")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_encryption_by_aws_keys_is_remembered(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", ServerSideEncryption="aws:kms", SSEKMSKeyId="arn:aws:kms:::key/1")
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "arn:aws:kms:::key/1")


def test_a_reader_finishes_the_object_that_it_began(server: RunningServer, bucket: str) -> None:
    client = server.client("s3", request_checksum_calculation="when_required", max_pool_connections=4)
    old, new = b"o" * 20_000_000, b"n" * 20_000_000
    client.put_object(Bucket=bucket, Key="k", Body=old)
    body = client.get_object(Bucket=bucket, Key="k")["Body"]
    first_bytes = body.read(1000)
    client.put_object(Bucket=bucket, Key="k", Body=new)
    client.delete_object(Bucket=bucket, Key="k")
    assert first_bytes + body.read() == old


def test_a_put_object_of_more_than_5_gib_is_refused(tmp_path: Path) -> None:
    state = State(tmp_path)
    store = ObjectStore(state)
    store.create_bucket("bucket")
    body = Upload(tmp_path / "never-opened", 5 * 1024**3 + 1, b"", {})
    with pytest.raises(AwsError, match="EntityTooLarge"):
        Objects(store).put_object({"Bucket": "bucket", "Key": "k", "Body": body}, Caller())
    state.close()
