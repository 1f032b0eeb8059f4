"""A dataset group that is half made, on a server that is killed, can be deleted."""

from __future__ import annotations

import json
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from aws_ml.clients import forget_clients
from aws_ml.operators.personalize import PersonalizeDeleteDatasetGroupOperator
from include.use_cases.movie_recommendations.use_case import MOVIES
from scripts import local_settings as local
from scripts.stack import free_port
from tests.airflow_home import run_dag_of, start_local_aws

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.timeout(300)]

ROWS = [f"{n % 60},{(n * 7 + n // 60) % 90},4.0,{880000000 + n},RATING" for n in range(1200)]
RECIPE = "arn:aws:personalize:::recipe/aws-user-personalization"


class Server:
    """A local AWS that can be killed and is back, on its port and state, at once."""

    def __init__(self, state: Path) -> None:
        self.state, self.port = state, free_port(0)
        self.start()

    def start(self) -> None:
        self.process, self.url = start_local_aws(self.state, "--port", str(self.port))

    def die(self) -> None:
        self.process.kill()
        self.process.wait()
        self.start()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    running = Server(tmp_path / "state")
    monkeypatch.setenv("AWS_ENDPOINT_URL", running.url)
    forget_clients()
    yield running
    forget_clients()
    running.process.terminate()
    running.process.wait(30)


@pytest.fixture
def personalize(server: Server) -> Any:
    return boto3.client("personalize")


def active(look: Callable[[], dict[str, Any]]) -> None:
    """Wait; the answer's one member is the resource."""
    while next(value for name, value in look().items() if name != "ResponseMetadata")["status"] != "ACTIVE":
        time.sleep(0.1)


@pytest.fixture
def half_made(personalize: Any) -> str:
    """A group with imported interactions, a running import of users, a running training and a new tracker."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=local.BUCKET, CreateBucketConfiguration={"LocationConstraint": local.REGION})
    users = [f"{n},30,F,writer" for n in range(60)]
    group = personalize.create_dataset_group(name="half")["datasetGroupArn"]
    active(partial(personalize.describe_dataset_group, datasetGroupArn=group))
    for kind, rows in (("Interactions", ROWS), ("Users", users)):
        text = "\n".join([",".join(MOVIES.schemas[kind]), *rows]) + "\n"
        s3.put_object(Bucket=local.BUCKET, Key=f"half/{kind}.csv", Body=text.encode())
        schema = personalize.create_schema(name=f"half-{kind}", schema=json.dumps(MOVIES.avro(kind)))
        dataset = personalize.create_dataset(
            name=f"half-{kind}", schemaArn=schema["schemaArn"], datasetGroupArn=group, datasetType=kind
        )["datasetArn"]
        active(partial(personalize.describe_dataset, datasetArn=dataset))
        job = personalize.create_dataset_import_job(
            jobName=f"half-{kind}",
            datasetArn=dataset,
            dataSource={"dataLocation": f"s3://{local.BUCKET}/half/{kind}.csv"},
            roleArn=local.ROLE,
        )["datasetImportJobArn"]
        if kind == "Interactions":
            active(partial(personalize.describe_dataset_import_job, datasetImportJobArn=job))
    # it trains a version by itself as soon as it exists
    solution = personalize.create_solution(name="half", datasetGroupArn=group, recipeArn=RECIPE)
    while not personalize.list_solution_versions(solutionArn=solution["solutionArn"])["solutionVersions"]:
        time.sleep(0.05)
    personalize.create_event_tracker(name="half", datasetGroupArn=group)
    return str(group)


def tear_down(group: str) -> Any:
    def build() -> Any:
        return PersonalizeDeleteDatasetGroupOperator(task_id="teardown", dataset_group=group, max_wait=120)

    return run_dag_of(build)


def check_empty(personalize: Any) -> None:
    for resources in (
        "dataset_groups",
        "solutions",
        "solution_versions",
        "event_trackers",
        "datasets",
        "schemas",
    ):
        answer = getattr(personalize, f"list_{resources}")()
        assert [value for name, value in answer.items() if name != "ResponseMetadata"] == [[]], resources


def test_what_a_killed_server_left_half_made_is_deleted(
    server: Server, personalize: Any, half_made: str
) -> None:
    server.die()
    (version,) = personalize.list_solution_versions()["solutionVersions"]
    assert version["status"] == "CREATE FAILED"
    assert tear_down("half").state == "success"
    check_empty(personalize)


def test_a_server_that_is_killed_while_it_deletes(server: Server, personalize: Any, half_made: str) -> None:
    deaths: list[str] = []

    def kill() -> None:
        """As soon as the solution, which is waited for until its training is over, is being deleted."""
        client = boto3.client("personalize")
        while not deaths:
            solutions = client.list_solutions(datasetGroupArn=half_made)["solutions"]
            if not solutions or solutions[0]["status"].startswith("DELETE"):
                server.die()
                deaths.append(solutions[0]["status"] if solutions else "gone")
            time.sleep(0.02)

    killer = threading.Thread(target=kill)
    killer.start()
    run = tear_down(half_made)
    killer.join(60)
    assert deaths
    assert deaths[0].startswith("DELETE")
    assert run.state == "success"
    check_empty(personalize)
