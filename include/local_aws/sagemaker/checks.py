"""Checks of requests that the service model cannot make; every error names the member."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from include.local_aws.containers import images
from include.local_aws.protocol.errors import ValidationException
from include.local_aws.s3.store import parse_uri

if TYPE_CHECKING:
    from collections.abc import Iterable


def image(uri: str, member: str) -> None:
    """Check that this server can run an image.

    :raises ValidationException: for an unknown image.
    """
    try:
        images.find(uri)
    except images.UnknownImage as error:
        raise ValidationException(f"{member}: {error}") from error


def s3_uri(uri: str, member: str) -> None:
    """Check that a text is an S3 URI; whether objects exist is checked when the job runs.

    :raises ValidationException: for any other text.
    """
    try:
        parse_uri(uri)
    except ValueError as error:
        raise ValidationException(f"{member}: {error}") from error


def unique(values: Iterable[str], member: str) -> None:
    """Check that all values differ.

    :raises ValidationException: naming the value that is used more than once.
    """
    seen = set()
    for value in values:
        if value in seen:
            raise ValidationException(f"{member}: {value!r} is used more than once.")
        seen.add(value)


def container_path(path: str, below: str, member: str) -> None:
    """Check that a path inside the container is below one of its folders.

    :raises ValidationException: for any other path.
    """
    parts = PurePosixPath(path)
    if not parts.is_relative_to(below) or ".." in parts.parts:
        raise ValidationException(f"{member} must be a path that begins with {below}, not {path!r}.")
