"""Waiting for a job: for what and how long, as plain values; in this process; the error of a failure."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypedDict

from aws_ml import errors
from aws_ml.lifecycle.kinds import KINDS, Kind
from aws_ml.lifecycle.logs import LogCursor
from aws_ml.lifecycle.poller import PolledJob, Poller

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_ml.clients import Aws
    from aws_ml.lifecycle.kinds import Description
    from aws_ml.lifecycle.logs import TaskLog
    from aws_ml.lifecycle.outcome import Outcome, State

MARGIN_SECONDS = 1800  # over a job's own time limit: queueing, instances, downloads, uploads
DEFAULT_SECONDS = {"transform": 5 * 86400, "endpoint": 3600, "tuning": 30 * 86400}  # kinds without a limit
LONGEST_PAUSE = 30.0  # seconds between two looks
SHOWN_LINES = 10  # of the log, with a failure


class JobEvent(TypedDict):
    """How a job ended, as the trigger tells the task.

    `state` and `job_status` are `Outcome.state` and `Outcome.status`; `lines` are the last of the job's log.
    """

    job_name: str
    state: State
    job_status: str
    reason: str
    stopped: bool
    attached: bool
    lines: list[str]


@dataclass(frozen=True)
class Wait:
    """What is waited for, and how long. All members are plain values, as a trigger is serialized.

    :param kind: key of `KINDS`.
    :param since: seconds since 1970 when the job, or the update of an endpoint, began.
    :param deadline: seconds since 1970.
    :param longest: seconds between two looks at most.
    :param expected: members of the description that success must show.
    :param print_log: bring the job's log lines.
    :param attached: an earlier try of the task created the job; when it is stopped, the next try may create
        another.
    """

    kind: str
    name: str
    since: float
    deadline: float
    longest: float = LONGEST_PAUSE
    expected: dict[str, Any] = field(default_factory=dict)
    print_log: bool = True
    attached: bool = False

    @classmethod
    def for_job(
        cls,
        kind: Kind,
        description: Description,
        *,
        seconds: float | None = None,
        at_most: float = math.inf,
        **options: Any,
    ) -> Wait:
        """The wait for a job that AWS describes.

        :param seconds: how long to wait; default: the job's own MaxRuntimeInSeconds and a margin.
        :param at_most: seconds; an upper limit for both.
        :param options: the members `longest`, `expected`, `print_log` and `attached`.
        """
        start = description.get(kind.since) or description["CreationTime"]
        limits = description.get("StoppingCondition") or {}
        limit = limits.get("MaxWaitTimeInSeconds") or limits.get("MaxRuntimeInSeconds")
        default = limit + MARGIN_SECONDS if limit else DEFAULT_SECONDS.get(kind.key, 86400)
        return cls(
            kind=kind.key,
            name=description[kind.name],
            since=start.timestamp() - 1,
            deadline=time.time() + min(seconds or default, at_most),
            **options,
        )

    def serialize(self) -> dict[str, Any]:
        """The members, for a trigger."""
        return asdict(self)

    def polled_job(
        self, cursor: LogCursor, deliver: Callable[[PolledJob, list[str], Outcome | None], None]
    ) -> PolledJob:
        """What a poller looks at; a cursor that has read nothing starts at the job's start."""
        cursor.time = cursor.time or int(self.since * 1000)
        return PolledJob(
            kind=KINDS[self.kind],
            name=self.name,
            since=self.since,
            deadline=self.deadline,
            longest=self.longest,
            expected=self.expected,
            cursor=cursor if self.print_log and KINDS[self.kind].log_group else None,
            deliver=deliver,
        )


def ended_within(aws: Aws, wait: Wait, seconds: float) -> bool:
    """Look at the job for some seconds, not at its log; returns whether the job ended."""
    if seconds <= 0:
        return False
    outcomes: list[Outcome] = []

    def deliver(_: PolledJob, __: list[str], outcome: Outcome | None) -> None:
        if outcome is not None:
            outcomes.append(outcome)

    short = replace(wait, print_log=False, deadline=min(wait.deadline, time.time() + seconds))
    Poller(aws).poll_here(short.polled_job(LogCursor(), deliver))
    return outcomes[0].status != "timeout"


def wait_here(aws: Aws, wait: Wait, log: TaskLog) -> None:
    """Wait in this process and write the job's log lines; returns when the job succeeded.

    :raises JobError: when it did not, see `raise_unless_succeeded`.
    """
    last_lines: list[str] = []
    outcomes: list[Outcome] = []

    def deliver(_: PolledJob, lines: list[str], outcome: Outcome | None) -> None:
        for line in lines:
            log.info("%s", line)
        last_lines.extend(lines)
        del last_lines[:-SHOWN_LINES]
        if outcome is not None:
            outcomes.append(outcome)

    Poller(aws).poll_here(wait.polled_job(LogCursor(), deliver))
    raise_unless_succeeded(KINDS[wait.kind], wait.name, outcomes[0], last_lines, attached=wait.attached)


def raise_unless_succeeded(
    kind: Kind, name: str, outcome: Outcome, lines: list[str], *, attached: bool = False
) -> None:
    """Return for a success, raise for anything else.

    :param lines: the last of the job's log.
    :param attached: an earlier try of the task created the job.
    :raises JobSuperseded: when the job was stopped together with that try.
    :raises JobTimedOut: when the wait ended before the job did.
    :raises ServiceFault: when AWS is at fault.
    :raises JobFailed: for everything else: failed, stopped, rolled back, missing.
    """
    if outcome.state == "success":
        return
    text = f"The {kind.noun} {name} did not succeed ({outcome.status}): {outcome.reason}"
    if kind.log_group:
        shown_lines = "".join(f"\n    {line}" for line in lines[-SHOWN_LINES:])
        title = "; its last lines:" if shown_lines else ""
        text += f"\nLog group {kind.log_group}, streams {name}/...{title}{shown_lines}"
    if outcome.status == "timeout":
        raise errors.JobTimedOut(f"{text}\nIt may still run, and cost.")
    if attached and outcome.stopped:
        # Airflow can start the next try of a cleared task before the last one's trigger has stopped the job
        raise errors.JobSuperseded(f"{text}\nAn earlier try had created it; the next one creates another.")
    raise errors.from_reason(text, outcome.reason)
