"""Whether a job or resource is what a request asks for: by the request's digest, or member by member."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aws_ml.lifecycle.kinds import Description

REQUEST_TAG = "aws-ml:request"  # SHA-256 of the request


def digest(request: Description) -> str:
    """SHA-256 of a request without its tags: they do not change what a job does."""
    members = {name: value for name, value in request.items() if name != "Tags"}
    return hashlib.sha256(json.dumps(members, sort_keys=True, default=str).encode()).hexdigest()


def differences(expected: Any, actual: Any, where: str = "") -> list[str]:
    """Where a description differs from a request; members that AWS adds are no difference.

    :param expected: the request, or a part of it.
    :param actual: the description, or the same part of it.
    :param where: the path of the part: `ProductionVariants[0].ModelName`.
    """
    if isinstance(expected, dict) and isinstance(actual, dict):
        return [
            line
            for name, value in expected.items()
            if name != "Tags"
            for line in differences(value, actual.get(name), f"{where}.{name}".lstrip("."))
        ]
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        pairs = enumerate(zip(expected, actual, strict=True))
        return [line for n, (a, b) in pairs for line in differences(a, b, f"{where}[{n}]")]
    return [] if expected == actual else [f"{where}: asked for {expected!r}, is {actual!r}"]
