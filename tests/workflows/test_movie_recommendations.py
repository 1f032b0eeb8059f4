"""The movie workflow, run as Airflow runs it, against the local AWS (MR-1 to MR-6 of the requirements)."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from include.use_cases.movie_recommendations.use_case import MOVIES
from include.workflows.common.errors import OtherVersion
from include.workflows.common.xcom import Reference
from include.workflows.recommendation import holdout
from tests.permissions import Template, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.dag_processing.dagbag import DagBag

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def run(dag_bag: DagBag, aws: str) -> Any:
    """One run with the defaults."""
    return dag_bag.dags["movie_recommendations"].test()


def states(run: Any) -> dict[str, str]:
    return {ti.task_id: str(ti.state) for ti in run.get_task_instances()}


def evaluation(run: Any) -> dict[str, Any]:
    (ti,) = (ti for ti in run.get_task_instances() if ti.task_id == "publish")
    results = ti.xcom_pull(task_ids="publish")
    bucket, key = results["evaluation"].removeprefix("s3://").split("/", 1)
    body = boto3.client("s3").get_object(Bucket=bucket, Key=f"{key}/evaluation.json")["Body"].read()
    return dict(json.loads(body))


def test_every_step_is_green_and_nothing_is_torn_down(run: Any) -> None:
    assert {task: state for task, state in states(run).items() if state != "success"} == {
        "teardown": "skipped"
    }
    assert boto3.client("personalize").list_dataset_groups()["datasetGroups"]


def test_every_recommender_beats_its_baseline(run: Any) -> None:
    metrics = evaluation(run)
    warm, new = metrics["holdout"], metrics["new_items"]
    for name in ("user_personalization", "similar_items", "ranking"):
        assert warm[name]["ndcg_10"] > warm["popular films"]["ndcg_10"], name
    assert new["cold_start"]["precision_25"] > new["random list"]["precision_25"]
    assert set(metrics["offline"]) == {recommender.key for recommender in MOVIES.recommenders}


def test_batch_answers_lie_in_s3_for_real_users(run: Any) -> None:
    s3 = boto3.client("s3")
    objects = s3.list_objects_v2(Bucket="ml-workflows", Prefix="movie_recommendations/runs/")["Contents"]
    keys = [entry["Key"] for entry in objects]
    (key,) = (key for key in keys if key.endswith("recommendations/users.json.out"))
    lines = [json.loads(line) for line in s3.get_object(Bucket="ml-workflows", Key=key)["Body"].iter_lines()]
    assert all(len(line["output"]["recommendedItems"]) == 25 for line in lines)
    assert "0" not in {line["input"]["userId"] for line in lines}  # the original asked for row numbers


def test_answers_of_a_version_that_another_run_trained_are_refused(run: Any) -> None:
    """As when two Airflows use one dataset group: the campaign is updated between the questions."""
    (ti,) = (ti for ti in run.get_task_instances() if ti.task_id == "ask_user_personalization")
    place = ti.xcom_pull(task_ids="publish")["evaluation"].removesuffix("/evaluation")

    def ask() -> Any:
        function: Any = holdout.ask_campaign.function
        sources = {
            "campaign": Reference(task_ids="user_personalization.campaign", key="arn"),
            "version": Reference(task_ids="user_personalization.train", key="arn"),
            "unseen": Reference(task_ids="filter_unseen", key="arn"),
        }
        return function("user_personalization", "user", place, "5", **sources, ti=ti)

    assert ask()["users"] == 5
    personalize, campaign = boto3.client("personalize"), ask()["campaign"]
    solution = ti.xcom_pull(task_ids="user_personalization.solution", key="arn")
    other = personalize.create_solution_version(solutionArn=solution, name="other")["solutionVersionArn"]
    until_active(lambda: personalize.describe_solution_version(solutionVersionArn=other)["solutionVersion"])
    personalize.update_campaign(campaignArn=campaign, solutionVersionArn=other)
    until_active(
        lambda: personalize.describe_campaign(campaignArn=campaign)["campaign"]["latestCampaignUpdate"]
    )
    with pytest.raises(OtherVersion, match="another run uses the dataset group at the same time"):
        ask()


def until_active(look: Callable[[], dict[str, Any]]) -> None:
    while (status := look()["status"]) != "ACTIVE":
        assert "FAILED" not in status
        time.sleep(0.1)


def test_a_second_run_updates_and_the_teardown_leaves_nothing(run: Any, dag_bag: DagBag) -> None:
    personalize = boto3.client("personalize")
    before = {campaign["campaignArn"] for campaign in personalize.list_campaigns()["campaigns"]}
    conf = {"recommenders": ["user_personalization"], "teardown": True}
    second = dag_bag.dags["movie_recommendations"].test(run_conf=conf)
    ended = states(second)
    assert ended["teardown"] == "success"
    assert ended["ranking.train"] == ended["ask_ranking"] == "skipped"
    assert ended["user_personalization.wait_for_campaign"] == "success"
    assert len(before) == 4
    assert personalize.list_dataset_groups()["datasetGroups"] == []
    assert personalize.list_schemas()["schemas"] == []


def test_airflows_role_allows_all_that_the_runs_have_asked_for(run: Any, airflow_calls: Any) -> None:
    """Last: of all runs, the teardown included."""
    events = airflow_calls()
    names = {event["eventName"] for event in events}
    assert {"CreateCampaign", "GetPersonalizedRanking", "PutEvents", "DeleteDatasetGroup"} <= names
    assert refused(Template(AllowCleanUp="no", UseMwaa="no").role("AirflowRole"), events) == set()
