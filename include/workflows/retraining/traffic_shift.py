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
from include.use_cases.catalogue import CLASSIFIERS
from include.workflows.classification.deployment import OWN_CALL, check_answers
from include.workflows.common.errors import EndpointDisagrees, VerificationFailed
from include.workflows.common.folders import capture_folder
from include.workflows.common.s3_documents import read_lines
from include.workflows.common.xcom import pull
from include.workflows.retraining.decision import check_promoted
from include.workflows.retraining.handover import CHALLENGER, CHAMPION
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
    plan: ClassifierPlanDict,
    contest: ClassifierMatchDict,
    bucket: str,
    verdict: Reference,
    **context: Any,
) -> dict[str, Any]:
    """The configurations of the shift, made before anything changes.

    :param verdict: of the gate.
    :return: `canary_config` (both models, the challenger with little traffic), `final_config` (the challenger
        alone), and as UpdateEndpoint takes them `canary`, `final` and `roll_back` (what serves now).
    :raises AirflowSkipException: when the challenger is not to be promoted.
    """
    check_promoted(context["ti"], verdict)
    name = plan["champion"]["use_case"]
    variants = shift_variants(
        CLASSIFIERS[name].promotion,
        plan["champion"]["model_name"],
        contest["challenger"]["model_name"],
        context["params"]["instance_type"],
    )
    endpoint = CLASSIFIERS[name].endpoint
    serving = Aws().client("sagemaker").describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    updates: dict[str, Any] = {"roll_back": {"EndpointName": endpoint, "EndpointConfigName": serving}}
    for step in variants:
        config = resource_name(name, f"endpoint-{step}", context["dag_run"])
        request = sagemaker_requests.endpoint_config(
            config, variants=variants[step], capture=capture_folder(name, bucket)
        )
        updates[f"{step}_config"] = sagemaker_requests.tagged(name, request)
        updates[step] = {"EndpointName": endpoint, "EndpointConfigName": config}
    return updates


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
        "final": [sagemaker_requests.variant(sagemaker_requests.ALL_TRAFFIC, challenger, instance_type)],
    }


@task
def canary_until(plan: ClassifierPlanDict, **context: Any) -> str:
    """When the canary has served long enough, ISO 8601."""
    promotion = CLASSIFIERS[plan["champion"]["use_case"]].promotion
    minutes = canary_minutes(promotion, context["params"]["canary_minutes"])
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
def verify_variant(plan: ClassifierPlanDict, variant: str, **context: Any) -> dict[str, Any]:
    """Ask a variant of the endpoint and compare with the answers of the challenger's transform.

    :return: `rows`, `p99_ms` (99th percentile of the answers' times).
    :raises VerificationFailed: when an answer differs, too many calls fail, or answers are too slow.
    """
    name, folder = plan["champion"]["use_case"], plan["folder"]
    promotion, place = CLASSIFIERS[name].promotion, f"{name}, {variant}"
    rows, expected = (
        read_lines(f"{folder}/{path}")[:PROBES]
        for path in ("holdout/rows/rows.csv", f"{CHALLENGER}/rows.csv.out")
    )
    answers, errors, times = probe(CLASSIFIERS[name].endpoint, variant, rows)
    check_errors(place, errors, len(rows), promotion)
    try:
        check_answers(answers, expected if not errors else answers)
    except EndpointDisagrees as error:
        raise VerificationFailed(f"{place}: {error}") from error
    p99 = check_speed(place, times, promotion, context["params"]["slowest_ms"])
    log.info("%s: %d answers as expected, 99th percentile %.0f ms", place, len(rows), p99)
    return {"rows": len(rows), "p99_ms": p99}


def probe(endpoint: str, variant: str, rows: list[str]) -> tuple[list[str], list[str], list[float]]:
    """Send rows one by one to a variant.

    :return: the answers, the errors' texts, the answers' times in milliseconds.
    """
    from botocore.exceptions import ClientError

    runtime = Aws().client("sagemaker-runtime")
    answers, errors, times = [], [], []
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
        except ClientError as error:
            errors.append(str(error))
        times.append(1000 * (time.perf_counter() - start))
    return answers, errors, times


@task(trigger_rule="one_failed")
def failed_shift(serving: Reference, **context: Any) -> dict[str, str]:
    """The configuration to go back to, where a shift has begun and something failed.

    :param serving: what served before the shift.
    :raises AirflowSkipException: when nothing was shifted.
    """
    before = pull(context["ti"], serving)
    if not before:
        raise AirflowSkipException("The traffic was never shifted.")
    log.warning("The shift failed: the endpoint goes back to %s", before["EndpointConfigName"])
    return dict(before)
