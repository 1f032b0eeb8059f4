"""S3's objects on disk: an index in SQLite, contents in immutable files.

A key is only ever a value in the index, so no key can name a file. A write moves the complete file into
place, commits the index row, and then retires the file that it replaced. So a reader always gets the old
object or the new one, and every acknowledged write survives `kill -9`.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from include.local_aws.protocol.errors import AwsError
from include.local_aws.s3.bucket_index import BucketIndex
from include.local_aws.s3.errors import S3Error
from include.local_aws.s3.files import Files, read_pieces
from include.local_aws.s3.info import Details, ObjectInfo
from include.local_aws.s3.keys import check_key, first_after, fold, take

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from include.local_aws.s3.files import StoredFile
    from include.local_aws.state import State

    Check = Callable[[ObjectInfo | None], object]  # gets the existing object; raises to refuse the change

    # Keys with their objects and common prefixes with None, in order; and whether more follow.
    Page = tuple[list[tuple[str, ObjectInfo | None]], bool]

SCHEMA = """
CREATE TABLE IF NOT EXISTS s3_objects (
    bucket TEXT NOT NULL, key TEXT NOT NULL, file TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL,
    modified REAL NOT NULL, details TEXT NOT NULL, PRIMARY KEY (bucket, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS s3_uploads (
    bucket TEXT NOT NULL, key TEXT NOT NULL, id TEXT NOT NULL UNIQUE, started REAL NOT NULL,
    request TEXT NOT NULL, PRIMARY KEY (bucket, key, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS s3_parts (
    upload TEXT NOT NULL, number INTEGER NOT NULL, file TEXT NOT NULL, size INTEGER NOT NULL,
    etag TEXT NOT NULL, modified REAL NOT NULL, checksums TEXT NOT NULL, PRIMARY KEY (upload, number)
) WITHOUT ROWID;
"""

PAGE = 1000  # keys read at a time
DEFAULT_TYPE = "binary/octet-stream"


def parse_uri(uri: str) -> tuple[str, str]:
    """`s3://bucket/some/key` → (`bucket`, `some/key`).

    :raises ValueError: naming a text that is not such a URI.
    """
    scheme, separator, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not separator or not bucket:
        raise ValueError(f"not an S3 URI (s3://bucket/key): {uri!r}")
    return bucket, key


class ObjectStore:
    """Buckets and objects. Only one store at a time may use a state folder: opening it removes what crashes
    left.

    store.create_bucket("data")
    store.put_bytes("data", "train/a.csv", b"1,2")
    store.path("data", "train/a.csv").read_bytes()
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self.buckets = BucketIndex(state)
        state.script(SCHEMA)
        self.files = Files(state.subfolder("s3"))
        self.files.keep_only(
            {
                name
                for (name,) in state.rows("SELECT file FROM s3_objects UNION ALL SELECT file FROM s3_parts")
            }
        )

    def create_bucket(self, name: str, region: str = "us-east-1") -> None:
        """Create a bucket if none of this name exists."""
        self.buckets.insert(name, region, {})

    def has_bucket(self, name: str) -> bool:
        return self.buckets.has(name)

    def delete_bucket(self, name: str) -> None:
        """Remove an empty bucket, with its unfinished uploads.

        :raises S3Error: NoSuchBucket, BucketNotEmpty.
        """
        with self.state.transaction() as db:
            self.buckets.get(name)
            if db.execute("SELECT 1 FROM s3_objects WHERE bucket=? LIMIT 1", (name,)).fetchone():
                raise S3Error("BucketNotEmpty", BucketName=name)
            uploads = "SELECT id FROM s3_uploads WHERE bucket=?"
            parts = db.execute(
                f"DELETE FROM s3_parts WHERE upload IN ({uploads}) RETURNING file", (name,)
            ).fetchall()
            db.execute("DELETE FROM s3_uploads WHERE bucket=?", (name,))
            db.execute("DELETE FROM s3_buckets WHERE name=?", (name,))
        self.files.retire(file for (file,) in parts)

    def info(self, bucket: str, key: str) -> ObjectInfo:
        """The index entry of an object.

        :raises S3Error: NoSuchBucket, NoSuchKey.
        """
        with self.state.transaction():
            self.buckets.get(bucket)
            info = self._find(bucket, key)
        if info is None:
            raise S3Error("NoSuchKey", Key=key)
        return info

    def path(self, bucket: str, key: str) -> Path:
        """The file with the object's content. Open it soon: once the object is replaced, the file is removed
        after a while.

        :raises S3Error: NoSuchBucket, NoSuchKey.
        """
        return self.content(self.info(bucket, key))

    def content(self, info: ObjectInfo) -> Path:
        return self.files.path(info.file)

    def page(self, bucket: str, prefix: str, delimiter: str, marker: str, limit: int) -> Page:
        """Up to `limit` objects and common prefixes after the marker, and whether more follow.

        :raises S3Error: NoSuchBucket.
        """
        with self.state.transaction() as db:
            self.buckets.get(bucket)

            def rows(first: str, end: str) -> Iterator[tuple[str, ObjectInfo]]:
                sql = "SELECT * FROM s3_objects WHERE bucket=? AND key>=? AND key<? ORDER BY key"
                for row in db.execute(sql, (bucket, first, end)):
                    yield row[1], _object(row)

            return take(fold(rows, prefix, delimiter, first_after(marker, prefix, delimiter)), limit)

    def put_file(self, bucket: str, key: str, source: Path, content_type: str = DEFAULT_TYPE) -> ObjectInfo:
        """Copy a file to an object.

        :raises S3Error: NoSuchBucket, KeyTooLongError.
        """
        return self._write(bucket, key, read_pieces(source), content_type)

    def put_bytes(self, bucket: str, key: str, data: bytes, content_type: str = DEFAULT_TYPE) -> ObjectInfo:
        """Write an object.

        :raises S3Error: NoSuchBucket, KeyTooLongError.
        """
        return self._write(bucket, key, [data], content_type)

    def _write(self, bucket: str, key: str, pieces: Iterable[bytes], content_type: str) -> ObjectInfo:
        check_key(key)
        self.buckets.get(bucket)
        return self.put(bucket, key, self.files.write(pieces), Details({"ContentType": content_type}))

    def put(
        self, bucket: str, key: str, stored_file: StoredFile, details: Details, check: Check | None = None
    ) -> ObjectInfo:
        """Make a complete file the object's content.

        :raises S3Error: NoSuchBucket, and what the check raises.
        """
        info = ObjectInfo(bucket, key, stored_file.file, stored_file.size, stored_file.etag, now(), details)
        with self.replacing(info, check):
            return info

    @contextmanager
    def replacing(self, info: ObjectInfo, check: Check | None = None) -> Iterator[sqlite3.Connection]:
        """Put an object in one transaction with the statements of the `with` block.

        If the transaction fails, the object's file is removed; if it succeeds, the replaced object's file is.

        :raises S3Error: NoSuchBucket, and what the check raises.
        """
        try:
            with self.state.transaction() as db:
                self.buckets.get(info.bucket)
                old = self._find(info.bucket, info.key)
                if check is not None:
                    check(old)
                db.execute("INSERT OR REPLACE INTO s3_objects VALUES (?, ?, ?, ?, ?, ?, ?)", _row(info))
                yield db
        except (AwsError, sqlite3.Error):
            self.files.discard([info.file])
            raise
        if old is not None:
            self.files.retire([old.file])

    def describe(self, bucket: str, key: str, **changes: Any) -> None:
        """Change details of an object, such as its tags, and nothing else.

        :raises S3Error: NoSuchBucket, NoSuchKey.
        """
        with self.state.transaction() as db:
            old = self.info(bucket, key)
            db.execute(
                "UPDATE s3_objects SET details=? WHERE bucket=? AND key=?",
                (replace(old.details, **changes).to_json(), bucket, key),
            )

    def delete(self, bucket: str, key: str, check: Check | None = None) -> None:
        """Remove an object if it exists.

        :raises S3Error: NoSuchBucket, and what the check raises.
        """
        with self.state.transaction() as db:
            self.buckets.get(bucket)
            old = self._find(bucket, key)
            if check is not None:
                check(old)
            db.execute("DELETE FROM s3_objects WHERE bucket=? AND key=?", (bucket, key))
        if old is not None:
            self.files.retire([old.file])

    def list(self, bucket: str, prefix: str = "") -> Iterator[ObjectInfo]:
        """Objects in key order, read page by page.

        :raises S3Error: NoSuchBucket.
        """
        marker, has_more = "", True
        while has_more:
            entries, has_more = self.page(bucket, prefix, "", marker, PAGE)
            for key, info in entries:
                if info is not None:
                    yield info
                marker = key

    def _find(self, bucket: str, key: str) -> ObjectInfo | None:
        rows = self.state.rows("SELECT * FROM s3_objects WHERE bucket=? AND key=?", bucket, key)
        return _object(rows[0]) if rows else None


def now() -> float:
    """The time in whole seconds since the epoch: S3 stores no fractions."""
    return float(int(time.time()))


def _row(info: ObjectInfo) -> tuple[Any, ...]:
    return (info.bucket, info.key, info.file, info.size, info.etag, info.modified, info.details.to_json())


def _object(row: tuple[Any, ...]) -> ObjectInfo:
    bucket, key, file, size, etag, modified, details = row
    return ObjectInfo(bucket, key, file, size, etag, modified, Details.from_json(details))
