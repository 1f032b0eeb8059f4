"""SageMaker operators that create a job once, report its true outcome, and stop it when nobody waits for it.

Each is the amazon provider's operator of the same name, with the same parameters: swap the import. New are

:param if_exists: what to do when a job of that name exists that has another request, or failed: `new` creates
    the next of name-2, name-3 ... (default), `reuse` takes it as it is, `fail` raises. The provider's
    `action_if_job_exists="fail"` means `fail` where `if_exists` is not set.
:param stop_on_kill: stop the job when the task is killed or cleared while it waits (default True).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from airflow.providers.amazon.aws.operators import sagemaker as provider

from aws_ml.base import JobTask
from aws_ml.lifecycle.ensure import POLICIES, JobReference, Policy, ensure_job, ensure_resource
from aws_ml.lifecycle.ensure_endpoint import ensure_endpoint
from aws_ml.lifecycle.kinds import ENDPOINT_CONFIG, MODEL, Description
from aws_ml.lifecycle.wait import Wait

if TYPE_CHECKING:
    from airflow.sdk import Context


class JobOperator(JobTask, provider.SageMakerBaseOperator):
    """A mixin before the provider's operator: `execute`, and what follows a deferral."""

    # of the provider's class
    wait_for_completion: bool
    check_interval: int
    max_ingestion_time: Any  # int, or None where the provider allows it
    deferrable: bool

    def __init__(self, *, if_exists: Policy | None = None, **kwargs: Any) -> None:
        """:raises ValueError: when `if_exists` is not a policy."""
        super().__init__(**kwargs)
        if if_exists not in (None, *POLICIES):
            raise ValueError(f"if_exists is {if_exists!r}: expected one of {', '.join(POLICIES)}")
        self.if_exists = if_exists

    @property
    def policy(self) -> Policy:
        """What to do when a job of the name exists that is another one, or failed."""
        action = getattr(self, "action_if_job_exists", None)
        return self.if_exists or ("fail" if action == "fail" else "new")

    def request(self) -> Description:
        """The part of `config` that creates the job."""
        return cast("Description", self.config)

    def ensure(self, client: Any) -> JobReference:
        """Create the job, or find it.

        :raises JobError: see `ensure_job`.
        """
        return ensure_job(client, self.aws.client("s3"), self.kind, self.request(), self.policy, self.log)

    def expected(self) -> Description:
        """Members that the description of a successful job shows."""
        return {}

    def result(self, client: Any, description: Description) -> Description:
        """What goes to XCom: the description, under the provider's key.

        :raises JobRejected: when AWS refuses to describe more that belongs to it.
        :raises ServiceFault: when AWS is at fault.
        """
        return {self.kind.word: provider.serialize(description)}

    def execute(self, context: Context) -> Description:
        """Create, and wait if `wait_for_completion`; returns what goes to XCom.

        :raises JobError: see `aws_ml.errors`.
        """
        self.preprocess_config()
        client = self.aws.client("sagemaker")
        job = self.ensure(client)
        self.store_links(context, job.name)
        description = self.look(job.name)
        if self.wait_for_completion:
            wait = Wait.for_job(
                self.kind,
                description,
                seconds=self.max_ingestion_time,
                longest=float(self.check_interval),
                expected=self.expected(),
                print_log=bool(getattr(self, "print_log", True)),
                attached=not job.created and self.policy == "new",
            )
            self.defer_or_wait(wait, description, deferrable=self.deferrable)
            description = self.look(job.name)
        return self.result(client, description)

    def execute_complete(self, context: Context, event: Description | None = None) -> Description:
        """Back from the triggerer; returns what goes to XCom.

        :raises JobError: when the job did not succeed.
        """
        description = self.look(self.successful_job(event))
        return self.result(self.aws.client("sagemaker"), description)


class SageMakerProcessingOperator(JobOperator, provider.SageMakerProcessingOperator):
    """Run a processing job."""

    kind_key: ClassVar[str] = "processing"

    def result(self, client: Any, description: Description) -> Description:
        self.serialized_job = provider.serialize(description)
        ended = description["ProcessingJobStatus"] == "Completed"
        return {"Processing": self.serialized_job, **(self._read_output_files() if ended else {})}


class SageMakerTrainingOperator(JobOperator, provider.SageMakerTrainingOperator):
    """Run a training job."""

    kind_key: ClassVar[str] = "training"

    def result(self, client: Any, description: Description) -> Description:
        self.serialized_training_data = provider.serialize(description)
        return {"Training": self.serialized_training_data}


class SageMakerTransformOperator(JobOperator, provider.SageMakerTransformOperator):
    """Run a transform job; if `config` has `Model` and `Transform`, create the model first."""

    kind_key: ClassVar[str] = "transform"

    def request(self) -> Description:
        return cast("Description", self.config.get("Transform", self.config))

    def ensure(self, client: Any) -> JobReference:
        """Create what `config` names, the model first, or find it.

        :raises JobError: see `aws_ml.lifecycle`.
        """
        if model := self.config.get("Model"):
            ensure_resource(client, MODEL, model, self.log)
        return super().ensure(client)

    def result(self, client: Any, description: Description) -> Description:
        self.serialized_transform = provider.serialize(description)
        self.serialized_model = provider.serialize(MODEL.look(client, description["ModelName"]))
        return {"Model": self.serialized_model, "Transform": self.serialized_transform}


class SageMakerTuningOperator(JobOperator, provider.SageMakerTuningOperator):
    """Run a hyperparameter tuning job; its name has at most 32 characters."""

    kind_key: ClassVar[str] = "tuning"


class SageMakerEndpointOperator(JobOperator, provider.SageMakerEndpointOperator):
    """Create an endpoint, or update it; it succeeds when it is InService with the requested configuration."""

    kind_key: ClassVar[str] = "endpoint"

    def request(self) -> Description:
        return cast("Description", self.config.get("Endpoint", self.config))

    def expected(self) -> Description:
        return {"EndpointConfigName": self.request()["EndpointConfigName"]}

    def ensure(self, client: Any) -> JobReference:
        """Create what `config` names, the model first, or find it.

        :raises JobError: see `aws_ml.lifecycle`.
        """
        if model := self.config.get("Model"):
            ensure_resource(client, MODEL, model, self.log)
        if endpoint_config := self.config.get("EndpointConfig"):
            ensure_resource(client, ENDPOINT_CONFIG, endpoint_config, self.log)
        create = self.operation == "create"
        return ensure_endpoint(client, self.kind, self.request(), create=create, log=self.log)

    def result(self, client: Any, description: Description) -> Description:
        serving = ENDPOINT_CONFIG.look(client, description["EndpointConfigName"])
        return {"EndpointConfig": provider.serialize(serving), "Endpoint": provider.serialize(description)}


class SageMakerModelOperator(JobTask, provider.SageMakerModelOperator):
    """Create a model; it succeeds when the same one exists, and fails when another one of that name does."""

    kind_key: ClassVar[str] = "model"

    def execute(self, context: Context) -> Description:
        """Create, or find; returns the description under the provider's key.

        :raises JobExists: when another one of that name exists.
        :raises JobRejected: when AWS refuses.
        :raises ServiceFault: when AWS is at fault.
        """
        self.preprocess_config()
        ensure_resource(self.aws.client("sagemaker"), MODEL, self.config, self.log)
        self.store_links(context, self.config["ModelName"])
        return {"Model": provider.serialize(self.look(self.config["ModelName"]))}


class SageMakerEndpointConfigOperator(JobTask, provider.SageMakerEndpointConfigOperator):
    """Create an endpoint configuration; it succeeds when the same one exists, and fails when another does."""

    kind_key: ClassVar[str] = "endpoint_config"

    def execute(self, context: Context) -> Description:
        """Create, or find; returns the description under the provider's key.

        :raises JobExists: when another one of that name exists.
        :raises JobRejected: when AWS refuses.
        :raises ServiceFault: when AWS is at fault.
        """
        self.preprocess_config()
        ensure_resource(self.aws.client("sagemaker"), ENDPOINT_CONFIG, self.config, self.log)
        self.store_links(context, self.config["EndpointConfigName"])
        return {"EndpointConfig": provider.serialize(self.look(self.config["EndpointConfigName"]))}
