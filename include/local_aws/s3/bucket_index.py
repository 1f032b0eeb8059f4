"""The buckets: region, time of creation, and settings."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.local_aws.s3.errors import S3Error

if TYPE_CHECKING:
    from include.local_aws.state import State

SCHEMA = """
CREATE TABLE IF NOT EXISTS s3_buckets (
    name TEXT PRIMARY KEY, region TEXT NOT NULL, created REAL NOT NULL, settings TEXT NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Bucket:
    """One bucket."""

    name: str
    region: str
    created: float  # epoch seconds
    settings: dict[str, Any]  # documents as their Put operations sent them, by setting; None: deleted


class BucketIndex:
    """The table of buckets."""

    def __init__(self, state: State) -> None:
        self._state = state
        state.script(SCHEMA)

    def insert(self, name: str, region: str, settings: dict[str, Any]) -> bool:
        """Create a bucket. Returns False, and changes nothing, if it exists."""
        sql = "INSERT OR IGNORE INTO s3_buckets VALUES (?, ?, ?, ?) RETURNING name"
        return bool(self._state.rows(sql, name, region, float(int(time.time())), json.dumps(settings)))

    def get(self, name: str) -> Bucket:
        """The bucket of this name.

        :raises S3Error: NoSuchBucket.
        """
        for row in self._state.rows("SELECT * FROM s3_buckets WHERE name=?", name):
            return _bucket(row)
        raise S3Error("NoSuchBucket", BucketName=name)

    def has(self, name: str) -> bool:
        return bool(self._state.rows("SELECT 1 FROM s3_buckets WHERE name=?", name))

    def all(self) -> list[Bucket]:
        """Every bucket, by name."""
        return [_bucket(row) for row in self._state.rows("SELECT * FROM s3_buckets ORDER BY name")]

    def set(self, name: str, setting: str, document: Any) -> None:
        """Store one setting; None records that it was deleted.

        :raises S3Error: NoSuchBucket.
        """
        with self._state.transaction() as db:
            settings = json.dumps({**self.get(name).settings, setting: document})
            db.execute("UPDATE s3_buckets SET settings=? WHERE name=?", (settings, name))


def _bucket(row: tuple[Any, ...]) -> Bucket:
    name, region, created, settings = row
    return Bucket(name, region, created, json.loads(settings))
