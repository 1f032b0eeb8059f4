"""One running job, as its work function sees it: its folder, its containers, its time limit.

The work function returns when the job is Completed. It raises one of these when the job ends otherwise:

JobEnd
├── JobFailed            Failed, with the FailureReason
│   └── ServerStopped    the server stopped while the job was queued or running
└── JobStopped           Stopped, on request
    └── RuntimeExceeded  Stopped, because MaxRuntimeInSeconds has passed
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from concurrent.futures import Future
    from pathlib import Path

    from include.local_aws.runner import Container, Process, Runner
    from include.local_aws.sagemaker.jobs.kind import JobKind
    from include.local_aws.state import Collection, Document

POLL_SECONDS = 0.1  # how late a running container notices a stop or its time limit


class JobEnd(Exception):
    """How a job ended when it did not complete; a text, if there is one, becomes the FailureReason."""

    status = "Failed"
    detail = "Failed"  # the secondary status of a training job


class JobFailed(JobEnd):
    """The job failed."""


class ServerStopped(JobFailed):
    """The server stopped before the job ended."""

    def __init__(self) -> None:
        super().__init__("InternalServerError: the local AWS server stopped while the job was running")


class JobStopped(JobEnd):
    """The job was stopped on request."""

    status = "Stopped"
    detail = "Stopped"


class RuntimeExceeded(JobStopped):
    """The job ran longer than its MaxRuntimeInSeconds."""

    detail = "MaxRuntimeExceeded"


class Job:
    """What a work function gets.

    `document` is the job as it was created; `folder` is empty at first and removed when the job ends.
    """

    def __init__(
        self,
        kind: JobKind,
        documents: Collection,
        document: Document,
        folder: Path,
        runner: Runner,
        grace: float,
    ) -> None:
        self.kind, self.document, self.folder = kind, document, folder
        self.name, self.arn = str(document[kind.name]), str(document[kind.arn])
        self.region = self.arn.split(":")[3]
        self.seen = threading.Event()  # a client has seen the job in progress
        self.interrupted = threading.Event()  # a stop was requested, or the server stops
        self.end: JobEnd | None = None  # the requested end
        self.future: Future[None] | None = None  # in the queue
        self._documents, self._runner, self._grace = documents, runner, grace
        self._lock = threading.Lock()
        self._processes: dict[str, Process] = {}  # by host
        self._deadline, self._limit = float("inf"), 0

    def interrupt(self, end: JobEnd) -> None:
        """Ask the job to end this way; the work function notices it in `check`, `run` or `interrupted`."""
        with self._lock:
            self.end = end
        self.interrupted.set()
        if self.future:
            self.future.cancel()  # ends a queued job at once; does nothing to a running one

    def kill(self) -> None:
        """End the job at once: the server stops."""
        self.interrupt(ServerStopped())
        self.seen.set()
        with self._lock:
            for process in self._processes.values():
                process.kill()

    def change(self, change: Callable[[Document], object]) -> None:
        """Change what Describe shows: `job.change(lambda document: document.update(ExitMessage="done"))`."""

        def apply(document: Document) -> None:
            document["LastModifiedTime"] = time.time()
            change(document)

        self._documents.update(self.name, apply)

    def limit(self, seconds: int) -> None:
        """Start the clock of MaxRuntimeInSeconds."""
        self._deadline, self._limit = time.monotonic() + seconds, seconds

    def check(self) -> None:
        """Check whether the job may go on.

        :raises JobEnd: when the job has to end now: it is stopped, or the server stops.
        :raises RuntimeExceeded: when it is out of time.
        """
        if self.end is not None:
            raise self.end
        if time.monotonic() > self._deadline:
            message = f"the job ran longer than its MaxRuntimeInSeconds ({self._limit} seconds)"
            self.change(lambda document: self.kind.enter(document, "Stopping", "Stopping", message))
            raise RuntimeExceeded(f"ClientError: {message}")

    def run(self, containers: Mapping[str, Container], on_line: Callable[[str, str], None]) -> dict[str, int]:
        """Run one container on every host; returns the exit codes by host (a signal as 128 + its number).

        When one container fails, the others are stopped. When the job has to end before its containers have
        ended, they get SIGTERM and, after the grace period, SIGKILL.

        :param on_line: `on_line(host, line)` gets the output of a host in order, from a thread of that host.
        :raises JobEnd: when the job has to end before its containers have ended.
        """
        try:
            for host, container in containers.items():
                self._start(host, container, on_line)
            return self._wait()
        finally:
            self._stop(self._processes.values())
            with self._lock:
                self._processes.clear()

    def _start(self, host: str, container: Container, on_line: Callable[[str, str], None]) -> None:
        with self._lock:
            if self.end is not None:
                raise self.end
            self._processes[host] = self._runner.start(container, lambda line: on_line(host, line))

    def _wait(self) -> dict[str, int]:
        running, codes = dict(self._processes), dict[str, int]()
        while running:
            self.check()
            for host, process in list(running.items()):
                code = process.wait(POLL_SECONDS / len(running))
                if code is not None:
                    codes[host] = code
                    del running[host]
            if any(codes.values()):
                self._stop(running.values())
        if self.end is not None:
            raise self.end  # the cause, not the exit codes of the killed containers
        return codes

    def _stop(self, processes: Iterable[Process]) -> None:
        """SIGTERM to all at once, SIGKILL after the grace period."""
        running = [process for process in processes if process.running]
        if running:
            with ThreadPoolExecutor(len(running)) as pool:
                list(pool.map(lambda process: process.stop(self._grace), running))
