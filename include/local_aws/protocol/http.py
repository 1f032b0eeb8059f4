"""Requests and responses as plain values: the protocol code has no sockets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Upload:
    """A request body that was written to disk while it arrived (a streaming member of the service model).

    The file is in the state folder, without aws-chunked framing. An operation that stores it moves it away;
    the server removes it otherwise when the request ends.
    """

    path: Path
    size: int  # bytes
    md5: bytes  # raw digest, 16 bytes
    checksums: Mapping[str, str]  # x-amz-checksum-* headers and trailers, verified: {"crc32": "base64"}


@dataclass(frozen=True)
class FileSlice:
    """A response body that is part of a file; it is sent without reading it into memory."""

    path: Path
    start: int  # first byte
    length: int  # bytes


@dataclass(frozen=True)
class Request:
    """One HTTP request. Header names are lower-case; `path` is as sent, still percent-encoded."""

    method: str
    path: str
    query_string: str
    headers: Mapping[str, str]
    body: bytes | Upload = b""

    @property
    def query(self) -> dict[str, str]:
        """Decoded query parameters; a flag such as `?uploads` has the value ''."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    @property
    def decoded_path(self) -> str:
        return unquote(self.path)

    def header(self, name: str, default: str = "") -> str:
        return self.headers.get(name.lower(), default)


@dataclass
class Response:
    """One HTTP response. `body` is bytes, or a part of a file that the server streams."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | FileSlice = b""
