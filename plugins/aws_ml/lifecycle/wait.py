"""Waiting for a job: what is waited for, in a form that survives serialization; in place, or as a verdict."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from aws_ml import errors
from aws_ml.lifecycle.kinds import KINDS, Kind
from aws_ml.lifecycle.logs import LogCursor
from aws_ml.lifecycle.poller import Poller, Watch

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

    from aws_ml.clients import Aws
    from aws_ml.lifecycle.outcome import Outcome

MARGIN_SECONDS = 1800  # over a job's own time limit: queueing, instances, downloads, uploads
DEFAULT_SECONDS = {"transform": 5 * 86400, "endpoint": 3600, "tuning": 30 * 86400}  # kinds without a limit
LONGEST_PAUSE = 30.0  # seconds between two looks
SHOWN_LINES = 10  # of the log, with a failure


@dataclass(frozen=True)
class Wait:
    """One wait. All members are plain values: a trigger carries them through serialization.

    :param kind: key of `KINDS`.
    :param since: seconds since 1970 when the job, or the update of an endpoint, began.
    :param deadline: seconds since 1970.
    :param longest: seconds between two looks at most.
    :param expected: members of the description that success must show.
    :param print_log: bring the job's log lines.
    :param attached: an earlier try of the task created the job, and where that is stopped another may be.
    """

    kind: str
    name: str
    since: float
    deadline: float
    longest: float = LONGEST_PAUSE
    expected: dict[str, Any] = field(default_factory=dict)
    print_log: bool = True
    attached: bool = False

    def serialize(self) -> dict[str, Any]:
        return asdict(self)

    def watch(self, cursor: LogCursor, deliver: Callable[[Watch, list[str], Outcome | None], None]) -> Watch:
        """What a poller looks at; a cursor that has read nothing begins where the job did."""
        cursor.time = cursor.time or int(self.since * 1000)
        return Watch(
            kind=KINDS[self.kind],
            name=self.name,
            since=self.since,
            deadline=self.deadline,
            longest=self.longest,
            expected=self.expected,
            cursor=cursor if self.print_log and KINDS[self.kind].log_group else None,
            deliver=deliver,
        )


def for_job(
    kind: Kind,
    description: dict[str, Any],
    *,
    seconds: float | None = None,
    at_most: float = math.inf,
    **more: Any,
) -> Wait:
    """The wait for a job that is described.

    :param seconds: how long to wait; else the job's own MaxRuntimeInSeconds and a margin.
    :param at_most: seconds; an upper limit for both.
    """
    began = description.get(kind.since) or description["CreationTime"]
    limits = description.get("StoppingCondition") or {}
    own = limits.get("MaxWaitTimeInSeconds") or limits.get("MaxRuntimeInSeconds")
    default = own + MARGIN_SECONDS if own else DEFAULT_SECONDS.get(kind.key, 86400)
    return Wait(
        kind=kind.key,
        name=description[kind.name],
        since=began.timestamp() - 1,
        deadline=time.time() + min(seconds or default, at_most),
        **more,
    )


def ends_within(aws: Aws, wait: Wait, seconds: float) -> bool:
    """Look for some seconds, log lines left to whoever waits on; whether the job ended."""
    if seconds <= 0:
        return False
    found: list[Outcome] = []

    def deliver(_: Watch, __: list[str], outcome: Outcome | None) -> None:
        if outcome is not None:
            found.append(outcome)

    soon = replace(wait, print_log=False, deadline=min(wait.deadline, time.time() + seconds))
    Poller(aws).wait(soon.watch(LogCursor(), deliver))
    return found[0].status != "timeout"


def in_place(aws: Aws, wait: Wait, log: logging.Logger) -> None:
    """Wait here, log lines included; returns when the job succeeded.

    :raises JobError: see `verdict`.
    """
    last: list[str] = []
    found: list[Outcome] = []

    def deliver(_: Watch, lines: list[str], outcome: Outcome | None) -> None:
        for line in lines:
            log.info("%s", line)
        last.extend(lines)
        del last[:-SHOWN_LINES]
        if outcome is not None:
            found.append(outcome)

    Poller(aws).wait(wait.watch(LogCursor(), deliver))
    verdict(KINDS[wait.kind], wait.name, found[0], last, attached=wait.attached)


def verdict(kind: Kind, name: str, found: Outcome, lines: list[str], *, attached: bool = False) -> None:
    """Return for a success, raise for anything else.

    :param attached: an earlier try of the task created the job.
    :raises JobSuperseded: when it was stopped together with that try.
    :raises JobTimedOut: when the wait ended before the job did.
    :raises ServiceFault: when the reason is AWS's own.
    :raises JobFailed: for everything else: failed, stopped, rolled back, gone.
    """
    if found.state == "success":
        return
    shown = "".join(f"\n    {line}" for line in lines[-SHOWN_LINES:])
    text = f"The {kind.noun} {name} did not succeed ({found.status}): {found.reason}"
    if kind.log_group:
        text += (
            f"\nLog group {kind.log_group}, streams {name}/...{'; its last lines:' if shown else ''}{shown}"
        )
    if found.status == "timeout":
        raise errors.JobTimedOut(f"{text}\nIt may still run, and cost.")
    if attached and found.stopped:
        # Airflow can start the next try of a cleared task before the last one's trigger has stopped the job
        raise errors.JobSuperseded(f"{text}\nAn earlier try had created it; the next one creates another.")
    raise errors.from_reason(text, found.reason)
