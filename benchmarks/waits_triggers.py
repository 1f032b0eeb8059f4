"""Measures many triggers in an event loop, as a triggerer runs them: see benchmarks/waits.py.

Usage, in Airflow's environment: python -m benchmarks.waits_triggers plugin|provider NAMES.json RESULT.json
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiobotocore.httpsession
import botocore.httpsession
import psutil
from airflow.providers.amazon.aws.triggers.sagemaker import SageMakerTrigger
from airflow.utils.db import initdb

if TYPE_CHECKING:
    from airflow.triggers.base import BaseTrigger

TICK = 0.01  # seconds between two looks at the event loop
calls = 0


def count_calls() -> None:
    """Count every HTTP request to AWS, by whichever library."""
    for session in (botocore.httpsession.URLLib3Session, aiobotocore.httpsession.AIOHTTPSession):
        send = session.send

        def counted(self: Any, request: Any, send: Any = send) -> Any:
            global calls
            calls += 1
            return send(self, request)

        session.send = counted


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def make(side: str, name: str) -> BaseTrigger:
    if side == "provider":
        return SageMakerTrigger(
            job_name=name,
            job_type="processing",
            poke_interval=30,
            max_attempts=1000,
            aws_conn_id="aws_default",
        )
    from aws_ml.clients import Aws
    from aws_ml.lifecycle.wait import Wait
    from aws_ml.triggers.job import JobTrigger

    now = time.time()
    return JobTrigger(
        Wait("processing", name, since=now - 60, deadline=now + 3600).serialize(), Aws().serialize()
    )


async def wait_for_all(side: str, names: list[str]) -> dict[str, Any]:
    process, event_times = psutil.Process(), dict[str, float]()
    peak = before = process.memory_info().rss
    spent, longest = cpu_seconds(), 0.0

    async def watch(name: str) -> None:
        async for _ in make(side, name).run():
            event_times[name] = time.time()
            return

    started = time.monotonic()
    tasks = [asyncio.create_task(watch(name)) for name in names]
    looked = time.monotonic()
    while not all(task.done() for task in tasks):
        await asyncio.sleep(TICK)
        now = time.monotonic()
        longest, looked = max(longest, now - looked - TICK), now
        peak = max(peak, process.memory_info().rss)
    await asyncio.gather(*tasks)
    return {
        "event_times": event_times,
        "calls_a_minute": calls / (time.monotonic() - started) * 60,
        "kib_a_wait": (peak - before) / 1024 / len(names),
        "cpu_seconds": cpu_seconds() - spent,
        "longest_block": longest,
    }


def main() -> None:
    side, names, result = sys.argv[1], json.loads(Path(sys.argv[2]).read_text()), Path(sys.argv[3])
    initdb()
    count_calls()
    result.write_text(json.dumps(asyncio.run(wait_for_all(side, names))))


if __name__ == "__main__":
    main()
