"""The output of a job's containers: line by line to CloudWatch, the last lines into the failure reason."""

from __future__ import annotations

import queue
import signal
import threading
import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Self

from include.local_aws.sagemaker.jobs.engine import REASON_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from include.local_aws.sagemaker.jobs.engine import JobsOfKind
    from include.local_aws.sagemaker.jobs.job import Job

    Event = tuple[int, str]  # milliseconds, line

LAST_LINES = 10
PREFIXES = ("AlgorithmError:", "ClientError:", "InternalServerError:")


class Console:
    """Gets every line of every host: `with Console(...) as console: job.run(containers, console)`."""

    def __init__(self, jobs: JobsOfKind, job: Job, hosts: Iterable[str]) -> None:
        group, extend = jobs.kind.log_group, jobs.engine.logs.extend
        self._streams = {host: _Stream(partial(extend, group, jobs.stream(job, host))) for host in hosts}
        self._last: dict[str, deque[str]] = {host: deque(maxlen=LAST_LINES) for host in self._streams}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for stream in self._streams.values():
            stream.close()

    def __call__(self, host: str, line: str) -> None:
        self._streams[host].add(line)
        if line.strip():
            self._last[host].append(line)

    def reason(self, host: str, code: int, explanation: str = "") -> str:
        """The FailureReason after a container failed.

        Its own explanation if it gave one, else its last lines.
        """
        start = "" if explanation.startswith(PREFIXES) else f"{PREFIXES[0]} "
        if code > 128:
            start += f"ended by {_signal_name(code - 128)}: "
        end = f", exit code: {code}"
        room = REASON_CHARACTERS - len(start) - len(end)
        last = "\n".join(self._last[host]) or "the container printed nothing"
        return start + (explanation.strip()[:room] or last[-room:]) + end


def _signal_name(number: int) -> str:
    names = {s.value: s.name for s in signal.Signals}
    return names.get(number, f"signal {number}")


class _Stream:
    """Lines on their way to CloudWatch.

    Lines that arrive while others are being written go into the next transaction together. So a job with
    little output has its lines in CloudWatch at once, and a job with much output does not wait for the disk.
    """

    def __init__(self, write: Callable[[list[Event]], None]) -> None:
        self._write = write
        self._waiting: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._work, name="log", daemon=True)
        self._writer.start()

    def add(self, line: str) -> None:
        self._waiting.put((int(time.time() * 1000), line))

    def close(self) -> None:
        """Wait until everything is written."""
        self._waiting.put(None)
        self._writer.join()

    def _work(self) -> None:
        batch: list[Event | None] = []
        while None not in batch:
            batch = [self._waiting.get()]
            while not self._waiting.empty():
                batch.append(self._waiting.get())
            if events := [event for event in batch if event is not None]:
                self._write(events)
