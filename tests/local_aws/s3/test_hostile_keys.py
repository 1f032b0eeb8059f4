"""Keys are opaque: any key is returned unchanged, and no file is named by a key."""

from __future__ import annotations

import http.client
import random
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.local_aws.conftest import RunningServer
    from tests.local_aws.s3.conftest import Refused

SIGNED_FOR_S3 = (
    "AWS4-HMAC-SHA256 Credential=k/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=0"
)
KEYS = [
    "..",
    ".",
    "../../../../../../../../tmp/escaped",
    "/etc/passwd",
    "//",
    "///a//b///",
    "a/../../b",
    "a/./b",
    "./a",
    "%2e%2e%2fescaped",
    "%00",
    "back\\slash\\..\\..\\x",
    "C:\\Windows\\x",
    "new\nline\r\ntab\t",
    " leading and trailing ",
    "?query=1&uploads",
    "#fragment",
    "a+b c%20d",
    "\u202eright-to-left",
    "é",  # one code point
    "e\u0301",  # the same letter as two: another key
    "日本語/ключ/🦆",
    "\U0010ffff",
    "'; DROP TABLE s3_objects; --",
    "<Key>&amp;</Key>",
    "con",
    "state.db",
    "x" * 1024,
    "é" * 512,
    "d/" * 512,
    "folder/",
]


@pytest.fixture
def outside(server: RunningServer) -> Iterator[None]:
    """Checks that no file outside the state folder was created."""
    root = server.state.parent
    temporary = Path("/tmp/escaped")
    before = sorted(root.iterdir())
    yield
    assert sorted(root.iterdir()) == before
    assert not temporary.exists()


@pytest.mark.parametrize("key", KEYS, ids=lambda key: repr(key)[:30])
def test_a_key_round_trips_through_boto3(s3: Any, bucket: str, key: str, outside: None) -> None:
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket, Prefix=key)["Contents"]] == [key]
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": key})
    assert s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}]})["Deleted"] == [{"Key": key}]
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == key.encode()


@pytest.mark.parametrize("key", KEYS, ids=lambda key: repr(key)[:30])
def test_a_key_round_trips_through_raw_http(
    server: RunningServer, bucket: str, key: str, outside: None
) -> None:
    path = f"/{bucket}/{quote(key, safe='/')}"
    assert send(server, "PUT", path, key.encode())[0] == 200
    assert send(server, "GET", path) == (200, key.encode())
    assert send(server, "GET", f"/{bucket}/{quote(key, safe='')}") == (200, key.encode())


def test_paths_that_climb_are_keys_and_not_paths(
    server: RunningServer, s3: Any, bucket: str, outside: None
) -> None:
    """As sent by a client that does not encode: dots, absolute paths, mixed encodings."""
    raw = ["../../x", "..%2f..%2fx", "%2e%2e/x", "/abs", "a//b", "..;/x", "%2Fetc%2Fpasswd"]
    for number, key in enumerate(raw):
        assert send(server, "PUT", f"/{bucket}/{key}", str(number).encode())[0] == 200
    stored_keys = {entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    assert stored_keys == {"../../x", "../x", "/abs", "a//b", "..;/x", "/etc/passwd"}


@pytest.mark.parametrize("name", ["..", "%2e%2e", "..%2f..", ".s3", "spool"])
def test_a_bucket_name_is_never_a_path(server: RunningServer, name: str, outside: None) -> None:
    assert send(server, "PUT", f"/{name}/key", b"x")[0] in (400, 404)
    assert send(server, "GET", f"/{name}/state.db")[0] in (400, 404)


def test_file_names_are_independent_of_keys(server: RunningServer, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="../secret-name", Body=b"x")
    names = [path.name for path in (server.state / "s3").iterdir()]
    assert names
    assert all(len(name) == 32 and set(name) <= set("0123456789abcdef") for name in names)


@pytest.mark.parametrize("key", ["x" * 1025, "é" * 513])
def test_a_key_of_more_than_1024_bytes_is_refused(
    s3: Any, bucket: str, key: str, refused: type[Refused]
) -> None:
    for ask in (s3.put_object, s3.create_multipart_upload):
        with refused("KeyTooLongError", 400) as error:
            ask(Bucket=bucket, Key=key)
        assert error.response["Error"]["MaxSizeAllowed"] == "1024"


def test_keys_that_differ_in_case_or_normal_form_are_different(s3: Any, bucket: str) -> None:
    keys = sorted(["A", "a", "é", "e\u0301", "a ", "a/"])
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key)
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == keys


def test_random_keys_from_several_threads_round_trip(server: RunningServer, bucket: str) -> None:
    chance = random.Random(7)
    alphabet = [
        chr(code)
        for code in (*range(1, 0x250), 0x2028, 0xFFFD, 0x1F986)
        if chr(code).isprintable() or code < 32
    ]
    keys = sorted({"".join(chance.choices(alphabet, k=chance.randint(1, 40))) for _ in range(60)})
    client = server.client("s3", max_pool_connections=4)

    def put(keys: list[str]) -> None:
        for key in keys:
            client.put_object(Bucket=bucket, Key=key, Body=key.encode())

    threads = [threading.Thread(target=put, args=(keys[number::3],)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, MaxKeys=7)
    assert [entry["Key"] for page in pages for entry in page["Contents"]] == keys
    assert all(client.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode() for key in keys)


def send(server: RunningServer, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    connection.request(method, path, body, {"Authorization": SIGNED_FOR_S3})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content
