"""The move of a use case's campaigns to a challenger's versions: each updated, verified, or moved back."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any

from airflow.sdk import chain, task
from airflow.sdk.exceptions import AirflowSkipException

from aws_ml.clients import Aws
from include.workflows.common.errors import VerificationFailed
from include.workflows.common.job_tasks import start_and_wait
from include.workflows.common.s3_documents import read_lines
from include.workflows.common.xcom import pull, pull_answer, reference
from include.workflows.recommendation.campaigns import campaign_of
from include.workflows.recommendation.job_kinds import CAMPAIGN
from include.workflows.retraining.before import before
from include.workflows.retraining.handover import ChallengerRun, RecommenderPlan
from include.workflows.retraining.permission import Permission, check_champion, check_permitted
from include.workflows.retraining.verification import check_speed

if TYPE_CHECKING:
    from airflow.sdk import XComArg

    from include.use_cases.definition import RecommendationUseCase, Recommender
    from include.workflows.common.job_tasks import Pair
    from include.workflows.common.xcom import Handle, Reference
    from include.workflows.retraining.handover import RecommenderMatchDict, RecommenderPlanDict

log = logging.getLogger(__name__)

PROBES = 100  # users for whom the primary campaign is asked
BEGUN = "begun"  # XCom key of `move`: campaigns are about to change
CAMPAIGN_MEMBERS = ("name", "solutionVersionArn", "minProvisionedTPS", "campaignConfig")


def move_and_verify(
    case: RecommendationUseCase, plan: Handle, contest: Handle, move: Handle
) -> tuple[XComArg, XComArg]:
    """The tasks that update each campaign, verify the primary one, and go back where something failed.

    :return: the task that verifies, and the one that is reached when all campaigns went back.
    """
    beginning = reference(move, BEGUN)
    verification, failed, end = (
        verify(plan, contest, beginning),
        failed_move(plan, contest, beginning),
        gone_back(),
    )
    for recommender in case.recommenders:
        if recommender.ask:
            promote = update_campaign(f"promote_{recommender.key}", move)
            roll_back = update_campaign(f"roll_back_{recommender.key}", move)
            chain(promote[1], verification)
            chain(list(promote), failed, *roll_back, end)
    chain(verification, failed)
    return verification, end


def update_campaign(step: str, move: Handle) -> Pair:
    """An update of a campaign as `move` says under the step's name, where there is one."""
    request = reference(move, step)

    def unless_not_deployed(context: Any) -> None:
        if not pull(context["ti"], request):
            raise AirflowSkipException("The recommender has no campaign.")

    return start_and_wait(CAMPAIGN, step, move[step], pre_execute=unless_not_deployed)


@task(task_id="move", multiple_outputs=True, trigger_rule="none_failed")
def move_campaigns(
    plan_dict: RecommenderPlanDict, contest: RecommenderMatchDict, permission: Permission, **context: Any
) -> dict[str, Any]:
    """What each campaign is to serve, and what it serves now, as UpdateCampaign takes them.

    :return: `promote_<recommender>` and `roll_back_<recommender>`, empty where there is no campaign; `begun`.
    :raises AirflowSkipException: when the challenger is not to be promoted.
    :raises NotApproved: when nobody has answered the question whether it is.
    :raises ChampionChanged: when the primary campaign serves another version by now.
    """
    plan, challenger = RecommenderPlan.of(plan_dict), ChallengerRun.of(contest)
    check_permitted(context, plan, permission)
    case, versions = plan.case, challenger.versions
    campaigns = {
        recommender.key: serving_campaign(case, recommender, versions) for recommender in case.recommenders
    }
    in_service = (key for key, campaign in campaigns.items() if campaign)
    own = any(campaigns[key]["solutionVersionArn"] == versions[key] for key in in_service)
    primary = campaigns[case.primary.key]
    serving = [primary["solutionVersionArn"]] if primary else []
    check_champion(context, plan, plan.champion.arn, serving, own=own)
    updates: dict[str, Any] = {BEGUN: True}
    for key, campaign in before(plan.folder, "campaigns", campaigns, own=own).items():
        updates[f"roll_back_{key}"] = campaign
        updates[f"promote_{key}"] = {**campaign, "solutionVersionArn": versions[key]} if campaign else {}
    return updates


def serving_campaign(
    case: RecommendationUseCase, recommender: Recommender, versions: dict[str, str]
) -> dict[str, Any]:
    """A recommender's campaign, as UpdateCampaign takes it; empty where it has none, or no new version."""
    if not recommender.ask or recommender.key not in versions:
        return {}
    campaign = campaign_of(case, recommender) or {}
    return {name: campaign[name] for name in CAMPAIGN_MEMBERS if campaign.get(name)}


@task(trigger_rule="none_failed_min_one_success")
def verify(
    plan_dict: RecommenderPlanDict, contest: RecommenderMatchDict, beginning: Reference, **context: Any
) -> dict[str, Any]:
    """Ask the primary campaign for users of the hold-out.

    :return: `users`, `p99_ms` (99th percentile of the answers' times).
    :raises VerificationFailed: when it serves another version, answers nothing, or too slowly.
    :raises AirflowSkipException: when no campaign was moved.
    """
    check_begun(context, beginning)
    case, challenger = RecommenderPlan.of(plan_dict).case, ChallengerRun.of(contest)
    campaign = campaign_of(case, case.primary)
    if campaign is None or campaign["solutionVersionArn"] != challenger.arn:
        serving = campaign["solutionVersionArn"] if campaign else "nothing"
        raise VerificationFailed(f"{case.name}: the campaign serves {serving}, expected {challenger.arn}")
    lines = read_lines(f"{challenger.run}/batch/users.json")[:PROBES]
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


def check_begun(context: Any, beginning: Reference) -> None:
    """:raises AirflowSkipException: when this try has left the champion's campaigns alone."""
    if not pull_answer(context, beginning):
        raise AirflowSkipException("No campaign was moved.")


@task(trigger_rule="one_failed")
def failed_move(
    plan_dict: RecommenderPlanDict, contest: RecommenderMatchDict, beginning: Reference, **context: Any
) -> None:
    """Reached where a campaign was moved and something failed.

    :raises AirflowSkipException: when no campaign was moved, or none serves this retraining's version by now.
    """
    check_begun(context, beginning)
    case, versions = RecommenderPlan.of(plan_dict).case, ChallengerRun.of(contest).versions
    if not any(_serves(case, recommender, versions) for recommender in case.recommenders):
        raise AirflowSkipException("No campaign serves a version of this retraining.")
    log.warning("The move failed: all campaigns go back to the champion's versions")


def _serves(case: RecommendationUseCase, recommender: Recommender, versions: dict[str, str]) -> bool:
    """Whether a recommender's campaign serves the version of this retraining, or is about to."""
    version, campaign = versions.get(recommender.key), campaign_of(case, recommender) or {}
    about_to = campaign.get("latestCampaignUpdate", {}).get("solutionVersionArn")
    return version is not None and version in (campaign.get("solutionVersionArn"), about_to)


@task(trigger_rule="none_failed_min_one_success")
def gone_back() -> bool:
    """All campaigns serve the champion's versions again."""
    return True
