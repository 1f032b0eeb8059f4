"""A recommendation use case's challenger: trained beside the champion, compared, put behind the campaigns.

Personalize has no traffic shift and no model registry. A campaign takes a new version while the old one goes
on answering. `run.json` says which version a run has trained, `decision.json` what became of it.
"""

from __future__ import annotations

import json
import logging
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Variable, chain, task, task_group
from airflow.sdk.exceptions import AirflowSkipException

from aws_ml.clients import Aws
from aws_ml.names import resource_name
from include.use_cases.catalogue import RECOMMENDERS
from include.workflows.common.errors import VerificationFailed
from include.workflows.common.job_tasks import (
    BATCH_INFERENCE,
    CAMPAIGN,
    PROCESSING,
    processing_request,
    start_and_wait,
)
from include.workflows.common.s3_documents import read_lines
from include.workflows.common.xcom import pull, reference
from include.workflows.monitoring.captured_files import traffic_inputs
from include.workflows.recommendation.campaigns import RECORD, campaign_of, served
from include.workflows.retraining import decision
from include.workflows.retraining.causes import check_allowed, folder_of
from include.workflows.retraining.handover import (
    CHALLENGER,
    CHAMPION,
    SIDES,
    ChallengerRunDict,
    RecommenderMatchDict,
    RecommenderPlanDict,
    training_run,
)
from include.workflows.retraining.verification import check_speed

if TYPE_CHECKING:
    from include.use_cases.definition import RecommendationUseCase
    from include.workflows.common.job_tasks import Pair
    from include.workflows.common.xcom import Reference
    from include.workflows.recommendation.campaigns import RunRecord
    from include.workflows.retraining.handover import CauseDict

log = logging.getLogger(__name__)

LIST_LENGTH = 200  # recommendations per user; those that the user knows are dropped
PROBES = 100  # users for whom the primary campaign is asked
OVERLAP = timedelta(
    hours=1
)  # of the log before the champion's training; an event that comes twice counts once
MOVED = "begun"  # XCom key of `move`: campaigns are about to change
CAMPAIGN_MEMBERS = ("name", "solutionVersionArn", "minProvisionedTPS", "campaignConfig")


def renew(case: RecommendationUseCase, bucket: str, code: Any) -> Any:
    """The task group of a use case, to be expanded over its cause."""

    @task_group(group_id=f"renew_{case.name}")
    def group(cause: CauseDict) -> None:
        plan: Any = plan_recommender(cause, bucket, code)
        train = decision.train_challenger(plan, case.name)
        contest: Any = contest_recommender(plan, code)
        chain(*start_and_wait(PROCESSING, "join", plan["join"]), train, contest)

        compare = start_and_wait(PROCESSING, "compare", contest["comparison"])
        for side in SIDES:
            lists = contest[f"{side}_lists"]
            ask = start_and_wait(BATCH_INFERENCE, f"ask_{side}", lists, wait_id=f"wait_for_{side}")
            chain(*ask, compare[0])
        gate: Any = decision.gate(plan, contest)
        approve = decision.ask_for_approval(plan, gate)
        move: Any = move_campaigns(plan, contest, reference(gate, decision.VERDICT))
        chain(compare[1], gate, approve, move)
        verified, rolled_back = move_and_verify(case, plan, contest, move)
        steps = decision.trail(
            plan=plan,
            contest=contest,
            gate=gate,
            approve=approve,
            verified=verified,
            rolled_back=rolled_back,
        )
        [verified, rolled_back] >> decision.decide(cause, bucket, steps)

    return group


def move_and_verify(case: RecommendationUseCase, plan: Any, contest: Any, move: Any) -> tuple[Any, Any]:
    """The tasks that update each campaign, verify the primary one, and go back where something failed.

    :return: the task that has verified, and the one that is reached when all campaigns went back.
    """
    moved = reference(move, MOVED)
    verified, failed, rolled_back = verify(plan, contest, moved), failed_move(moved), gone_back()
    for recommender in case.recommenders:
        if recommender.ask:
            promote = update_campaign(f"promote_{recommender.key}", move)
            roll_back = update_campaign(f"roll_back_{recommender.key}", move)
            promote[1] >> verified
            list(promote) >> failed >> roll_back[0]
            roll_back[1] >> rolled_back
    verified >> failed
    return verified, rolled_back


def update_campaign(step: str, move: Any) -> Pair:
    """An update of a campaign as `move` says under the step's name, where there is one."""
    request = reference(move, step)

    def unless_not_deployed(context: Any) -> None:
        if not pull(context["ti"], request):
            raise AirflowSkipException("The recommender has no campaign.")

    return start_and_wait(CAMPAIGN, step, move[step], pre_execute=unless_not_deployed)


@task(task_id="plan", multiple_outputs=True)
def plan_recommender(
    cause: CauseDict, bucket: str, code: dict[str, str], **context: Any
) -> RecommenderPlanDict:
    """Whether a challenger is trained, and on which data.

    :return: the plan, and the request of the job that adds the log to the champion's interactions.
    :raises AirflowSkipException: when the policy says no, or nothing serves yet.
    """
    name, run = cause["use_case"], context["dag_run"]
    case, folder = RECOMMENDERS[name], folder_of(name, bucket, run)
    serving = served(case, bucket)
    if serving is None:
        raise AirflowSkipException(f"{name}: no campaign serves; run the DAG {name} first.")
    check_allowed(cause, bucket, context)
    since = datetime.fromisoformat(serving.trained) - OVERLAP
    log_files = traffic_inputs(name, bucket, folder, since, ("interactions",))
    join = processing_request(
        case,
        "join",
        context,
        script="assemble_interactions.py",
        inputs={"code": code["files"], "ratings": serving.data["interactions"], **log_files},
        outputs={"data": f"{folder}/data"},
        arguments=[],
    )
    uris = {f"{kind}_uri": uri for kind, uri in serving.data.items()}
    uris["interactions_uri"] = f"{folder}/data/interactions.csv"
    conf = {**uris, "deploy": False, **context["params"]["overrides"]}
    return RecommenderPlanDict(
        champion=serving.to_dict(),
        folder=folder,
        join=join,
        training_run=training_run(context),
        conf=conf,
    )


@task(task_id="contest", multiple_outputs=True)
def contest_recommender(
    plan: RecommenderPlanDict, code: dict[str, str], **context: Any
) -> RecommenderMatchDict:
    """The challenger, and the requests by which both versions recommend to the same users."""
    champion, folder = plan["champion"], plan["folder"]
    case = RECOMMENDERS[champion["use_case"]]
    record: RunRecord = context["ti"].xcom_pull(
        dag_id=case.name, run_id=plan["training_run"], task_ids=RECORD, map_indexes=-1
    )
    challenger = ChallengerRunDict(**record, arn=record["versions"][case.primary.key])
    versions = {CHAMPION: champion["arn"], CHALLENGER: challenger["arn"]}
    users = f"{challenger['run']}/batch/users.json"
    champion_lists, challenger_lists = (
        _lists_request(case, side, versions[side], users, folder, context) for side in SIDES
    )
    return RecommenderMatchDict(
        challenger=challenger,
        champion_lists=champion_lists,
        challenger_lists=challenger_lists,
        comparison=processing_request(
            case,
            "compare",
            context,
            script="compare_recommenders.py",
            inputs={
                "code": code["files"],
                "holdout": f"{challenger['run']}/truth/holdout.csv",
                "learned_by_champion": f"{champion['run']}/interactions/",
                "learned_by_challenger": f"{challenger['run']}/interactions/",
                **{side: f"{folder}/{side}/" for side in SIDES},
            },
            outputs={"comparison": f"{folder}/comparison"},
            arguments=["--title", case.title],
        ),
    )


def _lists_request(
    case: RecommendationUseCase, side: str, version: str, users: str, folder: str, context: Any
) -> dict[str, Any]:
    """The batch inference job of one side, as boto3 takes it."""
    return {
        "jobName": resource_name(case.dataset_group, f"{side}-lists", context["dag_run"]),
        "solutionVersionArn": version,
        "numResults": LIST_LENGTH,
        "jobInput": {"s3DataSource": {"path": users}},
        "jobOutput": {"s3DataDestination": {"path": f"{folder}/{side}/"}},
        "batchInferenceJobConfig": dict(case.primary.campaign),
        "roleArn": Variable.get("ml_personalize_role_arn"),
    }


@task(task_id="move", multiple_outputs=True, trigger_rule="none_failed")
def move_campaigns(
    plan: RecommenderPlanDict, contest: RecommenderMatchDict, verdict: Reference, **context: Any
) -> dict[str, Any]:
    """What each campaign is to serve, and what it serves now, as UpdateCampaign takes them.

    :param verdict: of the gate.
    :return: `promote_<recommender>` and `roll_back_<recommender>`, empty where there is no campaign; `begun`.
    :raises AirflowSkipException: when the challenger is not to be promoted.
    """
    decision.check_promoted(context["ti"], verdict)
    case, versions = RECOMMENDERS[plan["champion"]["use_case"]], contest["challenger"]["versions"]
    updates: dict[str, Any] = {}
    for recommender in case.recommenders:
        key = recommender.key
        campaign = campaign_of(case, recommender) if recommender.ask and key in versions else None
        serving = (
            {name: campaign[name] for name in CAMPAIGN_MEMBERS if campaign.get(name)} if campaign else {}
        )
        updates[f"roll_back_{key}"] = serving
        updates[f"promote_{key}"] = {**serving, "solutionVersionArn": versions[key]} if serving else {}
    return {**updates, MOVED: True}


@task(trigger_rule="none_failed_min_one_success")
def verify(
    plan: RecommenderPlanDict, contest: RecommenderMatchDict, moved: Reference, **context: Any
) -> dict[str, Any]:
    """Ask the primary campaign for users of the hold-out.

    :return: `users`, `p99_ms` (99th percentile of the answers' times).
    :raises VerificationFailed: when it serves another version, answers nothing, or too slowly.
    :raises AirflowSkipException: when no campaign was moved.
    """
    check_moved(context["ti"], moved)
    case, challenger = RECOMMENDERS[plan["champion"]["use_case"]], contest["challenger"]
    campaign = campaign_of(case, case.primary)
    if campaign is None or campaign["solutionVersionArn"] != challenger["arn"]:
        serving = campaign["solutionVersionArn"] if campaign else "nothing"
        raise VerificationFailed(f"{case.name}: the campaign serves {serving}, expected {challenger['arn']}")
    lines = read_lines(f"{challenger['run']}/batch/users.json")[:PROBES]
    users = [str(json.loads(line)["userId"]) for line in lines]
    times = _ask(case.name, campaign["campaignArn"], users)
    p99 = check_speed(case.name, times, case.promotion, context["params"]["slowest_ms"])
    log.info("%s: %d users were answered, 99th percentile %.0f ms", case.name, len(users), p99)
    return {"users": len(users), "p99_ms": p99}


def _ask(name: str, campaign: str, users: list[str]) -> list[float]:
    """Ask a campaign for users, one after the other; returns the answers' times in milliseconds."""
    runtime, times = Aws().client("personalize-runtime"), []
    for user in users:
        start = time.perf_counter()
        items = runtime.get_recommendations(campaignArn=campaign, userId=user)["itemList"]
        times.append(1000 * (time.perf_counter() - start))
        if not items:
            raise VerificationFailed(f"{name}: {user} gets no recommendation")
    return times


def check_moved(ti: Any, moved: Reference) -> None:
    """:raises AirflowSkipException: when the champion's campaigns were left alone."""
    if not pull(ti, moved):
        raise AirflowSkipException("No campaign was moved.")


@task(trigger_rule="one_failed")
def failed_move(moved: Reference, **context: Any) -> None:
    """Reached where a campaign was moved and something failed.

    :raises AirflowSkipException: when no campaign was moved.
    """
    check_moved(context["ti"], moved)
    log.warning("The move failed: all campaigns go back to the champion's versions")


@task(trigger_rule="none_failed_min_one_success")
def gone_back() -> bool:
    """All campaigns serve the champion's versions again."""
    return True
