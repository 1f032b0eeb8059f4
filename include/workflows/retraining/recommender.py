"""A recommendation use case's challenger: trained beside the champion, compared, put behind the campaigns.

Personalize has no traffic shift and no model registry. A campaign takes a new version while the old one goes
on answering. `run.json` says which version a run has trained, `decision.json` what became of it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Variable, chain, task, task_group

from aws_ml.names import resource_name
from include.use_cases.catalogue import RECOMMENDERS
from include.workflows.common.folders import manifest_of
from include.workflows.common.job_tasks import PROCESSING, processing_request, start_and_wait
from include.workflows.common.manifests import pin
from include.workflows.monitoring.captured_files import traffic_inputs
from include.workflows.recommendation.campaigns import LEARNED_UNTIL, RECORD, Served, served
from include.workflows.recommendation.job_kinds import BATCH_INFERENCE
from include.workflows.retraining import decision
from include.workflows.retraining.before import before, is_own_run
from include.workflows.retraining.campaign_move import move_and_verify, move_campaigns
from include.workflows.retraining.causes import FAULTS, check_allowed, folder_of, refuse
from include.workflows.retraining.handover import (
    CHALLENGER,
    CHAMPION,
    SIDES,
    ChallengerRunDict,
    RecommenderMatchDict,
    RecommenderPlan,
    RecommenderPlanDict,
    learned_until,
    training_run,
)
from include.workflows.retraining.overrides import checked_overrides

if TYPE_CHECKING:
    from airflow.sdk import XComArg

    from include.use_cases.definition import RecommendationUseCase
    from include.workflows.common.xcom import Handle
    from include.workflows.recommendation.campaigns import RunRecord
    from include.workflows.retraining.handover import CauseDict

LIST_LENGTH = 200  # recommendations per user; those that the user knows are dropped
# of the log before the end of what the champion learned from; an event that comes twice counts once
OVERLAP = timedelta(hours=1)


def renew(case: RecommendationUseCase, causes: XComArg, bucket: str, code: Handle) -> None:
    """The task group of a use case, mapped over its cause."""

    @task_group(group_id=f"renew_{case.name}")
    def group(cause: CauseDict) -> None:
        """One use case."""
        plan: Handle = plan_recommender(cause, bucket, code)
        train = decision.train_challenger(plan, case.name)
        contest: Handle = contest_recommender(plan, code)
        chain(*start_and_wait(PROCESSING, "join", plan["join"]), train, contest)

        gate: Handle = decision.gate(plan, contest)
        compare_lists(contest, gate)
        approve = decision.ask_for_approval(plan, gate)
        permission = decision.permission_of(gate, approve)
        move: Handle = move_campaigns(plan, contest, permission)
        chain(gate, approve, move)
        verification, roll_back = move_and_verify(case, plan, contest, move)
        decision.conclude_loop(
            cause,
            bucket,
            plan=plan,
            contest=contest,
            permission=permission,
            change=move,
            verification=verification,
            roll_back=roll_back,
        )

    group.expand(cause=causes)


def compare_lists(contest: Handle, gate: XComArg) -> None:
    """The tasks up to the gate: both versions recommend to the same users."""
    compare = start_and_wait(PROCESSING, "compare", contest["comparison"])
    for side in SIDES:
        lists = contest[f"{side}_lists"]
        ask = start_and_wait(BATCH_INFERENCE, f"ask_{side}", lists, wait_id=f"wait_for_{side}")
        chain(*ask, compare[0])
    chain(compare[1], gate)


@task(task_id="plan", multiple_outputs=True)
def plan_recommender(
    cause: CauseDict, bucket: str, code: dict[str, str], **context: Any
) -> RecommenderPlanDict:
    """Whether a challenger is trained, and on which data.

    :return: the plan, and the request of the job that adds the log to the champion's interactions.
    :raises AirflowSkipException: when the policy says no, or nothing serves yet.
    :raises WrongOverride: when the form sets what the loop decides, or what the use case does not have.
    """
    name, run = cause["use_case"], context["dag_run"]
    case, folder = RECOMMENDERS[name], folder_of(name, bucket, run)
    serving = served(case, bucket)
    if serving is None:
        refuse(name, f"no campaign serves; run the DAG {name} first", context)
    overrides = checked_overrides(case, context["params"]["overrides"])
    faults = check_allowed(cause, bucket, context)
    own = is_own_run(serving.run, context)
    serving = Served.from_dict(before(folder, "champion", serving.to_dict(), own=own))
    since = datetime.fromisoformat(serving.learned_until)
    until = learned_until(context, since)
    ratings = manifest_of(folder, "ratings", pin(serving.data["interactions"], folder, "ratings"))
    traffic = traffic_inputs(name, bucket, folder, since - OVERLAP, ("interactions",), until)
    context["ti"].xcom_push(key=FAULTS, value=[*faults, *traffic.faults])
    join = processing_request(
        case,
        "join",
        context,
        script="assemble_interactions.py",
        inputs={"code": code["files"], "ratings": ratings, **traffic.inputs},
        outputs={"data": f"{folder}/data"},
        arguments=case.log_arguments,
    )
    uris = {f"{kind}_uri": uri for kind, uri in serving.data.items()}
    uris["interactions_uri"] = f"{folder}/data/interactions.csv"
    conf = {**overrides, **uris, "deploy": False, LEARNED_UNTIL: until.isoformat()}
    return RecommenderPlanDict(
        champion=serving.to_dict(),
        folder=folder,
        join=join,
        training_run=training_run(context),
        learned_until=until.isoformat(),
        conf=conf,
    )


@task(task_id="contest", multiple_outputs=True)
def contest_recommender(
    plan_dict: RecommenderPlanDict, code: dict[str, str], **context: Any
) -> RecommenderMatchDict:
    """The challenger, and the requests by which both versions recommend to the same users."""
    plan = RecommenderPlan.of(plan_dict)
    case, champion, folder = plan.case, plan.champion, plan.folder
    record: RunRecord = context["ti"].xcom_pull(
        dag_id=case.name, run_id=plan.training_run, task_ids=RECORD, map_indexes=-1
    )
    challenger = ChallengerRunDict(**record, arn=record["versions"][case.primary.key])
    versions = {CHAMPION: champion.arn, CHALLENGER: challenger["arn"]}
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
                "holdout": f"{challenger['run']}/truth/",
                "learned_by_champion": f"{champion.run}/interactions/",
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
