"""Airflow's components as processes of their own, beside a local AWS: what a real installation does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import boto3
import httpx

from scripts import local_settings as local
from scripts.airflow_api import AirflowApi, AirflowApiError
from scripts.stack import AIRFLOW_PARTS, free_port
from tests.airflow_home import start_local_aws

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FINISHED = ("success", "failed")


def eventually(check: Callable[[], Any], seconds: float = 180) -> Any:
    """Look again until the check is true, and return what it returned."""
    deadline = time.monotonic() + seconds
    while not (answer := check()):
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.5)
    return answer


def insist(act: Callable[[], Any]) -> Any:
    """Do it again where Airflow's SQLite database was busy, as a person would."""

    def attempt() -> Any:
        try:
            return act()
        except AirflowApiError as error:
            if "Database error" not in str(error):
                raise
            return None

    return eventually(attempt)


class Stack:
    """A scheduler, a DAG processor, a triggerer, an API server and a local AWS.

    :param home: folder of all state.
    :param settings: more environment variables for Airflow.
    :param jobs: how many jobs the local AWS runs at a time.
    """

    def __init__(self, home: Path, settings: dict[str, str], jobs: int) -> None:
        self.home, self._jobs = home, jobs
        self.aws_state, self.port = home / "aws", free_port(0)
        self.aws: subprocess.Popen[bytes]
        self.start_aws(free_port(0))
        local.AIRFLOW_HOME = home
        self.environment = local.airflow_environment(self.aws_url, self.port) | settings
        self.airflow("db", "migrate").wait(120)
        self.parts = {name: self.airflow(*command) for name, command in AIRFLOW_PARTS.items()}
        url = f"http://127.0.0.1:{self.port}"
        self.api = eventually(lambda: self._log_in(url))
        self.s3, self.sagemaker = (self.client(service) for service in ("s3", "sagemaker"))
        region = {"LocationConstraint": local.REGION}
        self.s3.create_bucket(Bucket=local.BUCKET, CreateBucketConfiguration=region)

    def client(self, service: str) -> Any:
        session = boto3.Session("local", "local", region_name=local.REGION)
        return session.client(service, endpoint_url=self.aws_url)

    def _log_in(self, url: str) -> AirflowApi | None:
        passwords = self.home / "simple_auth_manager_passwords.json.generated"
        try:
            return AirflowApi(url, "admin", json.loads(passwords.read_text())["admin"])
        except (FileNotFoundError, json.JSONDecodeError, httpx.HTTPError):  # not yet, or half written
            return None

    def airflow(self, *words: str) -> subprocess.Popen[bytes]:
        with (self.home / f"{words[0]}.log").open("ab") as log:
            return subprocess.Popen(
                [local.AIRFLOW, *words],
                env=self.environment,
                cwd=local.PROJECT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def start_aws(self, port: int) -> None:
        self.aws_port = port
        options = ("--port", str(port), "--jobs", str(self._jobs))
        self.aws, self.aws_url = start_local_aws(self.aws_state, *options)

    def kill_aws(self) -> None:
        self.aws.kill()
        self.aws.wait()
        self.start_aws(self.aws_port)

    def kill_triggerer(self) -> None:
        os.killpg(self.parts["triggerer"].pid, signal.SIGKILL)
        self.parts["triggerer"].wait()
        self.parts["triggerer"] = self.airflow(*AIRFLOW_PARTS["triggerer"])

    def close(self) -> None:
        for process in (*self.parts.values(), self.aws):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM) if process is not self.aws else process.terminate()
        for process in (*self.parts.values(), self.aws):
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
