"""`docker compose` as a person types it: Compose v2 where it is installed, else 1.29."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any

import boto3
import httpx

from scripts import local_settings as local
from scripts.airflow_api import AirflowApi, AirflowApiError
from scripts.stack import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

FINISHED = ("success", "failed")
UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
BASE_IMAGES = {
    "AIRFLOW_IMAGE": "apache/airflow:3.3.2-python3.12",
    "postgres": "postgres:16",
    "redis": "redis:7.2-bookworm",
}
OVERRIDE = os.environ.get("COMPOSE_TEST_OVERRIDE")  # one more compose file: how this machine builds
ONE_SHOT = {"secrets", "airflow-init"}


def command() -> list[str] | None:
    """How Compose is called here; None where it is not installed."""
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    if shutil.which("docker") and plugin.returncode == 0:
        return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else None


def missing() -> str:
    """Why the stack cannot be started here; empty where it can."""
    if not shutil.which("docker"):
        return "docker is not installed"
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        return "no Docker engine answers"
    if command() is None:
        return "Compose is not installed"
    for setting, image in BASE_IMAGES.items():
        name = os.environ.get(setting, image)
        here = subprocess.run(["docker", "image", "inspect", name], capture_output=True, check=False)
        if here.returncode and subprocess.run(["docker", "pull", "-q", name], check=False).returncode:
            return f"the base image {name} is not here and cannot be pulled"
    return ""


def eventually(check: Callable[[], Any], seconds: float, what: str) -> Any:
    """Look again until the check is true, and return what it returned; Airflow may be away meanwhile."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if answer := check():
                return answer
        except (httpx.HTTPError, AirflowApiError):
            pass
        time.sleep(1)
    raise AssertionError(f"not after {seconds:.0f} seconds: {what}")


class Compose:
    """One project of Compose with ports and volumes of its own."""

    def __init__(self, project: str) -> None:
        self._project = project
        self.settings = {"AIRFLOW_PORT": str(free_port(0)), "LOCAL_AWS_PORT": str(free_port(0))}
        self.files = ["docker-compose.yaml", *([OVERRIDE] if OVERRIDE else [])]
        self.url = f"http://127.0.0.1:{self.settings['AIRFLOW_PORT']}"
        self._api: AirflowApi | None = None

    def __call__(self, *words: str, timeout: float = 1800) -> str:
        """Run a command of Compose; its output."""
        files = [word for file in self.files for word in ("--file", file)]
        line = [*(command() or []), *files, "--project-name", self._project, *words]
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW_", "AWS_"))}
        done = subprocess.run(
            line,
            cwd=local.PROJECT,
            env={**environment, **self.settings},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(line)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def containers(self, service: str = "") -> list[dict[str, Any]]:
        """What `docker inspect` says of the project's containers."""
        labels = [f"label=com.docker.compose.project={self._project}"]
        labels += [f"label=com.docker.compose.service={service}"] if service else []
        filters = [word for label in labels for word in ("--filter", label)]
        ids = _docker("ps", "--all", "--quiet", *filters).split()
        return list(json.loads(_docker("inspect", *ids))) if ids else []

    def volumes(self) -> list[str]:
        label = f"label=com.docker.compose.project={self._project}"
        return _docker("volume", "ls", "--quiet", "--filter", label).split()

    def unhealthy(self) -> list[str]:
        """Services that are not (yet) as they should be."""
        containers = self.containers()
        bad = [_service(container) for container in containers if not _ready(container)]
        return bad if containers else ["everything"]

    def up(self, *words: str, seconds: float = 300) -> float:
        """`up`, until every service is healthy; the seconds that it took."""
        started = time.monotonic()
        self("up", "--detach", "--no-build", *words)
        eventually(lambda: not self.unhealthy(), seconds, "every service is healthy")
        return time.monotonic() - started

    def kill(self, container: dict[str, Any]) -> None:
        """SIGKILL to all that runs in a container; the engine starts it again, as after a crash."""
        subprocess.run(["docker", "exec", container["Id"], "bash", "-c", "kill -9 -1"], check=False)

    def password(self) -> str:
        text = self("exec", "-T", "airflow-apiserver", "cat", "/opt/airflow/secrets/passwords.json")
        return str(json.loads(text)["admin"])

    @property
    def api(self) -> AirflowApi:
        if self._api is None:
            self._api = AirflowApi(self.url, "admin", self.password())
        return self._api

    def aws(self, service: str) -> Any:
        """A boto3 client of the stack's local AWS."""
        url = f"http://127.0.0.1:{self.settings['LOCAL_AWS_PORT']}"
        session = boto3.Session("local", "local", region_name=local.REGION)
        return session.client(service, endpoint_url=url)

    def memory(self) -> dict[str, float]:
        """MiB that each service uses."""
        ids = [container["Id"] for container in self.containers() if container["State"]["Running"]]
        lines = _docker("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}", *ids).splitlines()
        return {line.split()[0].removeprefix(self._project): _mib(line.split()[1]) for line in lines}


def _docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout


def _service(container: dict[str, Any]) -> str:
    return str(container["Config"]["Labels"]["com.docker.compose.service"])


def _ready(container: dict[str, Any]) -> bool:
    """A service that ends has not failed; every other one is healthy."""
    if _service(container) in ONE_SHOT:
        return not container["State"]["ExitCode"]
    return _healthy(container)


def _healthy(container: dict[str, Any]) -> bool:
    return bool(container["State"].get("Health", {}).get("Status") == "healthy")


def _mib(amount: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(\w+)", amount).groups()  # type: ignore[union-attr]
    return float(number) * UNITS[unit] / UNITS["MiB"]
