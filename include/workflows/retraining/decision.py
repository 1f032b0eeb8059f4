"""A challenger against the champion: why it is trained, what it is worth, what was decided.

Everything that a step needs is a function of the run, so that a task that is repeated does the same again.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Asset, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from aws_ml.names import run_key
from include.use_cases import policy
from include.use_cases.catalogue import CASES, CLASSIFIERS
from include.workflows.common.s3_documents import list_objects, read_json, write_json
from include.workflows.monitoring.windows import tell

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

CHAMPION, CHALLENGER = "champion", "challenger"
APPROVAL_LIMIT = 1024  # characters of a version's ApprovalDescription


def folder_of(use_case: str, bucket: str, run: Any) -> str:
    """S3 URI of what a retraining leaves for a use case."""
    return f"s3://{bucket}/{use_case}/retraining/{run_key(run)}"


@task
def causes(**context: Any) -> list[dict[str, Any]]:
    """Why this run was started, once for each use case: drift events, the clock, or a person."""
    return list({cause["use_case"]: cause for cause in _causes(context)}.values())  # the newest of each


@task
def those_of(found: list[dict[str, Any]], names: list[str]) -> list[dict[str, Any]]:
    """The causes of some use cases."""
    return [cause for cause in found if cause["use_case"] in names]


def _causes(context: Any) -> Iterator[dict[str, Any]]:
    events = [
        (asset.name, event.extra)
        for asset, happened in context["triggering_asset_events"].items()
        if isinstance(asset, Asset)  # the alias that the monitor emits by is listed, too
        for event in happened
    ]
    for name, extra in events:
        cause = policy.read_event(name, extra)
        yield {"use_case": cause.use_case, "kind": "drift", "report": dict(cause.report)}
    if not events:
        kind = "schedule" if context["dag_run"].run_type == "scheduled" else "manual"
        for use_case in context["params"]["use_cases"]:
            yield {"use_case": use_case, "kind": kind, "report": {}}


def check_allowed(cause: dict[str, Any], bucket: str, context: Any) -> None:
    """Whether the use case's policy lets it retrain now; the answer stays in XCom, under `allowed`.

    :raises AirflowSkipException: when it does not.
    """
    name, moment = cause["use_case"], context["dag_run"].run_after
    earlier = [
        policy.Retraining(datetime.fromisoformat(d["moment"]), d["trained"]) for d in decisions(name, bucket)
    ]
    allowed = policy.may_retrain(cause["kind"], earlier, moment, CASES[name].monitoring)
    context["ti"].xcom_push(key="allowed", value={"yes": allowed.yes, "why": allowed.why})
    if not allowed.yes:
        raise AirflowSkipException(f"{name}: {allowed.why}")


def decisions(use_case: str, bucket: str) -> list[dict[str, Any]]:
    """All decisions of a use case, oldest first."""
    kept = list_objects(f"s3://{bucket}/{use_case}/retraining")
    return [read_json(uri) for uri in kept if uri.endswith("/decision.json")]


@task(multiple_outputs=True)
def gate(planned: dict[str, Any], contested: dict[str, Any], **context: Any) -> dict[str, Any]:
    """Whether the challenger takes over, by the use case's policy.

    :return: `why`, `question` (Markdown, for the approval), and `report`.
    :raises AirflowSkipException: when it does not.
    """
    name, folder = planned["champion"]["use_case"], planned["folder"]
    case = CASES[name]
    found = read_json(f"{folder}/comparison/comparison.json")
    decision = policy.promote(found, case.promotion)
    context["ti"].xcom_push(key="decision", value={"yes": decision.yes, "why": decision.why})
    log.info("%s: %s, %s", name, "promote" if decision.yes else "keep the champion", decision.why)
    if not decision.yes:
        raise AirflowSkipException(f"{name}: the champion stays; {decision.why}")
    return {
        "why": decision.why,
        "question": question(planned, contested, found),
        "report": f"{folder}/comparison",
    }


def question(planned: dict[str, Any], contested: dict[str, Any], found: dict[str, Any]) -> str:
    """The numbers of a comparison as Markdown."""
    champion_, challenger = planned["champion"], contested["challenger"]
    lines = [
        f"| {name} | {found['champion'][name]:.4f} | {found['challenger'][name]:.4f} |"
        f" {found['challenger'][name] - found['champion'][name]:+.4f} |"
        for name in found["shown"]
    ]
    return "\n".join(
        [
            f"On {found['compared_on']}:",
            "",
            "| metric | champion | challenger | gain |",
            "|---|---|---|---|",
            *lines,
            "",
            f"The challenger is better in {found['better_share']:.0%} of {found['gain']['samples']} samples.",
            "",
            f"Champion: `{champion_['arn']}`, challenger: `{challenger['arn']}`",
            "",
            f"Report: `{planned['folder']}/comparison/report.html`",
        ]
    )


def train(planned: Any, dag_id: str) -> TriggerDagRunOperator:
    """The task `train`: a run of the use case's own DAG; a repeated task finds the jobs of its first try."""
    return TriggerDagRunOperator(
        task_id="train",
        trigger_dag_id=dag_id,
        trigger_run_id=planned["training_run"],
        conf=planned["conf"],
        reset_dag_run=True,
        fail_when_dag_is_paused=True,
        wait_for_completion=True,
        deferrable=True,
        poke_interval=10,
    )


def approve(gated: Any) -> ApprovalOperator:
    """The task `approve`: a person is asked, where the policy or the trigger form wants it."""
    return ApprovalOperator(
        task_id="approve",
        subject="{{ macros.aws_ml.run_key(dag_run) }}: promote the challenger?",
        body=gated["question"],
        defaults="Reject",
        response_timeout=timedelta(hours=24),
        pre_execute=unless_manual,
    )


def check_promoted(ti: Any) -> None:
    """A skipped question alone does not say why it was skipped.

    :raises AirflowSkipException: when the gate kept the champion.
    """
    decision = left(ti, "gate", "decision")
    if not decision or not decision["yes"]:
        raise AirflowSkipException("The champion stays.")


def unless_manual(context: Any) -> None:
    """Skip the question where the use case's policy approves by itself."""
    champion = left(context["ti"], "plan", "champion")
    if CASES[champion["use_case"]].promotion.approval == "auto" and not context["params"]["ask"]:
        raise AirflowSkipException("The use case's policy approves by itself.")


def left(ti: Any, step: str, key: str = "return_value") -> Any:
    """What another task of the same group left in XCom."""
    group = ti.task_id.rpartition(".")[0]
    return ti.xcom_pull(task_ids=f"{group}.{step}", key=key, map_indexes=ti.map_index)


@task(trigger_rule="all_done", retries=3)
def decide(
    cause: dict[str, Any], bucket: str, verified: str, rolled_back: str, **context: Any
) -> dict[str, Any]:
    """Write down what was decided, and tell the registry: `decision.json` says what happened and why.

    :param verified, rolled_back: the tasks of the group that leave something when that happened.

    :raises AirflowFailException: when the deployment was rolled back, or a step failed: people should look.
    """
    ti, run = context["ti"], context["dag_run"]

    challenger = left(ti, "contest", "challenger")
    outcome, why = conclude(
        allowed=left(ti, "plan", "allowed"),
        decision=left(ti, "gate", "decision"),
        answer=left(ti, "approve"),
        verified=left(ti, verified),
        rolled_back=left(ti, rolled_back),
    )
    name = cause["use_case"]
    said = {
        "version": "1.0",
        "use_case": name,
        "moment": run.run_after.isoformat(),
        "outcome": outcome,
        "why": why,
        "cause": cause,
        "trained": bool(challenger),
        "champion": left(ti, "plan", "champion"),
        "challenger": challenger,
        "comparison": f"{folder_of(name, bucket, run)}/comparison" if left(ti, "gate", "decision") else None,
        "run": run.run_id,
    }
    write_json(f"{folder_of(name, bucket, run)}/decision.json", said)
    if challenger and name in CLASSIFIERS:  # Personalize has no registry: its versions stay as they are
        _register(challenger["arn"], said, f"{folder_of(name, bucket, run)}/decision.json")
    log.info("%s: %s, %s", name, outcome, why)
    if outcome in ("rolled back", "failed"):
        tell(f"{name}: retraining {outcome}", why, context)
        raise AirflowFailException(f"{name}: {outcome}, {why}")
    return said


def conclude(
    *,
    allowed: dict[str, Any] | None,
    decision: dict[str, Any] | None,
    answer: dict[str, Any] | None,
    verified: dict[str, Any] | None,
    rolled_back: dict[str, Any] | None,
) -> tuple[str, str]:
    """What came of a retraining, and why, from what its steps left.

    :return: `not started`, `rejected`, `refused` (by a person, or nobody answered), `rolled back`, `promoted`
        or `failed`; and the reason in words.
    """
    if verified and decision:
        return "promoted", decision["why"]
    if rolled_back:
        return "rolled back", "the challenger did not pass its verification on the endpoint"
    if answer and answer["chosen_options"] != ["Approve"]:
        who = (answer.get("responded_by_user") or {}).get("name") or "nobody answered in time"
        return "refused", f"the approval was refused ({who})"
    if decision and not decision["yes"]:
        return "rejected", decision["why"]
    if allowed and not allowed["yes"]:
        return "not started", allowed["why"]
    if allowed is None:
        return "not started", "no version is approved yet"
    return "failed", "a step failed: see the log of the task that is red"


def _register(arn: str, said: dict[str, Any], uri: str) -> None:
    """Approve or reject the challenger's version; the reason stays with it."""
    from aws_ml.clients import Aws

    Aws().client("sagemaker").update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved" if said["outcome"] == "promoted" else "Rejected",
        ApprovalDescription=f"{said['outcome']}: {said['why']}"[:APPROVAL_LIMIT],
        CustomerMetadataProperties={"decision": uri},
    )
