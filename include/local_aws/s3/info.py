"""What the index stores about an object."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Part:
    """One part of a multipart upload."""

    number: int  # 1 to 10,000
    size: int  # bytes
    checksums: dict[str, str]  # {"crc32": "base64"}


@dataclass(frozen=True)
class Details:
    """What belongs to an object besides its bytes."""

    headers: dict[str, Any] = field(default_factory=dict)  # ContentType and others, by the model's names
    metadata: dict[str, str] = field(default_factory=dict)  # x-amz-meta-*
    tags: list[dict[str, str]] = field(default_factory=list)  # [{"Key": ..., "Value": ...}]
    grants: list[dict[str, Any]] | None = None  # None: only the owner's
    checksums: dict[str, str] = field(default_factory=dict)  # {"crc32": "base64"}
    checksum_type: str = "FULL_OBJECT"  # or COMPOSITE: a checksum of the parts' checksums
    parts: list[Part] = field(default_factory=list)  # empty unless uploaded in parts

    def to_json(self) -> str:
        return json.dumps({name: value for name, value in asdict(self).items() if value})

    @classmethod
    def from_json(cls, text: str) -> Details:
        values = json.loads(text)
        return cls(**values | {"parts": [Part(**part) for part in values.get("parts", [])]})


@dataclass(frozen=True)
class ObjectInfo:
    """One object of the store."""

    bucket: str
    key: str
    file: str  # the name of its content in the store's folder
    size: int  # bytes
    etag: str  # as S3 writes it, in double quotes
    modified: float  # epoch seconds, whole ones as in S3
    details: Details = field(default_factory=Details)

    @property
    def headers(self) -> dict[str, Any]:
        return self.details.headers

    @property
    def metadata(self) -> dict[str, str]:
        return self.details.metadata
