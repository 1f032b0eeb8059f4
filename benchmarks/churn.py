"""The churn workflow in Airflow on the local AWS, compared with the same steps in one plain Python script.

Both end with the evaluation of the same test rows. The DAG is measured twice: up to the evaluation, and
whole, with an endpoint that is deployed and verified, which the script does not have.

Usage: python -m benchmarks.churn
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.servers import BenchmarkError, client, local_aws
from benchmarks.table import Row, print_table
from scripts import local_settings as local

AIRFLOW_PYTHON = local.PROJECT / ".venv/airflow/bin/python"

# Runs in Airflow's environment; writes the seconds of the import of the DAG file (after that of Airflow) and
# of each run (the first one creates Airflow's caches).
RUN_DAG = """
import json, sys, time
import airflow.sdk
from airflow.providers.amazon.aws.operators import sagemaker
started = time.perf_counter()
sys.path.insert(0, sys.argv[1])
import churn
file_import = time.perf_counter() - started
from airflow.dag_processing.dagbag import DagBag
from airflow.utils.db import initdb
initdb()
dag = DagBag(sys.argv[1]).dags["churn"]
seconds = {"import": file_import}
for name, deploy in (("first", True), ("whole", True), ("same steps", False)):
    started = time.perf_counter()
    run = dag.test(run_conf={"deploy": deploy})
    seconds[name] = time.perf_counter() - started
    assert run.state == "success", run.state
with open(sys.argv[2], "w") as file:
    json.dump(seconds, file)
"""


def measure() -> list[Row]:
    """Seconds of the DAG and of the script, and of the import of the DAG file.

    :raises BenchmarkError: when the DAG or the script fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        dag = _dag(Path(folder))
        plain = _plain(Path(folder))
    name = "plain script"
    return [
        Row("Churn, the same steps", dag["same steps"], plain, "s", name, more_is_better=False),
        Row("Churn, whole DAG with endpoint", dag["whole"], plain, "s", name, more_is_better=False),
        Row("Churn, DAG file import", dag["import"], 0.3, "s", "target", more_is_better=False),
    ]


def _plain(folder: Path) -> float:
    command = [sys.executable, "-m", "benchmarks.churn_plain", str(folder / "plain")]
    (folder / "plain").mkdir()
    started = time.perf_counter()
    _finish(command, dict(os.environ))
    return time.perf_counter() - started


def _dag(folder: Path) -> dict[str, float]:
    with local_aws(folder / "state") as (_, url):
        client("s3", url).create_bucket(Bucket=local.BUCKET)
        local.AIRFLOW_HOME = folder / "airflow"
        environment = local.airflow_environment(url, port=8080) | {"AWS_DEFAULT_REGION": "us-east-1"}
        result = folder / "result.json"
        dags = str(local.PROJECT / "dags")
        _finish([str(AIRFLOW_PYTHON), "-c", RUN_DAG, dags, str(result)], environment)
        seconds: dict[str, float] = json.loads(result.read_text())
    return seconds


def _finish(command: list[str], environment: dict[str, str]) -> None:
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if process.returncode:
        raise BenchmarkError(f"{command[:3]} failed: {process.stderr[-2000:]}")


if __name__ == "__main__":
    print_table(measure())
