"""Why a retraining runs, for which use cases, and whether the policy lets it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NoReturn

from airflow.sdk import Asset, task
from airflow.sdk.exceptions import AirflowSkipException

from aws_ml.names import key_time, run_key
from include.use_cases import policy
from include.use_cases.catalogue import CASES
from include.workflows.common.errors import UnreadableEvents
from include.workflows.common.notification import report_faults
from include.workflows.common.s3_documents import list_objects, past_moment, read_documents
from include.workflows.common.xcom import pull
from include.workflows.retraining.handover import CauseDict, VerdictDict

if TYPE_CHECKING:
    from datetime import datetime

    from include.workflows.common.xcom import Reference
    from include.workflows.retraining.handover import DecisionDict

FAULTS = "faults"  # XCom key: what could not be read, and why
ALLOWED = "allowed"  # XCom key: the policy's answer


def folder_of(use_case: str, bucket: str, run: Any) -> str:
    """S3 URI of what a retraining leaves for a use case."""
    return f"s3://{bucket}/{use_case}/retraining/{run_key(run)}"


@task
def causes(**context: Any) -> list[CauseDict]:
    """Why this run was started, per use case: drift events, the clock, or a person.

    An event that cannot be read is left out; `report_events` tells people.

    :raises UnreadableEvents: when no event is left of a run that events have started.
    """
    return list({cause["use_case"]: cause for cause in _causes(context)}.values())  # the newest of each


@task
def causes_of(all_causes: list[CauseDict], names: list[str]) -> list[CauseDict]:
    """The causes of some use cases."""
    return [cause for cause in all_causes if cause["use_case"] in names]


def _causes(context: Any) -> list[CauseDict]:
    run_type = context["dag_run"].run_type  # an enumeration whose members equal their texts
    if run_type == "asset_triggered":
        return _drifts(context)
    kind: Literal["schedule", "manual"] = "schedule" if run_type == "scheduled" else "manual"
    return [CauseDict(use_case=name, kind=kind, report={}) for name in context["params"]["use_cases"]]


def _drifts(context: Any) -> list[CauseDict]:
    """What the events that started the run say."""
    events = [
        (asset.name, event.extra)
        for asset, asset_events in context["triggering_asset_events"].items()
        if isinstance(asset, Asset)  # the alias by which the monitor emits is listed, too
        for event in asset_events
    ]
    drifts, faults = [], []
    for name, extra in events:
        try:
            cause = policy.read_event(name, extra)
        except policy.BadEvent as error:
            faults.append(str(error))
        else:
            drifts.append(CauseDict(use_case=cause.use_case, kind="drift", report=dict(cause.report)))
    context["ti"].xcom_push(key=FAULTS, value=faults)
    if not drifts:
        raise UnreadableEvents(f"None of {len(events)} events says which use case has drifted.")
    return drifts


@task(trigger_rule="all_done")
def report_events(faults: Reference, **context: Any) -> None:
    """Tell people of drift events that cannot be read: a task of its own, so that no message stops a run.

    :param faults: what `causes` leaves.
    :raises AirflowSkipException: when there is none.
    """
    if not (texts := pull(context["ti"], faults)):
        raise AirflowSkipException("All events can be read.")
    report_faults("retraining: drift events that cannot be read", texts, context)


def check_allowed(cause: CauseDict, bucket: str, context: Any) -> list[str]:
    """Ask the use case's policy; its answer stays in XCom, under `allowed`.

    :return: the decisions that cannot be read, and why; they are left out, and `decide` tells people.
    :raises AirflowSkipException: when it does not let the use case retrain now.
    """
    name, moment = cause["use_case"], context["dag_run"].run_after
    rules = CASES[name].monitoring
    since, own = moment - policy.retrainings_remembered(rules), folder_of(name, bucket, context["dag_run"])
    earlier, faults = retrainings(name, bucket, since, own)
    # newer ones there are where this run is cleared later
    earlier = [retraining for retraining in earlier if retraining.moment <= moment]
    context["ti"].xcom_push(key=FAULTS, value=faults)
    allowed = policy.may_retrain(cause["kind"], earlier, moment, rules)
    if not allowed.yes:
        refuse(name, allowed.why, context)
    context["ti"].xcom_push(key=ALLOWED, value=VerdictDict(yes=True, why=allowed.why))
    return faults


def refuse(name: str, why: str, context: Any) -> NoReturn:
    """Leave in XCom that a use case is not retrained, and why.

    :raises AirflowSkipException: always.
    """
    context["ti"].xcom_push(key=ALLOWED, value=VerdictDict(yes=False, why=why))
    raise AirflowSkipException(f"{name}: {why}")


def retrainings(
    use_case: str, bucket: str, since: datetime, own: str
) -> tuple[list[policy.Retraining], list[str]]:
    """The decided retrainings of a use case since a moment, oldest first; and the documents left out.

    The folders of the runs sort by time, so that older ones are neither listed nor read.

    :param own: S3 URI of the folder of this run, whose decision, from before it was cleared, does not count.
    """
    objects = list_objects(f"s3://{bucket}/{use_case}/retraining", after=key_time(since))
    documents = [uri for uri in objects if uri.endswith("/decision.json") and not uri.startswith(f"{own}/")]
    return read_documents(documents, _retraining)


def _retraining(decision: DecisionDict) -> policy.Retraining:
    moment = past_moment(decision["moment"])
    if not isinstance(decision["trained"], bool):
        raise ValueError(f"trained is {decision['trained']!r}, expected true or false")
    return policy.Retraining(moment, decision["trained"])
