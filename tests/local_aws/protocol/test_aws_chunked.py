from __future__ import annotations

import base64
import hashlib
import zlib

import pytest

from include.local_aws.protocol.aws_chunked import BadBody, BodyReader

CONTENT = bytes(range(256)) * 40
CRC = base64.b64encode(zlib.crc32(CONTENT).to_bytes(4, "big")).decode()
FRAMED = {"content-encoding": "aws-chunked", "x-amz-trailer": "x-amz-checksum-crc32"}


def frame(
    content: bytes, size: int = 1000, trailer: str = f"x-amz-checksum-crc32:{CRC}\r\n", mark: str = ""
) -> bytes:
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    chunks = b"".join(f"{len(piece):x}{mark}\r\n".encode() + piece + b"\r\n" for piece in pieces)
    return chunks + f"0{mark}\r\n{trailer}\r\n".encode()


def read(body: bytes, headers: dict[str, str], step: int = 7) -> tuple[bytes, BodyReader]:
    reader = BodyReader(headers)
    parts = [piece for at in range(0, len(body), step) for piece in reader.feed(body[at : at + step])]
    reader.close()
    return b"".join(parts), reader


@pytest.mark.parametrize("step", [1, 7, 999, 100_000])
@pytest.mark.parametrize("mark", ["", ";chunk-signature=abc"])
def test_framing_is_removed_however_the_bytes_arrive(step: int, mark: str) -> None:
    content, reader = read(frame(CONTENT, mark=mark), FRAMED, step)
    assert content == CONTENT
    assert reader.size == len(CONTENT)
    assert reader.md5 == hashlib.md5(CONTENT).digest()
    assert reader.checksums == {"crc32": CRC}


def test_a_body_without_framing_is_unchanged() -> None:
    content, reader = read(CONTENT, {"x-amz-checksum-crc32": CRC})
    assert content == CONTENT
    assert reader.checksums == {"crc32": CRC}


BROKEN = [
    (frame(CONTENT, trailer="x-amz-checksum-crc32:AAAAAA==\r\n"), {}, "BadDigest"),
    (frame(CONTENT), {"x-amz-decoded-content-length": "5"}, "IncompleteBody"),
    (frame(CONTENT)[:500], {}, "IncompleteBody"),
    (b"zz\r\n" + CONTENT, {}, "InvalidRequest"),
    (b"5\r\n123456789\r\n0\r\n\r\n", {}, "IncompleteBody"),
    (b"1" * 20_000, {}, "InvalidRequest"),
]


@pytest.mark.parametrize(("body", "headers", "code"), BROKEN, ids=lambda value: str(value)[:16])
def test_a_body_that_is_not_what_was_announced_is_refused(
    body: bytes, headers: dict[str, str], code: str
) -> None:
    with pytest.raises(BadBody) as error:
        read(body, {**FRAMED, **headers})
    assert error.value.code == code


def test_a_wrong_md5_is_refused() -> None:
    with pytest.raises(BadBody, match="BadDigest"):
        read(CONTENT, {"content-md5": base64.b64encode(b"0" * 16).decode()})
