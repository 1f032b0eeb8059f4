"""The kinds of jobs and resources; what distinguishes them is data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from botocore import xform_name  # noqa: TID253 — botocore alone is small, Airflow has it loaded

from aws_ml.errors import calling, is_missing

Description = dict[str, Any]  # of a job or resource, or a request, as boto3 has it


@dataclass(frozen=True)
class Kind:
    """A kind of job or resource: its operations (methods of a boto3 client), its members, its log group.

    KINDS["training"].look(client, "churn-train-20261121")["TrainingJobStatus"]
    """

    key: str
    noun: str
    word: str  # AWS's; the key under which the provider's operator returns the description
    create: str
    describe: str
    name: str
    arn: str
    console: str  # the page of the AWS console below .../<service>/home?region=...
    stop: str | None = None
    list: str = ""
    summaries: str = ""
    status: str = ""  # empty: it exists as soon as it is created
    waiter: str = ""  # in waiters/<service>.json
    log_group: str | None = None
    limit: int = 63  # characters of a name
    ended: tuple[str, ...] = ("Completed", "Failed", "Stopped", "Stopping")
    since: str = "CreationTime"  # the member that says when what is waited for began
    is_deletion: bool = False  # success is that it does not exist any more
    service: str = "sagemaker"  # of boto3, of waiters/<service>.json
    member: str = ""  # of the Describe answer that holds the description; empty: the answer itself
    label: str = ""  # the member of a request that names what is created, where `name` is its ARN

    @property
    def lists_changes(self) -> bool:
        """Whether its List operation can tell what changed lately; a deleted resource is in no list."""
        return bool(self.list) and self.service == "sagemaker" and not self.is_deletion

    def look(self, client: Any, name: str) -> Description:
        """The job as its Describe operation shows it.

        :raises JobRejected: when AWS refuses, or there is no job of that name.
        :raises ServiceFault: when AWS is at fault.
        """
        with calling(f"describing the {self.noun} {name}"):
            return self._describe(client, name)

    def find(self, client: Any, name: str) -> Description | None:
        """The job's description; None when there is no job of that name.

        :raises JobRejected: when AWS refuses.
        :raises ServiceFault: when AWS is at fault.
        """
        from botocore.exceptions import ClientError

        with calling(f"describing the {self.noun} {name}"):
            try:
                return self._describe(client, name)
            except ClientError as error:
                if is_missing(error):
                    return None
                raise

    def _describe(self, client: Any, name: str) -> Description:
        answer: Description = getattr(client, self.describe)(**{self.name: name})
        answer.pop("ResponseMetadata", None)
        return answer[self.member] if self.member else answer


def _job(key: str, name: str, word: str, console: str, **options: Any) -> Kind:
    """A kind whose operations and members are made of a name: CreateTrainingJob, TrainingJobName ..."""
    snake = xform_name(f"{name}Job")
    return Kind(
        key=key,
        noun=f"{key} job",
        word=word,
        create=f"create_{snake}",
        describe=f"describe_{snake}",
        stop=f"stop_{snake}",
        list=f"list_{snake}s",
        summaries=f"{name}JobSummaries",
        name=f"{name}JobName",
        arn=f"{name}JobArn",
        status=f"{name}JobStatus",
        waiter=f"{word}JobComplete",
        console=console,
        **options,
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
            word="Endpoint",
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
    KINDS["endpoint"], key="endpoint_deletion", waiter="EndpointDeleted", is_deletion=True
)

# These exist as soon as they are created.
MODEL = Kind(
    key="model",
    noun="model",
    word="Model",
    create="create_model",
    describe="describe_model",
    name="ModelName",
    arn="ModelArn",
    console="models",
)
ENDPOINT_CONFIG = Kind(
    key="endpoint_config",
    noun="endpoint configuration",
    word="EndpointConfig",
    create="create_endpoint_config",
    describe="describe_endpoint_config",
    name="EndpointConfigName",
    arn="EndpointConfigArn",
    console="endpointConfig",
)
KINDS |= {kind.key: kind for kind in (MODEL, ENDPOINT_CONFIG)}


def _personalize(word: str, label: str = "name", waiter: str = "ResourceActive", **options: Any) -> Kind:
    """A kind of Personalize: CreateDatasetGroup, datasetGroupArn .... Its resources have ARNs, no names."""
    snake, member = xform_name(word), word[0].lower() + word[1:]
    return Kind(
        key=f"personalize_{snake}",
        noun=snake.replace("_", " "),
        word=word,
        create=f"create_{snake}",
        describe=f"describe_{snake}",
        list=f"list_{snake}s",
        summaries="Filters" if word == "Filter" else f"{member}s",  # the service's own spelling
        name=f"{member}Arn",
        arn=f"{member}Arn",
        label=label,
        status="" if word == "Schema" else "status",
        waiter=waiter,
        console="datasetGroups",
        since="creationDateTime",
        ended=("ACTIVE", "CREATE FAILED", "CREATE STOPPED"),
        service="personalize",
        member=member,
        **options,
    )


PERSONALIZE: dict[str, Kind] = {
    kind.word: kind
    for kind in (
        *(_personalize(word) for word in ("Schema", "DatasetGroup", "Dataset", "EventTracker", "Solution")),
        *(_personalize(word) for word in ("Filter", "MetricAttribution")),
        _personalize("Campaign", waiter="CampaignServes"),
        _personalize("Recommender", waiter="RecommenderServes"),
        _personalize("SolutionVersion", stop="stop_solution_version_creation"),
        *(
            _personalize(word, "jobName")
            for word in ("DatasetImportJob", "DatasetExportJob", "BatchInferenceJob", "BatchSegmentJob")
        ),
    )
}
KINDS |= {kind.key: kind for kind in PERSONALIZE.values()}
