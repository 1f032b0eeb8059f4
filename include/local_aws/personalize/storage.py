"""The rows of datasets: imported files as Parquet, rows of PutItems, PutUsers and PutEvents in SQLite."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from include.local_aws.state import State

SCHEMA = """
CREATE TABLE IF NOT EXISTS personalize_events (
    number INTEGER PRIMARY KEY, dataset_group TEXT NOT NULL, user TEXT, session TEXT NOT NULL,
    event TEXT NOT NULL, item TEXT, value REAL, moment INTEGER NOT NULL, more TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS personalize_events_by_user ON personalize_events (dataset_group, user, number);
CREATE INDEX IF NOT EXISTS personalize_events_by_session
    ON personalize_events (dataset_group, session, number);
CREATE TABLE IF NOT EXISTS personalize_rows (
    dataset TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (dataset, id)
) WITHOUT ROWID;
"""
Row = dict[str, Any]
NEWEST = 200  # events of a user that recommendations use


class Storage:
    """Rows by dataset. Files are immutable: after a failed import the old files are unchanged."""

    def __init__(self, state: State, folder: Path) -> None:
        self._state, self._folder = state, folder
        state.script(SCHEMA)

    def folder(self, arn: str) -> Path:
        """The folder of a resource's files."""
        path = self._folder / hashlib.sha256(arn.encode()).hexdigest()[:24]
        path.mkdir(parents=True, exist_ok=True)
        return path

    def discard(self, arn: str) -> None:
        """Delete the files of a resource, and the rows of a dataset or dataset group."""
        shutil.rmtree(self.folder(arn), ignore_errors=True)
        self._state.rows("DELETE FROM personalize_rows WHERE dataset=?", arn)
        self._state.rows("DELETE FROM personalize_events WHERE dataset_group=?", arn)

    # ---- rows of PutUsers and PutItems

    def put_rows(self, dataset: str, rows: Iterable[tuple[str, Row]]) -> None:
        """Insert or replace rows by identifier."""
        with self._state.transaction() as db:
            db.executemany(
                "INSERT OR REPLACE INTO personalize_rows VALUES (?, ?, ?)",
                [(dataset, name, json.dumps(row)) for name, row in rows],
            )

    def get_rows(self, dataset: str) -> list[Row]:
        """All rows of PutUsers or PutItems in a dataset."""
        rows = self._state.rows("SELECT body FROM personalize_rows WHERE dataset=? ORDER BY id", dataset)
        return [json.loads(body) for (body,) in rows]

    # ---- events

    def add_events(self, group: str, user: str | None, session: str, events: Iterable[Row]) -> None:
        """Append events; earlier anonymous events of the session become the user's."""
        with self._state.transaction() as db:
            if user is not None:
                db.execute(
                    "UPDATE personalize_events SET user=? "
                    "WHERE dataset_group=? AND session=? AND user IS NULL",
                    (user, group, session),
                )
            db.executemany(
                "INSERT INTO personalize_events VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        group,
                        user,
                        session,
                        e["type"],
                        e["item"],
                        e["value"],
                        e["moment"],
                        json.dumps(e["more"]),
                    )
                    for e in events
                ],
            )

    def newest_events(self, group: str, user: str) -> list[tuple[str, str]]:
        """Item and type of the user's (or the anonymous session's) newest events, newest first."""
        sql = (
            "SELECT item, event FROM personalize_events WHERE dataset_group=? AND {} AND item IS NOT NULL "
            "ORDER BY number DESC LIMIT ?"
        )
        events = self._state.rows(sql.format("user=?"), group, user, NEWEST)
        return events or self._state.rows(sql.format("session=? AND user IS NULL"), group, user, NEWEST)

    def write_events(self, group: str, target: Path) -> int:
        """Write all events of a dataset group to Parquet as interactions; returns their number."""
        rows = self._state.rows(
            "SELECT coalesce(user, session), item, moment, event, value FROM personalize_events "
            "WHERE dataset_group=? AND item IS NOT NULL ORDER BY number",
            group,
        )
        names = ("USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE")
        types = (pa.string(), pa.string(), pa.int64(), pa.string(), pa.float32())
        columns = [pa.array([row[n] for row in rows], kind) for n, kind in enumerate(types)]
        pq.write_table(pa.table(columns, names=list(names)), target)
        return len(rows)
