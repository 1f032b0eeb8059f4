from __future__ import annotations

import base64
import hashlib
import time
import zlib
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local_aws.conftest import RunningServer
    from tests.local_aws.s3.conftest import Refused

FIVE = 5 * 1024**2
FIRST, SECOND = b"a" * FIVE, b"b" * 1000


@pytest.fixture
def upload(s3: Any, bucket: str) -> dict[str, str]:
    """An upload in progress for the key `big`, as the arguments of its operations."""
    started = s3.create_multipart_upload(
        Bucket=bucket, Key="big", ContentType="text/csv", Metadata={"a": "1"}
    )
    return {"Bucket": bucket, "Key": "big", "UploadId": started["UploadId"]}


def send(s3: Any, upload: dict[str, str], number: int, body: bytes, **members: Any) -> dict[str, Any]:
    etag = s3.upload_part(**upload, PartNumber=number, Body=body, **members)["ETag"]
    return {"PartNumber": number, "ETag": etag}


def complete(s3: Any, upload: dict[str, str], parts: list[dict[str, Any]], **members: Any) -> Any:
    return s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, **members)


def test_parts_become_one_object(s3: Any, upload: dict[str, str]) -> None:
    second = send(s3, upload, 9, SECOND)
    first = send(s3, upload, 2, FIRST)
    answer = complete(s3, upload, [first, second])
    digests = hashlib.md5(FIRST).digest() + hashlib.md5(SECOND).digest()
    assert answer["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-2"'
    got = s3.get_object(Bucket=upload["Bucket"], Key="big")
    assert (got["ETag"], got["ContentType"], got["Metadata"]) == (answer["ETag"], "text/csv", {"a": "1"})
    assert got["Body"].read() == FIRST + SECOND
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=upload["Bucket"])


def test_an_object_is_dated_by_the_initiation_of_its_upload(s3: Any, upload: dict[str, str]) -> None:
    initiated = s3.list_multipart_uploads(Bucket=upload["Bucket"])["Uploads"][0]["Initiated"]
    time.sleep(1.1)
    complete(s3, upload, [send(s3, upload, 1, b"x")])
    assert s3.head_object(Bucket=upload["Bucket"], Key="big")["LastModified"] == initiated


def test_a_part_sent_again_replaces_the_first_one(s3: Any, upload: dict[str, str]) -> None:
    send(s3, upload, 1, b"wrong")
    part = send(s3, upload, 1, b"right")
    complete(s3, upload, [part])
    assert s3.get_object(Bucket=upload["Bucket"], Key="big")["Body"].read() == b"right"


def test_parts_that_are_not_named_are_left_out(
    s3: Any, upload: dict[str, str], server: RunningServer
) -> None:
    part = send(s3, upload, 1, b"kept")
    send(s3, upload, 2, b"left out")
    complete(s3, upload, [part])
    assert s3.get_object(Bucket=upload["Bucket"], Key="big")["Body"].read() == b"kept"


def test_the_object_can_be_read_by_part(s3: Any, upload: dict[str, str], refused: type[Refused]) -> None:
    complete(s3, upload, [send(s3, upload, 1, FIRST), send(s3, upload, 2, SECOND)])
    where = {"Bucket": upload["Bucket"], "Key": "big"}
    got = s3.get_object(**where, PartNumber=2)
    assert (got["Body"].read(), got["PartsCount"]) == (SECOND, 2)
    assert got["ContentRange"] == f"bytes {FIVE}-{FIVE + 999}/{FIVE + 1000}"
    assert s3.head_object(**where, PartNumber=1)["ContentLength"] == FIVE
    with refused("InvalidPartNumber", 416):
        s3.get_object(**where, PartNumber=3)
    parts = s3.get_object_attributes(**where, ObjectAttributes=["ObjectParts"], MaxParts=1)["ObjectParts"]
    assert (parts["TotalPartsCount"], parts["IsTruncated"], parts["Parts"][0]["Size"]) == (2, True, FIVE)


def test_a_small_part_before_the_last_is_refused(
    s3: Any, upload: dict[str, str], refused: type[Refused]
) -> None:
    parts = [send(s3, upload, 1, b"small"), send(s3, upload, 2, b"last")]
    with refused("EntityTooSmall", 400) as error:
        complete(s3, upload, parts)
    assert error.response["Error"]["PartNumber"] == "1"
    complete(s3, upload, parts[1:])  # the upload still exists


def test_a_wrong_list_of_parts_is_refused(s3: Any, upload: dict[str, str], refused: type[Refused]) -> None:
    first, second = send(s3, upload, 1, FIRST), send(s3, upload, 2, SECOND)
    with refused("InvalidPartOrder", 400):
        complete(s3, upload, [second, first])
    with refused("InvalidPartOrder", 400):
        complete(s3, upload, [first, first])
    with refused("InvalidPart", 400):
        complete(s3, upload, [first, {**second, "ETag": first["ETag"]}])
    with refused("InvalidPart", 400):
        complete(s3, upload, [first, {**second, "PartNumber": 3}])
    with refused("MalformedXML", 400):
        complete(s3, upload, [])
    with refused("InvalidRequest", 400):
        complete(s3, upload, [first, second], MpuObjectSize=7)
    with refused("404", 404):
        s3.head_object(Bucket=upload["Bucket"], Key="big")
    complete(s3, upload, [first, second], MpuObjectSize=FIVE + 1000)


@pytest.mark.parametrize("number", [0, -1, 10_001])
def test_a_part_has_a_number_from_1_to_10000(
    s3: Any, upload: dict[str, str], number: int, refused: type[Refused]
) -> None:
    with refused("InvalidArgument", 400):
        send(s3, upload, number, b"x")


def test_an_aborted_upload_is_gone_with_its_parts(
    s3: Any, upload: dict[str, str], server: RunningServer, refused: type[Refused]
) -> None:
    folder = server.state / "s3"
    before = set(folder.iterdir())
    part = send(s3, upload, 1, b"x" * 1000)
    assert len(set(folder.iterdir()) - before) == 1
    s3.abort_multipart_upload(**upload)
    assert set(folder.iterdir()) == before
    for ask in (
        lambda: send(s3, upload, 2, b"x"),
        lambda: complete(s3, upload, [part]),
        lambda: s3.abort_multipart_upload(**upload),
        lambda: s3.list_parts(**upload),
    ):
        with refused("NoSuchUpload", 404):
            ask()
    with refused("404", 404):
        s3.head_object(Bucket=upload["Bucket"], Key="big")


def test_an_upload_belongs_to_its_key(s3: Any, upload: dict[str, str], refused: type[Refused]) -> None:
    with refused("NoSuchUpload", 404):
        s3.list_parts(**{**upload, "Key": "another"})


def test_nothing_is_left_of_the_parts_of_a_completed_upload(
    s3: Any, upload: dict[str, str], server: RunningServer
) -> None:
    folder = server.state / "s3"
    before = set(folder.iterdir())
    complete(s3, upload, [send(s3, upload, 1, FIRST), send(s3, upload, 2, SECOND)])
    assert len(set(folder.iterdir()) - before) == 1


def test_completing_can_require_that_the_key_is_free(
    s3: Any, upload: dict[str, str], refused: type[Refused]
) -> None:
    part = send(s3, upload, 1, b"mine")
    s3.put_object(Bucket=upload["Bucket"], Key="big", Body=b"faster")
    with refused("PreconditionFailed", 412):
        complete(s3, upload, [part], IfNoneMatch="*")
    assert s3.get_object(Bucket=upload["Bucket"], Key="big")["Body"].read() == b"faster"
    complete(s3, upload, [part])  # the upload still exists


def test_parts_are_listed_by_page(s3: Any, upload: dict[str, str]) -> None:
    for number in (1, 3, 5):
        send(s3, upload, number, b"x" * number)
    first = s3.list_parts(**upload, MaxParts=2)
    assert [(part["PartNumber"], part["Size"]) for part in first["Parts"]] == [(1, 1), (3, 3)]
    assert (first["IsTruncated"], first["NextPartNumberMarker"]) == (True, 3)
    rest = s3.list_parts(**upload, PartNumberMarker=first["NextPartNumberMarker"])
    assert [part["PartNumber"] for part in rest["Parts"]] == [5]
    assert rest["IsTruncated"] is False


@pytest.mark.parametrize("size", [1, 2, 100])
def test_uploads_are_listed_by_prefix_and_page(s3: Any, bucket: str, size: int) -> None:
    keys = ["a", "a", "dir/x", "dir/y", "z é\n"]
    started = [(key, s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]) for key in keys]
    paginator = s3.get_paginator("list_multipart_uploads")

    def listing(**members: Any) -> Any:
        pages = list(paginator.paginate(Bucket=bucket, MaxUploads=size, **members))
        uploads = [(entry["Key"], entry["UploadId"]) for page in pages for entry in page.get("Uploads", [])]
        return uploads, [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", [])]

    assert listing() == (started, [])
    assert listing(Delimiter="/") == ([*started[:2], started[4]], ["dir/"])
    assert listing(Prefix="dir/") == (started[2:4], [])


def test_parts_can_be_copied_from_objects(s3: Any, upload: dict[str, str], refused: type[Refused]) -> None:
    s3.put_object(Bucket=upload["Bucket"], Key="source", Body=FIRST + b"0123456789")
    source = {"Bucket": upload["Bucket"], "Key": "source"}
    whole = s3.upload_part_copy(**upload, PartNumber=1, CopySource=source)["CopyPartResult"]
    piece = s3.upload_part_copy(
        **upload, PartNumber=2, CopySource=source, CopySourceRange=f"bytes={FIVE + 2}-{FIVE + 4}"
    )["CopyPartResult"]
    assert piece["ETag"] == f'"{hashlib.md5(b"234").hexdigest()}"'
    complete(s3, upload, [{"PartNumber": 1, "ETag": whole["ETag"]}, {"PartNumber": 2, "ETag": piece["ETag"]}])
    assert s3.get_object(Bucket=upload["Bucket"], Key="big")["Body"].read() == FIRST + b"0123456789234"


@pytest.mark.parametrize(
    ("byte_range", "code", "status"),
    [
        ("bytes=0-100", "InvalidRange", 416),
        ("bytes=5-", "InvalidArgument", 400),
        ("bytes=5-2", "InvalidArgument", 400),
        ("0-1", "InvalidArgument", 400),
    ],
)
def test_a_wrong_range_of_a_copied_part_is_refused(
    s3: Any, upload: dict[str, str], byte_range: str, code: str, status: int, refused: type[Refused]
) -> None:
    s3.put_object(Bucket=upload["Bucket"], Key="source", Body=b"0123456789")
    source = {"Bucket": upload["Bucket"], "Key": "source"}
    with refused(code, status):
        s3.upload_part_copy(**upload, PartNumber=1, CopySource=source, CopySourceRange=byte_range)


def base64_crc32(data: bytes) -> str:
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def test_a_composite_checksum_is_that_of_the_parts_checksums(s3: Any, bucket: str) -> None:
    started = s3.create_multipart_upload(Bucket=bucket, Key="big", ChecksumAlgorithm="SHA256")
    upload = {name: started[name] for name in ("Bucket", "Key", "UploadId")}
    assert (started["ChecksumAlgorithm"], started["ChecksumType"]) == ("SHA256", "COMPOSITE")
    parts = []
    for number, body in enumerate((FIRST, SECOND), start=1):
        sent = s3.upload_part(**upload, PartNumber=number, Body=body, ChecksumAlgorithm="SHA256")
        parts.append({"PartNumber": number, "ETag": sent["ETag"], "ChecksumSHA256": sent["ChecksumSHA256"]})
    digest = hashlib.sha256(hashlib.sha256(FIRST).digest() + hashlib.sha256(SECOND).digest()).digest()
    answer = complete(s3, upload, parts)
    assert answer["ChecksumSHA256"] == f"{base64.b64encode(digest).decode()}-2"
    assert s3.get_object(Bucket=bucket, Key="big", ChecksumMode="ENABLED")["ChecksumType"] == "COMPOSITE"


def test_a_part_is_identified_by_its_checksum_too(
    s3: Any, upload: dict[str, str], refused: type[Refused]
) -> None:
    part = send(s3, upload, 1, b"x", ChecksumAlgorithm="CRC32")
    with refused("InvalidPart", 400):
        complete(s3, upload, [{**part, "ChecksumCRC32": base64_crc32(b"other")}])


def test_a_full_object_checksum_is_compared_with_the_whole(
    s3: Any, bucket: str, refused: type[Refused]
) -> None:
    checksum = {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"}
    started = s3.create_multipart_upload(Bucket=bucket, Key="big", **checksum)
    upload = {name: started[name] for name in ("Bucket", "Key", "UploadId")}
    parts = [send(s3, upload, 1, FIRST), send(s3, upload, 2, SECOND)]
    with refused("BadDigest", 400):
        complete(s3, upload, parts, ChecksumCRC32=base64_crc32(b"other"), ChecksumType="FULL_OBJECT")
    whole = base64_crc32(FIRST + SECOND)
    answer = complete(s3, upload, parts, ChecksumCRC32=whole, ChecksumType="FULL_OBJECT")
    assert (answer["ChecksumCRC32"], answer["ChecksumType"]) == (whole, "FULL_OBJECT")
    assert s3.get_object(Bucket=bucket, Key="big", ChecksumMode="ENABLED")["Body"].read() == FIRST + SECOND


def test_100_megabytes_travel_up_and_down_by_the_transfer_manager(
    s3: Any, bucket: str, tmp_path: Path
) -> None:
    """Multipart up and ranges down, several at a time."""
    block = bytes(range(256)) * 4096
    up, down = tmp_path / "up", tmp_path / "down"
    with up.open("wb") as file:
        for number in range(100):
            file.write(number.to_bytes(4, "big") + block[4:])
    s3.upload_file(str(up), bucket, "big", ExtraArgs={"ContentType": "application/gzip"})
    head = s3.head_object(Bucket=bucket, Key="big")
    assert (head["ContentLength"], head["ContentType"]) == (100 * 1024**2, "application/gzip")
    assert head["ETag"].endswith('-13"')
    s3.download_file(bucket, "big", str(down))
    assert digest(down) == digest(up)
    s3.copy({"Bucket": bucket, "Key": "big"}, bucket, "copy")
    s3.download_file(bucket, "copy", str(down))
    assert digest(down) == digest(up)


def digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
