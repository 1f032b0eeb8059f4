"""The kinds of SageMaker jobs: what distinguishes them is data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Kind:
    """One kind of job: its operations (as methods of a boto3 client), its members, where its logs lie.

    KINDS["training"].look(client, "churn-train-20261121")["TrainingJobStatus"]
    """

    key: str
    noun: str
    result: str  # the key under which the provider's operator returns the description
    create: str
    describe: str
    name: str
    arn: str
    console: str  # the page of the AWS console below .../sagemaker/home?region=...
    stop: str | None = None
    list: str = ""
    summaries: str = ""
    status: str = ""  # empty: there at once, nobody waits
    waiter: str = ""  # in waiters/sagemaker.json
    log_group: str | None = None
    limit: int = 63  # characters of a name
    ended: tuple[str, ...] = ("Completed", "Failed", "Stopped", "Stopping")
    gone: bool = False  # success is that it does not exist any more

    def look(self, client: Any, name: str) -> dict[str, Any]:
        """The job as its Describe operation shows it."""
        description: dict[str, Any] = getattr(client, self.describe)(**{self.name: name})
        description.pop("ResponseMetadata", None)
        return description


KINDS: dict[str, Kind] = {
    kind.key: kind
    for kind in (
        Kind(
            key="processing",
            noun="processing job",
            result="Processing",
            create="create_processing_job",
            describe="describe_processing_job",
            stop="stop_processing_job",
            list="list_processing_jobs",
            summaries="ProcessingJobSummaries",
            name="ProcessingJobName",
            arn="ProcessingJobArn",
            status="ProcessingJobStatus",
            waiter="ProcessingJobComplete",
            console="processing-jobs",
            log_group="/aws/sagemaker/ProcessingJobs",
        ),
        Kind(
            key="training",
            noun="training job",
            result="Training",
            create="create_training_job",
            describe="describe_training_job",
            stop="stop_training_job",
            list="list_training_jobs",
            summaries="TrainingJobSummaries",
            name="TrainingJobName",
            arn="TrainingJobArn",
            status="TrainingJobStatus",
            waiter="TrainingJobComplete",
            console="jobs",
            log_group="/aws/sagemaker/TrainingJobs",
        ),
        Kind(
            key="transform",
            noun="transform job",
            result="Transform",
            create="create_transform_job",
            describe="describe_transform_job",
            stop="stop_transform_job",
            list="list_transform_jobs",
            summaries="TransformJobSummaries",
            name="TransformJobName",
            arn="TransformJobArn",
            status="TransformJobStatus",
            waiter="TransformJobComplete",
            console="transform-jobs",
            log_group="/aws/sagemaker/TransformJobs",
        ),
        Kind(
            key="tuning",
            noun="tuning job",
            result="Tuning",
            create="create_hyper_parameter_tuning_job",
            describe="describe_hyper_parameter_tuning_job",
            stop="stop_hyper_parameter_tuning_job",
            list="list_hyper_parameter_tuning_jobs",
            summaries="HyperParameterTuningJobSummaries",
            name="HyperParameterTuningJobName",
            arn="HyperParameterTuningJobArn",
            status="HyperParameterTuningJobStatus",
            waiter="TuningJobComplete",
            console="hyper-tuning-jobs",
            limit=32,
        ),
        Kind(
            key="endpoint",
            noun="endpoint",
            result="Endpoint",
            create="create_endpoint",
            describe="describe_endpoint",
            list="list_endpoints",
            summaries="Endpoints",
            name="EndpointName",
            arn="EndpointArn",
            status="EndpointStatus",
            waiter="EndpointServes",
            console="endpoints",
            ended=("InService", "Failed", "OutOfService", "UpdateRollbackFailed"),
        ),
    )
}

KINDS["endpoint_deletion"] = replace(
    KINDS["endpoint"], key="endpoint_deletion", waiter="EndpointDeleted", gone=True
)

# What is there at once, without a wait.
MODEL = Kind(
    key="model",
    noun="model",
    result="Model",
    create="create_model",
    describe="describe_model",
    name="ModelName",
    arn="ModelArn",
    console="models",
)
ENDPOINT_CONFIG = Kind(
    key="endpoint_config",
    noun="endpoint configuration",
    result="EndpointConfig",
    create="create_endpoint_config",
    describe="describe_endpoint_config",
    name="EndpointConfigName",
    arn="EndpointConfigArn",
    console="endpointConfig",
)
KINDS |= {kind.key: kind for kind in (MODEL, ENDPOINT_CONFIG)}
