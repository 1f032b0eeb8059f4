"""A classifier's challenger against its champion: what it is trained on, and on which rows both are scored.

Everything that a step needs is a function of the run, so that a task that is repeated does the same again.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import task
from airflow.sdk.exceptions import AirflowSkipException

from aws_ml.names import resource_name, run_key
from include.aws import sagemaker_requests
from include.use_cases.catalogue import CLASSIFIERS
from include.workflows.classification.registry import Version, champion
from include.workflows.common.job_tasks import processing_request
from include.workflows.monitoring.windows import traffic
from include.workflows.retraining.decision import CHALLENGER, CHAMPION, check_allowed, folder_of

if TYPE_CHECKING:
    from include.aws.sagemaker_requests import Config


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
    check_allowed(cause, bucket, context)
    inputs = {"code": code["files"], "raw": serving.data_uri}
    inputs |= traffic(name, bucket, folder, datetime.fromisoformat(serving.since))
    assemble = processing_request(
        case,
        "assemble",
        context,
        script="assemble.py",
        inputs=inputs,
        outputs={"data": f"{folder}/data"},
        arguments=case.table_arguments,
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


@task(multiple_outputs=True)
def contest(planned: dict[str, Any], code: dict[str, str], **context: Any) -> dict[str, Any]:
    """What the challenger is, and the requests that put both models to the same rows.

    :return: `challenger`, and the requests `holdout`, `champion_scores`, `challenger_scores`, `comparison`.
    """
    from aws_ml.clients import Aws

    folder, old = planned["folder"], planned["champion"]
    name = old["use_case"]
    case = CLASSIFIERS[name]
    arn = context["ti"].xcom_pull(
        dag_id=name, run_id=planned["training_run"], task_ids="register", key="arn", map_indexes=-1
    )
    package = Aws().client("sagemaker").describe_model_package(ModelPackageName=arn)
    new = Version.of(name, package)
    holdout = processing_request(
        case,
        "holdout",
        context,
        script="holdout.py",
        inputs={
            "code": code["files"],
            "candidates": f"{new.run}/labelled/test.csv",
            "learned_by_champion": f"{old['run']}/training_rows/",
            "learned_by_challenger": f"{new.run}/training_rows/",
        },
        outputs={"holdout": f"{folder}/holdout"},
        arguments=case.table_arguments,
    )
    sides = {CHAMPION: old["model_name"], CHALLENGER: new.model_name}
    scores = {f"{side}_scores": _scores(name, side, model, folder, context) for side, model in sides.items()}
    comparison = processing_request(
        case,
        "compare",
        context,
        script="compare.py",
        inputs={
            "code": code["files"],
            "labelled": f"{folder}/holdout/labelled/test.csv",
            **{side: f"{folder}/{side}/" for side in sides},
        },
        outputs={"comparison": f"{folder}/comparison"},
        arguments=[
            *("--label-column", case.label_column),
            *("--labels", *case.labels),
            *("--threshold", str(case.threshold)),
            *("--metric", case.promotion.metric),
            *("--title", case.title),
        ],
    )
    return {"challenger": new.to_dict(), "holdout": holdout, **scores, "comparison": comparison}


def _scores(name: str, side: str, model: str, folder: str, context: Any) -> Config:
    request = sagemaker_requests.transform(
        resource_name(name, f"{side}-scores", context["dag_run"]),
        model_name=model,
        source=f"{folder}/holdout/rows/",
        output=f"{folder}/{side}",
        instance_type=context["params"]["instance_type"],
    )
    return sagemaker_requests.tagged(name, request)
