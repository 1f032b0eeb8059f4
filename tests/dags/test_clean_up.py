"""`clean_up`: a dry run first, users before what they use, and nothing that is not the project's."""

from __future__ import annotations

import copy
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from airflow.sdk.exceptions import ParamValidationError

from aws_ml.lifecycle.personalize_deletion import delete_dataset_group
from include.aws.sagemaker_requests import tagged, tagged_group
from include.use_cases.catalogue import CASES
from include.use_cases.churn.use_case import CHURN
from include.workflows.clean_up import folders_of
from include.workflows.common.deletion import tagged_resources
from include.workflows.common.errors import NotOfThisProject, WorkflowError
from include.workflows.recommendation.training import check_own_group
from scripts import local_settings as local
from tests.airflow_home import run_dag
from tests.local_aws.sagemaker.hosting import tiny_model
from tests.permissions import Template, refused
from tests.plugins.lifecycle.small_jobs import sagemaker, unique

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.dag_processing.dagbag import DagBag

Things = dict[str, set[str]]
RAW_TABLES = ("stage_interactions", "stage_items", "stage_users")


@pytest.fixture
def strangers(aws: str) -> Iterator[Things]:
    """What somebody else has made: the same kinds without the project's tag."""
    yield from things_of("somebody", tag=None)


@pytest.fixture
def churn_things(aws: str) -> Iterator[Things]:
    yield from things_of("churn", tag="churn")


def things_of(word: str, tag: str | None) -> Iterator[Things]:
    """Things for a test; other tests find none of them."""
    things = make(word, tag)
    yield things
    (name,) = things["model"]
    remaining = existing_among({name})
    if remaining["endpoint"]:
        sagemaker().delete_endpoint(EndpointName=name)
    if remaining["dataset group"]:
        delete_dataset_group(boto3.client("personalize"), name, logging.getLogger(__name__))


def make(word: str, tag: str | None) -> Things:
    """One thing of each kind, an endpoint that serves among them; and an object below the folder `word`."""
    name = unique(word)

    def marked(request: dict[str, Any]) -> dict[str, Any]:
        return tagged(tag, request) if tag else request

    s3, personalize = boto3.client("s3"), boto3.client("personalize")
    container = tiny_model.container(s3, local.BUCKET, 2.0)
    model = {"ModelName": name, "PrimaryContainer": container, "ExecutionRoleArn": local.ROLE}
    sagemaker().create_model(**marked(model))
    config = {"EndpointConfigName": name, "ProductionVariants": [tiny_model.variant(name, "All", 1.0)]}
    sagemaker().create_endpoint_config(**marked(config))
    sagemaker().create_endpoint(**marked({"EndpointName": name, "EndpointConfigName": name}))
    sagemaker().create_model_package_group(**marked({"ModelPackageGroupName": name}))
    kinds = {"SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}
    sagemaker().create_model_package(
        ModelPackageGroupName=name, InferenceSpecification={"Containers": [dict(container)], **kinds}
    )
    personalize.create_dataset_group(**(tagged_group(tag, {"name": name}) if tag else {"name": name}))
    s3.put_object(Bucket=local.BUCKET, Key=f"{word}/{name}", Body=b"")
    tiny_model.settled(sagemaker(), name)
    return existing_among({name})


def existing_among(names: set[str]) -> Things:
    """Which of the names still exist, by kind."""
    s3, personalize = boto3.client("s3"), boto3.client("personalize")
    endpoints, configs = sagemaker().list_endpoints(), sagemaker().list_endpoint_configs()
    groups = sagemaker().list_model_package_groups()["ModelPackageGroupSummaryList"]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=local.BUCKET)
    objects = [entry for page in pages for entry in page.get("Contents", [])]
    existing = {
        "endpoint": [endpoint["EndpointName"] for endpoint in endpoints["Endpoints"]],
        "config": [config["EndpointConfigName"] for config in configs["EndpointConfigs"]],
        "model": [model["ModelName"] for model in sagemaker().list_models()["Models"]],
        "registry": [group["ModelPackageGroupName"] for group in groups],
        "dataset group": [group["name"] for group in personalize.list_dataset_groups()["datasetGroups"]],
        "object": [entry["Key"].rpartition("/")[2] for entry in objects],
    }
    return {kind: names & set(all_names) for kind, all_names in existing.items()}


def clean_up(dag_bag: DagBag, **conf: Any) -> dict[str, str]:
    form = {
        "use_cases": ["churn"],
        "dry_run": True,
        "objects": False,
    }  # runs in one process share their params
    run = run_dag(dag_bag.dags["clean_up"], {**form, **conf})
    return {ti.task_id: str(ti.state) for ti in run.get_task_instances()}


def test_a_dry_run_deletes_nothing(dag_bag: DagBag, churn_things: Things) -> None:
    states = clean_up(dag_bag)
    assert states["find"] == "success"
    assert {state for task, state in states.items() if task != "find"} == {"skipped"}
    (name,) = churn_things["model"]
    assert existing_among({name}) == churn_things


def test_what_is_the_projects_goes_and_the_rest_stays(
    dag_bag: DagBag, churn_things: Things, strangers: Things
) -> None:
    states = clean_up(dag_bag, dry_run=False, objects=True)
    assert {state for state in states.values() if state not in ("success", "skipped")} == set()
    (name,), (other,) = churn_things["model"], strangers["model"]
    assert existing_among({name}) == dict.fromkeys(churn_things, set())
    assert existing_among({other}) == strangers


@pytest.mark.parametrize("dag_id", ["clean_up", "drift_monitor", "retraining"])
def test_the_form_cannot_send_an_empty_choice(dag_bag: DagBag, dag_id: str) -> None:
    params = copy.deepcopy(dag_bag.dags[dag_id].params)
    with pytest.raises(ParamValidationError, match="use_cases"):
        params["use_cases"] = []


def test_nothing_chosen_deletes_nothing(aws: str, churn_things: Things, strangers: Things) -> None:
    """To AWS, a tag filter without values means any value."""
    with pytest.raises(WorkflowError, match="No use case is chosen"):
        tagged_resources([])


def test_the_filter_leaves_what_others_have_made(aws: str, churn_things: Things, strangers: Things) -> None:
    """Also a resource with the project's tag and a use case that the project does not have."""
    others = iter(things_of("alien", tag="alien"))
    foreign = next(others)
    names = tagged_resources(["churn"])
    for kind in ("endpoint", "endpoint-config", "model", "model-package-group", "dataset-group"):
        assert churn_things["model"] <= set(names[kind])
        assert not (foreign["model"] | strangers["model"]) & set(names[kind])
    next(others, None)


def test_a_dataset_group_that_somebody_else_has_made_is_not_torn_down(aws: str, strangers: Things) -> None:
    """A run may use an existing group; to delete it with all that it holds is another matter."""
    (name,) = strangers["dataset group"]
    with pytest.raises(NotOfThisProject, match=f"{name} was not made by the DAG movie_recommendations"):
        check_own_group(name, "movie_recommendations")
    check_own_group("no-such-group", "movie_recommendations")


def test_objects_stay_unless_asked_for_and_a_second_run_finds_nothing(
    dag_bag: DagBag, churn_things: Things
) -> None:
    (name,) = churn_things["model"]
    for _ in range(2):
        states = clean_up(dag_bag, dry_run=False)
        assert "failed" not in states.values()
        assert states["delete_objects"] == "skipped"
        remaining = existing_among({name})
        assert remaining.pop("object") == {name}
        assert remaining == dict.fromkeys(remaining, set())


def test_it_takes_a_role_that_may_clean_up(dag_bag: DagBag, churn_things: Things, airflow_calls: Any) -> None:
    before = len(airflow_calls())
    clean_up(dag_bag, dry_run=False, objects=True)
    events = airflow_calls()[before:]
    names = {event["eventName"] for event in events}
    assert {"GetResources", "DeleteEndpoint", "DeleteModelPackageGroup", "DeleteObjects"} <= names
    assert refused(Template(UseMwaa="no").role("AirflowRole"), events) == set()
    assert refused(Template(UseMwaa="no", AllowCleanUp="no").role("AirflowRole"), events)


def test_sample_data_and_shared_scripts_go_with_the_last_use_case_that_needs_them() -> None:
    everything = list(CASES)
    assert folders_of(["churn"]) == ["churn/", "churn/data/"]
    assert folders_of(["movie_recommendations"]) == [
        *("movie_items/data/", "movie_ratings/data/", "movie_recommendations/", "movie_users/data/"),
    ]
    assert folders_of(everything)[-1] == "monitoring/"
    assert folders_of([]) == []


def test_a_use_case_with_the_name_of_anothers_data_set_loses_nothing(
    aws: str, dag_bag: DagBag, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither its folder, when the other one is deleted; nor, when it is deleted itself, the other's data."""
    namesake = replace(CHURN, name="movie_items")
    monkeypatch.setitem(CASES, "movie_items", namesake)
    assert "movie_items/" not in folders_of(["movie_recommendations"])
    assert "movie_items/data/" in folders_of(["movie_recommendations"])
    name, s3 = unique("object"), boto3.client("s3")
    for folder in ("movie_items/data", "movie_items/runs"):
        s3.put_object(Bucket=local.BUCKET, Key=f"{folder}/{name}", Body=b"")
    delete: Any = dag_bag.dags["clean_up"].get_task("delete_objects")
    delete.python_callable(local.BUCKET, params={"use_cases": ["movie_items"], "objects": True})
    objects = s3.list_objects_v2(Bucket=local.BUCKET, Prefix="movie_items/")["Contents"]
    assert [entry["Key"] for entry in objects if entry["Key"].endswith(name)] == [f"movie_items/data/{name}"]


def test_every_folder_that_a_dag_writes_is_one_that_the_clean_up_deletes(dag_bag: DagBag) -> None:
    """Tasks that write to S3 name their folder as `use_case` or as a data set."""
    tasks: list[Any] = [task for dag in dag_bag.dags.values() for task in dag.tasks]
    code = {f"{task.op_args[0]}/" for task in tasks if task.task_id == "upload_code"}
    tables = {f"{next(iter(task.op_args[1]))}/data/" for task in tasks if task.task_id == "stage_data"}
    raw = {f"{task.op_args[0]}/data/" for task in tasks if task.task_id in RAW_TABLES}
    written = code | tables | raw
    assert {"churn/", "monitoring/", "churn/data/", "movie_ratings/data/"} <= written
    assert written <= set(folders_of(list(CASES)))
