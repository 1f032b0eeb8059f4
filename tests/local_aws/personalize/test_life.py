"""Names, quotas, states, stops; and servers that are killed."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.local_aws.personalize.studio import BUCKET, RECIPE, Studio, interactions, wait

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_name_exists_once(studio: Studio) -> None:
    with pytest.raises(studio.personalize.exceptions.ResourceAlreadyExistsException, match="already exists"):
        studio.personalize.create_dataset_group(name=studio.name)


def test_a_group_that_is_not_active_cannot_be_used(studio: Studio) -> None:
    group = studio.personalize.create_dataset_group(name="fresh")["datasetGroupArn"]
    with pytest.raises(studio.personalize.exceptions.ResourceInUseException, match="CREATE PENDING"):
        studio.personalize.create_event_tracker(name="t", datasetGroupArn=group)
    states = []
    while (status := _status(studio, group)) != "ACTIVE":
        states.append(status)
        time.sleep(0.02)
    in_order = list(dict.fromkeys(states))
    assert in_order == [state for state in ("CREATE PENDING", "CREATE IN_PROGRESS") if state in in_order]
    # a busy client may miss a state, never see them in another order
    studio.personalize.delete_dataset_group(datasetGroupArn=group)
    studio.until_deleted(lambda: studio.personalize.describe_dataset_group(datasetGroupArn=group))


def _status(studio: Studio, group: str) -> str:
    return str(studio.personalize.describe_dataset_group(datasetGroupArn=group)["datasetGroup"]["status"])


def test_the_quota_of_dataset_groups(studio: Studio) -> None:
    arns = [studio.personalize.create_dataset_group(name=f"g{n}")["datasetGroupArn"] for n in range(4)]
    with pytest.raises(studio.personalize.exceptions.LimitExceededException, match="More than 5 resources"):
        studio.personalize.create_dataset_group(name="sixth")
    for arn in arns:
        wait(lambda arn=arn: studio.personalize.describe_dataset_group(datasetGroupArn=arn))
        studio.personalize.delete_dataset_group(datasetGroupArn=arn)
    for arn in arns:
        studio.until_deleted(lambda arn=arn: studio.personalize.describe_dataset_group(datasetGroupArn=arn))


def test_the_quota_of_imports_at_a_time(studio: Studio) -> None:
    def start(number: int) -> str:
        return str(
            studio.personalize.create_dataset_import_job(
                jobName=f"at-once-{number}",
                datasetArn=studio.arns["Interactions"],
                dataSource={"dataLocation": f"s3://{BUCKET}/nothing"},
                roleArn="arn:aws:iam::123456789012:role/p",
            )["datasetImportJobArn"]
        )

    arns = [start(number) for number in range(5)]
    message = "More than 5 resources with PENDING or IN_PROGRESS status"
    with pytest.raises(studio.personalize.exceptions.LimitExceededException, match=message):
        start(5)
    for arn in arns:
        wait(lambda arn=arn: studio.personalize.describe_dataset_import_job(datasetImportJobArn=arn))
    last = start(6)
    wait(lambda: studio.personalize.describe_dataset_import_job(datasetImportJobArn=last))


def test_a_training_can_be_stopped(studio: Studio) -> None:
    solution = studio.solution("aws-personalized-ranking")
    version = studio.personalize.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    studio.personalize.stop_solution_version_creation(solutionVersionArn=version)
    described = studio.personalize.describe_solution_version(solutionVersionArn=version)
    assert described["solutionVersion"]["status"] in ("CREATE STOPPING", "CREATE STOPPED")
    assert studio.trained(version)["status"] == "CREATE STOPPED"
    with pytest.raises(studio.personalize.exceptions.ResourceInUseException, match="cannot be stopped"):
        studio.personalize.stop_solution_version_creation(solutionVersionArn=version)


def test_by_default_a_solution_trains_a_first_version(studio: Studio) -> None:
    arn = studio.personalize.create_solution(
        name="automatic", datasetGroupArn=studio.group, recipeArn=RECIPE.format("aws-sims")
    )["solutionArn"]
    wait(lambda: studio.personalize.describe_solution(solutionArn=arn))
    (version,) = studio.personalize.list_solution_versions(solutionArn=arn)["solutionVersions"]
    assert version["trainingType"] == "AUTOMATIC"
    studio.trained(version["solutionVersionArn"])


def test_update_needs_a_full_training_before(studio: Studio) -> None:
    solution = studio.solution("aws-user-personalization")
    create = studio.personalize.create_solution_version
    with pytest.raises(studio.personalize.exceptions.InvalidInputException, match="trained with FULL"):
        create(solutionArn=solution, trainingMode="UPDATE")
    assert studio.trained(create(solutionArn=solution)["solutionVersionArn"])["status"] == "ACTIVE"
    updated = studio.trained(create(solutionArn=solution, trainingMode="UPDATE")["solutionVersionArn"])
    assert (updated["status"], updated["trainingMode"]) == ("ACTIVE", "UPDATE")


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({"recipeArn": RECIPE.format("aws-sims"), "performHPO": True, "name": "x y"}, "regular expression"),
        ({"recipeArn": RECIPE.format("aws-popularity-count"), "performHPO": True}, "does not support HPO"),
        ({"performAutoML": True}, "no longer supported"),
        ({"recipeArn": RECIPE.format("aws-vod-top-picks")}, "use case of recommenders"),
        (
            {
                "recipeArn": RECIPE.format("aws-sims"),
                "solutionConfig": {"algorithmHyperParameters": {"depth": "3"}},
            },
            "has no hyperparameter depth",
        ),
    ],
)
def test_solutions_that_are_refused(studio: Studio, request_: dict[str, Any], reason: str) -> None:
    with pytest.raises(studio.personalize.exceptions.InvalidInputException) as caught:
        studio.personalize.create_solution(**{"name": "bad", "datasetGroupArn": studio.group, **request_})
    assert reason in str(caught.value)


def test_lists_have_pages_and_tags_have_values(studio: Studio) -> None:
    pages = studio.personalize.get_paginator("list_recipes").paginate()
    assert sum(len(page["recipes"]) for page in pages) == 13
    first = studio.personalize.list_schemas(maxResults=2)
    second = studio.personalize.list_schemas(maxResults=2, nextToken=first["nextToken"])
    assert len(first["schemas"]) + len(second["schemas"]) == 3
    studio.personalize.tag_resource(resourceArn=studio.group, tags=[{"tagKey": "a", "tagValue": "1"}])
    assert studio.personalize.list_tags_for_resource(resourceArn=studio.group)["tags"] == [
        {"tagKey": "a", "tagValue": "1"}
    ]
    studio.personalize.untag_resource(resourceArn=studio.group, tagKeys=["a"])
    assert studio.personalize.list_tags_for_resource(resourceArn=studio.group)["tags"] == []


def test_metric_attributions(studio: Studio) -> None:
    metric = {"eventType": "RATING", "metricName": "ratings", "expression": "SUM(Interactions.EVENT_VALUE)"}
    arn = studio.personalize.create_metric_attribution(
        name="clicks",
        datasetGroupArn=studio.group,
        metrics=[metric],
        metricsOutputConfig={"roleArn": "arn:aws:iam::123456789012:role/p"},
    )["metricAttributionArn"]
    wait(lambda: studio.personalize.describe_metric_attribution(metricAttributionArn=arn))
    metrics = studio.personalize.list_metric_attribution_metrics(metricAttributionArn=arn)["metrics"]
    assert metrics == [metric]


class Dying:
    """A dataset group on servers that are killed."""

    def __init__(self, start: Callable[[], Any]) -> None:
        self.start, self.server = start, start()
        self.server.client("s3").create_bucket(Bucket=BUCKET)
        self.studio = Studio(self.server.client("personalize"), self.server.client("s3"), "dying").open()
        self.studio.dataset("Interactions")
        assert self.studio.load("Interactions", interactions())["status"] == "ACTIVE"

    def die(self) -> None:
        """SIGKILL, and a new server on the same state."""
        self.server.end(signal.SIGKILL)
        self.server = self.start()
        self.studio.personalize = self.server.client("personalize")


@pytest.fixture
def dying(start: Callable[[], Any]) -> Dying:
    return Dying(start)


def test_a_training_that_a_restart_interrupts_has_failed_and_can_be_done_again(dying: Dying) -> None:
    studio = dying.studio
    solution = studio.solution("aws-hrnn")
    version = studio.personalize.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    dying.die()
    interrupted = studio.trained(version)
    assert interrupted["status"] == "CREATE FAILED"
    assert "server stopped" in interrupted["failureReason"]
    again = studio.personalize.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    assert studio.trained(again)["status"] == "ACTIVE"


def test_a_campaign_answers_again_and_an_interrupted_update_left_the_old_version(dying: Dying) -> None:
    studio = dying.studio
    old = studio.version("aws-hrnn")
    campaign = studio.campaign(old["solutionVersionArn"], "films")

    def ask() -> list[dict[str, Any]]:
        runtime = dying.server.client("personalize-runtime")
        return list(runtime.get_recommendations(campaignArn=campaign, userId="3")["itemList"])

    before = ask()
    again = studio.personalize.create_solution_version(solutionArn=old["solutionArn"])["solutionVersionArn"]
    studio.trained(again)
    studio.personalize.update_campaign(campaignArn=campaign, solutionVersionArn=again)
    dying.die()
    description = studio.personalize.describe_campaign(campaignArn=campaign)["campaign"]
    assert (description["status"], description["solutionVersionArn"]) == ("ACTIVE", old["solutionVersionArn"])
    assert description["latestCampaignUpdate"]["status"] == "CREATE FAILED"
    assert "server stopped" in description["latestCampaignUpdate"]["failureReason"]
    assert ask() == before
    studio.personalize.update_campaign(campaignArn=campaign, solutionVersionArn=again)
    with pytest.raises(studio.personalize.exceptions.ResourceInUseException, match="being updated"):
        studio.personalize.delete_campaign(campaignArn=campaign)


def test_a_deletion_that_a_restart_interrupts_is_finished(dying: Dying) -> None:
    studio = dying.studio
    studio.personalize.delete_dataset(datasetArn=studio.arns["Interactions"])
    dying.die()
    assert studio.personalize.list_datasets(datasetGroupArn=studio.group)["datasets"] == []
