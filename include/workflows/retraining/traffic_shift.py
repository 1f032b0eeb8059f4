"""The shift of an endpoint's traffic to a challenger: a little of it, verified, all of it, or back again."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.sensors.date_time import DateTimeSensorAsync
from airflow.sdk import task
from airflow.sdk.exceptions import AirflowSkipException

from aws_ml.clients import Aws
from aws_ml.names import resource_name
from include.aws import sagemaker_requests
from include.aws.sagemaker_requests import ALL_TRAFFIC, endpoint_config, tagged
from include.workflows.classification.deployment import OWN_CALL, check_answers, models_of
from include.workflows.classification.registry import champion_of
from include.workflows.common.errors import EndpointDisagrees, VerificationFailed
from include.workflows.common.folders import capture_folder
from include.workflows.common.s3_documents import read_lines
from include.workflows.common.xcom import pull_answer
from include.workflows.retraining.before import before
from include.workflows.retraining.handover import (
    CHALLENGER,
    CHAMPION,
    ClassifierPlan,
    ShiftDict,
    UpdateDict,
    challenger_version,
)
from include.workflows.retraining.permission import Permission, check_champion, check_permitted
from include.workflows.retraining.verification import check_errors, check_speed

if TYPE_CHECKING:
    from include.aws.sagemaker_requests import Config
    from include.use_cases.definition import Promotion
    from include.workflows.common.xcom import Reference
    from include.workflows.retraining.handover import ClassifierMatchDict, ClassifierPlanDict

log = logging.getLogger(__name__)

SHORTEST_DEFERRAL = 5.0  # seconds
PROBES = 200  # rows that a new variant is asked


@task(multiple_outputs=True, trigger_rule="none_failed")
def shift(
    plan_dict: ClassifierPlanDict,
    contest: ClassifierMatchDict,
    bucket: str,
    permission: Permission,
    **context: Any,
) -> ShiftDict:
    """The configurations of the shift, made before anything changes.

    :raises AirflowSkipException: when the challenger is not to be promoted.
    :raises NotApproved: when nobody has answered the question whether it is.
    :raises ChampionChanged: when another version is approved by now, or the endpoint serves another model.
    """
    plan, challenger = ClassifierPlan.of(plan_dict), challenger_version(contest)
    check_permitted(context, plan, permission)
    variants = shift_variants(
        plan.case.promotion,
        plan.champion.model_name,
        challenger.model_name,
        context["params"]["instance_type"],
    )
    canary, final = (
        _configuration(plan.case.name, bucket, step, variants[step], context["dag_run"])
        for step in ("canary", "final")
    )
    endpoint = plan.case.endpoint
    serving = Aws().client("sagemaker").describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    own = serving in (canary["EndpointConfigName"], final["EndpointConfigName"])
    check_champion(context, plan, plan.champion.model_name, models_of(serving), own=own)
    approved = champion_of(plan.case)
    approved_arns = [approved.arn] if approved else []
    check_champion(context, plan, plan.champion.arn, approved_arns, own=approved_arns == [challenger.arn])
    serving = before(plan.folder, "endpoint_config", serving, own=own)
    return ShiftDict(
        canary_config=canary,
        final_config=final,
        canary=UpdateDict(EndpointName=endpoint, EndpointConfigName=canary["EndpointConfigName"]),
        final=UpdateDict(EndpointName=endpoint, EndpointConfigName=final["EndpointConfigName"]),
        roll_back=UpdateDict(EndpointName=endpoint, EndpointConfigName=serving),
    )


def _configuration(use_case: str, bucket: str, step: str, variants: list[Config], run: Any) -> Config:
    """The request of a step's endpoint configuration."""
    request = endpoint_config(
        resource_name(use_case, f"endpoint-{step}", run),
        variants=variants,
        capture=capture_folder(use_case, bucket),
    )
    return tagged(use_case, request)


def shift_variants(
    promotion: Promotion, champion: str, challenger: str, instance_type: str
) -> dict[str, list[Config]]:
    """The variants of each configuration of a shift: `canary` and `final`.

    :param champion, challenger: names of the models.
    """
    share = promotion.canary_share
    return {
        "canary": [
            sagemaker_requests.variant(CHAMPION, champion, instance_type, 1 - share),
            sagemaker_requests.variant(CHALLENGER, challenger, instance_type, share),
        ],
        "final": [sagemaker_requests.variant(ALL_TRAFFIC, challenger, instance_type)],
    }


@task
def canary_until(plan_dict: ClassifierPlanDict, **context: Any) -> str:
    """When the canary has served long enough, ISO 8601."""
    plan = ClassifierPlan.of(plan_dict)
    minutes = canary_minutes(plan.case.promotion, context["params"]["canary_minutes"])
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


class MomentSensor(DateTimeSensorAsync):
    """Waits for a moment in the triggerer. One that is near or past is awaited here: ADR 11 tells why."""

    def execute(self, context: Any) -> None:  # type: ignore[override]  # the provider's never returns
        seconds = (self._moment - datetime.now(UTC)).total_seconds()
        if seconds > SHORTEST_DEFERRAL:
            super().execute(context)
        time.sleep(max(seconds, 0.0))


def canary_minutes(promotion: Promotion, minutes: float | None) -> float:
    """How long the canary serves: as the trigger form says, else as the policy does."""
    return promotion.canary_minutes if minutes is None else minutes


@task
def verify_variant(plan_dict: ClassifierPlanDict, variant: str, **context: Any) -> dict[str, Any]:
    """Ask a variant of the endpoint and compare with the answers of the challenger's transform.

    :return: `rows`, `p99_ms` (99th percentile of the answers' times).
    :raises VerificationFailed: when an answer differs, too many calls fail, or answers are too slow.
    """
    plan = ClassifierPlan.of(plan_dict)
    promotion, place = plan.case.promotion, f"{plan.case.name}, {variant}"
    rows, expected = (
        read_lines(f"{plan.folder}/{path}")[:PROBES]
        for path in ("holdout/rows/rows.csv", f"{CHALLENGER}/rows.csv.out")
    )
    answers, errors, times = probe(plan.case.endpoint, variant, rows)
    check_errors(place, errors, len(rows), promotion)
    try:
        check_answers(*answered(answers, expected))
    except EndpointDisagrees as error:
        raise VerificationFailed(f"{place}: {error}") from error
    p99 = check_speed(place, times, promotion, context["params"]["slowest_ms"])
    log.info(
        "%s: %d answers as expected, %d calls failed, 99th percentile %.0f ms",
        place,
        len(rows) - len(errors),
        len(errors),
        p99,
    )
    return {"rows": len(rows), "p99_ms": p99}


def answered(answers: list[str | None], expected: list[str]) -> tuple[list[str], list[str]]:
    """The answers without those of calls that failed, and what was expected for the same rows.

    :raises EndpointDisagrees: when there are not as many answers as rows.
    """
    if len(answers) != len(expected):
        raise EndpointDisagrees(f"{len(answers)} rows, but {len(expected)} answers of the transform")
    pairs = [(answer, want) for answer, want in zip(answers, expected, strict=True) if answer is not None]
    return [answer for answer, _ in pairs], [want for _, want in pairs]


def probe(endpoint: str, variant: str, rows: list[str]) -> tuple[list[str | None], list[str], list[float]]:
    """Send rows one by one to a variant.

    :return: the answer to each row, None where the call failed; the errors' texts; the calls' times in
        milliseconds.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    runtime = Aws().client("sagemaker-runtime")
    answers: list[str | None] = []
    errors, times = [], []
    for number, row in enumerate(rows):
        start = time.perf_counter()
        try:
            reply = runtime.invoke_endpoint(
                EndpointName=endpoint,
                TargetVariant=variant,
                Body=row.encode(),
                ContentType="text/csv",
                Accept="text/csv",
                InferenceId=f"{OWN_CALL}{number}",
            )
            answers.append(str(reply["Body"].read().decode()).strip())
        except (BotoCoreError, ClientError) as error:  # the first is a time-out, for example
            answers.append(None)
            errors.append(str(error))
        times.append(1000 * (time.perf_counter() - start))
    return answers, errors, times


@task(trigger_rule="one_failed")
def failed_shift(updates_of: Reference, **context: Any) -> UpdateDict:
    """The configuration to go back to, where this try has begun a shift and something failed.

    :param updates_of: what the task `shift` left.
    :raises AirflowSkipException: when nothing was shifted, or something else serves by now.
    """
    updates: ShiftDict | None = pull_answer(context, updates_of)
    if not updates:
        raise AirflowSkipException("The traffic was never shifted.")
    way_back = updates["roll_back"]
    endpoint = Aws().client("sagemaker").describe_endpoint(EndpointName=way_back["EndpointName"])
    pending = endpoint.get("PendingDeploymentSummary", {}).get("EndpointConfigName")
    serving = endpoint["EndpointConfigName"]
    if not {serving, pending} & {updates[step]["EndpointConfigName"] for step in ("canary", "final")}:
        raise AirflowSkipException(f"The endpoint serves {serving}, which is not of this retraining.")
    log.warning("The shift failed: the endpoint goes back to %s", way_back["EndpointConfigName"])
    return way_back
