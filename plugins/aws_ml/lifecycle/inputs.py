"""The S3 inputs of a request, and whether one of them was written after a job began."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_ml.errors import JobRejected, calling

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aws_ml.lifecycle.kinds import Description
    from aws_ml.lifecycle.logs import TaskLog


def newer_input(s3: Any, request: Description, since: datetime, log: TaskLog) -> str | None:
    """The S3 URI of an input's object that was written after a moment; None where there is none.

    What the job itself has written below one of its inputs is left out. Of an input that is a manifest, the
    manifest is looked at.

    :param s3: a client.
    :param since: when the job of the request was created.
    :raises ServiceFault: when AWS cannot list them now.
    """
    outputs = tuple(_outputs(request))
    for uri in _inputs(request):
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        try:
            for each, written in _objects(s3, bucket, prefix):
                if written > since and not each.startswith(outputs):
                    return each
        except JobRejected as error:  # such as a role that runs jobs and may not look at their data
            log.warning("Whether the input %s has changed since the job began cannot be told: %s", uri, error)
    return None


def _objects(s3: Any, bucket: str, prefix: str) -> Iterator[tuple[str, datetime]]:
    """S3 URIs of all objects whose keys begin so, as SageMaker takes a prefix; when each was written."""
    with calling(f"listing s3://{bucket}/{prefix}"):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                yield f"s3://{bucket}/{entry['Key']}", entry["LastModified"]


def _inputs(part: Any) -> Iterator[str]:
    """The S3 URIs of all inputs in a request, or in a part of it: data sources have a type."""
    if isinstance(part, dict) and "S3DataType" in part:
        yield part["S3Uri"]
    for value in _values(part):
        yield from _inputs(value)


def _outputs(part: Any) -> Iterator[str]:
    """The folders in S3 into which the job of a request writes."""
    if isinstance(part, dict):
        folders = (part.get("S3OutputPath"), (part.get("S3Output") or {}).get("S3Uri"))
        yield from (f"{folder.rstrip('/')}/" for folder in folders if folder)
    for value in _values(part):
        yield from _outputs(value)


def _values(part: Any) -> list[Any]:
    if isinstance(part, dict):
        return list(part.values())
    return part if isinstance(part, list) else []
