"""A running server in this process, and boto3 clients of its address."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from include.local_aws.services import running
from include.local_aws.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from include.local_aws.server import Server

Client = Any
ClientFactory = "Callable[[str], Client]"


class RunningServer:
    """A server in a thread of its own, on a free port. `restart()` keeps state folder and port."""

    def __init__(self, state: Path, **settings: Any) -> None:
        self.state = state
        self._settings: dict[str, Any] = {"state": state, "region": "eu-west-1", **settings}
        self.start()

    def start(self) -> None:
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._started.wait(60), "the server did not start"
        self.url = self.server.url
        self._settings["port"] = int(self.url.rpartition(":")[2])

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with running(Settings(**self._settings)) as self.server:
            self._started.set()
            await self._stop.wait()

    server: Server

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)
        assert not self._thread.is_alive(), "the server did not stop"

    def restart(self) -> None:
        self.close()
        self.start()

    def client(self, service: str, **config: Any) -> Client:
        session = boto3.Session("local", "local", region_name="eu-west-1")
        options = Config(retries={"max_attempts": 0}, read_timeout=120, **config)
        return session.client(service, endpoint_url=self.url, config=options)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One server for the tests of a module."""
    running_server = RunningServer(tmp_path_factory.mktemp("aws") / "state")
    yield running_server
    running_server.close()


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Callable[[str], Client]:
    """`client("s3")` is a boto3 client of the server, without retries."""
    return server.client


class ServerProcess:
    """`python -m include.local_aws` on a state folder: one that can be killed."""

    def __init__(self, folder: Path) -> None:
        ready = folder / "ready"
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "include.local_aws", "--port", "0", "--region", "us-east-1"]
        command += ["--state", str(folder / "state"), "--ready-file", str(ready)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not ready.exists():
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.05)
        self.url = ready.read_text().strip()

    def client(self, service: str) -> Client:
        session = boto3.Session("x", "x", region_name="us-east-1")
        options = Config(retries={"total_max_attempts": 1})
        return session.client(service, endpoint_url=self.url, config=options)

    def end(self, number: int) -> None:
        self.process.send_signal(number)
        self.process.wait(20)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], ServerProcess]]:
    """Starts servers on one state folder, one after the other."""
    servers: list[ServerProcess] = []

    def start_server() -> ServerProcess:
        servers.append(ServerProcess(tmp_path))
        return servers[-1]

    yield start_server
    for server in servers:
        if server.process.poll() is None:
            server.end(signal.SIGTERM)
