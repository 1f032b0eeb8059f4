"""The servers of the benchmarks, each in a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

READY_SECONDS = 60

Server = tuple[subprocess.Popen[bytes], str]  # the process and its URL


class BenchmarkError(Exception):
    """A measurement that failed: a server that does not start, a wrong answer, a failed job."""


def client(service: str, url: str) -> Any:
    """A boto3 client of a server, without retries."""
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"max_attempts": 0}, read_timeout=600),
    )


@contextmanager
def local_aws(state: Path, *options: str) -> Iterator[Server]:
    """The local AWS, until the block ends.

    :raises BenchmarkError: when it does not start.
    """
    ready = state.with_name("ready")
    arguments = ["-m", "include.local_aws", "--state", str(state), "--port", "0", "--ready-file", str(ready)]
    arguments += options
    with _process(arguments) as process:
        _wait(process, ready.exists)
        yield process, ready.read_text().strip()


@contextmanager
def moto() -> Iterator[Server]:
    """The server of moto, until the block ends.

    :raises BenchmarkError: when it does not start.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with _process(["-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]) as process:
        _wait(process, lambda: _listens(port))
        yield process, f"http://127.0.0.1:{port}"


@contextmanager
def _process(arguments: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    quiet = subprocess.DEVNULL
    with subprocess.Popen([sys.executable, *arguments], stdout=quiet, stderr=quiet) as process:
        try:
            yield process
        finally:
            process.terminate()


def _wait(process: subprocess.Popen[bytes], ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise BenchmarkError(f"{process.args!r} did not start")
        time.sleep(0.05)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
