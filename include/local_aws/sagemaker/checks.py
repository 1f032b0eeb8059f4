"""What a request can get wrong that the service model does not see; every error names the member.

All functions raise ValidationException.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from include.local_aws.containers import images
from include.local_aws.protocol.errors import ValidationException
from include.local_aws.s3.store import parse_uri

if TYPE_CHECKING:
    from collections.abc import Iterable


def image(uri: str, member: str) -> None:
    """An image that this server can run."""
    try:
        images.find(uri)
    except images.UnknownImage as error:
        raise ValidationException(f"{member}: {error}") from error


def s3_uri(uri: str, member: str) -> None:
    """An S3 URI; whether anything is there shows later."""
    try:
        parse_uri(uri)
    except ValueError as error:
        raise ValidationException(f"{member}: {error}") from error


def unique(values: Iterable[str], member: str) -> None:
    """Values of which none is given twice."""
    seen = set()
    for value in values:
        if value in seen:
            raise ValidationException(f"{member}: {value!r} is used more than once.")
        seen.add(value)


def container_path(path: str, below: str, member: str) -> None:
    """A path inside the container, below one of its folders."""
    parts = PurePosixPath(path)
    if not parts.is_relative_to(below) or ".." in parts.parts:
        raise ValidationException(f"{member} must be a path that begins with {below}, not {path!r}.")
