"""Control-plane calls compared with moto's server: calls per second and latency.

A workflow repeats these calls most: describe a model, list models.

Usage: python -m benchmarks.control_plane
"""

from __future__ import annotations

import statistics
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.servers import client, local_aws
from benchmarks.servers import moto as moto_server
from benchmarks.table import Row, print_table

CALLS = 400
WARM_UP = 40
ROLE = "arn:aws:iam::123456789012:role/ml-workflows"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"


def measure() -> list[Row]:
    """Calls per second and median latency of both servers.

    :raises BenchmarkError: when a server does not start.
    """
    with tempfile.TemporaryDirectory() as folder, local_aws(Path(folder) / "state") as (_, url):
        local_seconds = _run(url)
    with moto_server() as (_, url):
        moto_seconds = _run(url)
    name = f"moto {version('moto')}"
    rows = []
    for call in local_seconds:
        local, other = local_seconds[call], moto_seconds[call]
        rows += [
            Row(f"SageMaker {call}", 1 / statistics.mean(local), 1 / statistics.mean(other), "1/s", name),
            Row(
                f"SageMaker {call}, median latency",
                statistics.median(local) * 1000,
                statistics.median(other) * 1000,
                "ms",
                name,
                more_is_better=False,
            ),
        ]
    return rows


def _run(url: str) -> dict[str, list[float]]:
    """Seconds of each call, by the operation's name."""
    sagemaker = client("sagemaker", url)
    for number in range(10):
        sagemaker.create_model(
            ModelName=f"model-{number}", PrimaryContainer={"Image": IMAGE}, ExecutionRoleArn=ROLE
        )
    return {
        "DescribeModel": _times(lambda: sagemaker.describe_model(ModelName="model-3")),
        "ListModels": _times(lambda: sagemaker.list_models(MaxResults=10)),
    }


def _times(call: Any) -> list[float]:
    seconds = []
    for _ in range(CALLS + WARM_UP):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return seconds[WARM_UP:]


if __name__ == "__main__":
    print_table(measure())
