"""The model registry's part in a workflow: a version is registered, approved when it serves, and found again.

A model package group has the name of its use case. The newest approved version is the champion: what the
endpoint serves, and what traffic and challengers are compared with.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowException

from aws_ml.operators.sagemaker_registry import SageMakerCreateModelPackageOperator
from include.aws import sagemaker_requests

if TYPE_CHECKING:
    from include.aws.sagemaker_requests import Config


class NotRegistered(AirflowException):
    """A version lacks what the project's workflows leave with it."""


@dataclass(frozen=True)
class Version:
    """A registered version of a use case's model."""

    use_case: str
    arn: str
    model_name: str  # of the SageMaker model
    run: str  # S3 URI of its training run
    data_uri: str  # of the raw data that it learned from
    code: str  # S3 URI of the job scripts' bundle
    since: str  # when it was approved, ISO 8601

    @property
    def number(self) -> int:
        """3 for `.../model-package/churn/3`."""
        return int(self.arn.rpartition("/")[2])

    def to_dict(self) -> dict[str, str]:
        return asdict(self)

    @classmethod
    def of(cls, use_case: str, package: dict[str, Any]) -> Version:
        """From the description of a model package.

        :raises NotRegistered: when it was registered by somebody else.
        """
        found = package.get("CustomerMetadataProperties", {})
        wanted = ("model_name", "run", "data_uri", "code")
        if missing := [name for name in wanted if name not in found]:
            told = f"{package['ModelPackageArn']} has no property {', '.join(missing)}"
            raise NotRegistered(f"{told}: it was not registered by a workflow of this project.")
        since = package.get("LastModifiedTime", package["CreationTime"]).isoformat()
        known = {name: found[name] for name in wanted}
        return cls(use_case, package["ModelPackageArn"], since=since, **known)


def register(use_case: str, *, containers: list[Config], run: str, model_name: str) -> Any:
    """The task `register`: this run's model becomes a version that waits for approval."""
    return SageMakerCreateModelPackageOperator(
        task_id="register",
        config=sagemaker_requests.tagged(
            use_case,
            sagemaker_requests.model_package(
                use_case,
                containers=containers,
                run=run,
                instance_type="{{ params.endpoint_instance_type }}",
                properties={
                    "model_name": model_name,
                    "data_uri": "{{ ti.xcom_pull('stage_data')['uri'] }}",
                    "code": "{{ ti.xcom_pull('upload_code')['bundle'] }}",
                },
            ),
        ),
    )


def champion(use_case: str) -> Version | None:
    """The newest approved version; None where nothing was approved yet."""
    from botocore.exceptions import ClientError

    from aws_ml.clients import Aws
    from aws_ml.errors import is_missing

    client = Aws().client("sagemaker")
    try:
        newest = client.list_model_packages(
            ModelPackageGroupName=use_case,
            ModelApprovalStatus="Approved",
            SortBy="CreationTime",
            SortOrder="Descending",
            MaxResults=1,
        )["ModelPackageSummaryList"]
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    if not newest:
        return None
    arn = newest[0]["ModelPackageArn"]
    return Version.of(use_case, client.describe_model_package(ModelPackageName=arn))
