r"""Bodies as they arrive: without the `aws-chunked` framing, and compared with the announced size and
checksums.

The framing of an upload is `SIZE[;chunk-signature=...]\r\n DATA \r\n ... 0\r\n TRAILERS \r\n`.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import TYPE_CHECKING, Protocol

from include.local_aws.protocol.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LONGEST_LINE = 16 * 1024  # bytes of a chunk header or a trailer


class Digest(Protocol):
    """What hashlib's objects and our CRC have in common."""

    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


class Crc32:
    """CRC-32 in hashlib's form."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


# What the standard library computes; other checksums (crc32c, crc64nvme) are stored as the client sent them.
ALGORITHMS: dict[str, Callable[[], Digest]] = {
    "crc32": Crc32,
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
}
PREFIX = "x-amz-checksum-"


class BadBody(AwsError):
    """A body whose framing, size or checksum is not the announced one."""


class AwsChunked:
    """An incremental decoder: it takes bytes and returns the content.

    The trailers are complete at the end.
    """

    def __init__(self) -> None:
        self.trailers: dict[str, str] = {}
        self.finished = False
        self._buffer = bytearray()
        self._remaining = 0  # bytes of the current chunk still to come
        self._in_data = False
        self._in_trailers = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Content in `data`, in pieces.

        :raises BadBody: when the framing is broken.
        """
        self._buffer += data
        while not self.finished:
            piece = self._take_data() if self._in_data else self._take_line()
            if piece is None:
                return
            if piece:
                yield piece

    def _take_data(self) -> bytes | None:
        """Some content; None when more bytes are needed first."""
        if self._remaining:
            piece = bytes(self._buffer[: self._remaining])
            del self._buffer[: len(piece)]
            self._remaining -= len(piece)
            return piece or None
        if len(self._buffer) < 2:
            return None
        if self._buffer[:2] != b"\r\n":
            raise BadBody("IncompleteBody", "An aws-chunked chunk does not end where its size says.")
        del self._buffer[:2]
        self._in_data = False
        return b""

    def _take_line(self) -> bytes | None:
        """Consume a chunk header or a trailer; b"" when done, None when more bytes are needed first."""
        end = self._buffer.find(b"\r\n")
        if end < 0:
            if len(self._buffer) > LONGEST_LINE:
                raise BadBody("InvalidRequest", "An aws-chunked header line is too long.")
            return None
        line = bytes(self._buffer[:end]).decode("latin-1")
        del self._buffer[: end + 2]
        if self._in_trailers:
            self._trailer(line)
        else:
            self._header(line)
        return b""

    def _header(self, line: str) -> None:
        try:
            self._remaining = int(line.partition(";")[0], 16)
        except ValueError as error:
            raise BadBody("InvalidRequest", f"Not an aws-chunked header: {line[:100]!r}") from error
        self._in_data, self._in_trailers = self._remaining > 0, self._remaining == 0

    def _trailer(self, line: str) -> None:
        if not line:
            self.finished = True
            return
        name, _, value = line.partition(":")
        self.trailers[name.strip().lower()] = value.strip()

    def close(self) -> None:
        """End of the body; a missing last blank line is accepted.

        :raises BadBody: when content is missing.
        """
        if not (self.finished or self._in_trailers):
            raise BadBody("IncompleteBody", "You did not provide the number of bytes that were announced.")
        if self._buffer:
            self._trailer(bytes(self._buffer).decode("latin-1"))


class BodyReader:
    """Decodes one streamed body and computes its checksums on the way.

    reader = BodyReader(headers)
    for piece in reader.feed(data): file.write(piece)
    reader.close()  # raises BadBody; then .size, .md5 and .checksums are final
    """

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.size = 0
        self._headers = headers
        self._framing = AwsChunked() if _is_chunked(headers) else None
        self._md5 = hashlib.md5(usedforsecurity=False)
        declared = headers.get("x-amz-trailer", "").split(",") + list(headers)
        names = {name.strip().lower().removeprefix(PREFIX) for name in declared}
        self._digests = {name: make() for name, make in ALGORITHMS.items() if name in names}

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The content in `data`, in pieces.

        :raises BadBody: when the framing is broken.
        """
        for piece in self._framing.feed(data) if self._framing else [data]:
            self.size += len(piece)
            self._md5.update(piece)
            for digest in self._digests.values():
                digest.update(piece)
            yield piece

    def close(self) -> None:
        """Compare size and checksums with what the client announced.

        :raises BadBody: when they differ.
        """
        if self._framing:
            self._framing.close()
        announced_size = self._headers.get("x-amz-decoded-content-length", str(self.size))
        if announced_size != str(self.size):
            raise BadBody("IncompleteBody", f"{announced_size} bytes were announced, {self.size} arrived.")
        content_md5 = self._headers.get("content-md5")
        if content_md5 and content_md5 != base64.b64encode(self.md5).decode():
            raise BadBody("BadDigest", "The Content-MD5 you specified did not match what we received.")
        for name, value in self.checksums.items():
            if name in self._digests and value != base64.b64encode(self._digests[name].digest()).decode():
                raise BadBody(
                    "BadDigest", f"The {name.upper()} you specified did not match what we received."
                )

    @property
    def md5(self) -> bytes:
        return self._md5.digest()

    @property
    def checksums(self) -> dict[str, str]:
        """The checksums in the client's headers and trailers: `{"crc32": "base64"}`."""
        headers = {**self._headers, **(self._framing.trailers if self._framing else {})}
        values = {
            name.removeprefix(PREFIX): text for name, text in headers.items() if name.startswith(PREFIX)
        }
        return {name: text for name, text in values.items() if name not in ("type", "algorithm", "mode")}


def _is_chunked(headers: Mapping[str, str]) -> bool:
    encoding = headers.get("content-encoding", "")
    return "aws-chunked" in encoding or headers.get("x-amz-content-sha256", "").startswith("STREAMING-")
