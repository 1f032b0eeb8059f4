"""Checks the CSV objects of an S3 location against the schema that Personalize will read them by."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from aws_ml.errors import InvalidData, calling
from aws_ml.validation.counts import Counts
from aws_ml.validation.faults import Faults
from aws_ml.validation.schemas import read_schema
from aws_ml.validation.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_ml.lifecycle.logs import TaskLog

PIECE = 1024**2  # bytes read at a time
MOST_BYTES = {"FULL": 100 * 10**9, "INCREMENTAL": 10**9}  # of an import (developer guide, "Quotas")


def validate(
    client: Any, uri: str, avro: str | dict[str, Any], log: TaskLog, *, mode: str = "FULL"
) -> dict[str, Any]:
    """Read everything that an import would read.

    :param client: of S3.
    :param uri: of a CSV file, or of the folder that holds several.
    :param avro: the schema, as text or dictionary.
    :param mode: FULL or INCREMENTAL.
    :return: what was read: `type`, `files`, `rows`, `bytes`.
    :raises InvalidData: naming the first 20 faults.
    :raises JobRejected: when S3 refuses.
    :raises ServiceFault: when AWS is at fault.
    """
    faults = Faults()
    schema = read_schema(avro, faults)
    if schema is None or faults.texts:
        raise InvalidData(f"The schema would be refused: {faults}")
    counts = Counts(schema)
    table = Table(schema, counts, faults)
    with calling(f"reading {uri}"):
        files = list(_objects(client, uri))
        for name, _ in files:
            log.info("Checking %s", name)
            table.check(name, _pieces(client, uri, name))
            if faults.full:
                break
    total = sum(size for _, size in files)
    if total > MOST_BYTES[mode]:
        faults.add(f"{total} bytes; expected {MOST_BYTES[mode]} at most in a {mode} import")
    if not faults.full:
        counts.check(faults, alone=mode == "FULL")
    if faults.texts:
        raise InvalidData(f"The data of {schema.type} at {uri} would be refused: {faults}")
    return {"type": schema.type, "files": len(files), "rows": counts.rows, "bytes": total}


def _objects(client: Any, uri: str) -> Iterator[tuple[str, int]]:
    """Keys and sizes of the file, or of the files below the folder. Raises InvalidData if there are none."""
    bucket, key = _place(uri)
    folder = f"{key.rstrip('/')}/" if key else ""
    empty = True
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key):
        for entry in page.get("Contents", []):
            name = entry["Key"]
            if (name == key or name.startswith(folder)) and not name.endswith("/"):
                empty = False
                yield name, entry["Size"]
    if empty:
        raise InvalidData(f"There is nothing at {uri}.")


def _pieces(client: Any, uri: str, key: str) -> Iterator[bytes]:
    with closing(client.get_object(Bucket=_place(uri)[0], Key=key)["Body"]) as body:
        yield from body.iter_chunks(PIECE)


def _place(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not bucket:
        raise InvalidData(f"{uri!r} is not an S3 URI (s3://bucket/key).")
    return bucket, key
