"""The shift of an endpoint's traffic to a challenger: a little of it, verified, all of it, or back again."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import task
from airflow.sdk.exceptions import AirflowSkipException

from aws_ml.clients import Aws
from aws_ml.names import resource_name
from include.aws import sagemaker_requests as requests
from include.use_cases.catalogue import CLASSIFIERS
from include.workflows.classification.deployment import OWN_CALL, check_answers
from include.workflows.common.errors import EndpointDisagrees, VerificationFailed
from include.workflows.common.s3_documents import read_lines
from include.workflows.common.xcom import pull
from include.workflows.retraining.decision import check_promoted
from include.workflows.retraining.handover import CHALLENGER, CHAMPION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.workflows.common.xcom import Reference
    from include.workflows.retraining.handover import ClassifierMatchDict, ClassifierPlanDict

log = logging.getLogger(__name__)

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
    name, new_model = plan["champion"]["use_case"], contest["challenger"]["model_name"]
    instance, share = context["params"]["instance_type"], CLASSIFIERS[name].promotion.canary_share
    variants = {
        "canary": [
            requests.variant(CHAMPION, plan["champion"]["model_name"], instance, 1 - share),
            requests.variant(CHALLENGER, new_model, instance, share),
        ],
        "final": [requests.variant(requests.ALL_TRAFFIC, new_model, instance)],
    }
    serving = Aws().client("sagemaker").describe_endpoint(EndpointName=name)["EndpointConfigName"]
    updates: dict[str, Any] = {"roll_back": {"EndpointName": name, "EndpointConfigName": serving}}
    for step in variants:
        config = resource_name(name, f"endpoint-{step}", context["dag_run"])
        request = requests.endpoint_config(
            config, variants=variants[step], capture=f"s3://{bucket}/{name}/capture"
        )
        updates[f"{step}_config"] = requests.tagged(name, request)
        updates[step] = {"EndpointName": name, "EndpointConfigName": config}
    return updates


@task
def canary_until(plan: ClassifierPlanDict, **context: Any) -> str:
    """When the canary has served long enough, ISO 8601."""
    minutes = context["params"]["canary_minutes"]
    if minutes is None:
        minutes = CLASSIFIERS[plan["champion"]["use_case"]].promotion.canary_minutes
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


@task
def verify_variant(plan: ClassifierPlanDict, variant: str, **context: Any) -> dict[str, Any]:
    """Ask a variant of the endpoint and compare with the answers of the challenger's transform.

    :return: `rows`, `p99_ms` (99th percentile of the answers' times).
    :raises VerificationFailed: when an answer differs, too many calls fail, or answers are too slow.
    """
    name, folder = plan["champion"]["use_case"], plan["folder"]
    limits, place = CLASSIFIERS[name].promotion, f"{name}, {variant}"
    rows, expected = (
        read_lines(f"{folder}/{path}")[:PROBES]
        for path in ("holdout/rows/rows.csv", f"{CHALLENGER}/rows.csv.out")
    )
    answers, errors, times = probe(name, variant, rows)
    if len(errors) > limits.most_errors * len(rows):
        raise VerificationFailed(f"{place}: {len(errors)} of {len(rows)} calls failed: {errors[0]}")
    try:
        check_answers(answers, expected if not errors else answers)
    except EndpointDisagrees as error:
        raise VerificationFailed(f"{place}: {error}") from error
    p99 = check_speed(place, times, context["params"]["slowest_ms"] or limits.slowest_ms)
    log.info("%s: %d answers as expected, 99th percentile %.0f ms", place, len(rows), p99)
    return {"rows": len(rows), "p99_ms": p99}


def check_speed(place: str, times: Sequence[float], slowest: float) -> float:
    """The 99th percentile of answers' times, in milliseconds.

    :raises VerificationFailed: when it is above `slowest`.
    """
    p99 = sorted(times)[int(0.99 * (len(times) - 1))]
    if p99 > slowest:
        raise VerificationFailed(f"{place}: 99 % of the answers took {p99:.0f} ms, at most {slowest:g}")
    return p99


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
