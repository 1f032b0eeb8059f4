"""Documents in S3: what workflows leave for each other, and read again."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any

from include.workflows.common.errors import WorkflowError


def read_json(uri: str) -> Any:
    """The document at an S3 URI.

    :raises ClientError: where there is none.
    """
    return json.loads("\n".join(read_lines(uri)))


def write_json(uri: str, content: Any) -> None:
    """Put a document into S3, in place of what is there."""
    write_text(uri, json.dumps(content, indent=2))


def write_text(uri: str, text: str) -> None:
    """Put a text into S3, in place of what is there."""
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    bucket, key = S3Hook.parse_s3_url(uri)
    S3Hook().load_string(text, key, bucket, replace=True)


def read_lines(uri: str) -> list[str]:
    """The lines of a text in S3.

    :raises ClientError: where there is none.
    """
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    bucket, key = S3Hook.parse_s3_url(uri)
    return lines_of(str(S3Hook().read_key(key, bucket)))


def lines_of(text: str) -> list[str]:
    """The lines of a text, ended by LF or CRLF; `str.splitlines` would also cut at U+2028 and the like."""
    lines = text.split("\n")
    return [line.removesuffix("\r") for line in (lines if lines[-1] else lines[:-1])]


def list_objects(folder: str) -> list[str]:
    """S3 URIs of all objects below a folder, in the order of their keys."""
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    bucket, prefix = S3Hook.parse_s3_url(f"{folder.rstrip('/')}/")
    return [f"s3://{bucket}/{key}" for key in S3Hook().list_keys(bucket, prefix) or []]


def download(uri: str, folder: Path) -> list[Path]:
    """Copy the object of an S3 URI, or of a URI that ends in `/` all objects below it, into a folder.

    :raises WorkflowError: when there is none.
    """
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    hook = S3Hook()
    sources = list_objects(uri) if uri.endswith("/") else [uri]
    if not sources or not hook.check_for_key(sources[0]):
        raise WorkflowError(f"{uri} holds no object. A folder is named with a slash at its end.")
    files = []
    for number, source in enumerate(sources):
        bucket, key = S3Hook.parse_s3_url(source)
        name = PurePosixPath(key).name
        target = folder / (name if len(sources) == 1 else f"{number:05d}-{name}")
        hook.get_key(key, bucket).download_file(str(target))
        files.append(target)
    return files
