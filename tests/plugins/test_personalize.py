"""The Personalize operators and sensors against the local AWS, which really trains."""

from __future__ import annotations

import datetime as dt
import logging
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from aws_ml.errors import JobExists, JobFailed, JobTimedOut
from aws_ml.hooks.personalize import PersonalizeHook
from aws_ml.lifecycle import ensure_personalize
from aws_ml.lifecycle.kinds import PERSONALIZE
from aws_ml.operators import personalize as operators
from aws_ml.operators import personalize_calls as calls
from aws_ml.sensors import personalize as sensors
from scripts import local_settings as local
from tests.airflow_home import run_dag_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.models.dagrun import DagRun

pytestmark = pytest.mark.usefixtures("aws", "database")

RECIPE = "arn:aws:personalize:::recipe/{}"
FIELDS = {"USER_ID": "string", "ITEM_ID": "string", "TIMESTAMP": "long"}
SCHEMA = {
    "type": "record",
    "name": "Interactions",
    "namespace": "com.amazonaws.personalize.schema",
    "fields": [{"name": name, "type": kind} for name, kind in FIELDS.items()],
    "version": "1.0",
}


def rows(number: int = 1200) -> str:
    lines = [f"{n % 60},{(n * 7 + n // 60) % 90},{880000000 + n}" for n in range(number)]
    return "\n".join(["USER_ID,ITEM_ID,TIMESTAMP", *lines]) + "\n"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ensure_personalize, "BUSY_PAUSE", 0.2)


@pytest.fixture(scope="module")
def client(aws: str) -> Any:
    return boto3.client("personalize")


@pytest.fixture(scope="module")
def data(aws: str) -> str:
    boto3.client("s3").put_object(Bucket=local.BUCKET, Key="films/interactions.csv", Body=rows().encode())
    boto3.client("s3").put_object(Bucket=local.BUCKET, Key="films/few.csv", Body=rows(900).encode())
    return f"s3://{local.BUCKET}/films/interactions.csv"


def execute(task: Any) -> Any:
    """Run one operator as a DAG; returns what it left in XCom."""
    run = run_of(task)
    (instance,) = run.get_task_instances()
    assert instance.state == "success"
    return instance.xcom_pull(task_ids=instance.task_id)


def run_of(task: Callable[[], Any]) -> DagRun:
    return run_dag_of(task)


def operator(word: str, config: dict[str, Any], **options: Any) -> Callable[[], Any]:
    operator_class = getattr(operators, f"Personalize{word}Operator")
    return lambda: operator_class(task_id="task", config=config, check_interval=1, **options)


@pytest.fixture(scope="module")
def group(aws: str, database: None, data: str) -> dict[str, str]:
    """A dataset group with imported interactions, made by the operators."""
    arns = {"group": execute(operator("DatasetGroup", {"name": "films"}, deferrable=True))["datasetGroupArn"]}
    schema = execute(operator("Schema", {"name": "films", "schema": SCHEMA}))
    config = {"name": "films", "schemaArn": schema["schemaArn"], "datasetGroupArn": arns["group"]}
    arns["schema"] = schema["schemaArn"]
    dataset = execute(operator("Dataset", {**config, "datasetType": "Interactions"}))
    arns["dataset"] = dataset["datasetArn"]
    job = execute(operator("DatasetImportJob", import_of(arns, "films-1", data), deferrable=False))
    assert job["status"] == "ACTIVE"
    return arns


def import_of(group: dict[str, str], name: str, uri: str) -> dict[str, Any]:
    source = {"dataLocation": uri}
    return {"jobName": name, "datasetArn": group["dataset"], "dataSource": source, "roleArn": local.ROLE}


def solution_of(group: dict[str, str], name: str, recipe: str = "aws-user-personalization") -> dict[str, Any]:
    return {"name": name, "datasetGroupArn": group["group"], "recipeArn": RECIPE.format(recipe)}


@pytest.fixture(scope="module")
def version(group: dict[str, str]) -> dict[str, Any]:
    solution = execute(operator("Solution", solution_of(group, "for-you")))
    assert solution["performAutoTraining"] is False
    config = {"name": "run-1", "solutionArn": solution["solutionArn"]}
    description: dict[str, Any] = execute(operator("SolutionVersion", config, deferrable=True))
    return description


def test_the_same_request_is_created_once(group: dict[str, str], data: str, client: Any) -> None:
    before = len(client.list_dataset_import_jobs(datasetArn=group["dataset"])["datasetImportJobs"])
    again = execute(operator("DatasetImportJob", import_of(group, "films-1", data)))
    assert again["jobName"] == "films-1"
    assert execute(operator("DatasetGroup", {"name": "films"}))["datasetGroupArn"] == group["group"]
    assert execute(operator("Schema", {"name": "films", "schema": SCHEMA}))["schemaArn"] == group["schema"]
    jobs = client.list_dataset_import_jobs(datasetArn=group["dataset"])["datasetImportJobs"]
    assert len(jobs) == before


def test_another_request_of_the_same_name_is_an_error_that_lists_the_differences(
    group: dict[str, str], version: dict[str, Any]
) -> None:
    other = solution_of(group, "for-you", "aws-sims")
    task = operators.PersonalizeSolutionOperator(task_id="task", config=other)
    with pytest.raises(JobExists, match=r"recipeArn: asked for '.*sims', is '.*user-personalization'"):
        task.ensure(task.aws.client("personalize"))


def test_a_failed_import_says_why_and_the_next_try_takes_the_next_name(
    group: dict[str, str], data: str, client: Any, caplog: Any, capfd: Any
) -> None:
    config = import_of(group, "films-bad", f"s3://{local.BUCKET}/films/few.csv")
    run = run_of(operator("DatasetImportJob", config, deferrable=True))
    assert run.state == "failed"
    assert "fewer than 1000 interactions (it has 900)" in caplog.text + capfd.readouterr().out
    boto3.client("s3").put_object(Bucket=local.BUCKET, Key="films/few.csv", Body=rows().encode())
    assert execute(operator("DatasetImportJob", config))["jobName"] == "films-bad-2"


def test_a_version_is_found_by_its_name(version: dict[str, Any], client: Any) -> None:
    config = {"name": "run-1", "solutionArn": version["solutionArn"]}
    assert execute(operator("SolutionVersion", config))["solutionVersionArn"] == version["solutionVersionArn"]
    assert len(client.list_solution_versions(solutionArn=version["solutionArn"])["solutionVersions"]) == 1


def test_metrics(version: dict[str, Any]) -> None:
    config = {"solutionVersionArn": version["solutionVersionArn"]}
    assert "precision_at_25" in execute(operator_of("GetSolutionMetrics", config))["metrics"]


def operator_of(word: str, config: dict[str, Any]) -> Callable[[], Any]:
    operator_class = getattr(calls, f"Personalize{word}Operator")
    return lambda: operator_class(task_id="task", config=config)


@pytest.fixture(scope="module")
def campaign(version: dict[str, Any]) -> str:
    config = {"name": "films", "solutionVersionArn": version["solutionVersionArn"], "minProvisionedTPS": 1}
    description = execute(operator("Campaign", config, deferrable=True))
    return str(description["campaignArn"])


def test_a_campaign_is_created_once_then_updated(campaign: str, version: dict[str, Any], client: Any) -> None:
    config = {"name": "run-2", "solutionArn": version["solutionArn"]}
    newer = execute(operator("SolutionVersion", config))["solutionVersionArn"]
    update = {"name": "films", "solutionVersionArn": newer}
    description = execute(operator("Campaign", update, deferrable=True))
    assert description["campaignArn"] == campaign
    assert description["solutionVersionArn"] == newer
    assert description["latestCampaignUpdate"]["status"] == "ACTIVE"
    moment = client.describe_campaign(campaignArn=campaign)["campaign"]["lastUpdatedDateTime"]
    execute(operator("Campaign", update))
    assert client.describe_campaign(campaignArn=campaign)["campaign"]["lastUpdatedDateTime"] == moment


def test_calls(campaign: str, group: dict[str, str]) -> None:
    tracker = execute(operator("EventTracker", {"name": "films", "datasetGroupArn": group["group"]}))
    ask = {"campaignArn": campaign, "userId": "3"}
    before = execute(operator_of("GetRecommendations", ask))["itemList"]
    event = {"eventType": "click", "itemId": "44", "sentAt": dt.datetime.now(dt.UTC).timestamp()}
    send = {"trackingId": tracker["trackingId"], "userId": "3", "sessionId": "s", "eventList": [event]}
    execute(operator_of("PutEvents", send))
    after = execute(operator_of("GetRecommendations", ask))["itemList"]
    assert before != after


@pytest.mark.parametrize("deferrable", [True, False])
def test_start_and_sensor(
    group: dict[str, str], version: dict[str, Any], client: Any, deferrable: bool
) -> None:
    config = {"name": f"sensed-{deferrable}".lower(), "solutionArn": version["solutionArn"]}

    def build() -> Any:
        start = operators.PersonalizeSolutionVersionOperator(
            task_id="start", config=config, wait_for_completion=False
        )
        arn: Any = start.output["arn"]  # type: ignore[index]
        return start >> sensors.PersonalizeSolutionVersionSensor(
            task_id="task", arn=arn, deferrable=deferrable, poke_interval=1
        )

    assert run_of(build).state == "success"


def test_a_training_that_was_stopped_is_a_failure(version: dict[str, Any], client: Any) -> None:
    stopped = client.create_solution_version(solutionArn=version["solutionArn"], name="stopped")
    arn = stopped["solutionVersionArn"]
    client.stop_solution_version_creation(solutionVersionArn=arn)
    run = run_of(lambda: sensors.PersonalizeSolutionVersionSensor(task_id="task", arn=arn, deferrable=True))
    assert run.state == "failed"


def test_a_killed_task_stops_its_training(version: dict[str, Any], client: Any) -> None:
    arn = client.create_solution_version(solutionArn=version["solutionArn"], name="killed")[
        "solutionVersionArn"
    ]
    task = sensors.PersonalizeSolutionVersionSensor(task_id="task", arn=arn)
    task._job_here = arn
    task.on_kill()
    deadline = time.monotonic() + 20
    while (status := describe_version(client, arn)["status"]) not in ("CREATE STOPPED", "ACTIVE"):
        assert time.monotonic() < deadline
    assert status == "CREATE STOPPED"


def describe_version(client: Any, arn: str) -> dict[str, Any]:
    return dict(client.describe_solution_version(solutionVersionArn=arn)["solutionVersion"])


def test_a_quota_is_waited_for(group: dict[str, str], client: Any) -> None:
    nothing = import_of(group, "", "s3://nothing/here")
    for number in range(5):
        client.create_dataset_import_job(**{**nothing, "jobName": f"full-{number}-{time.monotonic_ns()}"})
    config = import_of(group, "films-1", f"s3://{local.BUCKET}/films/interactions.csv") | {"jobName": "after"}
    task = operators.PersonalizeDatasetImportJobOperator(task_id="task", config=config)
    assert task.ensure(task.aws.client("personalize")).created


def test_a_quota_that_stays_full_ends_the_task(group: dict[str, str], monkeypatch: Any) -> None:
    from botocore.exceptions import ClientError

    def full() -> None:
        raise ClientError({"Error": {"Code": "LimitExceededException", "Message": "More than 5"}}, "Create")

    monkeypatch.setattr(ensure_personalize, "BUSY_SECONDS", 0.3)
    with pytest.raises(JobTimedOut, match="creating it: .*More than 5"):
        ensure_personalize.patiently("creating it", full, logging.getLogger())


def test_a_resource_that_failed_is_an_error_with_its_reason(group: dict[str, str], monkeypatch: Any) -> None:
    kind = PERSONALIZE["Solution"]
    failed = {"name": "s", "status": "CREATE FAILED", "failureReason": "out of luck", "solutionArn": "a"}
    monkeypatch.setattr(ensure_personalize, "create_or_none", lambda *_: None)
    monkeypatch.setattr(ensure_personalize, "find_named", lambda *_, **__: failed)
    task = operators.PersonalizeSolutionOperator(task_id="task", config={"name": "s"})
    with pytest.raises(JobFailed, match="CREATE FAILED: out of luck"):
        ensure_personalize.ensure_personalize(None, kind, {"name": "s"}, task.log)


def test_the_hook_finds_by_name(group: dict[str, str]) -> None:
    hook = PersonalizeHook()
    films = hook.find("DatasetGroup", "films")
    assert films is not None
    assert films["datasetGroupArn"] == group["group"]
    assert hook.find("DatasetGroup", "other") is None


def test_teardown_of_everything_is_in_order_and_can_be_repeated(
    group: dict[str, str], campaign: str, client: Any
) -> None:
    client.create_solution(
        **solution_of(group, "half-made")
    )  # trains by itself: busy when the teardown comes

    def build() -> Any:
        return operators.PersonalizeDeleteDatasetGroupOperator(task_id="task", dataset_group="films")

    deleted = execute(build)
    kinds = [arn.split(":")[5].split("/")[0] for arn in deleted]
    assert kinds.index("campaign") < kinds.index("solution") < kinds.index("dataset")
    assert kinds[-2:] == ["dataset-group", "schema"]
    assert "films" not in [group["name"] for group in client.list_dataset_groups()["datasetGroups"]]
    assert execute(build) in ([], None)
