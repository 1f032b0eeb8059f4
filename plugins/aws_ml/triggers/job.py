"""Waits for a job of SageMaker or Personalize in the triggerer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow.sdk import BaseXCom
from airflow.triggers.base import BaseTrigger, TriggerEvent

from aws_ml.clients import Aws
from aws_ml.lifecycle.kinds import KINDS
from aws_ml.lifecycle.logs import LOG_CURSOR, LogCursor
from aws_ml.lifecycle.poller import PolledJob, shared_poller
from aws_ml.lifecycle.stop import stop
from aws_ml.lifecycle.wait import SHOWN_LINES, JobEvent, Wait

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aws_ml.lifecycle.outcome import Outcome


# The triggerer closes a task's log when it hears that the trigger has ended. Log lines take another way and
# may arrive later: without a pause the last ones would be lost on a busy machine.
LOG_SECONDS = 1.0


class News(NamedTuple):
    """What the poller delivers: log lines, the log's cursor after them, the outcome of a job that ended."""

    lines: list[str]
    cursor: dict[str, Any] | None
    outcome: Outcome | None


class JobTrigger(BaseTrigger):
    """Waits for a job: its log lines appear in the task's log, an event says how it ended.

    All triggers of a connection share a poller; nothing here blocks the event loop.

    :param wait: what is waited for, as `Wait.serialize()` gives it.
    :param aws: the connection, as the members of `Aws`.
    :param stop_on_kill: stop the job when a user kills, clears or marks the waiting task.
    """

    def __init__(self, wait: dict[str, Any], aws: dict[str, Any], stop_on_kill: bool = True) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.wait, self.aws, self.stop_on_kill = wait, aws, stop_on_kill

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return (
            "aws_ml.triggers.job.JobTrigger",
            {"wait": self.wait, "aws": self.aws, "stop_on_kill": self.stop_on_kill},
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[News] = asyncio.Queue()

        def deliver(job: PolledJob, lines: list[str], outcome: Outcome | None) -> None:
            cursor = job.cursor.dump() if job.cursor else None
            loop.call_soon_threadsafe(queue.put_nowait, News(lines, cursor, outcome))

        poller = shared_poller(Aws(**self.aws))
        job = Wait(**self.wait).polled_job(LogCursor.load(await self._load_cursor()), deliver)
        last_lines: list[str] = []
        poller.add(job)
        try:
            while True:
                news = await queue.get()
                last_lines = [*last_lines, *news.lines][-SHOWN_LINES:]
                await self._write(news)
                if news.outcome is not None:
                    event = self._event(news.outcome, last_lines)
                    yield TriggerEvent(event)  # type: ignore[no-untyped-call]
                    return
        finally:
            poller.remove(job)

    async def on_kill(self) -> None:
        """A user acted on the task: stop the job, which costs money and has no task that waits for it."""
        if self.stop_on_kill:
            await asyncio.to_thread(stop, Aws(**self.aws), self.wait["kind"], self.wait["name"])

    async def _write(self, news: News) -> None:
        """Write the new lines to the task's log, and remember how far the job's log was read."""
        for line in news.lines:
            self.log.info("%s", line)
        if news.lines:
            await self._save_cursor(news.cursor)
            await asyncio.sleep(LOG_SECONDS if news.outcome is not None else 0)

    def _event(self, outcome: Outcome, last_lines: list[str]) -> JobEvent:
        return {
            "job_name": self.wait["name"],
            "state": outcome.state,
            "job_status": outcome.status,
            "reason": outcome.reason,
            "stopped": outcome.stopped,
            "attached": bool(self.wait.get("attached")),
            "lines": last_lines,
        }

    def _xcom(self) -> dict[str, Any] | None:
        """The key of the XCom that holds the cursor; None for a job without a log."""
        instance = self.task_instance
        has_log = self.wait.get("print_log") and KINDS[self.wait["kind"]].log_group
        if instance is None or not has_log:
            return None
        return {
            "key": LOG_CURSOR,
            "dag_id": instance.dag_id,
            "task_id": instance.task_id,
            "run_id": instance.run_id,
            "map_index": instance.map_index,
        }

    async def _load_cursor(self) -> dict[str, Any] | None:
        """How far an earlier triggerer read this job's log."""
        xcom = self._xcom()
        stored = await BaseXCom.aget_one(**xcom) if xcom else None
        if not stored or stored["job"] != self.wait["name"]:
            return None
        cursor: dict[str, Any] | None = stored["cursor"]
        return cursor

    async def _save_cursor(self, cursor: dict[str, Any] | None) -> None:
        if xcom := self._xcom():
            await BaseXCom.aset(value={"job": self.wait["name"], "cursor": cursor}, **xcom)
