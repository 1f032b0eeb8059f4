"""State that survives `kill -9`: JSON documents in SQLite, files beside it, all below one folder.

A document is acknowledged only after its transaction is committed (write-ahead log), so everything that a
client got an answer for still exists after a restart.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

Document = dict[str, Any]
LAST_CHARACTER = chr(0x10FFFF)  # of Unicode: sorts behind all others

SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    kind TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, name)
) WITHOUT ROWID;
"""


class NameTaken(KeyError):
    """A document of this kind and name exists already."""


class State:
    """The state folder: `state.db`, and the sub-folders in which services keep files."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder = folder
        self._lock = threading.RLock()
        self._db = sqlite3.connect(folder / "state.db", check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self.script(SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def script(self, sql: str) -> None:
        """Run schema statements; services create tables of their own with it."""
        with self._lock:
            self._db.executescript(sql)

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement in its own transaction and return all rows."""
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """`with state.transaction() as db:` commits at the end, rolls back on an exception."""
        return _Transaction(self._db, self._lock)

    def subfolder(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def collection(self, kind: str) -> Collection:
        return Collection(self, kind)


class _Transaction:
    def __init__(self, db: sqlite3.Connection, lock: threading.RLock) -> None:
        self._db, self._lock = db, lock

    def __enter__(self) -> sqlite3.Connection:
        self._lock.acquire()
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")
            self._outermost = True
        else:
            self._outermost = False
        return self._db

    def __exit__(self, kind: object, *rest: object) -> None:
        try:
            if self._outermost:
                self._db.execute("COMMIT" if kind is None else "ROLLBACK")
        finally:
            self._lock.release()


class Collection:
    """Documents of one kind, by name.

    jobs = state.collection("training_job")
    jobs.insert("churn", {"TrainingJobStatus": "InProgress"})     # NameTaken when the name exists
    jobs.update("churn", lambda job: job.update(TrainingJobStatus="Completed"))
    """

    def __init__(self, state: State, kind: str) -> None:
        self._state, self.kind = state, kind

    def insert(self, name: str, document: Document) -> None:
        """Store a new document.

        :raises NameTaken: when the name exists.
        """
        try:
            self._state.rows("INSERT INTO documents VALUES (?, ?, ?)", self.kind, name, json.dumps(document))
        except sqlite3.IntegrityError as error:
            raise NameTaken(name) from error

    def put(self, name: str, document: Document) -> None:
        """Store a document, replacing one of the same name."""
        self._state.rows(
            "INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", self.kind, name, json.dumps(document)
        )

    def get(self, name: str) -> Document | None:
        """The document of this name, or None."""
        rows = self._state.rows("SELECT body FROM documents WHERE kind=? AND name=?", self.kind, name)
        return json.loads(rows[0][0]) if rows else None

    def update(self, name: str, change: Callable[[Document], object]) -> Document | None:
        """Change a document in one transaction.

        Returns what was stored, or None for a name that does not exist.
        """
        with self._state.transaction():
            document = self.get(name)
            if document is not None:
                change(document)
                self.put(name, document)
            return document

    def delete(self, name: str) -> bool:
        """Delete a document; whether it existed."""
        return bool(
            self._state.rows("DELETE FROM documents WHERE kind=? AND name=? RETURNING name", self.kind, name)
        )

    def __iter__(self) -> Iterator[Document]:
        """All documents of the kind, ordered by name."""
        rows = self._state.rows("SELECT body FROM documents WHERE kind=? ORDER BY name", self.kind)
        return (json.loads(body) for (body,) in rows)

    def beginning(self, prefix: str) -> Iterator[Document]:
        """The documents whose names begin with a prefix, ordered by name; reads no others."""
        rows = self._state.rows(
            "SELECT body FROM documents WHERE kind=? AND name>=? AND name<? ORDER BY name",
            *(self.kind, prefix, f"{prefix}{LAST_CHARACTER}"),
        )
        return (json.loads(body) for (body,) in rows)

    def items(self) -> Iterator[tuple[str, Document]]:
        """All names with their documents, ordered by name."""
        rows = self._state.rows("SELECT name, body FROM documents WHERE kind=? ORDER BY name", self.kind)
        return ((name, json.loads(body)) for name, body in rows)

    def __len__(self) -> int:
        rows = self._state.rows("SELECT count(*) FROM documents WHERE kind=?", self.kind)
        return int(rows[0][0])
