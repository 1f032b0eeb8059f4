"""The checksums that clients send: stored, returned, and combined for multipart uploads."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from include.local_aws.protocol.aws_chunked import ALGORITHMS
from include.local_aws.s3.files import read_pieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


def member(algorithm: str) -> str:
    """`crc32` → `ChecksumCRC32`: the member's name in the model."""
    return f"Checksum{algorithm.upper()}"


def members(checksums: Mapping[str, str]) -> dict[str, str]:
    """The output members for `{"crc32": "base64"}`."""
    return {member(algorithm): value for algorithm, value in checksums.items()}


def of_file(algorithm: str, path: Path) -> str | None:
    """The base64 checksum of a whole file; None for an algorithm that only the client can compute."""
    return _digest(algorithm, read_pieces(path))


def composite(algorithm: str, parts: list[str]) -> str | None:
    """The checksum of the parts' checksums: base64, then `-` and the number of parts.

    None for an algorithm that only the client can compute.
    """
    value = _digest(algorithm, (base64.b64decode(part) for part in parts))
    return f"{value}-{len(parts)}" if value else None


def _digest(algorithm: str, pieces: Iterable[bytes]) -> str | None:
    if algorithm not in ALGORITHMS:
        return None
    digest = ALGORITHMS[algorithm]()
    for piece in pieces:
        digest.update(piece)
    return base64.b64encode(digest.digest()).decode()
