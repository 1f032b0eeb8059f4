"""A throw-away Airflow home and a local AWS for the tests that run in Airflow's environment.

A plugin of pytest: the conftest files load it before Airflow, which reads its configuration at import.
"""

from __future__ import annotations

import atexit
import datetime as dt
import json
import os
import shutil
import subprocess
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

from scripts import local_settings as local

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow.dag_processing.dagbag import DagBag
    from airflow.models.dagrun import DagRun
    from airflow.sdk import DAG

HOME = Path(tempfile.mkdtemp(prefix="airflow-tests-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
# `dag.test()` reads and stores all DAGs of its bundle each time: that of the tests' own DAGs is empty
LOCAL_BUNDLE = "airflow.dag_processing.bundles.local.LocalDagBundle"
BUNDLES = [
    {"name": "dags-folder", "classpath": LOCAL_BUNDLE, "kwargs": {}},
    {"name": "tests", "classpath": LOCAL_BUNDLE, "kwargs": {"path": str(HOME / "no-dags")}},
]


def configure() -> None:
    """Point this process at the throw-away home, with the settings that a laptop uses."""
    (HOME / "no-dags").mkdir(exist_ok=True)
    local.AIRFLOW_HOME = HOME
    local.forget_aws()
    os.environ |= local.airflow_environment("http://127.0.0.1:9", port=8080)
    os.environ["AIRFLOW__AWS_ML__DEFER_AFTER"] = "0"  # so that tasks do defer
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{HOME}/airflow.db"


configure()


def record_of(state: Path) -> Path:
    """Where the calls of the local AWS with this state folder are recorded."""
    return state.with_suffix(".calls")


def start_local_aws(state: Path, *options: str) -> tuple[subprocess.Popen[bytes], str]:
    """The local AWS as a process of its own; returns it with its URL. Every call is recorded."""
    ready = state.with_suffix(".url")
    ready.unlink(missing_ok=True)
    files = ("--state", state, "--ready-file", ready, "--record", record_of(state))
    process = subprocess.Popen(
        [local.JOBS_PYTHON, "-m", "include.local_aws", *files, *options],
        cwd=local.PROJECT,
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the local AWS did not start")
        time.sleep(0.05)
    return process, ready.read_text().strip()


def local_aws(state: Path) -> Iterator[str]:
    """Run a local AWS with the project's bucket; yields its URL, which the environment names from then on."""
    import boto3

    process, url = start_local_aws(state)
    os.environ["AWS_ENDPOINT_URL"] = url
    boto3.client("s3").create_bucket(
        Bucket=local.BUCKET, CreateBucketConfiguration={"LocationConstraint": local.REGION}
    )
    try:
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


def run_dag_of(build: Callable[[], object], params: dict[str, Any] | None = None) -> DagRun:
    """Run a DAG of the tasks that `build` makes.

    :param params: of the DAG, with their values.
    """
    from airflow.sdk import DAG

    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    with DAG(f"test-{uuid.uuid4().hex[:8]}", schedule=None, start_date=start, params=params) as dag:
        build()
    return run_dag(dag)


def run_dag(dag: DAG, conf: dict[str, Any] | None = None) -> DagRun:
    """Run a DAG in this process, as the only DAG of its bundle, and return the run."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db

    bag = DagBag(os.devnull)
    bag.bag_dag(dag)
    with patch.dict(os.environ, {"AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(BUNDLES)}):
        DagBundlesManager().sync_bundles_to_db()  # type: ignore[no-untyped-call]
        sync_bag_to_db(bag, "tests", None)
        run: DagRun = dag.test(run_conf=conf or {})
    return run


@pytest.fixture(scope="session", autouse=True)
def quick_waits() -> None:
    """Tests in one process have no scheduler that a task could overtake: see ADR 11."""
    from aws_ml.lifecycle import poller
    from aws_ml.triggers import job

    poller.FIRST_SECONDS, job.LOG_SECONDS = 0.5, 0.0


@pytest.fixture(scope="session")
def database() -> None:
    """Airflow's metadata database, empty."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture(scope="session")
def dag_bag(database: None) -> DagBag:
    """Every DAG of the project, as the DAG processor reads them."""
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(local.PROJECT / "dags")


@pytest.fixture(scope="session")
def aws_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state folder of the local AWS of this test session."""
    return tmp_path_factory.mktemp("aws") / "state"


@pytest.fixture(scope="session")
def aws(aws_state: Path) -> Iterator[str]:
    """The URL of a local AWS of this test session."""
    yield from local_aws(aws_state)


@pytest.fixture(scope="session")
def airflow_calls(aws_state: Path) -> Callable[[], list[dict[str, Any]]]:
    """`airflow_calls()`: the calls that Airflow has made to AWS until now."""
    from tests.permissions import of_airflow

    return lambda: of_airflow(record_of(aws_state))
