"""Runs in a copy of the project, in Airflow's environment: generated DAGs by `dag.test()`, one by one.

    python -m tests.new_use_case.first_runs <folder> <use case> ...

The last line that it prints is JSON: by use case the `states` of its tasks, the `seconds` that the run took,
the `auc` of its test rows, and an `answer` of its endpoint.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boto3

from include.use_cases.catalogue import CLASSIFIERS
from scripts import local_settings as local
from tests.airflow_home import local_aws


def main(folder: Path, names: list[str]) -> None:
    answers: dict[str, Any] = {}
    for url in local_aws(folder / "aws"):
        for name in names:
            start = time.monotonic()
            run = run_once(url, name)
            seconds = time.monotonic() - start
            document = read(f"{name}/runs/{run_key(name)}/evaluation/evaluation.json")
            auc = document["binary_classification_metrics"]["auc"]["value"]
            answers[name] = {**run, "seconds": seconds, "auc": auc, "answer": ask(name)}
    print(json.dumps(answers))


def run_once(url: str, name: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.workflows.one_run", url, name, "{}"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise SystemExit(answer.stdout[-20_000:] + answer.stderr[-5_000:])
    return dict(json.loads(answer.stdout.splitlines()[-1]))


def run_key(name: str) -> str:
    page = boto3.client("s3").list_objects_v2(Bucket=local.BUCKET, Prefix=f"{name}/runs/", Delimiter="/")
    (prefix,) = page["CommonPrefixes"]
    return str(prefix["Prefix"].split("/")[-2])


def read(key: str) -> dict[str, Any]:
    return dict(json.loads(boto3.client("s3").get_object(Bucket=local.BUCKET, Key=key)["Body"].read()))


def ask(name: str) -> str:
    """What the endpoint answers to the first test row."""
    key = f"{name}/runs/{run_key(name)}/test/batch_transform_test.csv"
    row = boto3.client("s3").get_object(Bucket=local.BUCKET, Key=key)["Body"].read().splitlines()[0]
    reply = boto3.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=CLASSIFIERS[name].endpoint, Body=row, ContentType="text/csv", Accept="text/csv"
    )
    return str(reply["Body"].read().decode()).strip()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
