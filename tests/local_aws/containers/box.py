"""A container without the server: a folder laid out as /opt/ml, and the image's program started in it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import urllib3

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAIN = Path(__file__).parents[3] / "include/local_aws/containers/main.py"


@dataclass(frozen=True)
class Outcome:
    """The outcome of a container: exit code, output, and the text of the failure file (empty without one)."""

    code: int
    log: str
    failure: str


class Box:
    """`folder` is the container's /opt/ml."""

    def __init__(self, folder: Path, image: str) -> None:
        self.folder, self.image = folder, image

    def write(self, path: str, content: str | bytes) -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def train(
        self,
        hyperparameters: Mapping[str, str],
        channels: Mapping[str, Mapping[str, str]] | None = None,
        **environment: str,
    ) -> Outcome:
        """Run `train`.

        :param channels: name → configuration; their files are written before.
        """
        self.write("input/config/hyperparameters.json", json.dumps(hyperparameters))
        self.write("input/config/inputdataconfig.json", json.dumps(channels or {}))
        resources = {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "eth0"}
        self.write("input/config/resourceconfig.json", json.dumps(resources))
        process = subprocess.run(
            [sys.executable, MAIN, self.image, "train"],
            env=self._environment(environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            check=False,
        )
        failure = self.folder / "output/failure"
        reason = failure.read_text() if failure.exists() else ""
        return Outcome(process.returncode, process.stdout.decode("utf-8", "replace"), reason)

    @contextlib.contextmanager
    def serve(self, **environment: str) -> Iterator[Serving]:
        """Run `serve` until the block ends; at its start the container answers /ping or has ended."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        log = self.folder / "serve.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, MAIN, self.image, "serve"],
                env=self._environment({"SAGEMAKER_BIND_TO_PORT": str(port), **environment}),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        serving = Serving(f"http://127.0.0.1:{port}", process, log)
        try:
            serving.wait()
            yield serving
        finally:
            process.terminate()
            process.wait(30)

    def _environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "SAGEMAKER_BASE_DIR": str(self.folder),
            "HOME": "/nowhere",
            **variables,
        }


class Serving:
    """A serving container, which may also have ended before it answered."""

    def __init__(self, url: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.url, self.process, self._log = url, process, log
        self._http = urllib3.PoolManager(retries=False)

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def wait(self) -> None:
        deadline = time.monotonic() + 60
        while self.process.poll() is None:
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                if self._http.request("GET", f"{self.url}/ping").status == 200:
                    return
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)

    def ask(
        self, body: str | bytes, content_type: str = "text/csv", accept: str = ""
    ) -> tuple[int, str, str]:
        """Status, body and content type of an invocation."""
        headers = {"Content-Type": content_type} | ({"Accept": accept} if accept else {})
        reply = self._http.request("POST", f"{self.url}/invocations", body=body, headers=headers)
        return reply.status, reply.data.decode(), reply.headers.get("Content-Type", "")

    def get(self, path: str) -> tuple[int, Any]:
        reply = self._http.request("GET", f"{self.url}{path}")
        return reply.status, reply.json() if reply.data else None
