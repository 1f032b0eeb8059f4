"""Versions in the model registry: which one serves, and what it learned from.

A model package group has the name of its use case. The newest approved version is the champion: the endpoint
serves it, and traffic and challengers are compared with it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypedDict, cast

from aws_ml.clients import Aws
from aws_ml.errors import is_missing
from aws_ml.lifecycle.packages import newest_packages
from aws_ml.names import time_of
from include.workflows.common.errors import NotOfThisProject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.use_cases.definition import UseCase

WAITING = 20  # versions that are looked through for the one that is being deployed
REGISTER = "register"  # id of the task that registers a run's version
LEARNED_UNTIL = "learned_until"  # a property of versions that a retraining has made
PROPERTIES = ("model_name", "run", "data_uri", "code")  # of a version's CustomerMetadataProperties


class VersionDict(TypedDict):
    """A `Version` in XCom."""

    use_case: str
    arn: str
    model_name: str
    run: str
    data_uri: str
    code: str
    since: str
    learned_until: str


@dataclass(frozen=True)
class Version:
    """A registered version of a use case's model."""

    use_case: str
    arn: str
    model_name: str  # of the SageMaker model
    run: str  # S3 URI of its training run
    data_uri: str  # of the manifest of the raw data that it learned from
    code: str  # S3 URI of the job scripts' bundle
    since: str  # when it was approved, ISO 8601
    learned_until: str  # labels that came before are in its data, where it is of a retraining; ISO 8601

    @property
    def number(self) -> int:
        """3 for `.../model-package/churn/3`."""
        return int(self.arn.rpartition("/")[2])

    def to_dict(self) -> VersionDict:
        return cast("VersionDict", asdict(self))

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Version:
        return cls(**content)

    @classmethod
    def of(cls, use_case: str, package: dict[str, Any]) -> Version:
        """From the description of a model package.

        :raises NotOfThisProject: when it was registered by somebody else.
        """
        properties = package.get("CustomerMetadataProperties", {})
        if missing := [name for name in PROPERTIES if name not in properties]:
            raise NotOfThisProject(
                f"{package['ModelPackageArn']} has no property {', '.join(missing)}: "
                "it was not registered by a workflow of this project."
            )
        created = package["CreationTime"]
        began = time_of(properties["run"].rpartition("/")[2]) or created  # its data were staged then
        return cls(
            use_case,
            package["ModelPackageArn"],
            since=package.get("LastModifiedTime", created).isoformat(),
            learned_until=properties.get(LEARNED_UNTIL, began.isoformat()),
            **{name: properties[name] for name in PROPERTIES},
        )


def describe_version(use_case: str, arn: str) -> Version:
    """The version of an ARN.

    :raises NotOfThisProject: when it was registered by somebody else.
    """
    return Version.of(use_case, Aws().client("sagemaker").describe_model_package(ModelPackageName=arn))


def champion_of(case: UseCase) -> Version | None:
    """The newest approved version; None where nothing was approved yet.

    :raises NotOfThisProject: when it was registered by somebody else.
    """
    return next(iter(_newest(case, 1, ModelApprovalStatus="Approved")), None)


def waiting_versions(case: UseCase) -> list[Version]:
    """The newest versions that wait for approval, the newest one first.

    :raises NotOfThisProject: when one was registered by somebody else.
    """
    return _newest(case, WAITING, ModelApprovalStatus="PendingManualApproval")


def _newest(case: UseCase, most: int, **filters: str) -> list[Version]:
    """The newest versions of a use case that pass the filters of ListModelPackages."""
    from botocore.exceptions import ClientError

    try:
        summaries = list(newest_packages(Aws().client("sagemaker"), case.endpoint, most, **filters))
    except ClientError as error:
        if is_missing(error):
            return []
        raise
    return [describe_version(case.name, summary["ModelPackageArn"]) for summary in summaries]
