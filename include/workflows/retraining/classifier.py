"""A classifier's challenger against its champion: trained, compared on the same rows, given the traffic.

Everything that a step needs is a function of the run, so that a task that is repeated does the same again.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import chain, task, task_group

from aws_ml.names import resource_name
from aws_ml.operators.sagemaker import SageMakerEndpointConfigOperator
from include.aws.sagemaker_requests import ALL_TRAFFIC, tagged, transform
from include.use_cases.catalogue import CLASSIFIERS
from include.workflows.classification.registry import REGISTER, Version, champion_of, describe_version
from include.workflows.common.folders import manifest_of
from include.workflows.common.job_tasks import (
    PROCESSING,
    TRANSFORM,
    processing_request,
    start_and_wait,
    update_endpoint,
)
from include.workflows.common.manifests import pin
from include.workflows.common.xcom import reference, xcom
from include.workflows.monitoring.captured_files import labelled_traffic
from include.workflows.retraining import decision, traffic_shift
from include.workflows.retraining.before import before, is_own_run
from include.workflows.retraining.causes import FAULTS, check_allowed, folder_of, refuse
from include.workflows.retraining.handover import (
    CHALLENGER,
    CHAMPION,
    SIDES,
    ClassifierMatchDict,
    ClassifierPlan,
    ClassifierPlanDict,
    learned_until,
    training_run,
)
from include.workflows.retraining.overrides import checked_overrides

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, XComArg

    from include.aws.sagemaker_requests import Config
    from include.use_cases.definition import UseCase
    from include.workflows.common.xcom import Handle
    from include.workflows.retraining.handover import CauseDict


def retrain(causes: XComArg, bucket: str, code: Handle) -> None:
    """The task group `retrain`, mapped over the causes of classifiers."""

    @task_group(group_id="retrain")
    def group(cause: CauseDict) -> None:
        """One use case."""
        plan: Handle = plan_classifier(cause, bucket, code)
        train = decision.train_challenger(plan, xcom(plan, "champion", "use_case"))
        contest: Handle = contest_classifier(plan, code)
        chain(*start_and_wait(PROCESSING, "assemble", plan["assemble"]), train, contest)

        gate: Handle = decision.gate(plan, contest)
        compare_on_same_rows(contest, gate)
        approve = decision.ask_for_approval(plan, gate)
        chain(gate, approve)
        permission = decision.permission_of(gate, approve)
        shift: Handle = traffic_shift.shift(plan, contest, bucket, permission)
        chain(approve, shift)
        verification, roll_back = shift_traffic(plan, shift)
        decision.conclude_loop(
            cause,
            bucket,
            plan=plan,
            contest=contest,
            permission=permission,
            change=shift,
            verification=verification,
            roll_back=roll_back,
        )

    group.expand(cause=causes)


def compare_on_same_rows(contest: Handle, gate: XComArg) -> None:
    """The tasks from `holdout` to the gate: both models answer the same rows."""
    hold_out = start_and_wait(PROCESSING, "holdout", contest["holdout"])
    compare = start_and_wait(PROCESSING, "compare", contest["comparison"])
    for side in SIDES:
        chain(hold_out[1], *start_and_wait(TRANSFORM, f"score_{side}", contest[f"{side}_scores"]), compare[0])
    chain(compare[1], gate)


def shift_traffic(plan: Handle, shift: Handle) -> tuple[XComArg, BaseOperator]:
    """The tasks that give the challenger a little traffic, then all of it, or go back to what served.

    :return: the task that verifies the challenger alone, and the one that waits for the roll-back.
    """
    canary_config, final_config = (
        SageMakerEndpointConfigOperator(task_id=f"{step}_config", config=shift[f"{step}_config"])
        for step in ("canary", "final")
    )
    canary, final = (
        update_endpoint(step, shift[step], xcom(shift, step, "EndpointConfigName"))
        for step in ("canary", "final")
    )
    until: Handle = traffic_shift.canary_until(plan)
    soak = traffic_shift.MomentSensor(task_id="soak", target_time=until)
    verify = traffic_shift.verify_variant
    verify_canary = verify.override(task_id="verify_canary")(plan, CHALLENGER)
    verify_final = verify.override(task_id="verify_final")(plan, ALL_TRAFFIC)
    chain(shift, canary_config, *canary, until, soak, verify_canary)
    chain(verify_canary, final_config, *final, verify_final)

    failed: Handle = traffic_shift.failed_shift(reference(shift))
    chain([canary[1], verify_canary, final[1], verify_final], failed)
    roll_back = update_endpoint("roll_back", failed, xcom(shift, "roll_back", "EndpointConfigName"))
    return verify_final, roll_back[1]


@task(task_id="plan", multiple_outputs=True)
def plan_classifier(
    cause: CauseDict, bucket: str, code: dict[str, str], **context: Any
) -> ClassifierPlanDict:
    """Whether a challenger is trained, and on which data.

    :return: the plan, and the request of the job that adds labelled traffic to the champion's data.
    :raises AirflowSkipException: when the policy says no, or nothing serves yet.
    :raises WrongOverride: when the form sets what the loop decides, or what the use case does not have.
    """
    name, run = cause["use_case"], context["dag_run"]
    case, folder = CLASSIFIERS[name], folder_of(name, bucket, run)
    serving = champion_of(case)
    if serving is None:
        refuse(name, f"no version is approved; run the DAG {name} first", context)
    overrides = checked_overrides(case, context["params"]["overrides"])
    faults = check_allowed(cause, bucket, context)
    own = is_own_run(serving.run, context)
    serving = Version.from_dict(before(folder, "champion", serving.to_dict(), own=own))
    since = datetime.fromisoformat(serving.learned_until)
    until = learned_until(context, since)
    traffic = labelled_traffic(case, bucket, folder, since, until)
    context["ti"].xcom_push(key=FAULTS, value=[*faults, *traffic.faults])
    assemble = processing_request(
        case,
        "assemble",
        context,
        script="assemble.py",
        inputs={
            "code": code["files"],
            "raw": manifest_of(folder, "raw", pin(serving.data_uri, folder, "raw")),
            **traffic.inputs,
        },
        outputs={"data": f"{folder}/data"},
        arguments=case.table_arguments,
    )
    conf = {**overrides, "data_uri": f"{folder}/data/data.csv", "deploy": False}
    return ClassifierPlanDict(
        champion=serving.to_dict(),
        folder=folder,
        assemble=assemble,
        training_run=training_run(context),
        learned_until=until.isoformat(),
        conf=conf,
    )


@task(task_id="contest", multiple_outputs=True)
def contest_classifier(
    plan_dict: ClassifierPlanDict, code: dict[str, str], **context: Any
) -> ClassifierMatchDict:
    """The challenger, and the requests that put both models to the same rows."""
    plan = ClassifierPlan.of(plan_dict)
    case, champion, folder = plan.case, plan.champion, plan.folder
    arn = context["ti"].xcom_pull(
        dag_id=case.name, run_id=plan.training_run, task_ids=REGISTER, key="arn", map_indexes=-1
    )
    challenger = describe_version(case.name, arn)
    models = {CHAMPION: champion.model_name, CHALLENGER: challenger.model_name}
    champion_scores, challenger_scores = (
        _scores_request(case.name, side, models[side], folder, context) for side in SIDES
    )
    return ClassifierMatchDict(
        challenger=challenger.to_dict(),
        holdout=_holdout_request(case, champion.run, challenger.run, folder, code, context),
        champion_scores=champion_scores,
        challenger_scores=challenger_scores,
        comparison=processing_request(
            case,
            "compare",
            context,
            script="compare.py",
            inputs={
                "code": code["files"],
                "labelled": f"{folder}/holdout/labelled/",
                **{side: f"{folder}/{side}/" for side in SIDES},
            },
            outputs={"comparison": f"{folder}/comparison"},
            arguments=comparison_arguments(case),
        ),
    )


def comparison_arguments(case: UseCase) -> list[str]:
    """Arguments of the job script `compare.py`."""
    return [*case.prediction_arguments, "--metric", case.promotion.metric]


def _holdout_request(
    case: UseCase, champion: str, challenger: str, folder: str, code: dict[str, str], context: Any
) -> Config:
    """The job that picks rows from which neither model has learned.

    :param champion, challenger: S3 URIs of their training runs.
    """
    return processing_request(
        case,
        "holdout",
        context,
        script="holdout.py",
        inputs={
            "code": code["files"],
            "candidates": f"{challenger}/labelled/",
            "learned_by_champion": f"{champion}/training_rows/",
            "learned_by_challenger": f"{challenger}/training_rows/",
        },
        outputs={"holdout": f"{folder}/holdout"},
        arguments=case.table_arguments,
    )


def _scores_request(name: str, side: str, model: str, folder: str, context: Any) -> Config:
    """The transform job of one side."""
    request = transform(
        resource_name(name, f"{side}-scores", context["dag_run"]),
        model_name=model,
        source=f"{folder}/holdout/rows/",
        output=f"{folder}/{side}",
        instance_type=context["params"]["instance_type"],
    )
    return tagged(name, request)
