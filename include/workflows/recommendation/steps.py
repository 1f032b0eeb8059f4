"""The steps of a recommendation workflow on Amazon Personalize, each as it appears in the DAG's list.

    with (case := Recommendation(MOVIES)).dag(doc_md=__doc__):
        chain([*case.stage_data(), case.upload_code()], *case.prepare(), case.validate(), ...)

A method makes the tasks of its step and returns them; which step comes after which is said by the DAG file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Param, TaskGroup

from aws_ml.operators.personalize import (
    PersonalizeDatasetGroupOperator,
    PersonalizeDeleteDatasetGroupOperator,
    PersonalizeEventTrackerOperator,
    PersonalizeFilterOperator,
)
from include.aws.sagemaker_requests import tagged_group
from include.workflows.common.dags import BUCKET, use_case_dag
from include.workflows.common.deletion import unless_teardown
from include.workflows.common.errors import WorkflowError
from include.workflows.common.folders import RUN_KEY, manifest_of
from include.workflows.common.job_tasks import start_and_wait
from include.workflows.common.literals import literal
from include.workflows.common.params import TEARDOWN, instance_type, own_data, split_seed
from include.workflows.common.staging import stage_data, upload_code
from include.workflows.common.steps import Steps
from include.workflows.common.xcom import operator_of, reference
from include.workflows.recommendation import holdout, training
from include.workflows.recommendation.campaigns import record_run
from include.workflows.recommendation.job_kinds import BATCH_INFERENCE
from include.workflows.recommendation.training import CLICKS, GROUP, ROLE, UNSEEN, arn_of

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, XComArg

    from include.use_cases.definition import RecommendationUseCase
    from include.workflows.common.job_tasks import Pair
    from include.workflows.recommendation.training import Trained

PREPARED = ("interactions", "items", "users", "truth", "batch", "summary")
EVALUATED = ("answers", "offline", "published", "truth", "summary", "interactions")


class Recommendation(Steps["RecommendationUseCase"]):
    """A use case on Personalize."""

    def __init__(self, case: RecommendationUseCase) -> None:
        super().__init__(case)
        self._trained: dict[str, Trained] = {}  # by recommender

    def dag(self, *, doc_md: str | None) -> DAG:
        """The DAG of the use case, to be entered. Its runs share the dataset group."""
        return use_case_dag(self.case, doc_md=doc_md, params=self._params(), hours=48)

    def _params(self) -> dict[str, Any]:
        keys = [recommender.key for recommender in self.case.recommenders]
        return {
            **{f"{kind.lower()}_uri": own_data(kind.lower()) for kind in self.case.datasets},
            "dataset_group": Param(
                self.case.dataset_group,
                type="string",
                pattern="^[a-zA-Z0-9][a-zA-Z0-9-]{0,39}$",
                title="Dataset group",
                description="Created where there is none; one that exists is used again, with its campaigns.",
            ),
            "recommenders": Param(
                keys, type="array", items={"enum": keys}, examples=keys, title="Recommenders"
            ),
            "deploy": Param(True, type="boolean", title="Deploy", description="Create or update campaigns."),
            "min_tps": Param(
                1, type="integer", minimum=1, title="Provisioned requests per second and campaign"
            ),
            "holdout_users": Param(1000, type="integer", minimum=1, title="Users of the hold-out, at most"),
            "split_seed": split_seed(self.case),
            "teardown": TEARDOWN,
            "processing_instance_type": instance_type(self.case.instance_type),
        }

    def stage_data(self) -> list[XComArg]:
        """`stage_...`: the raw tables in S3."""
        return [
            self._remember(
                stage_data.override(task_id=f"stage_{kind.lower()}")(
                    dataset,
                    BUCKET,
                    f"{{{{ params.{kind.lower()}_uri or '' }}}}",
                    self.run,
                    kind.lower(),
                )
            )
            for kind, dataset in self.case.datasets.items()
        ]

    def upload_code(self) -> XComArg:
        """`upload_code`: the job scripts, by their content."""
        folders = ["jobs", f"use_cases/{self.case.name}/jobs"]
        return self._remember(upload_code(self.case.name, BUCKET, folders))

    def prepare(self) -> Pair:
        """`prepare`: the tables read, checked and split."""
        return self._process(
            "prepare",
            script="prepare.py",
            inputs={
                "ratings": self._raw("interactions"),
                "items": self._raw("items"),
                "users": self._raw("users"),
            },
            outputs=PREPARED,
            constants=[
                *("--cold-share", str(self.case.cold_share)),
                *("--holdout-share", str(self.case.holdout_share)),
                *("--event-type", self.case.event_type),
            ],
            arguments=["--seed", "{{ params.split_seed }}"],
        )

    def validate(self) -> TaskGroup:
        """`validate...`: what Personalize would refuse, before it is paid for."""
        return training.validate(self.case, self.run)

    def dataset_group(self) -> BaseOperator:
        """`dataset_group`: where all resources of the use case live."""
        config = tagged_group(self.case.name, {"name": GROUP})
        return self._remember(
            PersonalizeDatasetGroupOperator(task_id="dataset_group", config=config, deferrable=True)
        )

    def import_data(self) -> TaskGroup:
        """`import_...`: a schema, a dataset and an import job per table, side by side."""
        return training.import_files(self.case, self.run, self._task("dataset_group"))

    def train(self) -> list[TaskGroup]:
        """Per recommender: a solution, this run's version, its metrics; and a campaign, where it serves."""
        group = self._task("dataset_group")
        self._trained = {
            recommender.key: training.train(recommender, group) for recommender in self.case.recommenders
        }
        return [recommender.group for recommender in self._trained.values()]

    def filter_unseen(self) -> BaseOperator:
        """`filter_unseen`: leaves out what a user knows."""
        expression = f'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("{self.case.event_type}")'
        config = {"name": UNSEEN, "datasetGroupArn": self._group_arn, "filterExpression": expression}
        return self._remember(
            PersonalizeFilterOperator(task_id="filter_unseen", config=config, deferrable=True)
        )

    def event_tracker(self) -> BaseOperator:
        """`event_tracker`: takes the events of visitors."""
        config = {"name": CLICKS, "datasetGroupArn": self._group_arn}
        return self._remember(
            PersonalizeEventTrackerOperator(task_id="event_tracker", config=config, deferrable=True)
        )

    def offline_metrics(self) -> XComArg:
        """`offline_metrics`: the service's own metrics in one table."""
        published = literal({"metrics": dict(self.case.published), "source": self.case.published_source})
        metrics = {key: reference(recommender.metrics) for key, recommender in self._recommenders().items()}
        return training.offline_metrics(metrics, self.run, published)

    def record(self) -> XComArg:
        """`record`: which data the run learned from, and which versions it trained."""
        return record_run(self.case.name, self.run, self._versions(), self._uris())

    def ask_campaigns(self) -> TaskGroup:
        """`ask_...`: every campaign, for every user of the hold-out."""
        recommenders, versions = self._recommenders(), self._versions()
        unseen = reference(self._task("filter_unseen"), "arn")
        with TaskGroup("ask", prefix_group_id=False) as group:
            for recommender in self.case.recommenders:
                if campaign := recommenders[recommender.key].campaign:
                    holdout.ask_campaign.override(task_id=f"ask_{recommender.key}")(
                        recommender.key,
                        recommender.ask,
                        self.run,
                        "{{ params.holdout_users }}",
                        campaign=reference(campaign, "arn"),
                        version=versions[recommender.key],
                        unseen=unseen,
                    )
        return group

    def batch(self) -> Pair:
        """`batch...`: the primary recommender's lists for all users of the hold-out, as a file."""
        primary, unseen = self._recommenders()[self.case.primary.key], self._task("filter_unseen")
        request = {
            "jobName": f"batch-{RUN_KEY}",
            "solutionVersionArn": arn_of(primary.version),
            "jobInput": {"s3DataSource": {"path": f"{self.run}/batch/users.json"}},
            "jobOutput": {"s3DataDestination": {"path": f"{self.run}/recommendations/"}},
            "filterArn": arn_of(unseen),
            "roleArn": ROLE,
        }
        with TaskGroup("batch"):
            pair = start_and_wait(BATCH_INFERENCE, "start", request, wait_id="wait")
        # of the version, whether it has a campaign or not
        [primary.wait, operator_of(unseen)] >> pair[0]
        return pair

    def session(self) -> XComArg:
        """`session`: a user interacts, and the next recommendations change.

        :raises WorkflowError: when the primary recommender has no campaign to ask.
        """
        primary = self._recommenders()[self.case.primary.key]
        if primary.campaign is None:
            raise WorkflowError(f"{self.case.name}: the primary recommender has no campaign.")
        return holdout.session(
            self.case.primary.key,
            self.case.event_type,
            self.run,
            reference(primary.campaign, "arn"),
            reference(self._task("event_tracker")),
        )

    def evaluate(self) -> Pair:
        """`evaluate`: what each recommender is worth, as numbers and as a report."""
        return self._process(
            "evaluate",
            script="evaluate_recommenders.py",
            inputs={name: f"{self.run}/{name}/" for name in EVALUATED},
            outputs=("evaluation",),
            constants=["--title", self.case.title],
            arguments=["--data-source", self._source()],
        )

    def publish(self) -> XComArg:
        """`publish`: the asset `model/<use case>` with the metrics."""
        return training.publish(self.case.name, self.run, self._source())

    def teardown(self) -> BaseOperator:
        """`teardown`: deletes the dataset group and all in it, where the trigger form asks for it.

        A group that somebody else has made, and the run only used, stays: the task fails.
        """
        use_case = self.case.name

        def unless_foreign(context: Any) -> None:
            unless_teardown(context)
            training.check_own_group(context["params"]["dataset_group"], use_case)

        task = PersonalizeDeleteDatasetGroupOperator(
            task_id="teardown", dataset_group=GROUP, pre_execute=unless_foreign
        )
        task.as_teardown(setups=operator_of(self._task("dataset_group")))
        return self._remember(task)

    @property
    def _group_arn(self) -> str:
        return arn_of(self._task("dataset_group"))

    def _recommenders(self) -> dict[str, Trained]:
        """The tasks of each recommender.

        :raises WorkflowError: when the DAG's list has not made them yet.
        """
        if not self._trained:
            raise WorkflowError(
                f"{self.case.name}: a step needs the recommenders, which no step before it made."
            )
        return self._trained

    def _raw(self, kind: str) -> str:
        """The manifest of a raw table that the run learns from."""
        return manifest_of(self.run, kind, self._xcom_of(f"stage_{kind}", "listing"))

    def _uris(self) -> dict[str, str]:
        """Templates: where each raw table lies."""
        return {kind.lower(): self._xcom_of(f"stage_{kind.lower()}", "uri") for kind in self.case.datasets}

    def _source(self) -> str:
        return self._xcom_of("stage_interactions", "source")

    def _versions(self) -> dict[str, Any]:
        """Where the ARN of each recommender's version is left."""
        return {
            key: reference(recommender.version, "arn") for key, recommender in self._recommenders().items()
        }
