"""The kinds of SageMaker jobs: what distinguishes them is data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from botocore import xform_name  # noqa: TID253 — botocore alone is small, Airflow has it loaded


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
    since: str = "CreationTime"  # when what is waited for began
    gone: bool = False  # success is that it does not exist any more

    def look(self, client: Any, name: str) -> dict[str, Any]:
        """The job as its Describe operation shows it."""
        description: dict[str, Any] = getattr(client, self.describe)(**{self.name: name})
        description.pop("ResponseMetadata", None)
        return description


def _job(key: str, word: str, result: str, console: str, **more: Any) -> Kind:
    """A kind whose operations and members are all made of one word: CreateTrainingJob, TrainingJobName ..."""
    snake = xform_name(f"{word}Job")
    return Kind(
        key=key,
        noun=f"{key} job",
        result=result,
        create=f"create_{snake}",
        describe=f"describe_{snake}",
        stop=f"stop_{snake}",
        list=f"list_{snake}s",
        summaries=f"{word}JobSummaries",
        name=f"{word}JobName",
        arn=f"{word}JobArn",
        status=f"{word}JobStatus",
        waiter=f"{result}JobComplete",
        console=console,
        **more,
    )


def _group(word: str) -> str:
    return f"/aws/sagemaker/{word}Jobs"


KINDS: dict[str, Kind] = {
    kind.key: kind
    for kind in (
        _job("processing", "Processing", "Processing", "processing-jobs", log_group=_group("Processing")),
        _job("training", "Training", "Training", "jobs", log_group=_group("Training")),
        _job("transform", "Transform", "Transform", "transform-jobs", log_group=_group("Transform")),
        _job("tuning", "HyperParameterTuning", "Tuning", "hyper-tuning-jobs", limit=32),
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
            since="LastModifiedTime",
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
