"""Multipart uploads in progress, and their parts."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.local_aws.s3.errors import S3Error
from include.local_aws.s3.info import Details
from include.local_aws.s3.keys import first_after, fold, take
from include.local_aws.s3.store import now

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping

    from include.local_aws.s3.files import StoredFile
    from include.local_aws.s3.store import ObjectStore


@dataclass(frozen=True)
class Upload:
    """One multipart upload in progress."""

    bucket: str
    key: str
    id: str
    started: float  # epoch seconds
    algorithm: str  # of the checksums: `crc32`, or "" for none
    checksum_type: str  # FULL_OBJECT or COMPOSITE
    details: Details  # of the future object


@dataclass(frozen=True)
class UploadedPart:
    """One uploaded part."""

    number: int  # 1 to 10,000
    file: str  # the name of its content in the store's folder
    size: int  # bytes
    etag: str  # as S3 writes it, in double quotes
    modified: float  # epoch seconds
    checksums: dict[str, str]  # {"crc32": "base64"}


class UploadIndex:
    """The tables of uploads and parts."""

    def __init__(self, store: ObjectStore) -> None:
        self._state, self._store = store.state, store

    def start(self, bucket: str, key: str, details: Details, algorithm: str, checksum_type: str) -> Upload:
        """Register a new upload.

        :raises S3Error: NoSuchBucket.
        """
        identity = f"{time.time_ns():016x}{uuid.uuid4().hex}"  # sorts by start time
        upload = Upload(bucket, key, identity, now(), algorithm, checksum_type, details)
        request = json.dumps([algorithm, checksum_type, details.to_json()])
        with self._state.transaction() as db:
            self._store.buckets.get(bucket)
            row = (bucket, key, identity, upload.started, request)
            db.execute("INSERT INTO s3_uploads VALUES (?, ?, ?, ?, ?)", row)
        return upload

    def get(self, bucket: str, key: str, identity: str) -> Upload:
        """The upload with this identifier.

        :raises S3Error: NoSuchBucket, NoSuchUpload.
        """
        self._store.buckets.get(bucket)
        sql = "SELECT * FROM s3_uploads WHERE bucket=? AND key=? AND id=?"
        for row in self._state.rows(sql, bucket, key, identity):
            return _upload(row)
        raise S3Error("NoSuchUpload", UploadId=identity)

    def put_part(
        self, upload: Upload, number: int, stored_file: StoredFile, checksums: Mapping[str, str]
    ) -> UploadedPart:
        """Register a complete file as a part; it replaces a part with the same number.

        :raises S3Error: NoSuchUpload.
        """
        part = UploadedPart(
            number, stored_file.file, stored_file.size, stored_file.etag, now(), dict(checksums)
        )
        row = (upload.id, number, part.file, part.size, part.etag, part.modified, json.dumps(part.checksums))
        try:
            with self._state.transaction() as db:
                self.get(upload.bucket, upload.key, upload.id)
                old = db.execute(
                    "SELECT file FROM s3_parts WHERE upload=? AND number=?", (upload.id, number)
                ).fetchall()
                db.execute("INSERT OR REPLACE INTO s3_parts VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        except S3Error:
            self._store.files.discard([stored_file.file])
            raise
        self._store.files.retire(file for (file,) in old)
        return part

    def parts(self, upload: Upload) -> list[UploadedPart]:
        """All parts, by number."""
        sql = "SELECT * FROM s3_parts WHERE upload=? ORDER BY number"
        return [_part(row) for row in self._state.rows(sql, upload.id)]

    def remove(self, db: sqlite3.Connection, upload: Upload) -> list[str]:
        """Remove an upload, in the caller's transaction. Returns the files of its parts.

        :raises S3Error: NoSuchUpload.
        """
        self.get(upload.bucket, upload.key, upload.id)
        db.execute("DELETE FROM s3_uploads WHERE id=?", (upload.id,))
        files = db.execute("DELETE FROM s3_parts WHERE upload=? RETURNING file", (upload.id,)).fetchall()
        return [file for (file,) in files]

    def page(
        self, bucket: str, prefix: str, delimiter: str, marker: tuple[str, str], limit: int
    ) -> tuple[list[tuple[str, Upload | None]], bool]:
        """Up to `limit` uploads and common prefixes after the marker, and whether more follow.

        :param marker: the last page's last key and, if that was an upload, its id.
        :raises S3Error: NoSuchBucket.
        """
        key, identity = marker
        with self._state.transaction() as db:
            self._store.buckets.get(bucket)

            def rows(first: str, end: str) -> Iterator[tuple[str, Upload]]:
                sql = "SELECT * FROM s3_uploads WHERE bucket=? AND key>=? AND key<? ORDER BY key, id"
                for row in db.execute(sql, (bucket, first, end)):
                    if row[1] != key or row[2] > identity:
                        yield row[1], _upload(row)

            start = max(prefix, key) if identity else first_after(key, prefix, delimiter)
            return take(fold(rows, prefix, delimiter, start), limit)


def _upload(row: tuple[Any, ...]) -> Upload:
    bucket, key, identity, started, request = row
    algorithm, checksum_type, details = json.loads(request)
    return Upload(bucket, key, identity, started, algorithm, checksum_type, Details.from_json(details))


def _part(row: tuple[Any, ...]) -> UploadedPart:
    _, number, file, size, etag, modified, checksums = row
    return UploadedPart(number, file, size, etag, modified, json.loads(checksums))
