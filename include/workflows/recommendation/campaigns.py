"""What a recommendation use case serves: the version behind its primary campaign, and the run behind that.

A run's key is the name of its solution versions, so that a campaign leads to the folder of its run; there
`run.json` says which data it learned from.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk import task
from airflow.sdk.exceptions import AirflowException

from include.workflows.common.s3_documents import read_json, write_json

if TYPE_CHECKING:
    from include.use_cases.definition import RecommendationUseCase, Recommender

VERSION_PREFIX = "run-"  # the name of a solution version, before the key of its run


class NotRecorded(AirflowException):
    """A campaign serves a version that no workflow of this project has trained."""


@dataclass(frozen=True)
class Served:
    """What the campaigns of a use case serve."""

    use_case: str
    arn: str  # of the primary recommender's solution version
    run: str  # S3 URI of the run that trained it
    data: dict[str, str]  # URI of the raw file, by dataset type in lower case
    trained: str  # when that run began, ISO 8601
    since: str  # when the campaign was updated, ISO 8601

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def name_in(dataset_group: str, one: Recommender) -> str:
    """The name of a recommender's solution and campaign; the group's name may be a template."""
    return f"{dataset_group}-{one.key.replace('_', '-')}"


def campaign_of(case: RecommendationUseCase, one: Recommender) -> dict[str, Any] | None:
    """The description of a recommender's campaign; None where there is none that answers."""
    from aws_ml.clients import Aws

    client, name = Aws().client("personalize"), name_in(case.dataset_group, one)
    for page in client.get_paginator("list_campaigns").paginate():
        for found in page["campaigns"]:
            if found["name"] == name and found["status"] == "ACTIVE":
                return dict(client.describe_campaign(campaignArn=found["campaignArn"])["campaign"])
    return None


def served(case: RecommendationUseCase, bucket: str) -> Served | None:
    """What the use case's campaigns serve; None where its primary recommender has no campaign.

    :raises NotRecorded: when somebody else has trained what serves.
    """
    from aws_ml.clients import Aws

    campaign = campaign_of(case, case.primary)
    if campaign is None:
        return None
    arn = campaign["solutionVersionArn"]
    version = Aws().client("personalize").describe_solution_version(solutionVersionArn=arn)["solutionVersion"]
    name = version.get("name", "")
    if not name.startswith(VERSION_PREFIX):
        raise NotRecorded(
            f"{campaign['name']} serves {arn}, which no run of the DAG {case.name} has trained."
        )
    run = run_folder(case.name, bucket, name.removeprefix(VERSION_PREFIX))
    found = read_json(f"{run}/run.json")
    since = campaign.get("lastUpdatedDateTime", campaign["creationDateTime"])
    return Served(case.name, arn, run, found["data"], found["moment"], since.isoformat())


def run_folder(use_case: str, bucket: str, key: str) -> str:
    """S3 URI of what a run leaves; the arguments may be templates."""
    return f"s3://{bucket}/{use_case}/runs/{key}"


@task(multiple_outputs=True, trigger_rule="none_failed")
def record(case_name: str, run: str, keys: list[str], data: dict[str, str], **context: Any) -> dict[str, Any]:
    """Write `run.json`: the data that the run learned from, and the version of each recommender.

    :return: `use_case`, `moment` (when the run began), `run`, `data`, `versions`.
    """
    trained = {key: context["ti"].xcom_pull(task_ids=f"{key}.train", key="arn") for key in keys}
    found = {
        "use_case": case_name,
        "moment": context["dag_run"].run_after.isoformat(),
        "run": run,
        "data": data,
        "versions": {key: arn for key, arn in trained.items() if arn},
    }
    write_json(f"{run}/run.json", found)
    return found
