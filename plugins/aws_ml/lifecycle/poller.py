"""One look at many jobs: few calls to AWS, whatever the number of waits.

A look costs one List call for each kind with several jobs (those that changed since the last look), a
Describe for each job that failed, and one call for the log lines of all; it looks at all jobs of the kind,
whichever is due. A throttled look is repeated later, never a failure. In the triggerer one thread looks for
all waits of a connection; a worker that waits by itself uses the same code without the thread.
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
from aws_ml.lifecycle import logs
from aws_ml.lifecycle.kinds import KINDS, Kind
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
FEW = 3  # so many jobs of a kind are described one by one
MANY_SECONDS = (3.0, 8.0)  # shortest and longest pause for more: one call serves them all
OVERLAP_SECONDS = 60  # between two lists: AWS's lists lag behind
JITTER = 0.1


@dataclass(eq=False)
class Watch:
    """One job that somebody waits for.

    :param since: seconds since 1970; the job was created or changed after it.
    :param deadline: seconds since 1970; the wait ends as a time-out then.
    :param longest: seconds between two looks at most.
    :param expected: members that a successful job shows (see `outcome`).
    :param deliver: called with what is new: log lines, or the outcome, or both.
    """

    kind: Kind
    name: str
    since: float
    deadline: float
    longest: float
    expected: dict[str, Any]
    cursor: LogCursor | None  # None: its log lines are not wanted
    deliver: Callable[[Watch, list[str], Outcome | None], None]
    due: float = field(default=0.0)  # seconds since 1970
    listed: bool = False
    ended: bool = False

    def plan(self, now: float, shortest: float = SHORTEST_SECONDS, longest: float = math.inf) -> None:
        """When to look next: the older the job, the later."""
        pause = max(shortest, (now - self.since) * SHARE_OF_AGE)
        pause = min(self.longest, longest, pause)
        self.due = min(now + pause * random.uniform(1 - JITTER, 1 + JITTER), self.deadline)  # noqa: S311


class Poller:
    """Looks at the watches of one connection."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._watches: list[Watch] = []
        self._listed: dict[str, float] = {}  # kind → when it was last listed
        self._forbidden: set[str] = set()  # kinds that this connection may not list
        self._backoff = 0.0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, watch: Watch) -> None:
        """Look at a job from now on, in the poller's own thread."""
        watch.due = time.time() + FIRST_SECONDS
        with self._changed:
            self._watches.append(watch)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="aws-ml-poller", daemon=True)
                self._thread.start()
            self._changed.notify()

    def remove(self, watch: Watch) -> None:
        """Look no more; the thread ends with its last watch."""
        with self._changed:
            watch.ended = True
            if watch in self._watches:
                self._watches.remove(watch)
            self._changed.notify()

    def wait(self, watch: Watch) -> None:
        """Look until the job ended, in the caller's thread."""
        while not watch.ended:
            self.look([watch])
            if not watch.ended:
                time.sleep(max(0.0, watch.due + self._backoff - time.time()))

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._watches:
                    self._thread = None
                    return
                soonest = min(watch.due for watch in self._watches) + self._backoff
                if (pause := soonest - time.time()) > 0:
                    self._changed.wait(pause)
                    continue
                horizon = time.time() + SHORTEST_SECONDS  # those due in a moment are looked at together
                kinds = {watch.kind.key for watch in self._watches if watch.due <= horizon}
                due = [watch for watch in self._watches if watch.kind.key in kinds]
            self.look(due)
            with self._changed:
                self._watches = [watch for watch in self._watches if not watch.ended]

    def look(self, watches: Iterable[Watch]) -> None:
        """Look once and deliver what is new."""
        by_kind: dict[str, list[Watch]] = defaultdict(list)
        for watch in watches:
            by_kind[watch.kind.key].append(watch)
        for key, group in by_kind.items():
            now = time.time()
            try:
                outcomes = self._outcomes(KINDS[key], group)
                lines = self._lines(KINDS[key], group)
                self._backoff = 0.0
            except Exception as error:
                if not is_transient(error):
                    log.exception("Looking at %d %ss failed", len(group), KINDS[key].noun)
                    unseen = Outcome("failure", "unknown", f"it cannot be seen: {error}")
                    outcomes = {watch.name: unseen for watch in group}
                    lines = {}
                else:
                    self._backoff = min(LONGEST_BACKOFF, 2 * self._backoff + 1)
                    log.warning("AWS is busy, the next look is %.0f s later: %s", self._backoff, error)
                    outcomes, lines = {}, {}
            for watch in group:
                watch.plan(now, *(MANY_SECONDS if len(group) > FEW else ()))
                self._deliver(watch, lines.get(watch.name, []), outcomes.get(watch.name), now)

    @staticmethod
    def _deliver(watch: Watch, lines: list[str], found: Outcome | None, now: float) -> None:
        if found is not None and found.state == "running":
            found = None
        if found is None and now >= watch.deadline:
            found = Outcome("failure", "timeout", "it did not end in the time given to it")
        watch.ended = watch.ended or found is not None
        if lines or found is not None:
            try:
                watch.deliver(watch, lines, found)
            except Exception:  # whoever waited is gone; the other waits go on
                log.exception("News of the %s %s could not be delivered", watch.kind.noun, watch.name)
                watch.ended = True

    def _outcomes(self, kind: Kind, group: list[Watch]) -> dict[str, Outcome]:
        """Where those jobs stand that may have ended."""
        client = self._aws.client(kind.service)
        found: dict[str, Outcome] = {}
        changed = group
        summaries = None
        if len(group) > FEW and kind.lists_changes:
            summaries = self._summaries(client, kind, group)
        if summaries is not None:
            changed = []
            for watch in (watch for watch in group if watch.name in summaries):
                seen = outcome(kind, summaries[watch.name])
                if seen.state == "success" and not watch.expected:
                    found[watch.name] = seen  # a summary says no more, and needs not
                elif seen.state != "running":
                    changed.append(watch)
        for watch in changed:
            description = kind.find(client, watch.name)
            if description is None:
                why = f"there is no {kind.noun} of that name"
                found[watch.name] = Outcome("success" if kind.gone else "failure", "missing", why)
            else:
                found[watch.name] = outcome(kind, description, watch.expected)
        return found

    def _summaries(self, client: Any, kind: Kind, group: list[Watch]) -> dict[str, dict[str, Any]] | None:
        """All jobs of a kind that changed since the last look, others' too; None where we may not list."""
        if kind.key in self._forbidden:
            return None
        now = time.time()
        # a job that nobody listed yet may have ended long ago
        start = min([self._listed.get(kind.key, now), *(watch.since for watch in group if not watch.listed)])
        found: dict[str, dict[str, Any]] = {}
        try:
            pages = client.get_paginator(kind.list).paginate(
                LastModifiedTimeAfter=start - OVERLAP_SECONDS, PaginationConfig={"PageSize": 100}
            )
            for page in pages:
                found |= {summary[kind.name]: summary for summary in page[kind.summaries]}
        except Exception as error:
            if is_transient(error):
                raise
            self._forbidden.add(kind.key)
            log.warning("%ss are looked at one by one, as they cannot be listed: %s", kind.noun, error)
            return None
        self._listed[kind.key] = now
        for watch in group:
            watch.listed = True
        return found

    def _lines(self, kind: Kind, group: list[Watch]) -> dict[str, list[str]]:
        cursors = {watch.name: watch.cursor for watch in group if watch.cursor is not None}
        if not cursors or kind.log_group is None:
            return {}
        try:
            return logs.read(self._aws.client("logs"), kind.log_group, cursors)
        except Exception as error:
            if is_transient(error):
                raise
            for watch in group:  # nice to have: the wait goes on without
                watch.cursor = None
            return {name: [f"The log of the {kind.noun} cannot be read: {error}"] for name in cursors}


_POLLERS: dict[str, Poller] = {}


def shared(aws: Aws) -> Poller:
    """The poller of a connection in this process."""
    return _POLLERS.setdefault(repr(aws), Poller(aws))
