"""The steps of a classifier's workflow, each as it appears in the DAG's list.

    with (case := Classifier(CHURN)).dag(doc_md=__doc__):
        chain([case.stage_data(), case.upload_code()], *case.preprocess(), *case.train(), ...)

A method makes the tasks of its step and returns them; which step comes after which is said by the DAG file.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from airflow.sdk import DAG, TaskGroup, chain

from aws_ml.operators.sagemaker import SageMakerEndpointConfigOperator, SageMakerModelOperator
from aws_ml.operators.sagemaker_registry import (
    SageMakerApproveModelPackageOperator,
    SageMakerCreateModelPackageOperator,
)
from include.aws import sagemaker_requests
from include.workflows.classification.deployment import (
    deployment_requested,
    publish,
    serving_configuration,
    verify,
)
from include.workflows.classification.pipeline import inference_pipeline
from include.workflows.classification.registry import REGISTER
from include.workflows.common.dags import BUCKET, use_case_dag
from include.workflows.common.deletion import delete_use_case
from include.workflows.common.folders import manifest_of
from include.workflows.common.job_tasks import (
    ENDPOINT,
    TRAINING,
    TRANSFORM,
    image_template,
    name_template,
    start_and_wait,
)
from include.workflows.common.literals import literal
from include.workflows.common.params import classifier_params, gates_template, hyperparameter_templates
from include.workflows.common.staging import stage_table, upload_code
from include.workflows.common.steps import Steps
from include.workflows.common.xcom import operator_of, reference, xcom

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, XComArg

    from include.aws.sagemaker_requests import Config
    from include.use_cases.definition import UseCase
    from include.workflows.common.job_tasks import Pair

OUTPUTS = ("train", "validation", "test", "labelled", "training_rows", "model", "summary")
RAW = "raw"  # the input of the preprocessing
CLIENT_ROWS = "test/batch_transform_test.csv"  # below the run: rows as a client sends them


class Classifier(Steps["UseCase"]):
    """A use case on SageMaker."""

    def __init__(self, case: UseCase) -> None:
        super().__init__(case)
        self.xgboost = image_template("xgboost", case.xgboost_version)

    def dag(self, *, doc_md: str | None) -> DAG:
        """The DAG of the use case, to be entered."""
        return use_case_dag(self.case, doc_md=doc_md, params=classifier_params(self.case), hours=24)

    def stage_data(self) -> XComArg:
        """`stage_data`: the raw data as one canonical table in S3."""
        names = {self.case.dataset: "data", **{join.dataset: join.dataset for join in self.case.raw.joins}}
        uris = {dataset: f"{{{{ params.{param}_uri or '' }}}}" for dataset, param in names.items()}
        with self._group("data"):
            return self._remember(
                stage_table(
                    BUCKET,
                    uris,
                    dict(self.case.columns),
                    literal(asdict(self.case.raw)),
                    self.run,
                    RAW,
                )
            )

    def upload_code(self) -> XComArg:
        """`upload_code`: the job scripts, by their content."""
        with self._group("data"):
            return self._remember(upload_code(self.case.name, BUCKET, ["jobs"]))

    def preprocess(self) -> Pair:
        """`preprocess`: the data checked and split, the feature transformer fitted."""
        with self._group("data"):
            return self._process(
                "preprocess",
                script="preprocess.py",
                inputs={"raw": self._raw},
                outputs=OUTPUTS,
                constants=self.case.table_arguments,
                arguments=["--seed", "{{ params.split_seed }}"],
            )

    def train(self) -> Pair:
        """`train`: built-in XGBoost on the features."""
        request = sagemaker_requests.training(
            name_template(self.case.name, "train"),
            image=self.xgboost,
            channels={channel: f"{self.run}/{channel}/" for channel in ("train", "validation")},
            output=f"{self.run}/training",
            hyperparameters=hyperparameter_templates(self.case),
            instance_type="{{ params.training_instance_type }}",
        )
        with self._group("training"):
            return self._remember_pair(start_and_wait(TRAINING, "train", self._tagged(request)))

    def create_model(self) -> BaseOperator:
        """`create_model`: features, XGBoost and label as one inference pipeline."""
        request = sagemaker_requests.model(name_template(self.case.name, "model"), self._containers())
        with self._group("training"):
            return self._remember(
                SageMakerModelOperator(task_id="create_model", config=self._tagged(request))
            )

    def batch_transform(self) -> Pair:
        """`batch_transform`: predictions for the test rows."""
        request = sagemaker_requests.transform(
            name_template(self.case.name, "batch-transform"),
            model_name=self._model_name,
            source=f"{self.run}/test/",
            output=f"{self.run}/predictions",
            instance_type="{{ params.transform_instance_type }}",
        )
        with self._group("evaluation"):
            return self._remember_pair(start_and_wait(TRANSFORM, "batch_transform", self._tagged(request)))

    def evaluate(self) -> Pair:
        """`evaluate`: metrics, gates and the HTML report."""
        source = self._xcom_of("stage_data", "source")
        with self._group("evaluation"):
            return self._process(
                "evaluate",
                script="evaluate.py",
                inputs={name: f"{self.run}/{name}/" for name in ("labelled", "predictions")},
                outputs=("evaluation",),
                constants=self.case.evaluation_arguments,
                arguments=["--data-source", source, "--gates", gates_template(self.case)],
            )

    def baseline(self) -> Pair:
        """`baseline`: what data and predictions look like, for the drift monitor."""
        with self._group("evaluation"):
            return self._process(
                "baseline",
                script="baseline.py",
                image=self.xgboost,  # it also reads the model: how much each column weighs
                inputs={
                    "data": f"{self.run}/training_rows/",
                    "predictions": f"{self.run}/evaluation/",
                    "features": f"{self.run}/validation/",
                    "summary": f"{self.run}/summary/",
                    "model": f"{self.run}/training/{self._training_job}/output/",
                },
                outputs=("baseline",),
                constants=self.case.table_arguments,
            )

    def register(self) -> BaseOperator:
        """`register`: the next version in the model package group of the use case; it waits for approval."""
        request = sagemaker_requests.model_package(
            self.case.endpoint,
            containers=self._containers(),
            run=self.run,
            instance_type="{{ params.endpoint_instance_type }}",
            properties={
                "model_name": self._model_name,
                "data_uri": self._raw,
                "code": self._xcom_of("upload_code", "bundle"),
            },
        )
        with self._group("registration"):
            return self._remember(
                SageMakerCreateModelPackageOperator(task_id=REGISTER, config=self._tagged(request))
            )

    def deploy(self) -> TaskGroup:
        """`deploy...`: the endpoint of the use case's name, verified; then the version is approved.

        Skipped where the trigger form asks for no deployment, or where the model missed a gate.
        """
        name, endpoint_name = self.case.name, self.case.endpoint
        with TaskGroup("deploy", group_display_name="deployment") as group:
            requested = deployment_requested(f"{self.run}/evaluation/evaluation.json")
            configuration = serving_configuration(name, self._model_name, BUCKET)
            create_config = SageMakerEndpointConfigOperator(
                task_id="create_endpoint_config", config=self._tagged(configuration)
            )
            config_name = xcom(create_config, "EndpointConfig", "EndpointConfigName")
            endpoint = start_and_wait(
                ENDPOINT,
                "deploy_endpoint",
                self._tagged({"EndpointName": endpoint_name, "EndpointConfigName": config_name}),
                wait_id="wait_for_endpoint",
                waits_for={"endpoint_config_name": config_name},
                operation="create",  # updates an endpoint that exists
            )
            answers = f"{self.run}/predictions/{CLIENT_ROWS.split('/')[1]}.out"
            verification = self._remember(verify(endpoint_name, f"{self.run}/{CLIENT_ROWS}", answers))
            approve = SageMakerApproveModelPackageOperator(
                task_id="approve",
                model_package_arn=self._xcom_of(REGISTER, key="arn"),
                reason="Its answers on the endpoint are those of the batch transform.",
            )
            chain(requested, create_config, *endpoint, verification, approve)
        return group

    def publish(self) -> XComArg:
        """`publish`: the asset `model/<use case>` with the metrics."""
        source, verification = self._xcom_of("stage_data", "source"), reference(self._task("deploy.verify"))
        return publish(self.case, self._model_name, self.run, source, verification)

    def teardown(self) -> XComArg:
        """`teardown`: deletes all resources of the use case, where the form asks for it; S3 objects stay."""
        task = self._remember(delete_use_case(self.case.name))
        create_model = operator_of(self._task("create_model"))
        task.as_teardown(setups=create_model)
        return task

    def _containers(self) -> list[Config]:
        return inference_pipeline(
            sklearn=self.sklearn,
            xgboost=self.xgboost,
            transformer=f"{self.run}/model/model.tar.gz",
            model_data=self._model_data,
            bundle=self._xcom_of("upload_code", "bundle"),
            threshold=self.case.threshold,
        )

    @property
    def _raw(self) -> str:
        """The manifest of the table that the run learns from."""
        return manifest_of(self.run, RAW, self._xcom_of("stage_data", "listing"))

    @property
    def _training_job(self) -> str:
        return self._xcom_of("wait_for_train", "TrainingJobName")

    @property
    def _model_data(self) -> str:
        return self._xcom_of("wait_for_train", "ModelArtifacts", "S3ModelArtifacts")

    @property
    def _model_name(self) -> str:
        return self._xcom_of("create_model", "Model", "ModelName")
