"""A recommendation use case's challenger: trained beside the champion, compared, put behind the campaigns.

Personalize has no traffic shift and no model registry. A campaign takes a new version while the old one goes
on answering; which version a run has trained stands in its `run.json`, what became of it in `decision.json`.
"""

from __future__ import annotations

import json
import logging
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Variable, chain, task, task_group
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from aws_ml.names import resource_name, run_key
from aws_ml.operators.personalize import PersonalizeBatchInferenceJobOperator, PersonalizeCampaignOperator
from aws_ml.sensors.personalize import PersonalizeBatchInferenceJobSensor, PersonalizeCampaignSensor
from include.use_cases.catalogue import RECOMMENDERS
from include.workflows.common.job_tasks import process, processing_request, pulled
from include.workflows.common.s3_documents import read_lines
from include.workflows.monitoring.windows import traffic
from include.workflows.recommendation.campaigns import campaign_of, served
from include.workflows.retraining import decision
from include.workflows.retraining.decision import CHALLENGER, CHAMPION, left

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

    from include.use_cases.definition import RecommendationUseCase

log = logging.getLogger(__name__)

LISTED = 200  # recommendations a user, of which those are dropped that the user knows
PROBES = 100  # users that the primary campaign is asked for
OVERLAP = timedelta(hours=1)  # of the log before the champion's training: what comes twice counts once


class CampaignFailed(AirflowFailException):
    """A campaign serves another version, nothing, or too slowly; not tried again."""


def renew(case: RecommendationUseCase, bucket: str, code: Any) -> Any:
    """The task group of a use case, to be expanded over its cause."""
    group = f"renew_{case.name}"

    @task_group(group_id=group)
    def renewal(cause: dict[str, Any]) -> None:
        planned: Any = plan(cause, bucket, code)
        train = decision.train(planned, case.name)
        contested: Any = contest(planned, code)
        chain(*process(group, "join", planned["join"]), train, contested)

        compare, compared = process(group, "compare", contested["comparison"])
        for side in (CHAMPION, CHALLENGER):
            chain(*recommend(group, side, contested[f"{side}_lists"]), compare)
        gate: Any = decision.gate(planned, contested)
        moves: Any = move(planned, contested)
        chain(compared, gate, decision.approve(gate), moves)

        verified, failed, back = verify(planned, contested), failed_move(), gone_back()
        for one in (one for one in case.recommenders if one.ask):
            promote, promoted = update_campaign(group, f"promote_{one.key}", moves[f"promote_{one.key}"])
            roll_back, rolled_back = update_campaign(
                group, f"roll_back_{one.key}", moves[f"roll_back_{one.key}"]
            )
            promoted >> verified
            [promote, promoted] >> failed >> roll_back
            rolled_back >> back
        verified >> failed
        [verified, back] >> decision.decide(cause, bucket, verified="verify", rolled_back="gone_back")

    return renewal


def recommend(group: str, side: str, request: Any) -> tuple[BaseOperator, BaseOperator]:
    """A batch inference job of one side's version."""
    start = PersonalizeBatchInferenceJobOperator(
        task_id=f"ask_{side}", config=request, wait_for_completion=False
    )
    arn = pulled(f"{group}.ask_{side}", "['batchInferenceJobArn']")
    wait = PersonalizeBatchInferenceJobSensor(task_id=f"wait_for_{side}", arn=arn, deferrable=True)
    start >> wait
    return start, wait


def update_campaign(group: str, step: str, request: Any) -> tuple[BaseOperator, BaseOperator]:
    """An update of a campaign, where there is one."""
    start = PersonalizeCampaignOperator(
        task_id=step, config=request, wait_for_completion=False, pre_execute=unless_not_deployed
    )
    arn = pulled(f"{group}.{step}", "['campaignArn']")
    wait = PersonalizeCampaignSensor(task_id=f"wait_for_{step}", arn=arn, deferrable=True)
    start >> wait
    return start, wait


def unless_not_deployed(context: Any) -> None:
    """Skip a recommender that has no campaign."""
    ti = context["ti"]
    if not left(ti, "move", ti.task_id.rpartition(".")[2]):
        raise AirflowSkipException("The recommender has no campaign.")


@task(multiple_outputs=True)
def plan(cause: dict[str, Any], bucket: str, code: dict[str, str], **context: Any) -> dict[str, Any]:
    """Whether a challenger is trained, and on which data.

    :return: `champion`, `folder`, `training_run` (run id of the use case's DAG), `conf` (its params), and the
        request `join` of the job that adds the log to the champion's interactions.
    :raises AirflowSkipException: when the policy says no, or nothing serves yet.
    """
    name, run = cause["use_case"], context["dag_run"]
    case, folder = RECOMMENDERS[name], decision.folder_of(name, bucket, run)
    serving = served(case, bucket)
    if serving is None:
        raise AirflowSkipException(f"{name}: no campaign serves; run the DAG {name} first.")
    decision.check_allowed(cause, bucket, context)
    since = datetime.fromisoformat(serving.trained) - OVERLAP
    inputs = {"code": code["files"], "ratings": serving.data["interactions"]}
    inputs |= traffic(name, bucket, folder, since, ("interactions",))
    own = {f"{kind}_uri": uri for kind, uri in serving.data.items()}
    own["interactions_uri"] = f"{folder}/data/interactions.csv"
    return {
        "champion": serving.to_dict(),
        "folder": folder,
        "join": processing_request(
            case,
            "join",
            context,
            script="join_interactions.py",
            inputs=inputs,
            outputs={"data": f"{folder}/data"},
            arguments=[],
        ),
        "training_run": f"{context['dag'].dag_id}__{run_key(run)}",
        "conf": {**own, "deploy": False, **context["params"]["overrides"]},
    }


@task(multiple_outputs=True)
def contest(planned: dict[str, Any], code: dict[str, str], **context: Any) -> dict[str, Any]:
    """What the challenger is, and the requests by which both versions recommend to the same users.

    :return: `challenger`, and the requests `champion_lists`, `challenger_lists`, `comparison`.
    """
    old, folder = planned["champion"], planned["folder"]
    case = RECOMMENDERS[old["use_case"]]
    new = context["ti"].xcom_pull(
        dag_id=case.name, run_id=planned["training_run"], task_ids="record", map_indexes=-1
    )
    challenger = {**new, "arn": new["versions"][case.primary.key]}
    sides = {CHAMPION: old["arn"], CHALLENGER: challenger["arn"]}
    users = f"{new['run']}/batch/users.json"
    comparison = processing_request(
        case,
        "compare",
        context,
        script="compare_lists.py",
        inputs={
            "code": code["files"],
            "holdout": f"{new['run']}/truth/holdout.csv",
            "learned_by_champion": f"{old['run']}/interactions/",
            "learned_by_challenger": f"{new['run']}/interactions/",
            **{side: f"{folder}/{side}/" for side in sides},
        },
        outputs={"comparison": f"{folder}/comparison"},
        arguments=["--title", case.title],
    )
    lists = {
        f"{side}_lists": {
            "jobName": resource_name(case.dataset_group, f"{side}-lists", context["dag_run"]),
            "solutionVersionArn": arn,
            "numResults": LISTED,
            "jobInput": {"s3DataSource": {"path": users}},
            "jobOutput": {"s3DataDestination": {"path": f"{folder}/{side}/"}},
            "batchInferenceJobConfig": dict(case.primary.campaign),
            "roleArn": Variable.get("ml_personalize_role_arn"),
        }
        for side, arn in sides.items()
    }
    return {"challenger": challenger, **lists, "comparison": comparison}


@task(multiple_outputs=True, trigger_rule="none_failed")
def move(planned: dict[str, Any], contested: dict[str, Any], **context: Any) -> dict[str, Any]:
    """What each campaign is to serve, and what it serves now, as UpdateCampaign takes them.

    :return: `promote_<recommender>` and `roll_back_<recommender>`, empty where there is no campaign; `begun`.
    :raises AirflowSkipException: when the challenger is not to be promoted.
    """
    decision.check_promoted(context["ti"])
    case, versions = RECOMMENDERS[planned["champion"]["use_case"]], contested["challenger"]["versions"]
    made: dict[str, Any] = {}
    for one in case.recommenders:
        campaign = campaign_of(case, one) if one.ask and one.key in versions else None
        names = ("name", "solutionVersionArn", "minProvisionedTPS", "campaignConfig")
        now = {name: campaign[name] for name in names if campaign.get(name)} if campaign else {}
        made[f"roll_back_{one.key}"] = now
        made[f"promote_{one.key}"] = {**now, "solutionVersionArn": versions[one.key]} if now else {}
    return {**made, "begun": True}


@task(trigger_rule="none_failed_min_one_success")
def verify(planned: dict[str, Any], contested: dict[str, Any], **context: Any) -> dict[str, Any]:
    """Ask the primary campaign for users of the hold-out.

    :return: `users`, `p99_ms` (99th percentile of the answers' times).
    :raises CampaignFailed: when it serves another version, answers nothing, or too slowly.
    :raises AirflowSkipException: when no campaign was moved.
    """
    from aws_ml.clients import Aws

    check_moved(context["ti"])
    case, new = RECOMMENDERS[planned["champion"]["use_case"]], contested["challenger"]
    campaign = campaign_of(case, case.primary)
    if campaign is None or campaign["solutionVersionArn"] != new["arn"]:
        found = campaign["solutionVersionArn"] if campaign else "nothing"
        raise CampaignFailed(f"{case.name}: the campaign serves {found}, expected {new['arn']}")
    users = [json.loads(line)["userId"] for line in read_lines(f"{new['run']}/batch/users.json")[:PROBES]]
    runtime, times = Aws().client("personalize-runtime"), []
    for user in users:
        began = time.perf_counter()
        items = runtime.get_recommendations(campaignArn=campaign["campaignArn"], userId=user)["itemList"]
        times.append(1000 * (time.perf_counter() - began))
        if not items:
            raise CampaignFailed(f"{case.name}: {user} is recommended nothing")
    p99 = sorted(times)[int(0.99 * (len(times) - 1))]
    slowest = context["params"]["slowest_ms"] or case.promotion.slowest_ms
    if p99 > slowest:
        raise CampaignFailed(f"{case.name}: 99 % of the answers took {p99:.0f} ms, at most {slowest:g}")
    log.info("%s: %d users were answered, 99th percentile %.0f ms", case.name, len(users), p99)
    return {"users": len(users), "p99_ms": p99}


def check_moved(ti: Any) -> None:
    """:raises AirflowSkipException: when the champion's campaigns were left alone."""
    if not left(ti, "move", "begun"):
        raise AirflowSkipException("No campaign was moved.")


@task(trigger_rule="one_failed")
def failed_move(**context: Any) -> None:
    """Reached where a campaign was moved and something failed.

    :raises AirflowSkipException: when no campaign was moved.
    """
    check_moved(context["ti"])
    log.warning("The move failed: all campaigns go back to the champion's versions")


@task(trigger_rule="none_failed_min_one_success")
def gone_back() -> bool:
    """All campaigns serve the champion's versions again."""
    return True
