"""A running container: its output line by line, its end, and how to end it."""

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
PIECE = 64 * 1024
STARTING_SECONDS = 5.0  # within which a container's processes may still be starting each other
LOOK_SECONDS = 0.05  # between two looks at them
HOLDERS = ("bwrap", "unshare")  # a SIGTERM would end them at once, and with them all that they hold

# A container is told to die with its parent, which to Linux is the *thread* that started it: one thread that
# lives as long as the server does starts them all.
LAUNCHER = ThreadPoolExecutor(1, thread_name_prefix="launcher")


class Process:
    """A container that was started.

    code = process.wait(timeout=60)     # None: it still runs
    process.stop(grace=120)             # as AWS stops a job
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], on_line: Callable[[str], None]
    ) -> None:
        self._began = time.monotonic()
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
        return self._process.poll() is None

    def wait(self, timeout: float | None = None) -> int | None:
        """The exit code (a signal: 128 + its number), all output delivered; None when time is over first."""
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        self._sweep()
        self._pump.join()
        return 128 - code if code < 0 else code

    def stop(self, grace: float = 120.0) -> int:
        """SIGTERM to everything in the container, SIGKILL to what is left after `grace` seconds."""
        deadline, reached = time.monotonic() + grace, set[int]()
        while self.running and time.monotonic() < deadline:
            self._terminate(reached)
            if reached and time.monotonic() - self._began > STARTING_SECONDS:
                break
            time.sleep(LOOK_SECONDS)  # what is to run may not have been started yet
        code = self.wait(max(deadline - time.monotonic(), 0))
        return self.kill() if code is None else code

    def _terminate(self, reached: set[int]) -> None:
        """SIGTERM to everything but the holders that it has not reached before."""
        for process in self._family():
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.pid not in reached and process.name() not in HOLDERS:
                    process.send_signal(signal.SIGTERM)
                    reached.add(process.pid)

    def kill(self) -> int:
        """SIGKILL to everything in the container."""
        alive = self.running
        self._sweep()
        if self.running:
            self._process.kill()
        code = self.wait() or 0
        return 128 + signal.SIGKILL if alive else code  # what holds a killed container may exit otherwise

    def _family(self) -> list[psutil.Process]:
        """Every process of the container, children before they lose their parents."""
        with contextlib.suppress(psutil.NoSuchProcess):
            main = psutil.Process(self._process.pid)
            return [*main.children(recursive=True), main]
        return []

    def _sweep(self) -> None:
        """Kill what is left of the container's session, also where its first process has ended."""
        family = {process.pid: process for process in [*self._family()[:-1], *self._session()]}
        for process in family.values():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def _session(self) -> Iterator[psutil.Process]:
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
    """Lines without their ends, as they come; long ones are cut, in constant memory."""
    line = bytearray()
    while piece := stream.read1(PIECE):  # type: ignore[attr-defined]
        *whole, rest = piece.split(b"\n")
        for part in whole:
            line += part[: LINE_BYTES - len(line)]
            yield bytes(line).rstrip(b"\r")
            line.clear()
        line += rest[: LINE_BYTES - len(line)]
    if line:
        yield bytes(line).rstrip(b"\r")
