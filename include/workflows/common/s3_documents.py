"""Documents in S3: what workflows leave for each other, and read again."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

from include.workflows.common.errors import WorkflowError
from include.workflows.common.folders import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Content = TypeVar("Content")
CLOCK_SKEW = timedelta(minutes=5)  # by which the clocks of two machines may differ


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of an S3 URI. The provider's parser cuts a key at a question mark.

    >>> split_uri("s3://bucket/folder/what?.csv")
    ('bucket', 'folder/what?.csv')
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def read_json(uri: str) -> Any:
    """The document at an S3 URI.

    :raises ClientError: where there is none.
    :raises ValueError: naming the URI, when it is not JSON, or holds a number that is not finite.
    """
    text = "\n".join(read_lines(uri))
    try:
        return json.loads(text, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{uri} cannot be read: {error}") from error


def _finite(text: str) -> float:
    """A number; Python's parser also takes NaN, Infinity and 1e999, which no comparison can rely on."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no finite number")
    return number


def read_documents(uris: Iterable[str], parse: Callable[[Any], Content]) -> tuple[list[Content], list[str]]:
    """What each document holds; and, for each one that cannot be used, its URI and why.

    :param parse: takes a document; a ValueError, KeyError or TypeError of it names what is wrong.
    """
    contents, faults = [], []
    for uri in uris:
        try:
            contents.append(parse(read_json(uri)))
        except (ValueError, KeyError, TypeError) as error:
            faults.append(f"{uri} is left out: {error!r}")
    return contents, faults


def past_moment(text: str) -> datetime:
    """A moment of the past in ISO 8601, with its zone.

    :raises ValueError: when it is none.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    if moment > datetime.now(UTC) + CLOCK_SKEW:
        raise ValueError(f"{text} is in the future")
    return moment


def write_json(uri: str, content: Any) -> None:
    """Put a document into S3, in place of what is there.

    :raises ValueError: when it holds a number that is not finite.
    """
    write_text(uri, json.dumps(content, indent=2, allow_nan=False))


def write_text(uri: str, text: str) -> None:
    """Put a text into S3, in place of what is there."""
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    bucket, key = split_uri(uri)
    S3Hook().load_string(text, key, bucket, replace=True)


def read_lines(uri: str) -> list[str]:
    """The lines of a text in S3.

    :raises ClientError: where there is none.
    """
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    bucket, key = split_uri(uri)
    return lines_of(str(S3Hook().read_key(key, bucket)))


def lines_of(text: str) -> list[str]:
    """The lines of a text, ended by LF or CRLF; `str.splitlines` would also cut at U+2028 and the like."""
    lines = text.split("\n")
    return [line.removesuffix("\r") for line in (lines if lines[-1] else lines[:-1])]


def list_objects(
    folder: str,
    after: str = "",
    until: str | None = None,
    written: tuple[datetime, datetime] | None = None,
) -> list[str]:
    """S3 URIs of all objects below a folder, in the order of their keys.

    :param after, until: only keys that sort after the first text and not after the second one, below the
        folder; others are not even listed.
    :param written: only objects that were last written from the first moment on and before the second one.
    """
    return [
        uri
        for uri, entry in _entries(folder, after, until)
        if written is None or written[0] <= entry["LastModified"] < written[1]
    ]


def _entries(folder: str, after: str = "", until: str | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """S3 URIs and entries of ListObjectsV2, as `list_objects` lists them."""
    bucket, prefix = split_uri(f"{folder.rstrip('/')}/")
    start = {"StartAfter": f"{prefix}{after}"} if after else {}
    all_entries = (entry for page in _pages(bucket, prefix, **start) for entry in page.get("Contents", []))
    entries = takewhile(lambda entry: until is None or entry["Key"][len(prefix) :] <= until, all_entries)
    return ((f"s3://{bucket}/{entry['Key']}", entry) for entry in entries)


def list_folder(folder: str) -> tuple[list[str], list[str]]:
    """Names of the folders in a folder, and of the objects that lie in it itself."""
    bucket, prefix = split_uri(f"{folder.rstrip('/')}/")
    folders: list[str] = []
    objects: list[str] = []
    for page in _pages(bucket, prefix, Delimiter="/"):
        folders += (entry["Prefix"][len(prefix) : -1] for entry in page.get("CommonPrefixes", []))
        objects += (entry["Key"][len(prefix) :] for entry in page.get("Contents", []))
    return folders, [name for name in objects if name]  # the folder itself, where S3's console made it


def _pages(bucket: str, prefix: str, **members: str) -> Iterator[dict[str, Any]]:
    """Pages of ListObjectsV2, each fetched when it is needed."""
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    client: Any = S3Hook().get_conn()
    yield from client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, **members)


def objects_of(uri: str) -> list[str]:
    """S3 URIs: the object of a URI, of a URI that ends in `/` all objects below it, of a manifest its own.

    :raises WorkflowError: when there is none.
    """
    return read_manifest(uri)[1] if uri.endswith(MANIFEST) else list(etags_of(uri))


def exists(uri: str) -> bool:
    """Whether there is an object of an S3 URI."""
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    bucket, key = split_uri(uri)
    return bool(S3Hook().check_for_key(key, bucket))


def etags_of(uri: str) -> dict[str, str]:
    """ETags by S3 URI: of the object of a URI; of a URI that ends in `/`, of all objects below it.

    :raises WorkflowError: when there is none.
    """
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    bucket, key = split_uri(uri)
    if uri.endswith("/"):  # an object that ends so is a "folder" made by S3's console
        etags = {each: str(entry["ETag"]) for each, entry in _entries(uri) if not each.endswith("/")}
    else:
        head = S3Hook().head_object(key, bucket)
        etags = {uri: str(head["ETag"])} if head else {}
    if not etags:
        raise WorkflowError(f"{uri} holds no object. A folder is named with a slash at its end.")
    return etags


def read_manifest(uri: str) -> tuple[str, list[str]]:
    """The prefix of a manifest, and the S3 URIs of its objects.

    :raises WorkflowError: when it is none.
    """
    try:
        head, *names = read_json(uri)
        prefix = head["prefix"]
        return prefix, [f"{prefix}{name}" for name in names]
    except (ValueError, TypeError, KeyError) as error:
        raise WorkflowError(f"{uri} is no manifest of S3 objects: {error!r}") from error


def download(uri: str, folder: Path) -> list[Path]:
    """Copy the object of an S3 URI, or of a URI that ends in `/` all objects below it, into a folder.

    :raises WorkflowError: when there is none.
    """
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    hook, sources, files = S3Hook(), objects_of(uri), []
    for number, source in enumerate(sources):
        bucket, key = split_uri(source)
        name = PurePosixPath(key).name
        target = folder / (name if len(sources) == 1 else f"{number:05d}-{name}")
        hook.get_key(key, bucket).download_file(str(target))
        files.append(target)
    return files
