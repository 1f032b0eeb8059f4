"""A challenger against the champion: whether it is trained, what it is worth, what was decided.

Everything that a step needs is a function of the run, so that a task that is repeated does the same again.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, Variable, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from aws_ml.images import connection_image_uri
from aws_ml.names import resource_name, run_key
from include import policy, requests
from include.documents import list_objects, read_json, write_json
from include.task_groups.monitoring import labelled_traffic, tell
from include.task_groups.registration import Version, champion
from include.use_cases.catalogue import CLASSIFIERS

if TYPE_CHECKING:
    from include.requests import Config
    from include.use_cases.definition import UseCase

log = logging.getLogger(__name__)

CHAMPION, CHALLENGER = "champion", "challenger"
APPROVAL_LIMIT = 1024  # characters of a version's ApprovalDescription


def folder_of(use_case: str, bucket: str, run: Any) -> str:
    """S3 URI of what a retraining leaves for a use case."""
    return f"s3://{bucket}/{use_case}/retraining/{run_key(run)}"


@task
def causes(**context: Any) -> list[dict[str, Any]]:
    """Why this run was started, once for each use case: drift events, the clock, or a person."""
    events = context["triggering_asset_events"]
    found = [
        policy.read_event(asset.name, event.extra)
        for asset, happened in events.items()
        if isinstance(asset, Asset)  # the alias that the monitor emits by is listed, too
        for event in happened
    ]
    if found:
        newest = {cause.use_case: cause for cause in found}  # two events of a use case are one cause
        return [{"use_case": name, "kind": "drift", "report": dict(c.report)} for name, c in newest.items()]
    kind = "schedule" if context["dag_run"].run_type == "scheduled" else "manual"
    return [{"use_case": name, "kind": kind, "report": {}} for name in context["params"]["use_cases"]]


@task(multiple_outputs=True)
def plan(cause: dict[str, Any], bucket: str, code: dict[str, str], **context: Any) -> dict[str, Any]:
    """Whether a challenger is trained, and on which data.

    :return: `champion`, `folder`, `training_run` (run id of the use case's DAG), `conf` (its params), and
        the request `assemble` of the job that adds labelled traffic to the champion's data.
    :raises AirflowSkipException: when the policy says no, or nothing serves yet.
    """
    name, run = cause["use_case"], context["dag_run"]
    case, folder, serving = CLASSIFIERS[name], folder_of(name, bucket, run), champion(name)
    if serving is None:
        raise AirflowSkipException(f"{name}: no version is approved; run the DAG {name} first.")
    earlier = [
        policy.Retraining(datetime.fromisoformat(d["moment"]), d["trained"]) for d in decisions(name, bucket)
    ]
    allowed = policy.may_retrain(cause["kind"], earlier, run.run_after, case.monitoring)
    context["ti"].xcom_push(key="allowed", value={"yes": allowed.yes, "why": allowed.why})
    if not allowed.yes:
        raise AirflowSkipException(f"{name}: {allowed.why}")
    inputs = {"code": code["files"], "raw": serving.data_uri}
    inputs |= labelled_traffic(name, bucket, folder, datetime.fromisoformat(serving.since))
    assemble = _processing(
        case, "assemble", run, inputs, {"data": f"{folder}/data"}, case.table_arguments, context
    )
    data_uri = f"{folder}/data/data.csv"
    conf = {"data_uri": data_uri, "deploy": False, **context["params"]["overrides"]}
    return {
        "champion": serving.to_dict(),
        "folder": folder,
        "assemble": assemble,
        "training_run": f"{context['dag'].dag_id}__{run_key(run)}",
        "conf": conf,
    }


def decisions(use_case: str, bucket: str) -> list[dict[str, Any]]:
    """All decisions of a use case, oldest first."""
    kept = list_objects(f"s3://{bucket}/{use_case}/retraining")
    return [read_json(uri) for uri in kept if uri.endswith("/decision.json")]


def _processing(
    case: UseCase,
    step: str,
    run: Any,
    inputs: dict[str, str],
    outputs: dict[str, str],
    arguments: list[str],
    context: Any,
) -> Config:
    request = requests.processing(
        resource_name(case.name, step, run),
        image=connection_image_uri("sklearn", case.sklearn_version),
        script=f"{step}.py",
        inputs=inputs,
        outputs=outputs,
        arguments=arguments,
        instance_type=context["params"]["instance_type"],
        role=Variable.get("ml_role_arn"),
    )
    return requests.tagged(case.name, request)


@task(multiple_outputs=True)
def contest(planned: dict[str, Any], code: dict[str, str], **context: Any) -> dict[str, Any]:
    """What the challenger is, and the requests that put both models to the same rows.

    :return: `challenger`, and the requests `holdout`, `champion_scores`, `challenger_scores`, `comparison`.
    """
    from aws_ml.jobs.aws import Aws

    run, folder, old = context["dag_run"], planned["folder"], planned["champion"]
    name = old["use_case"]
    case = CLASSIFIERS[name]
    arn = context["ti"].xcom_pull(
        dag_id=name, run_id=planned["training_run"], task_ids="register", key="arn", map_indexes=-1
    )
    package = Aws().client("sagemaker").describe_model_package(ModelPackageName=arn)
    new = Version.of(name, package)
    holdout = _processing(
        case,
        "holdout",
        run,
        {
            "code": code["files"],
            "candidates": f"{new.run}/labelled/test.csv",
            "learned_by_champion": f"{old['run']}/training_rows/",
            "learned_by_challenger": f"{new.run}/training_rows/",
        },
        {"holdout": f"{folder}/holdout"},
        case.table_arguments,
        context,
    )
    sides = {CHAMPION: old["model_name"], CHALLENGER: new.model_name}
    scores = {f"{side}_scores": _scores(name, side, model, folder, context) for side, model in sides.items()}
    comparison = _processing(
        case,
        "compare",
        run,
        {
            "code": code["files"],
            "labelled": f"{folder}/holdout/labelled/test.csv",
            **{side: f"{folder}/{side}/" for side in sides},
        },
        {"comparison": f"{folder}/comparison"},
        [
            *("--label-column", case.label_column),
            *("--labels", *case.labels),
            *("--threshold", str(case.threshold)),
            *("--metric", case.promotion.metric),
            *("--title", case.title),
        ],
        context,
    )
    return {"challenger": new.to_dict(), "holdout": holdout, **scores, "comparison": comparison}


def _scores(name: str, side: str, model: str, folder: str, context: Any) -> Config:
    request = requests.transform(
        resource_name(name, f"{side}-scores", context["dag_run"]),
        model_name=model,
        source=f"{folder}/holdout/rows/",
        output=f"{folder}/{side}",
        instance_type=context["params"]["instance_type"],
    )
    return requests.tagged(name, request)


@task(multiple_outputs=True)
def gate(planned: dict[str, Any], contested: dict[str, Any], **context: Any) -> dict[str, Any]:
    """Whether the challenger takes over, by the use case's policy.

    :return: `why`, `question` (Markdown, for the approval), and `report`.
    :raises AirflowSkipException: when it does not.
    """
    name, folder = planned["champion"]["use_case"], planned["folder"]
    case = CLASSIFIERS[name]
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
    names = ("auc", "pr_auc", "f1", "precision", "recall", "accuracy")
    lines = [
        f"| {name} | {found['champion'][name]:.4f} | {found['challenger'][name]:.4f} |"
        f" {found['challenger'][name] - found['champion'][name]:+.4f} |"
        for name in names
    ]
    return "\n".join(
        [
            f"On {found['rows']:,} rows new to both, {found['positives']:,} of them positive:",
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


def unless_manual(context: Any) -> None:
    """Skip the question where the use case's policy approves by itself."""
    name = context["ti"].xcom_pull(
        task_ids="retrain.plan", key="champion", map_indexes=context["ti"].map_index
    )
    if CLASSIFIERS[name["use_case"]].promotion.approval == "auto" and not context["params"]["ask"]:
        raise AirflowSkipException("The use case's policy approves by itself.")


@task(trigger_rule="all_done", retries=3)
def decide(cause: dict[str, Any], bucket: str, **context: Any) -> dict[str, Any]:
    """Write down what was decided, and tell the registry: `decision.json` says what happened and why.

    :raises AirflowFailException: when the deployment was rolled back, or a step failed: people should look.
    """
    ti, run = context["ti"], context["dag_run"]

    def left(task_id: str, key: str = "return_value") -> Any:
        return ti.xcom_pull(task_ids=f"retrain.{task_id}", key=key, map_indexes=ti.map_index)

    challenger = left("contest", "challenger")
    outcome, why = conclude(
        allowed=left("plan", "allowed"),
        decision=left("gate", "decision"),
        answer=left("approve"),
        verified=left("verify_final"),
        rolled_back=left("wait_for_roll_back"),
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
        "champion": left("plan", "champion"),
        "challenger": challenger,
        "comparison": f"{folder_of(name, bucket, run)}/comparison" if left("gate", "decision") else None,
        "run": run.run_id,
    }
    write_json(f"{folder_of(name, bucket, run)}/decision.json", said)
    if challenger:
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
    from aws_ml.jobs.aws import Aws

    Aws().client("sagemaker").update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved" if said["outcome"] == "promoted" else "Rejected",
        ApprovalDescription=f"{said['outcome']}: {said['why']}"[:APPROVAL_LIMIT],
        CustomerMetadataProperties={"decision": uri},
    )
