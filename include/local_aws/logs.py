"""CloudWatch Logs: groups, streams and events, filled line by line while jobs run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from include.local_aws.protocol.errors import AwsError

if TYPE_CHECKING:
    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.state import State

SCHEMA = """
CREATE TABLE IF NOT EXISTS log_streams (
    grp TEXT NOT NULL, stream TEXT NOT NULL, created INTEGER NOT NULL, PRIMARY KEY (grp, stream)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS log_events (
    id INTEGER PRIMARY KEY,
    grp TEXT NOT NULL, stream TEXT NOT NULL, time INTEGER NOT NULL, message TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS log_events_by_stream ON log_events (grp, stream, id);
"""
GROUP_ONLY = ""  # the stream name under which a group itself is kept
EVENTS_A_PAGE = 10_000


class LogStore:
    """The store of log events. Times are milliseconds, as in CloudWatch.

    logs.append("/aws/sagemaker/TrainingJobs", "churn/algo-1-1795234896", "[0] train-error:0.05")
    """

    def __init__(self, state: State) -> None:
        self.state = state
        state.script(SCHEMA)

    def append(self, group: str, stream: str, message: str, timestamp: float | None = None) -> None:
        """Add one event; group and stream are created if they do not exist. `timestamp` is epoch seconds."""
        now = int((time.time() if timestamp is None else timestamp) * 1000)
        self.extend(group, stream, [(now, message)])

    def extend(self, group: str, stream: str, events: list[tuple[int, str]]) -> None:
        """Add events (milliseconds, message) in one transaction."""
        with self.state.transaction() as db:
            for name in (GROUP_ONLY, stream):
                db.execute("INSERT OR IGNORE INTO log_streams VALUES (?, ?, ?)", (group, name, events[0][0]))
            db.executemany(
                "INSERT INTO log_events (grp, stream, time, message) VALUES (?, ?, ?, ?)",
                [(group, stream, moment, message) for moment, message in events],
            )


class Logs:
    """The operations of the service `logs`."""

    def __init__(self, store: LogStore) -> None:
        self._store, self._state = store, store.state

    def create_log_group(self, params: Params, caller: Caller) -> Output:
        self._create(params["logGroupName"], GROUP_ONLY, "The specified log group already exists")
        return None

    def create_log_stream(self, params: Params, caller: Caller) -> Output:
        self._require(params["logGroupName"], GROUP_ONLY)
        self._create(
            params["logGroupName"], params["logStreamName"], "The specified log stream already exists"
        )
        return None

    def delete_log_group(self, params: Params, caller: Caller) -> Output:
        self._require(params["logGroupName"], GROUP_ONLY)
        with self._state.transaction() as db:
            for table in ("log_events", "log_streams"):
                db.execute(f"DELETE FROM {table} WHERE grp=?", (params["logGroupName"],))
        return None

    def delete_log_stream(self, params: Params, caller: Caller) -> Output:
        place = (params["logGroupName"], params["logStreamName"])
        self._require(*place)
        with self._state.transaction() as db:
            for table in ("log_events", "log_streams"):
                db.execute(f"DELETE FROM {table} WHERE grp=? AND stream=?", place)
        return None

    def put_log_events(self, params: Params, caller: Caller) -> Output:
        group, stream = params["logGroupName"], params["logStreamName"]
        self._require(group, stream)
        events = [(int(event["timestamp"]), event["message"]) for event in params["logEvents"]]
        self._store.extend(group, stream, events)
        return {"nextSequenceToken": str(time.time_ns())}

    def describe_log_groups(self, params: Params, caller: Caller) -> Output:
        sql = (
            "SELECT grp, created FROM log_streams"
            " WHERE stream=? AND substr(grp, 1, ?)=? AND grp>? ORDER BY grp LIMIT ?"
        )
        prefix, limit = params.get("logGroupNamePrefix", ""), params.get("limit", 50)
        rows = self._state.rows(sql, GROUP_ONLY, len(prefix), prefix, params.get("nextToken", ""), limit + 1)
        groups = [
            {"logGroupName": name, "creationTime": created, "arn": caller.arn("logs", f"log-group:{name}:*")}
            for name, created in rows[:limit]
        ]
        return {"logGroups": groups, "nextToken": rows[limit - 1][0] if len(rows) > limit else None}

    def describe_log_streams(self, params: Params, caller: Caller) -> Output:
        group, prefix = params["logGroupName"], params.get("logStreamNamePrefix", "")
        limit = params.get("limit", 50)
        self._require(group, GROUP_ONLY)
        sql = (
            "SELECT s.stream, s.created, min(e.time), max(e.time) FROM log_streams s"
            " LEFT JOIN log_events e ON e.grp=s.grp AND e.stream=s.stream"
            " WHERE s.grp=? AND s.stream>? AND substr(s.stream, 1, ?)=?"
            " GROUP BY s.stream ORDER BY s.stream LIMIT ?"
        )
        token = params.get("nextToken", GROUP_ONLY)
        rows = self._state.rows(sql, group, token, len(prefix), prefix, limit + 1)
        streams = [self._describe_stream(group, row, caller) for row in rows[:limit]]
        return {"logStreams": streams, "nextToken": rows[limit - 1][0] if len(rows) > limit else None}

    @staticmethod
    def _describe_stream(group: str, row: tuple[Any, ...], caller: Caller) -> dict[str, Any]:
        name, created, first, last = row
        return {
            "logStreamName": name,
            "creationTime": created,
            "firstEventTimestamp": first,
            "lastEventTimestamp": last,
            "arn": caller.arn("logs", f"log-group:{group}:log-stream:{name}"),
        }

    def get_log_events(self, params: Params, caller: Caller) -> Output:
        """A page of a stream. At either end the response repeats the token of the request, as on AWS."""
        group, stream = params["logGroupName"], params["logStreamName"]
        self._require(group, stream)
        forward, position = self._position(params, group, stream)
        order, compare = ("ASC", ">") if forward else ("DESC", "<")
        sql = (
            f"SELECT id, time, message FROM log_events WHERE grp=? AND stream=? AND id{compare}?"
            f" AND time>=? AND time<? ORDER BY id {order} LIMIT ?"
        )
        window = (params.get("startTime", 0), params.get("endTime", 2**62))
        limit = params.get("limit", EVENTS_A_PAGE)
        rows = self._state.rows(sql, group, stream, position, *window, limit)
        rows = rows if forward else rows[::-1]
        first, last = (rows[0][0], rows[-1][0]) if rows else (position, position)
        return {
            "events": [{"timestamp": t, "message": m, "ingestionTime": t} for _, t, m in rows],
            "nextForwardToken": f"f/{last}",
            "nextBackwardToken": f"b/{first}",
        }

    def _position(self, params: Params, group: str, stream: str) -> tuple[bool, int]:
        """The direction of reading, and the id after which it continues."""
        token = params.get("nextToken")
        if token is None:
            return (True, 0) if params.get("startFromHead") else (False, 2**62)
        direction, _, number = token.partition("/")
        if direction not in ("f", "b") or not number.isdigit():
            raise AwsError("InvalidParameterException", "The specified nextToken is invalid.")
        return direction == "f", int(number)

    def filter_log_events(self, params: Params, caller: Caller) -> Output:
        """Events of a group whose message contains the pattern's words (quotes are removed)."""
        group, limit = params["logGroupName"], params.get("limit", EVENTS_A_PAGE)
        self._require(group, GROUP_ONLY)
        words = params.get("filterPattern", "").replace('"', "").split()
        stream_names = params.get("logStreamNames") or []
        prefix = params.get("logStreamNamePrefix", "")
        conditions = ["grp=?", "id>?", "time>=?", "time<=?", "substr(stream, 1, ?)=?"]
        conditions += ["instr(message, ?)>0"] * len(words)
        conditions += [f"stream IN ({','.join('?' * len(stream_names))})"] if stream_names else []
        window = (params.get("startTime", 0), params.get("endTime", 2**62))
        values = (group, int(params.get("nextToken", 0)), *window, len(prefix), prefix, *words, *stream_names)
        where = " AND ".join(conditions)
        sql = f"SELECT id, stream, time, message FROM log_events WHERE {where} ORDER BY id LIMIT ?"
        rows = self._state.rows(sql, *values, limit)
        events = [
            {"eventId": str(i), "logStreamName": s, "timestamp": t, "ingestionTime": t, "message": m}
            for i, s, t, m in rows
        ]
        return {"events": events, "nextToken": str(rows[-1][0]) if len(rows) == limit else None}

    def _create(self, group: str, stream: str, taken: str) -> None:
        sql = "INSERT OR IGNORE INTO log_streams VALUES (?, ?, ?) RETURNING grp"
        if not self._state.rows(sql, group, stream, int(time.time() * 1000)):
            raise AwsError("ResourceAlreadyExistsException", taken)

    def _require(self, group: str, stream: str) -> None:
        sql = "SELECT 1 FROM log_streams WHERE grp=? AND stream=?"
        for name, noun in ((GROUP_ONLY, "group"), (stream, "stream")):
            if not self._state.rows(sql, group, name):
                raise AwsError("ResourceNotFoundException", f"The specified log {noun} does not exist.")
