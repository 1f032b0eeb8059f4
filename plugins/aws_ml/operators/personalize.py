"""Amazon Personalize: every resource and job is created once, and waited for in the triggerer or by a sensor.

`config` is the request as boto3 takes it. The operators return the description; XCom also has the ARN, under
the key `arn`:

    solution = PersonalizeSolutionOperator(task_id="solution", config={...})
    version = PersonalizeSolutionVersionOperator(
        task_id="train",
        config={"name": "films-{{ macros.aws_ml.run_key(dag_run) }}", "solutionArn": solution.output["arn"]},
    )
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields

from aws_ml.base import JobTask, is_deferrable
from aws_ml.clients import Aws
from aws_ml.errors import RETRY_POLICY
from aws_ml.hooks.personalize import PersonalizeHook
from aws_ml.lifecycle.ensure_personalize import ensure_campaign, ensure_personalize
from aws_ml.lifecycle.personalize_deletion import delete_dataset_group
from aws_ml.lifecycle.wait import Wait
from aws_ml.pools import BATCHES, IMPORTS, SEGMENTS, TRAININGS

if TYPE_CHECKING:
    from airflow.sdk import Context

    from aws_ml.lifecycle.ensure import JobReference
    from aws_ml.lifecycle.kinds import Description


def plain(description: Description) -> Description:
    """A description with dates as text, for XCom."""
    text: Description = json.loads(json.dumps(description, default=str))
    return text


class PersonalizeOperator(JobTask, AwsBaseOperator[PersonalizeHook]):
    """Create a resource, or find the same one; wait until it is ACTIVE.

    :param config: the request of the Create operation. (templated)
    :param wait_for_completion: wait until the resource is ACTIVE (default True).
    :param deferrable: wait in the triggerer; else as Airflow's `operators.default_deferrable` says.
    :param check_interval: seconds between two looks at most.
    :param max_wait: seconds after which the wait has failed.
    """

    aws_hook_class = PersonalizeHook
    template_fields = aws_template_fields("config")
    template_fields_renderers: ClassVar[dict[str, str]] = {"config": "json"}
    ui_color = "#ded7f5"
    default_pool: ClassVar[str] = ""

    def __init__(
        self,
        *,
        config: Description,
        wait_for_completion: bool = True,
        deferrable: bool | None = None,
        check_interval: float = 30.0,
        max_wait: float | None = None,
        **kwargs: Any,
    ) -> None:
        if self.default_pool:
            kwargs.setdefault("pool", self.default_pool)
        super().__init__(**kwargs)
        self.config = config
        self.wait_for_completion = wait_for_completion
        self.deferrable = is_deferrable(deferrable)
        self.check_interval = check_interval
        self.max_wait = max_wait

    def ensure(self, client: Any) -> JobReference:
        """Create the resource, or find it.

        :raises JobError: see `ensure_personalize`.
        """
        return ensure_personalize(client, self.kind, self.request(), self.log)

    def request(self) -> Description:
        """The request of the Create operation."""
        return self.config

    def execute(self, context: Context) -> Description:
        """Create, and wait if `wait_for_completion`; returns the description.

        :raises JobError: see `aws_ml.errors`.
        """
        job = self.ensure(self.aws.client("personalize"))
        self.store_links(context, job.name)
        context["ti"].xcom_push("arn", job.arn)
        description = self.look(job.name)
        if self.wait_for_completion and self.kind.status:
            longest = float(self.check_interval)
            attached = not job.created
            wait = Wait.for_job(
                self.kind, description, seconds=self.max_wait, longest=longest, attached=attached
            )
            self.defer_or_wait(wait, description, deferrable=self.deferrable)
            description = self.look(job.name)
        return plain(description)

    def execute_complete(self, context: Context, event: Description | None = None) -> Description:
        """Back from the triggerer: the description.

        :raises JobError: when the resource did not become ACTIVE.
        """
        return plain(self.look(self.successful_job(event)))


class PersonalizeSchemaOperator(PersonalizeOperator):
    """Create a schema; `config["schema"]` may be Avro text or a dictionary."""

    kind_key: ClassVar[str] = "personalize_schema"

    def request(self) -> Description:
        schema = self.config["schema"]
        return {**self.config, "schema": schema if isinstance(schema, str) else json.dumps(schema)}


class PersonalizeDatasetGroupOperator(PersonalizeOperator):
    """Create a dataset group."""

    kind_key: ClassVar[str] = "personalize_dataset_group"


class PersonalizeDatasetOperator(PersonalizeOperator):
    """Create a dataset in a dataset group."""

    kind_key: ClassVar[str] = "personalize_dataset"


class PersonalizeDatasetImportJobOperator(PersonalizeOperator):
    """Import rows from S3, FULL (replaces all earlier rows) or INCREMENTAL."""

    kind_key: ClassVar[str] = "personalize_dataset_import_job"
    default_pool = IMPORTS


class PersonalizeDatasetExportJobOperator(PersonalizeOperator):
    """Export the rows of a dataset to S3."""

    kind_key: ClassVar[str] = "personalize_dataset_export_job"


class PersonalizeEventTrackerOperator(PersonalizeOperator):
    """Create an event tracker; the description carries its `trackingId`."""

    kind_key: ClassVar[str] = "personalize_event_tracker"


class PersonalizeSolutionOperator(PersonalizeOperator):
    """Create a solution. It trains nothing by itself unless `config` says `performAutoTraining`.

    By the service's own default it trains within an hour and then every seven days, and is billed.
    """

    kind_key: ClassVar[str] = "personalize_solution"

    def request(self) -> Description:
        return {"performAutoTraining": False, **self.config}


class PersonalizeSolutionVersionOperator(PersonalizeOperator):
    """Train a version of a solution; a retry finds it by `config["name"]`."""

    kind_key: ClassVar[str] = "personalize_solution_version"
    default_pool = TRAININGS


class PersonalizeCampaignOperator(PersonalizeOperator):
    """Create a campaign, or update the one of that name; it succeeds when the update is ACTIVE."""

    kind_key: ClassVar[str] = "personalize_campaign"

    def request(self) -> Description:
        """The request with a number for minProvisionedTPS: a template returns text."""
        numbers = {m: int(self.config[m]) for m in ("minProvisionedTPS",) if m in self.config}
        return {**self.config, **numbers}

    def ensure(self, client: Any) -> JobReference:
        """Create the campaign, or update it.

        :raises JobError: see `ensure_campaign`.
        """
        return ensure_campaign(client, self.kind, self.request(), self.log)


class PersonalizeRecommenderOperator(PersonalizeOperator):
    """Create a recommender in a domain dataset group."""

    kind_key: ClassVar[str] = "personalize_recommender"


class PersonalizeFilterOperator(PersonalizeOperator):
    """Create a filter."""

    kind_key: ClassVar[str] = "personalize_filter"


class PersonalizeMetricAttributionOperator(PersonalizeOperator):
    """Create a metric attribution."""

    kind_key: ClassVar[str] = "personalize_metric_attribution"


class PersonalizeBatchInferenceJobOperator(PersonalizeOperator):
    """Recommend for every line of a JSON Lines file."""

    kind_key: ClassVar[str] = "personalize_batch_inference_job"
    default_pool = BATCHES


class PersonalizeBatchSegmentJobOperator(PersonalizeOperator):
    """Find the users for every line of a JSON Lines file."""

    kind_key: ClassVar[str] = "personalize_batch_segment_job"
    default_pool = SEGMENTS


class PersonalizeDeleteDatasetGroupOperator(AwsBaseOperator[PersonalizeHook]):
    """Delete a dataset group and all that it holds, in the order that the service demands.

    Resources that are being created, changed or deleted are waited for; missing ones are no fault. The task
    can run at any time, repeatedly, and on a group whose creation was interrupted.

    :param dataset_group: its name or ARN. (templated)
    :param delete_schemas: also delete the schemas that only its datasets used (default True).
    :param max_wait: seconds after which the wait has failed.
    """

    aws_hook_class = PersonalizeHook
    template_fields = aws_template_fields("dataset_group")
    ui_color = "#ded7f5"

    def __init__(
        self, *, dataset_group: str, delete_schemas: bool = True, max_wait: float = 7200.0, **kwargs: Any
    ) -> None:
        kwargs.setdefault("retry_policy", RETRY_POLICY)
        super().__init__(**kwargs)
        self.dataset_group, self.delete_schemas, self.max_wait = dataset_group, delete_schemas, max_wait

    def execute(self, context: Context) -> list[str]:
        """Delete; returns the ARNs in the order of their deletion.

        :raises JobTimedOut: when a resource stays busy for too long.
        :raises JobRejected: when the service refuses.
        :raises ServiceFault: when AWS is at fault.
        """
        client = Aws.of(self).client("personalize")
        return delete_dataset_group(
            client, self.dataset_group, self.log, schemas=self.delete_schemas, seconds=self.max_wait
        )
