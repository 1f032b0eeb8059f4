"""Control-plane calls beside moto's server: how many a second, and how long one takes.

The calls are those that a workflow makes again and again: describe a model, list models. Usage: python -m
benchmarks.control_plane
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
    """Calls per second and median latency of both servers."""
    with tempfile.TemporaryDirectory() as folder, local_aws(Path(folder) / "state") as (_, url):
        ours = _run(url)
    with moto_server() as (_, url):
        peer = _run(url)
    moto = f"moto {version('moto')}"
    rows = []
    for call in ours:
        mine, theirs = ours[call], peer[call]
        rows += [
            Row(f"SageMaker {call}", 1 / statistics.mean(mine), 1 / statistics.mean(theirs), "1/s", moto),
            Row(
                f"SageMaker {call}, median latency",
                statistics.median(mine) * 1000,
                statistics.median(theirs) * 1000,
                "ms",
                moto,
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
    taken = []
    for _ in range(CALLS + WARM_UP):
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return taken[WARM_UP:]


if __name__ == "__main__":
    print_table(measure())
