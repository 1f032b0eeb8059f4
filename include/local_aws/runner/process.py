"""A running container: its output line by line, its exit code, and how to stop it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

LINE_BYTES = 256 * 1024  # CloudWatch's limit for one event
CHUNK_BYTES = 64 * 1024
STARTING_SECONDS = 5.0  # for so long the processes of a container may still be starting each other
POLL_SECONDS = 0.05
WRAPPERS = ("bwrap", "unshare")  # a SIGTERM would end them at once, and the whole container with them

# A container dies with its parent, which for Linux is the *thread* that started it. So one thread that lives
# as long as the server starts all containers.
LAUNCHER = ThreadPoolExecutor(1, thread_name_prefix="launcher")


class Process:
    """A started container.

    code = process.wait(timeout=60)     # None: it is still running
    process.stop(grace=120)             # as AWS stops a job
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], on_line: Callable[[str], None]
    ) -> None:
        self._started = time.monotonic()
        self._process = LAUNCHER.submit(
            subprocess.Popen,
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ).result()
        self._pump = threading.Thread(target=self._read, args=(on_line,), daemon=True)
        self._pump.start()

    @property
    def running(self) -> bool:
        """Whether the container's first process still runs."""
        return self._process.poll() is None

    def wait(self, timeout: float | None = None) -> int | None:
        """The exit code (128 + number for a signal) once all output is delivered; None after the timeout."""
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        self._sweep()
        self._pump.join()
        return 128 - code if code < 0 else code

    def stop(self, grace: float = 120.0) -> int:
        """SIGTERM to all processes of the container, SIGKILL to those that run after `grace` seconds.

        :return: the exit code.
        """
        deadline, signalled = time.monotonic() + grace, set[int]()
        while self.running and time.monotonic() < deadline:
            self._terminate(signalled)
            if signalled and time.monotonic() - self._started > STARTING_SECONDS:
                break
            time.sleep(POLL_SECONDS)  # the command may not have been started yet
        code = self.wait(max(deadline - time.monotonic(), 0))
        return self.kill() if code is None else code

    def _terminate(self, signalled: set[int]) -> None:
        """SIGTERM to all processes but the wrappers; each gets it once."""
        for process in self._family():
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.pid not in signalled and process.name() not in WRAPPERS:
                    process.send_signal(signal.SIGTERM)
                    signalled.add(process.pid)

    def kill(self) -> int:
        """SIGKILL to all processes of the container; returns the exit code."""
        alive = self.running
        self._sweep()
        if self.running:
            self._process.kill()
        code = self.wait() or 0
        return (
            128 + signal.SIGKILL if alive else code
        )  # the wrapper of a killed container may exit with another code

    def _family(self) -> list[psutil.Process]:
        """All processes of the container, read before children lose their parents."""
        with contextlib.suppress(psutil.NoSuchProcess):
            main = psutil.Process(self._process.pid)
            return [*main.children(recursive=True), main]
        return []

    def _sweep(self) -> None:
        """Kill the processes of the container that still run, also after its first process has ended."""
        family = {process.pid: process for process in [*self._family()[:-1], *self._session()]}
        for process in family.values():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def _session(self) -> Iterator[psutil.Process]:
        """The other processes of the container's session."""
        for process in psutil.process_iter():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if process.pid != self._process.pid and os.getsid(process.pid) == self._process.pid:
                    yield process

    def _read(self, on_line: Callable[[str], None]) -> None:
        output = self._process.stdout
        if output is not None:
            with output:
                for line in _lines(output):
                    on_line(line.decode("utf-8", "replace"))


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Lines without line ends, as soon as they are complete; long lines are cut, in constant memory."""
    line = bytearray()
    while chunk := stream.read1(CHUNK_BYTES):  # type: ignore[attr-defined]
        *complete, rest = chunk.split(b"\n")
        for part in complete:
            line += part[: LINE_BYTES - len(line)]
            yield bytes(line).rstrip(b"\r")
            line.clear()
        line += rest[: LINE_BYTES - len(line)]
    if line:
        yield bytes(line).rstrip(b"\r")
