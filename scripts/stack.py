"""The local AWS and Airflow as background processes: `python -m scripts.stack up | down | status`.

`.run/stack.json` says what was started (process ids with their start times), so `down` stops just that.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import httpx
import psutil

from scripts import local_settings as local

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

STARTED = local.RUN / "stack.json"
AIRFLOW_PARTS = {
    "airflow": ["api-server"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
PASSWORDS = local.AIRFLOW_HOME / "simple_auth_manager_passwords.json.generated"


class StackError(RuntimeError):
    """A part of the stack did not start; the message says why and names its log."""


@dataclass(frozen=True)
class Part:
    """One running part: its process, recognised by id and start time, and where it listens."""

    name: str
    pid: int
    started: float
    url: str

    def process(self) -> psutil.Process | None:
        """The process; None if it has ended, even if another program has its id now."""
        try:
            process = psutil.Process(self.pid)
            alive = process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - self.started) < 1
        except psutil.NoSuchProcess:
            return None
        return process if alive else None

    def stop(self, grace: float = 20) -> None:
        """TERM to the process group that this part leads; KILL to what still runs after `grace` seconds."""
        process = self.process()
        if process is None:
            return
        family = [process, *process.children(recursive=True)]  # before they lose their parent
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGTERM)
        _, alive = psutil.wait_procs(family, timeout=grace)
        for straggler in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                straggler.kill()


def running() -> dict[str, Part]:
    """The parts that were started and still run, by name."""
    if not STARTED.exists():
        return {}
    parts = [Part(**part) for part in json.loads(STARTED.read_text())]
    return {part.name: part for part in parts if part.process()}


def _remember(parts: dict[str, Part]) -> None:
    local.RUN.mkdir(parents=True, exist_ok=True)
    draft = STARTED.with_suffix(".new")
    draft.write_text(json.dumps([asdict(part) for part in parts.values()], indent=1))
    draft.replace(STARTED)


def free_port(preferred: int) -> int:
    """`preferred` on loopback, or any free port if that one is taken.

    :raises StackError: when no port is free.
    """
    for port in (preferred, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise StackError("No free port on 127.0.0.1.")


def _launch(name: str, command: Sequence[str | Path], environment: Mapping[str, str], url: str) -> Part:
    """Start a process in its own session, so that it survives this one; output in `.run/NAME.log`."""
    local.RUN.mkdir(parents=True, exist_ok=True)
    with log_of(name).open("ab") as log:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=local.PROJECT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    part = Part(name, process.pid, psutil.Process(process.pid).create_time(), url)
    _remember({**running(), name: part})
    return part


def log_of(name: str) -> Path:
    return local.RUN / f"{name}.log"


def _wait(parts: Sequence[Part], path: str, timeout: float) -> Iterator[httpx.Response]:
    """Yield answers of the first of some starting parts, until the caller stops.

    :raises StackError: when one of them dies, or they are late.
    """
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline and all(part.process() for part in parts):
        with contextlib.suppress(httpx.TransportError):
            yield httpx.get(parts[0].url + path, timeout=5)
        time.sleep(0.3)
    culprit = next((part for part in parts if part.process() is None), parts[0])
    for part in parts:
        part.stop()
    raise StackError(f"{culprit.name} did not start. {_tail(culprit.name)}")


def _tail(name: str) -> str:
    log = log_of(name)
    lines = log.read_text(errors="replace").splitlines()[-15:]
    return "\n".join([f"The end of {log}:", *lines])


def start_aws() -> Part:
    """Start the local AWS on a free loopback port and create its bucket; a running one is used.

    :raises StackError: when it does not start.
    """
    if part := running().get("local-aws"):
        return part
    port = free_port(4577)
    url = f"http://127.0.0.1:{port}"
    options: dict[str, object] = {"--port": port, "--region": local.REGION, "--state": local.AWS_STATE}
    words = [str(word) for option in options.items() for word in option]
    command = [str(local.JOBS_PYTHON), "-m", "include.local_aws", *words]
    part = _launch("local-aws", command, local.without_aws(os.environ), url)
    for _answer in _wait([part], "/", timeout=60):
        break
    _make_bucket(url)
    return part


def _make_bucket(url: str) -> None:
    import boto3

    session = boto3.Session("local", "local", region_name=local.REGION)
    s3 = session.client("s3", endpoint_url=url)
    if local.BUCKET not in (bucket["Name"] for bucket in s3.list_buckets()["Buckets"]):
        s3.create_bucket(Bucket=local.BUCKET, CreateBucketConfiguration={"LocationConstraint": local.REGION})


def start_airflow(aws: Part) -> Part:
    """Start Airflow on a free loopback port, wait until it is healthy, and return the part with the UI.

    Not by `airflow standalone`: its scheduler and triggerer serve their logs on all interfaces.

    :raises StackError: when a part does not start.
    """
    if part := running().get("airflow"):
        return part
    port = free_port(8080)
    url = f"http://127.0.0.1:{port}"
    environment = local.airflow_environment(aws.url, port)
    _migrate(environment)
    parts = [
        _launch(name, [local.AIRFLOW, *command], environment, url if name == "airflow" else "")
        for name, command in AIRFLOW_PARTS.items()
    ]
    for answer in _wait(parts, "/api/v2/monitor/health", timeout=180):
        if answer.status_code == httpx.codes.OK and _healthy(answer.json()):
            break
    return parts[0]


def _migrate(environment: Mapping[str, str]) -> None:
    """Create Airflow's database, or bring it up to date."""
    with log_of("airflow").open("ab") as log:
        command = [str(local.AIRFLOW), "db", "migrate"]
        done = subprocess.run(
            command, cwd=local.PROJECT, env=environment, stdout=log, stderr=log, check=False
        )
    if done.returncode:
        raise StackError(f"Airflow's database could not be prepared. {_tail('airflow')}")


def _healthy(report: dict[str, dict[str, str | None]]) -> bool:
    parts = ("metadatabase", "scheduler", "triggerer", "dag_processor")
    return all(report.get(part, {}).get("status") == "healthy" for part in parts)


def password() -> str:
    """The password that Airflow generated for the user `admin` on its first start."""
    return str(json.loads(PASSWORDS.read_text())["admin"])


def down() -> list[str]:
    """Stop the parts that were started, the local AWS last; return their names."""
    parts = running()
    for part in reversed(parts.values()):
        part.stop()
    STARTED.unlink(missing_ok=True)
    return list(parts)


def up() -> None:
    print("Starting the local AWS and Airflow ...", flush=True)
    aws = start_aws()
    airflow = start_airflow(aws)
    print(f"Airflow    {airflow.url}   user admin, password {password()}")
    print(f"Local AWS  {aws.url}   export AWS_ENDPOINT_URL={aws.url}")
    print("Logs       .run/*.log   Stop with: make down")


def status() -> None:
    parts = running()
    for part in parts.values():
        print(f"{part.name:10} {part.url}   process {part.pid}")
    if not parts:
        print("Nothing runs. Start with: make up")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.stack", description=__doc__)
    parser.add_argument("command", choices=["up", "down", "status"])
    command = parser.parse_args(argv).command
    local.forget_aws()
    try:
        if command == "down":
            print("Stopped: " + (", ".join(down()) or "nothing ran"))
        else:
            {"up": up, "status": status}[command]()
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
