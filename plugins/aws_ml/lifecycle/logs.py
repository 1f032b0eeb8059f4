"""CloudWatch lines of jobs, each once: the cursor is small, serializable, and tolerates late lines."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from aws_ml.errors import is_missing

if TYPE_CHECKING:
    from collections.abc import Iterable

LOG_CURSOR = "aws_ml_log_cursor"  # XCom of a waiting task: its LogCursor
LATE_MILLISECONDS = 5_000  # lines of several hosts do not arrive in the order of their times


class TaskLog(Protocol):
    """Where a task writes: the log of an Airflow operator, or a logger of the standard library."""

    def info(self, event: Any, /, *args: Any) -> Any: ...

    def warning(self, event: Any, /, *args: Any) -> Any: ...


@dataclass
class LogCursor:
    """How far a job's log was read: the newest time, and which lines were read shortly before it.

    LogCursor.load(cursor.dump()) is equal to cursor.
    """

    time: int = 0  # milliseconds since 1970
    read: dict[str, int] = field(default_factory=dict)  # event id → time, of the last LATE_MILLISECONDS
    _room: int = field(default=1_000, init=False, repr=False, compare=False)

    @property
    def start(self) -> int:
        """Where to read from, in milliseconds since 1970."""
        return max(0, self.time - LATE_MILLISECONDS)

    def take(self, event: dict[str, Any]) -> bool:
        """Remember an event as read; False when it was read before."""
        moment, identity = int(event["timestamp"]), str(event["eventId"])
        if identity in self.read or moment < self.start:
            return False
        self.time = max(self.time, moment)
        self.read[identity] = moment
        if len(self.read) > self._room:
            self.read = self._recent()
            self._room = max(1_000, 2 * len(self.read))
        return True

    def _recent(self) -> dict[str, int]:
        start = self.start
        return {identity: time for identity, time in self.read.items() if time >= start}

    def dump(self) -> dict[str, Any]:
        """Plain values for JSON, which load() takes."""
        return {"time": self.time, "read": self._recent()}

    @classmethod
    def load(cls, dumped: dict[str, Any] | None) -> LogCursor:
        """The cursor that was dumped; None: one that has read nothing."""
        return cls(**dumped) if dumped else cls()


def read_lines(client: Any, group: str, cursors: dict[str, LogCursor]) -> dict[str, list[str]]:
    """New lines by the name of the job, as `<host>: line`; a paged call serves all jobs of a log group.

    A log group that does not exist yet has no lines. The cursors move on.

    :param group: the log group.
    :param cursors: by the name of the job.
    :raises botocore.exceptions.ClientError: when AWS refuses.
    """
    prefix = os.path.commonprefix([f"{name}/" for name in cursors])
    lines: dict[str, list[str]] = {name: [] for name in cursors}
    parameters: dict[str, Any] = {
        "logGroupName": group,
        "startTime": min(cursor.start for cursor in cursors.values()),
        **({"logStreamNamePrefix": prefix} if prefix else {}),
    }
    from botocore.exceptions import ClientError

    try:
        for event in _events(client, parameters):
            name, _, stream = event["logStreamName"].partition("/")
            if name in cursors and cursors[name].take(event):
                lines[name].append(f"{stream.split('-i-')[0]}: {event['message']}")
    except ClientError as error:
        if not is_missing(error):
            raise
    return lines


def _events(client: Any, parameters: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for page in client.get_paginator("filter_log_events").paginate(**parameters):
        yield from page["events"]
