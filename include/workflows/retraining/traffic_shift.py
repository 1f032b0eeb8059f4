"""The shift of an endpoint's traffic to a challenger: a little of it, verified, all of it, or back again."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from aws_ml.names import resource_name
from include.aws import sagemaker_requests
from include.use_cases.catalogue import CLASSIFIERS
from include.workflows.classification.deployment import EndpointDisagrees, compare
from include.workflows.common.s3_documents import read_lines
from include.workflows.retraining.decision import CHALLENGER, CHAMPION, check_promoted, left

log = logging.getLogger(__name__)

ALL_TRAFFIC = "AllTraffic"  # the only variant, before and after a shift
PROBES = 200  # rows that a new variant is asked


class VerificationFailed(AirflowFailException):
    """The challenger on the endpoint is not what was compared, or too slow, or it fails; not tried again."""


@task(multiple_outputs=True, trigger_rule="none_failed")
def shift(planned: dict[str, Any], contested: dict[str, Any], bucket: str, **context: Any) -> dict[str, Any]:
    """The configurations of the shift, made before anything changes.

    :return: `canary_config` (both models, the challenger with little traffic), `final_config` (the challenger
        alone), and as UpdateEndpoint takes them `canary`, `final` and `roll_back` (what serves now).
    :raises AirflowSkipException: when the challenger is not to be promoted.
    """
    from aws_ml.clients import Aws

    old, new = planned["champion"], contested["challenger"]
    check_promoted(context["ti"])
    name = old["use_case"]
    case, run = CLASSIFIERS[name], context["dag_run"]
    serving = Aws().client("sagemaker").describe_endpoint(EndpointName=name)["EndpointConfigName"]
    instance = context["params"]["instance_type"]
    share = case.promotion.canary_share
    variants = {
        "canary": [
            sagemaker_requests.variant(CHAMPION, old["model_name"], instance, 1 - share),
            sagemaker_requests.variant(CHALLENGER, new["model_name"], instance, share),
        ],
        "final": [sagemaker_requests.variant(ALL_TRAFFIC, new["model_name"], instance)],
    }
    capture = f"s3://{bucket}/{name}/capture"
    made: dict[str, Any] = {"roll_back": {"EndpointName": name, "EndpointConfigName": serving}}
    for step, them in variants.items():
        config = resource_name(name, f"endpoint-{step}", run)
        request = sagemaker_requests.endpoint_config(config, variants=them, capture=capture)
        made[f"{step}_config"] = sagemaker_requests.tagged(name, request)
        made[step] = {"EndpointName": name, "EndpointConfigName": config}
    return made


@task
def canary_until(planned: dict[str, Any], **context: Any) -> str:
    """When the canary has served long enough, ISO 8601."""
    given = context["params"]["canary_minutes"]
    minutes = (
        CLASSIFIERS[planned["champion"]["use_case"]].promotion.canary_minutes if given is None else given
    )
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


@task
def verify_variant(planned: dict[str, Any], variant: str, **context: Any) -> dict[str, Any]:
    """Ask a variant of the endpoint and compare with the answers of the challenger's transform.

    :return: `rows`, `p99_ms` (99th percentile of the answers' times).
    :raises VerificationFailed: when an answer differs, too many calls fail, or answers are too slow.
    """
    name, folder = planned["champion"]["use_case"], planned["folder"]
    limits = CLASSIFIERS[name].promotion
    slowest = context["params"]["slowest_ms"] or limits.slowest_ms
    rows, expected = (
        read_lines(f"{folder}/{place}")[:PROBES]
        for place in ("holdout/rows/rows.csv", f"{CHALLENGER}/rows.csv.out")
    )
    answers, errors, times = probe(name, variant, rows)
    if len(errors) > limits.most_errors * len(rows):
        raise VerificationFailed(f"{name}, {variant}: {len(errors)} of {len(rows)} calls failed: {errors[0]}")
    try:
        compare(answers, expected if not errors else answers)
    except EndpointDisagrees as error:
        raise VerificationFailed(f"{name}, {variant}: {error}") from error
    p99 = sorted(times)[int(0.99 * (len(times) - 1))]
    if p99 > slowest:
        raise VerificationFailed(
            f"{name}, {variant}: 99 % of the answers took {p99:.0f} ms, at most {slowest:g}"
        )
    log.info("%s, %s: %d answers as expected, 99th percentile %.0f ms", name, variant, len(rows), p99)
    return {"rows": len(rows), "p99_ms": p99}


def probe(endpoint: str, variant: str, rows: list[str]) -> tuple[list[str], list[str], list[float]]:
    """Send rows one by one to a variant.

    :return: the answers, the errors' texts, the answers' times in milliseconds.
    """
    from botocore.exceptions import ClientError

    from aws_ml.clients import Aws

    runtime = Aws().client("sagemaker-runtime")
    answers, errors, times = [], [], []
    for number, row in enumerate(rows):
        began = time.perf_counter()
        try:
            reply = runtime.invoke_endpoint(
                EndpointName=endpoint,
                TargetVariant=variant,
                Body=row.encode(),
                ContentType="text/csv",
                Accept="text/csv",
                InferenceId=f"verify-{number}",  # the drift monitor leaves these out
            )
            answers.append(str(reply["Body"].read().decode()).strip())
        except ClientError as error:
            errors.append(str(error))
        times.append(1000 * (time.perf_counter() - began))
    return answers, errors, times


@task(trigger_rule="one_failed")
def failed_shift(**context: Any) -> dict[str, str]:
    """The configuration to go back to, where a shift has begun and something failed.

    :raises AirflowSkipException: when nothing was shifted.
    """
    before = left(context["ti"], "shift", "roll_back")
    if not before:
        raise AirflowSkipException("The traffic was never shifted.")
    log.warning("The shift failed: the endpoint goes back to %s", before["EndpointConfigName"])
    return dict(before)
