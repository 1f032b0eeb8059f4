"""Looks at many jobs with few calls to AWS, however many waits there are.

A look costs one List call for each kind with several jobs (those that changed since the last look), a
Describe call for each job that failed, and one call for the log lines of all; it looks at all jobs of the
kind when one of them is due. A throttled look is repeated later; it is never a failure. In the triggerer one
thread looks for all waits of a connection; a worker that waits by itself uses the same code without a thread.
"""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aws_ml.errors import is_transient
from aws_ml.lifecycle.kinds import KINDS, Description, Kind
from aws_ml.lifecycle.logs import read_lines
from aws_ml.lifecycle.outcome import Outcome, outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aws_ml.clients import Aws
    from aws_ml.lifecycle.logs import LogCursor

log = logging.getLogger(__name__)

# A task that resumes within one turn of the scheduler can overtake the news of its own deferral, and Airflow
# takes that for a failure ("state mismatch").
FIRST_SECONDS = 5.0
SHORTEST_SECONDS = 0.5
SHARE_OF_AGE = 0.1  # a wait may last a tenth longer than its job
LONGEST_BACKOFF = 60.0
FEW = 3  # up to so many jobs of a kind are described singly
MANY_SECONDS = (3.0, 8.0)  # shortest and longest pause for more: a single call serves all of them
OVERLAP_SECONDS = 60  # between two lists: AWS's lists lag behind
JITTER = 0.1


@dataclass(eq=False)
class PolledJob:
    """A job that is waited for, and when to look at it next.

    :param since: seconds since 1970; the job was created or changed after it.
    :param deadline: seconds since 1970; the wait ends as a time-out then.
    :param longest: seconds between two looks at most.
    :param expected: members that a successful job shows (see `outcome`).
    :param cursor: how far its log was read; None: its log is not read.
    :param deliver: called with what is new: log lines, or the outcome, or both.
    :param due: seconds since 1970 of the next look.
    :param in_list: whether a List call could have shown the job.
    """

    kind: Kind
    name: str
    since: float
    deadline: float
    longest: float
    expected: dict[str, Any]
    cursor: LogCursor | None
    deliver: Callable[[PolledJob, list[str], Outcome | None], None]
    due: float = field(default=0.0)
    in_list: bool = False
    ended: bool = False

    def schedule(self, now: float, shortest: float = SHORTEST_SECONDS, longest: float = math.inf) -> None:
        """Set the time of the next look: the older the job, the longer the pause.

        :param shortest: seconds.
        :param longest: seconds.
        """
        pause = max(shortest, (now - self.since) * SHARE_OF_AGE)
        pause = min(self.longest, longest, pause)
        self.due = min(now + pause * random.uniform(1 - JITTER, 1 + JITTER), self.deadline)  # noqa: S311


class Poller:
    """Looks at the jobs of a connection."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._jobs: list[PolledJob] = []
        self._list_times: dict[str, float] = {}  # kind → when it was last listed
        self._forbidden: set[str] = set()  # kinds that this connection may not list
        self._backoff = 0.0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, job: PolledJob) -> None:
        """Look at a job from now on, in the poller's own thread."""
        job.due = time.time() + FIRST_SECONDS
        with self._changed:
            self._jobs.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="aws-ml-poller", daemon=True)
                self._thread.start()
            self._changed.notify()

    def remove(self, job: PolledJob) -> None:
        """Stop looking at a job; the thread ends with its last job."""
        with self._changed:
            job.ended = True
            if job in self._jobs:
                self._jobs.remove(job)
            self._changed.notify()

    def poll_here(self, job: PolledJob) -> None:
        """Look at a job until it has ended, in the caller's thread; its `deliver` is called with the news."""
        while not job.ended:
            self.look([job])
            if not job.ended:
                time.sleep(max(0.0, job.due + self._backoff - time.time()))

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._jobs:
                    self._thread = None
                    return
                soonest = min(job.due for job in self._jobs) + self._backoff
                if (pause := soonest - time.time()) > 0:
                    self._changed.wait(pause)
                    continue
                horizon = time.time() + SHORTEST_SECONDS  # jobs that are due in a moment come along
                kinds = {job.kind.key for job in self._jobs if job.due <= horizon}
                due = [job for job in self._jobs if job.kind.key in kinds]
            self.look(due)
            with self._changed:
                self._jobs = [job for job in self._jobs if not job.ended]

    def look(self, jobs: Iterable[PolledJob]) -> None:
        """Look at jobs once, and deliver what is new."""
        by_kind: dict[str, list[PolledJob]] = defaultdict(list)
        for job in jobs:
            by_kind[job.kind.key].append(job)
        for key, group in by_kind.items():
            now = time.time()
            outcomes, lines = self._news(KINDS[key], group)
            for job in group:
                job.schedule(now, *(MANY_SECONDS if len(group) > FEW else ()))
                self._deliver(job, lines.get(job.name, []), outcomes.get(job.name), now)

    def _news(self, kind: Kind, group: list[PolledJob]) -> tuple[dict[str, Outcome], dict[str, list[str]]]:
        """Outcomes and new log lines by the name of the job; nothing when AWS is busy."""
        try:
            outcomes, lines = self._outcomes(kind, group), self._lines(kind, group)
        except Exception as error:
            if is_transient(error):
                self._backoff = min(LONGEST_BACKOFF, 2 * self._backoff + 1)
                log.warning("AWS is busy, the next look is %.0f s later: %s", self._backoff, error)
                return {}, {}
            log.exception("Looking at %d %ss failed", len(group), kind.noun)
            unknown = Outcome("failure", "unknown", f"it cannot be seen: {error}")
            return {job.name: unknown for job in group}, {}
        self._backoff = 0.0
        return outcomes, lines

    @staticmethod
    def _deliver(job: PolledJob, lines: list[str], latest: Outcome | None, now: float) -> None:
        end = latest if latest is not None and latest.state != "running" else None
        if end is None and now >= job.deadline:
            end = Outcome("failure", "timeout", "it did not end in the time given to it")
        job.ended = job.ended or end is not None
        if not lines and end is None:
            return
        try:
            job.deliver(job, lines, end)
        except Exception:  # the receiver may be gone; the other waits go on
            log.exception("News of the %s %s could not be delivered", job.kind.noun, job.name)
            job.ended = True

    def _outcomes(self, kind: Kind, group: list[PolledJob]) -> dict[str, Outcome]:
        """Outcomes, by the name of the job, of all jobs that may have ended."""
        client = self._aws.client(kind.service)
        outcomes: dict[str, Outcome] = {}
        to_describe = group
        if len(group) > FEW and kind.lists_changes:
            summaries = self._summaries(client, kind, group)
            if summaries is not None:
                outcomes, to_describe = _from_summaries(kind, group, summaries)
        for job in to_describe:
            description = kind.find(client, job.name)
            if description is None:
                reason = f"there is no {kind.noun} of that name"
                outcomes[job.name] = Outcome("success" if kind.is_deletion else "failure", "missing", reason)
            else:
                outcomes[job.name] = outcome(kind, description, job.expected)
        return outcomes

    def _summaries(self, client: Any, kind: Kind, group: list[PolledJob]) -> dict[str, Description] | None:
        """Summaries, by name, of all jobs of a kind that changed since the last look; others' jobs, too.

        None when this connection may not list them.
        """
        if kind.key in self._forbidden:
            return None
        now = time.time()
        # a job that no list could have shown may have ended long ago
        start = min([self._list_times.get(kind.key, now), *(job.since for job in group if not job.in_list)])
        summaries: dict[str, Description] = {}
        try:
            pages = client.get_paginator(kind.list).paginate(
                LastModifiedTimeAfter=start - OVERLAP_SECONDS, PaginationConfig={"PageSize": 100}
            )
            for page in pages:
                summaries |= {summary[kind.name]: summary for summary in page[kind.summaries]}
        except Exception as error:
            if is_transient(error):
                raise
            self._forbidden.add(kind.key)
            log.warning("Each %s is described singly, as they cannot be listed: %s", kind.noun, error)
            return None
        self._list_times[kind.key] = now
        for job in group:
            job.in_list = True
        return summaries

    def _lines(self, kind: Kind, group: list[PolledJob]) -> dict[str, list[str]]:
        cursors = {job.name: job.cursor for job in group if job.cursor is not None}
        if not cursors or kind.log_group is None:
            return {}
        try:
            return read_lines(self._aws.client("logs"), kind.log_group, cursors)
        except Exception as error:
            if is_transient(error):
                raise
            for job in group:  # the log is not essential: the wait goes on without it
                job.cursor = None
            return {name: [f"The log of the {kind.noun} cannot be read: {error}"] for name in cursors}


def _from_summaries(
    kind: Kind, group: list[PolledJob], summaries: dict[str, Description]
) -> tuple[dict[str, Outcome], list[PolledJob]]:
    """Outcomes by the name of the job, and the jobs that must be described to know theirs."""
    outcomes: dict[str, Outcome] = {}
    to_describe = []
    for job in group:
        if job.name not in summaries:
            continue
        latest = outcome(kind, summaries[job.name])
        if latest.state == "success" and not job.expected:
            outcomes[job.name] = latest  # a description would say no more
        elif latest.state != "running":
            to_describe.append(job)
    return outcomes, to_describe


_POLLERS: dict[str, Poller] = {}


def shared_poller(aws: Aws) -> Poller:
    """The poller of a connection in this process."""
    return _POLLERS.setdefault(repr(aws), Poller(aws))
