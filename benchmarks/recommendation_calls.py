"""GetRecommendations of the local Personalize by boto3: latency and throughput with 100 thousand events.

Usage: python -m benchmarks.recommendation_calls
"""

from __future__ import annotations

import json
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv as pv
import pyarrow.parquet as pq

from benchmarks.recommendations import generate
from benchmarks.servers import BenchmarkError, client, local_aws

EVENTS, CALLS, AT_ONCE = 100_000, 2000, 4
SCHEMA = {
    "type": "record",
    "name": "Interactions",
    "namespace": "com.amazonaws.personalize.schema",
    "fields": [
        {"name": "USER_ID", "type": "string"},
        {"name": "ITEM_ID", "type": "string"},
        {"name": "TIMESTAMP", "type": "long"},
    ],
    "version": "1.0",
}


def main() -> None:
    """Print latency of one caller and throughput of several."""
    with tempfile.TemporaryDirectory() as name, local_aws(Path(name) / "state") as (_, url):
        campaign = build(Path(name), url)
        runtime = client("personalize-runtime", url)

        def time_call(user: int) -> float:
            started = time.perf_counter()
            runtime.get_recommendations(campaignArn=campaign, userId=str(user % (EVENTS // 100)))
            return time.perf_counter() - started

        for user in range(50):
            time_call(user)
        alone = np.array([time_call(user) for user in range(CALLS)]) * 1000
        started = time.perf_counter()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(time_call, range(CALLS)))
        rate = CALLS / (time.perf_counter() - started)
    print(f"one caller: p50 {np.percentile(alone, 50):.1f} ms, p99 {np.percentile(alone, 99):.1f} ms")
    print(f"{AT_ONCE} callers: {rate:.0f} calls a second")


def upload(folder: Path, s3: Any) -> None:
    """Generate interactions and upload them as CSV."""
    generate(EVENTS, folder / "data.parquet")
    with (folder / "data.csv").open("wb") as file:
        file.write(b"USER_ID,ITEM_ID,TIMESTAMP\n")  # Personalize refuses quotes in the header
        pv.write_csv(pq.read_table(folder / "data.parquet"), file, pv.WriteOptions(include_header=False))
    s3.create_bucket(Bucket="data")
    s3.upload_file(str(folder / "data.csv"), "data", "interactions.csv")


def build(folder: Path, url: str) -> str:
    """Import, train, deploy; returns the campaign's ARN.

    :raises BenchmarkError: when a resource fails.
    """
    upload(folder, client("s3", url))
    personalize = client("personalize", url)
    group = personalize.create_dataset_group(name="bench")["datasetGroupArn"]
    schema = personalize.create_schema(name="bench", schema=json.dumps(SCHEMA))["schemaArn"]
    wait(lambda: personalize.describe_dataset_group(datasetGroupArn=group)["datasetGroup"])
    dataset = personalize.create_dataset(
        name="bench", schemaArn=schema, datasetGroupArn=group, datasetType="Interactions"
    )["datasetArn"]
    wait(lambda: personalize.describe_dataset(datasetArn=dataset)["dataset"])
    job = personalize.create_dataset_import_job(
        jobName="bench",
        datasetArn=dataset,
        dataSource={"dataLocation": "s3://data/interactions.csv"},
        roleArn="arn:aws:iam::123456789012:role/bench",
    )["datasetImportJobArn"]
    wait(lambda: personalize.describe_dataset_import_job(datasetImportJobArn=job)["datasetImportJob"])
    solution = personalize.create_solution(
        name="bench",
        datasetGroupArn=group,
        performAutoTraining=False,
        recipeArn="arn:aws:personalize:::recipe/aws-user-personalization",
    )["solutionArn"]
    wait(lambda: personalize.describe_solution(solutionArn=solution)["solution"])
    version = personalize.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    wait(lambda: personalize.describe_solution_version(solutionVersionArn=version)["solutionVersion"])
    campaign = personalize.create_campaign(name="bench", solutionVersionArn=version)["campaignArn"]
    wait(lambda: personalize.describe_campaign(campaignArn=campaign)["campaign"])
    return str(campaign)


def wait(describe: Any) -> None:
    """Wait until a resource is ACTIVE.

    :raises BenchmarkError: when its creation fails.
    """
    while (resource := describe())["status"] != "ACTIVE":
        if "FAILED" in resource["status"]:
            raise BenchmarkError(resource.get("failureReason", resource["status"]))
        time.sleep(0.1)


if __name__ == "__main__":
    main()
