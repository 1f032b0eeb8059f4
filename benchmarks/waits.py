"""1,000 jobs that a triggerer waits for: this plugin's trigger beside the amazon provider's.

Eight jobs run at a time. The first eight run until all waits have begun; then about eight jobs end per
second. Each trigger waits for its own 1,000 jobs in a process of its own, in Airflow's environment
(`benchmarks/waits_triggers.py`). Usage: python -m benchmarks.waits
"""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.churn import AIRFLOW_PYTHON
from benchmarks.servers import BenchmarkError, client, local_aws
from benchmarks.table import Row, print_table
from scripts import local_settings as local

JOBS = 1000
AT_A_TIME = 8
HEAD_START = 60  # seconds until the first job ends
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
SIDES = ("plugin", "provider")


def measure(jobs: int = JOBS) -> list[Row]:
    """What waiting costs, and how long after the job's end the event comes."""
    plugin, provider = (_wait(side, jobs) for side in SIDES)
    rows = [
        ("API calls a minute", "calls_a_minute", "1/min"),
        ("triggerer memory a wait", "kib_a_wait", "KiB"),
        ("triggerer CPU", "cpu_seconds", "s"),
        ("longest block of the event loop", "longest_block", "s"),
        ("job's end to event, median", "median_delay", "s"),
        ("job's end to event, 95 %", "late_delay", "s"),
    ]
    return [
        Row(f"{jobs:,} waits, {what}", plugin[key], provider[key], unit, "provider", more_is_better=False)
        for what, key, unit in rows
    ]


def _wait(side: str, jobs: int) -> dict[str, float]:
    with (
        tempfile.TemporaryDirectory() as folder,
        local_aws(Path(folder) / "state", "--jobs", str(AT_A_TIME)) as (_, url),
    ):
        sagemaker = client("sagemaker", url)
        for number in range(AT_A_TIME):
            _job(sagemaker, f"blocker-{number}", f"sleep {HEAD_START}")
        names = [_job(sagemaker, f"job-{number:04}", "exit 0") for number in range(jobs)]
        names_file = Path(folder) / "names.json"
        names_file.write_text(json.dumps(names))
        result = Path(folder) / "result.json"
        local.AIRFLOW_HOME = Path(folder) / "airflow"
        environment = local.airflow_environment(url, port=8080) | {"AWS_DEFAULT_REGION": "us-east-1"}
        command = [str(AIRFLOW_PYTHON), "-m", "benchmarks.waits_triggers", side, str(names_file), str(result)]
        done = subprocess.run(
            command, env=environment, cwd=local.PROJECT, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise BenchmarkError(f"{side}: {done.stdout[-1000:]}{done.stderr[-3000:]}")
        measured: dict[str, Any] = json.loads(result.read_text())
        times = measured.pop("event_times")
        delays = sorted(moment - _end(sagemaker, name) for name, moment in times.items())
        return {
            **measured,
            "median_delay": statistics.median(delays),
            "late_delay": delays[int(0.95 * len(delays))],
        }


def _job(sagemaker: Any, name: str, command: str) -> str:
    sagemaker.create_processing_job(
        ProcessingJobName=name,
        RoleArn=local.ROLE,
        AppSpecification={"ImageUri": IMAGE, "ContainerEntrypoint": ["sh", "-c", command]},
        ProcessingResources={
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10}
        },
    )
    return name


def _end(sagemaker: Any, name: str) -> float:
    """When a job ended, in seconds since 1970."""
    job = sagemaker.describe_processing_job(ProcessingJobName=name)
    if job["ProcessingJobStatus"] != "Completed":
        raise BenchmarkError(f"{name}: {job.get('FailureReason')}")
    moment: float = job["ProcessingEndTime"].timestamp()
    return moment


if __name__ == "__main__":
    print_table(measure())
