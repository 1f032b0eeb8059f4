"""The README's commands, as a newcomer types them, with a home of their own for their state."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import httpx
import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[2]

pytestmark = pytest.mark.timeout(420)


USERS_AWS = {  # what a person who works with AWS has set: nothing of it may take part
    "AWS_PROFILE": "production",
    "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
    "AWS_ENDPOINT_URL_SAGEMAKER": "http://127.0.0.1:9",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
}


def make(target: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW", "AWS_", "PYTHON"))
    }
    return subprocess.run(
        ["make", target],
        cwd=PROJECT,
        env={**environment, **USERS_AWS, "ML_LOCAL_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


def listens_on(pid: int) -> set[str]:
    """Addresses on which a process or one of its children accepts connections."""
    process = psutil.Process(pid)
    addresses = set()
    for member in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):  # a child may have ended since: it listens on nothing
            connections = member.net_connections()
            addresses |= {each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN}
    return addresses


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ending the tests also ends what they started
    folder = tmp_path_factory.mktemp("home")
    yield folder
    make("down", folder)


@pytest.fixture(scope="module")
def demo(home: Path) -> subprocess.CompletedProcess[str]:
    return make("demo", home)


def test_the_demo_ends_with_metrics_a_live_prediction_and_the_way_on(
    demo: subprocess.CompletedProcess[str],
) -> None:
    assert demo.returncode == 0, demo.stdout[-4000:] + demo.stderr[-2000:]
    for text in ("stage_data", "deploy.verify", "publish", "F1", "published", "Live prediction", "make up"):
        assert text in demo.stdout


def test_the_demo_says_which_data_it_used(demo: subprocess.CompletedProcess[str]) -> None:
    line = next(line for line in demo.stdout.splitlines() if line.startswith("Data"))
    assert any(source in line for source in ("folder", "download", "generat")), line


def test_the_report_is_where_the_demo_says(demo: subprocess.CompletedProcess[str]) -> None:
    uri = next(word for word in demo.stdout.split() if word.startswith("file://"))
    assert "<svg" in Path(uri.removeprefix("file://")).read_text()


def test_the_demo_leaves_nothing_running(demo: subprocess.CompletedProcess[str], home: Path) -> None:
    assert "Nothing runs" in make("status", home).stdout


def test_after_make_up_the_ui_shows_the_run_the_endpoint_answers_and_down_stops_it(
    demo: subprocess.CompletedProcess[str], home: Path
) -> None:
    started = make("up", home)
    assert started.returncode == 0, started.stdout + started.stderr
    started_parts = json.loads((home / ".run/stack.json").read_text())
    parts = {part["name"]: part["url"] for part in started_parts if part["url"]}
    assert {address for part in started_parts for address in listens_on(part["pid"])} == {"127.0.0.1"}

    assert httpx.get(parts["airflow"]).status_code == httpx.codes.OK
    assert httpx.get(f"{parts['airflow']}/api/v2/dags/churn/dagRuns").status_code == 401  # not for anyone
    session = boto3.Session("local", "local", region_name="eu-west-1")
    runtime = session.client("sagemaker-runtime", endpoint_url=parts["local-aws"])
    row = b"KS,128,415,382-4657,no,yes,25,265.1,110,45.07,197.4,99,16.78,244.7,91,11.01,10,3,2.7,1"
    answer = runtime.invoke_endpoint(EndpointName="churn", Body=row, ContentType="text/csv")["Body"].read()
    assert answer.startswith((b"False.,", b"True.,"))

    assert "Stopped: local-aws, airflow, scheduler, dag-processor, triggerer" in make("down", home).stdout
    for url in parts.values():
        with pytest.raises(httpx.TransportError):
            httpx.get(url, timeout=2)
