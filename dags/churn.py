"""
## Customer churn

Which customers of a telephone company are about to leave? The workflow learns it from past customers,
proves how well it knows, and puts the model behind an endpoint.

| step | what happens | where |
|---|---|---|
| **stage_data**, **upload_code** | data and job scripts go to S3; what is there is skipped | Airflow |
| **preprocess** | validates the data, splits it (70/20/10), fits the feature transformer | processing job |
| **train** | built-in XGBoost | training job |
| **create_model** | one unit: features → XGBoost → label | inference pipeline |
| **batch_transform** | predicts the test rows | transform job |
| **evaluate** | metrics and an HTML report, kept beside the model | processing job |
| **baseline** | what the data and the predictions look like, to compare traffic with | processing job |
| **register** | the model's next version in the model package group `churn` | model registry |
| **deploy** | the endpoint `churn`, its answers checked; the version is approved | endpoint |
| **publish** | announces the model and its metrics as the asset `model/churn` | Airflow |

Operators start jobs, sensors (**wait_for_...**) wait for them and show their logs. A task that is repeated
finds its job again and never pays twice; one that is killed or cleared while it waits stops its job.

**Your own data**: trigger with `data_uri`, the S3 URI of a CSV file with the columns that
`include/use_cases/churn/README.md` names.

**Settings** are Airflow Variables: `ml_bucket`, an S3 bucket; `ml_role_arn`, the role that SageMaker assumes.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, chain

from aws_ml.operators.sagemaker import (
    SageMakerModelOperator,
    SageMakerTrainingOperator,
    SageMakerTransformOperator,
)
from aws_ml.sensors.sagemaker import (
    SageMakerTrainingSensor,
    SageMakerTransformSensor,
)
from include.aws import sagemaker_requests
from include.use_cases.churn.use_case import CHURN
from include.workflows.classification.deployment import deploy
from include.workflows.classification.publishing import publish
from include.workflows.classification.registry import register
from include.workflows.common.params import hyperparameter_templates, workflow_params
from include.workflows.common.processing import processing
from include.workflows.common.staging import stage_data, upload_code

BUCKET = "{{ var.value.ml_bucket }}"
RUN = f"s3://{BUCKET}/churn/runs/{{{{ macros.aws_ml.run_key(dag_run) }}}}"
SKLEARN = f"{{{{ macros.aws_ml.image_uri('sklearn', '{CHURN.sklearn_version}') }}}}"
XGBOOST = f"{{{{ macros.aws_ml.image_uri('xgboost', '{CHURN.xgboost_version}') }}}}"
BUNDLE = "{{ ti.xcom_pull('upload_code')['bundle'] }}"
MODEL_DATA = "{{ ti.xcom_pull('wait_for_train')['ModelArtifacts']['S3ModelArtifacts'] }}"


def name(step: str) -> str:
    """A template: this run's name for the resource of a step."""
    return f"{{{{ macros.aws_ml.resource_name('churn', '{step}', dag_run) }}}}"


def transformer(mode: str) -> sagemaker_requests.Config:
    """The fitted feature transformer as a serving container, in one of its two modes."""
    return sagemaker_requests.script_container(
        SKLEARN,
        f"{RUN}/model/model.tar.gz",
        bundle=BUNDLE,
        script="inference.py",
        environment={"TRANSFORM_MODE": mode, "DECISION_THRESHOLD": str(CHURN.threshold)},
    )


with DAG(
    "churn",
    description=CHURN.title,
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=24),
    params=workflow_params(CHURN),
    tags=list(CHURN.tags),
    default_args={"owner": CHURN.owner, "retries": 1, "retry_delay": timedelta(seconds=30)},
):
    data = stage_data(CHURN.dataset, BUCKET, "{{ params.data_uri or '' }}")
    code = upload_code("churn", BUCKET, ["jobs"])

    preprocess, wait_for_preprocess = processing(
        "churn",
        "preprocess",
        image=SKLEARN,
        run=RUN,
        inputs={"raw": "{{ ti.xcom_pull('stage_data')['uri'] }}"},
        outputs=["train", "validation", "test", "labelled", "training_rows", "model", "summary"],
        arguments=["--seed", "{{ params.split_seed }}", *CHURN.table_arguments],
    )

    train = SageMakerTrainingOperator(
        task_id="train",
        config=sagemaker_requests.tagged(
            "churn",
            sagemaker_requests.training(
                name("train"),
                image=XGBOOST,
                channels={"train": f"{RUN}/train/", "validation": f"{RUN}/validation/"},
                output=f"{RUN}/training",
                hyperparameters=hyperparameter_templates(CHURN),
                instance_type="{{ params.training_instance_type }}",
            ),
        ),
        wait_for_completion=False,
    )
    wait_for_train = SageMakerTrainingSensor(
        task_id="wait_for_train",
        job_name="{{ ti.xcom_pull('train')['Training']['TrainingJobName'] }}",
        deferrable=True,
    )

    containers = [
        transformer("feature-transform"),
        sagemaker_requests.algorithm_container(XGBOOST, MODEL_DATA),
        transformer("inverse-label-transform"),
    ]
    create_model = SageMakerModelOperator(
        task_id="create_model",
        config=sagemaker_requests.tagged("churn", sagemaker_requests.model(name("model"), containers)),
    )
    model_name = "{{ ti.xcom_pull('create_model')['Model']['ModelName'] }}"

    batch_transform = SageMakerTransformOperator(
        task_id="batch_transform",
        config=sagemaker_requests.tagged(
            "churn",
            sagemaker_requests.transform(
                name("batch-transform"),
                model_name=model_name,
                source=f"{RUN}/test/",
                output=f"{RUN}/predictions",
                instance_type="{{ params.transform_instance_type }}",
            ),
        ),
        wait_for_completion=False,
    )
    wait_for_batch_transform = SageMakerTransformSensor(
        task_id="wait_for_batch_transform",
        job_name="{{ ti.xcom_pull('batch_transform')['Transform']['TransformJobName'] }}",
        deferrable=True,
    )

    evaluate, wait_for_evaluate = processing(
        "churn",
        "evaluate",
        image=SKLEARN,
        run=RUN,
        inputs={"labelled": f"{RUN}/labelled/", "predictions": f"{RUN}/predictions/"},
        outputs=["evaluation"],
        arguments=CHURN.evaluation_arguments("{{ ti.xcom_pull('stage_data')['source'] }}"),
    )

    baseline, wait_for_baseline = processing(
        "churn",
        "baseline",
        image=XGBOOST,  # it reads the model, too: which column matters how much
        run=RUN,
        inputs={
            "data": f"{RUN}/training_rows/",
            "predictions": f"{RUN}/evaluation/predictions.csv",
            "features": f"{RUN}/validation/",
            "summary": f"{RUN}/summary/",
            "model": MODEL_DATA,
        },
        outputs=["baseline"],
        arguments=CHURN.table_arguments,
    )
    registered = register("churn", containers=containers, run=RUN, model_name=model_name)

    deployed = deploy(
        use_case="churn",
        model_name=model_name,
        model_package="{{ ti.xcom_pull('register', key='arn') }}",
        capture=f"s3://{BUCKET}/churn/capture",
        rows_uri=f"{RUN}/test/batch_transform_test.csv",
        answers_uri=f"{RUN}/predictions/batch_transform_test.csv.out",
    )
    chain([data, code], preprocess, wait_for_preprocess, train, wait_for_train, create_model)
    chain(create_model, batch_transform, wait_for_batch_transform, evaluate, wait_for_evaluate)
    chain(wait_for_evaluate, baseline, wait_for_baseline, registered, deployed)
    deployed >> publish("churn", model_name, RUN, "{{ ti.xcom_pull('stage_data')['source'] }}")
