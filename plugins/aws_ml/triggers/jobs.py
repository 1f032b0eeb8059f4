"""Waits for jobs of SageMaker and Personalize in the triggerer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseXCom
from airflow.triggers.base import BaseTrigger, TriggerEvent

from aws_ml.clients import Aws
from aws_ml.lifecycle.kinds import KINDS
from aws_ml.lifecycle.logs import LOG_CURSOR, LogCursor
from aws_ml.lifecycle.poller import Watch, shared
from aws_ml.lifecycle.stop import stop
from aws_ml.lifecycle.wait import SHOWN_LINES, Wait

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aws_ml.lifecycle.outcome import Outcome


# The triggerer closes a task's log when it hears that the trigger has ended, and hears that by another way
# than the log's lines take: the last ones would be lost on a busy machine.
LOG_SECONDS = 1.0


class JobTrigger(BaseTrigger):
    """Waits for one job: log lines appear in the task's log, one event tells how it ended.

    All triggers of a connection share one poller; nothing here blocks the event loop.

    :param wait: what is waited for, as `Wait.serialize()` gives it.
    :param aws: the connection, as the members of `Aws`.
    :param stop_on_kill: stop the job when a user kills, clears or marks the waiting task.
    """

    def __init__(self, wait: dict[str, Any], aws: dict[str, Any], stop_on_kill: bool = True) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.wait, self.aws, self.stop_on_kill = wait, aws, stop_on_kill

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return (
            "aws_ml.triggers.jobs.JobTrigger",
            {"wait": self.wait, "aws": self.aws, "stop_on_kill": self.stop_on_kill},
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        loop = asyncio.get_running_loop()
        news: asyncio.Queue[tuple[list[str], dict[str, Any] | None, Outcome | None]] = asyncio.Queue()

        def deliver(watch: Watch, lines: list[str], outcome: Outcome | None) -> None:
            cursor = watch.cursor.dump() if watch.cursor else None
            loop.call_soon_threadsafe(news.put_nowait, (lines, cursor, outcome))

        poller = shared(Aws(**self.aws))
        watch = Wait(**self.wait).watch(LogCursor.load(await self._cursor()), deliver)
        last: list[str] = []
        poller.add(watch)
        try:
            while True:
                lines, cursor, outcome = await news.get()
                for line in lines:
                    self.log.info("%s", line)
                last = [*last, *lines][-SHOWN_LINES:]
                if lines:
                    await self._keep(cursor)
                if outcome is not None:
                    await asyncio.sleep(LOG_SECONDS if lines else 0)
                    yield TriggerEvent(  # type: ignore[no-untyped-call]
                        {
                            "job_name": watch.name,
                            "status": outcome.state,
                            "job_status": outcome.status,
                            "reason": outcome.reason,
                            "stopped": outcome.stopped,
                            "attached": bool(self.wait.get("attached")),
                            "lines": last,
                        }
                    )
                    return
        finally:
            poller.remove(watch)

    async def on_kill(self) -> None:
        """A user acted on the task: stop the job, so that nobody pays for what nobody waits for."""
        if self.stop_on_kill:
            await asyncio.to_thread(stop, Aws(**self.aws), self.wait["kind"], self.wait["name"])

    def _key(self) -> dict[str, Any] | None:
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

    async def _cursor(self) -> dict[str, Any] | None:
        """How far an earlier triggerer got with this job's log."""
        key = self._key()
        kept = await BaseXCom.aget_one(**key) if key else None
        found: dict[str, Any] | None = kept["cursor"] if kept and kept["job"] == self.wait["name"] else None
        return found

    async def _keep(self, cursor: dict[str, Any] | None) -> None:
        if key := self._key():
            await BaseXCom.aset(value={"job": self.wait["name"], "cursor": cursor}, **key)
