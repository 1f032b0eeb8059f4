"""What a recommendation use case serves: the version behind its primary campaign, and that version's run.

The name of a solution version carries the key of its run. So a campaign leads to that run's folder, whose
`run.json` says which data it learned from.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypedDict, cast

from airflow.sdk import task

from aws_ml.clients import Aws
from include.workflows.common.errors import NothingServes, NotOfThisProject
from include.workflows.common.folders import run_folder
from include.workflows.common.s3_documents import past_moment, read_json, write_json
from include.workflows.common.xcom import Reference, pull

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.use_cases.definition import RecommendationUseCase, Recommender

RECORD = "record"  # id of the task that records a run
LEARNED_UNTIL = "learned_until"  # in `run.json`, and in the conf of a run that a retraining starts
VERSION_PREFIX = "run-"  # the name of a solution version, before the key of its run


class ServedDict(TypedDict):
    """`Served` in XCom."""

    use_case: str
    arn: str
    run: str
    data: dict[str, str]
    learned_until: str
    since: str


@dataclass(frozen=True)
class Served:
    """What the campaigns of a use case serve."""

    use_case: str
    arn: str  # of the primary recommender's solution version
    run: str  # S3 URI of the run that trained it
    data: dict[str, str]  # URI of the raw file, by dataset type in lower case
    learned_until: str  # the events that were logged before are in its data, ISO 8601
    since: str  # when the campaign was updated, ISO 8601

    def to_dict(self) -> ServedDict:
        return cast("ServedDict", asdict(self))

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Served:
        return cls(**content)


class RunRecord(TypedDict):
    """`run.json`: what a run learned from, and what it made."""

    use_case: str
    moment: str  # when the run began, ISO 8601
    learned_until: str  # when its data were listed, ISO 8601
    run: str  # S3 URI
    data: dict[str, str]  # URI of the raw file, by dataset type in lower case
    versions: dict[str, str]  # ARN by recommender


def name_in(dataset_group: str, recommender: Recommender) -> str:
    """The name of a recommender's solution and campaign; the group's name may be a template."""
    return f"{dataset_group}-{recommender.key.replace('_', '-')}"


def campaign_of(case: RecommendationUseCase, recommender: Recommender) -> dict[str, Any] | None:
    """The description of a recommender's campaign; None where there is none, or it is still being made.

    :raises NothingServes: when its creation failed.
    """
    client, name = Aws().client("personalize"), name_in(case.dataset_group, recommender)
    for page in client.get_paginator("list_campaigns").paginate():
        for summary in page["campaigns"]:
            if summary["name"] != name:
                continue
            campaign = dict(client.describe_campaign(campaignArn=summary["campaignArn"])["campaign"])
            if campaign["status"] == "ACTIVE":
                return campaign
            if campaign["status"] == "CREATE FAILED":
                reason = campaign.get("failureReason", "no reason")
                raise NothingServes(f"The campaign {name} failed: {reason}")
    return None


def served(case: RecommendationUseCase, bucket: str) -> Served | None:
    """What the use case's campaigns serve; None where its primary recommender has no campaign.

    :raises NothingServes: when a campaign has failed.
    :raises NotOfThisProject: when somebody else has trained what serves.
    """
    campaigns = {each.key: campaign_of(case, each) for each in case.recommenders if each.ask}
    campaign = campaigns[case.primary.key]
    if campaign is None:
        return None
    arn = campaign["solutionVersionArn"]
    version = Aws().client("personalize").describe_solution_version(solutionVersionArn=arn)["solutionVersion"]
    name = version.get("name", "")
    if not name.startswith(VERSION_PREFIX):
        raise NotOfThisProject(
            f"{campaign['name']} serves {arn}, which no run of the DAG {case.name} has trained."
        )
    run = run_folder(case.name, bucket, name.removeprefix(VERSION_PREFIX))
    record = _read_record(run)
    since = campaign.get("lastUpdatedDateTime", campaign["creationDateTime"])
    return Served(case.name, arn, run, record["data"], record["learned_until"], since.isoformat())


def _read_record(run: str) -> RunRecord:
    """What a run left of itself.

    :raises NotOfThisProject: when `run.json` does not exist, or is half-written.
    """
    from botocore.exceptions import ClientError

    try:
        record: RunRecord = read_json(f"{run}/run.json")
        record.setdefault("learned_until", record["moment"])  # of an older run
        past_moment(record["learned_until"])
        dict(record["data"])
    except (ClientError, ValueError, KeyError, TypeError) as error:
        raise NotOfThisProject(f"{run}/run.json of what serves cannot be used: {error!r}") from error
    return record


@task(multiple_outputs=True, trigger_rule="none_failed", task_id=RECORD)
def record_run(
    case_name: str, run: str, versions: dict[str, Reference], data: dict[str, str], **context: Any
) -> RunRecord:
    """Write `run.json`: the data that the run learned from, and the version of each recommender.

    A retraining has listed the log a while before this run began, and says in its conf until when.

    :param versions: where the ARN of a recommender's version is left; nothing where it was not chosen.
    :raises ValueError: when the conf's moment is none of the past.
    """
    run_moment = context["dag_run"].run_after.isoformat()
    learned_until = str((context["dag_run"].conf or {}).get(LEARNED_UNTIL, run_moment))
    past_moment(learned_until)
    arns = {key: pull(context["ti"], source) for key, source in versions.items()}
    record = RunRecord(
        use_case=case_name,
        moment=run_moment,
        learned_until=learned_until,
        run=run,
        data=data,
        versions={key: arn for key, arn in arns.items() if arn},
    )
    write_json(f"{run}/run.json", record)
    return record
