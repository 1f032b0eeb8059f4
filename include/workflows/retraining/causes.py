"""Why a retraining runs, for which use cases, and whether the policy lets it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from airflow.sdk import Asset, task
from airflow.sdk.exceptions import AirflowSkipException

from aws_ml.names import run_key
from include.use_cases import policy
from include.use_cases.catalogue import CASES
from include.workflows.common.s3_documents import list_objects, read_json
from include.workflows.retraining.handover import CauseDict, VerdictDict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.workflows.retraining.handover import DecisionDict

ALLOWED = "allowed"  # XCom key: the policy's answer


def folder_of(use_case: str, bucket: str, run: Any) -> str:
    """S3 URI of what a retraining leaves for a use case."""
    return f"s3://{bucket}/{use_case}/retraining/{run_key(run)}"


@task
def causes(**context: Any) -> list[CauseDict]:
    """Why this run was started, per use case: drift events, the clock, or a person."""
    return list({cause["use_case"]: cause for cause in _causes(context)}.values())  # the newest of each


@task
def causes_of(all_causes: list[CauseDict], names: list[str]) -> list[CauseDict]:
    """The causes of some use cases."""
    return [cause for cause in all_causes if cause["use_case"] in names]


def _causes(context: Any) -> Iterator[CauseDict]:
    events = [
        (asset.name, event.extra)
        for asset, asset_events in context["triggering_asset_events"].items()
        if isinstance(asset, Asset)  # the alias by which the monitor emits is listed, too
        for event in asset_events
    ]
    for name, extra in events:
        cause = policy.read_event(name, extra)
        yield CauseDict(use_case=cause.use_case, kind="drift", report=dict(cause.report))
    if not events:
        scheduled = context["dag_run"].run_type == "scheduled"
        for use_case in context["params"]["use_cases"]:
            yield CauseDict(use_case=use_case, kind="schedule" if scheduled else "manual", report={})


def check_allowed(cause: CauseDict, bucket: str, context: Any) -> None:
    """Ask the use case's policy; its answer stays in XCom, under `allowed`.

    :raises AirflowSkipException: when it does not let the use case retrain now.
    """
    name, moment = cause["use_case"], context["dag_run"].run_after
    earlier = [
        policy.Retraining(datetime.fromisoformat(decision["moment"]), decision["trained"])
        for decision in decisions(name, bucket)
    ]
    allowed = policy.may_retrain(cause["kind"], earlier, moment, CASES[name].monitoring)
    context["ti"].xcom_push(key=ALLOWED, value=VerdictDict(yes=allowed.yes, why=allowed.why))
    if not allowed.yes:
        raise AirflowSkipException(f"{name}: {allowed.why}")


def decisions(use_case: str, bucket: str) -> list[DecisionDict]:
    """All decisions of a use case, oldest first."""
    objects = list_objects(f"s3://{bucket}/{use_case}/retraining")
    return [cast("DecisionDict", read_json(uri)) for uri in objects if uri.endswith("/decision.json")]
