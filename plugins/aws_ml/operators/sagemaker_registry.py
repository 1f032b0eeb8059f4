"""The SageMaker model registry: versions of models, and which of them are approved.

A model package is known by its ARN: `arn:aws:sagemaker:eu-west-1:123456789012:model-package/churn/3`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow.providers.amazon.aws.hooks.sagemaker import SageMakerHook
from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.operators.sagemaker import serialize
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.sdk.exceptions import AirflowSkipException

from aws_ml.clients import Aws
from aws_ml.errors import RETRY_POLICY, JobFailed, calling, is_taken
from aws_ml.lifecycle.differences import REQUEST_TAG, digest
from aws_ml.lifecycle.packages import newest_package, newest_packages

if TYPE_CHECKING:
    from airflow.sdk import Context

    from aws_ml.lifecycle.kinds import Description

Approval = Literal["Approved", "Rejected", "PendingManualApproval"]
NEWEST = 10  # how many versions are searched for the one that an earlier try registered


class RegistryTask(AwsBaseOperator[SageMakerHook]):
    """The base of the operators on the registry."""

    aws_hook_class = SageMakerHook
    template_fields = aws_template_fields()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"retry_policy": RETRY_POLICY, **kwargs})

    def call(self, operation: str, **parameters: Any) -> Description:
        """Call SageMaker.

        :raises JobRejected: when AWS refuses.
        :raises ServiceFault: when AWS is at fault.
        """
        about = ", ".join(str(value) for value in parameters.values() if isinstance(value, str))
        with calling(f"{operation.replace('_', ' ')} {about}"):
            answer: Description = getattr(Aws.of(self).client("sagemaker"), operation)(**parameters)
        answer.pop("ResponseMetadata", None)
        return answer

    def describe(self, arn: str) -> Description:
        """A version, with dates as text.

        :raises JobRejected: when AWS refuses, or there is no such version.
        :raises ServiceFault: when AWS is at fault.
        """
        return serialize(self.call("describe_model_package", ModelPackageName=arn))


class SageMakerCreateModelPackageOperator(RegistryTask):
    """Register a version of a model in its group, which is created if it does not exist.

    The same request is registered once, however often the task runs: a metadata property holds its digest
    (versions have no tags of their own: AWS gives them the group's).

    :param config: the parameters of CreateModelPackage; `Tags` become those of a new group.
    """

    template_fields = (*RegistryTask.template_fields, "config")
    template_fields_renderers: ClassVar[dict[str, str]] = {"config": "json"}

    def __init__(self, *, config: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config

    def execute(self, context: Context) -> Description:
        """Register; returns the version's description.

        :raises JobRejected: when AWS refuses.
        :raises ServiceFault: when AWS is at fault.
        """
        group, fingerprint = self.config["ModelPackageGroupName"], digest(self.config)
        self._ensure_group(group)
        version = self._registered(group, fingerprint)
        if version is None:
            request = {name: value for name, value in self.config.items() if name != "Tags"}
            properties = {**request.get("CustomerMetadataProperties", {}), REQUEST_TAG: fingerprint}
            request |= {"CustomerMetadataProperties": properties, "ClientToken": fingerprint[:36]}
            version = self.describe(str(self.call("create_model_package", **request)["ModelPackageArn"]))
            self.log.info("Registered %s", version["ModelPackageArn"])
        context["ti"].xcom_push(key="arn", value=version["ModelPackageArn"])
        return version

    def _ensure_group(self, group: str) -> None:
        from botocore.exceptions import ClientError

        tags = {"Tags": self.config["Tags"]} if "Tags" in self.config else {}
        client = Aws.of(self).client("sagemaker")
        with calling(f"creating the model package group {group}"):
            try:
                client.create_model_package_group(ModelPackageGroupName=group, **tags)
            except ClientError as error:
                if not is_taken(error):
                    raise

    def _registered(self, group: str, fingerprint: str) -> Description | None:
        """The version that an earlier try registered, if it is among the newest."""
        with calling(f"looking for the newest versions of {group}"):
            summaries = list(newest_packages(Aws.of(self).client("sagemaker"), group, NEWEST))
        for summary in summaries:
            version = self.describe(summary["ModelPackageArn"])
            if version.get("CustomerMetadataProperties", {}).get(REQUEST_TAG) == fingerprint:
                self.log.info("%s was registered by an earlier try", version["ModelPackageArn"])
                return version
        return None


class SageMakerDescribeModelPackageOperator(RegistryTask):
    """Describe a version: its containers, metrics and approval.

    :param model_package_arn: of the version.
    """

    template_fields = (*RegistryTask.template_fields, "model_package_arn")

    def __init__(self, *, model_package_arn: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.model_package_arn = model_package_arn

    def execute(self, context: Context) -> Description:
        """Returns the version's description.

        :raises JobRejected: when AWS refuses, or there is no such version.
        :raises ServiceFault: when AWS is at fault.
        """
        return self.describe(self.model_package_arn)


class ApprovalTask(SageMakerDescribeModelPackageOperator):
    """Set a version's approval state; a version that has that state already is not changed.

    :param model_package_arn: of the version.
    :param reason: stored as the version's ApprovalDescription.
    """

    approval: ClassVar[Approval]
    template_fields = (*SageMakerDescribeModelPackageOperator.template_fields, "reason")

    def __init__(self, *, reason: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reason = reason

    def execute(self, context: Context) -> Description:
        """Set the state; returns the version's description.

        :raises JobFailed: when the version is not complete, so that no endpoint could serve it.
        :raises JobRejected: when AWS refuses.
        """
        arn, version = self.model_package_arn, self.describe(self.model_package_arn)
        if self.approval == "Approved" and version["ModelPackageStatus"] != "Completed":
            status = version["ModelPackageStatus"]
            raise JobFailed(f"{arn} is {status}; only a Completed version can be approved.")
        if version.get("ModelApprovalStatus") == self.approval:
            self.log.info("%s is %s already", arn, self.approval)
            return version
        reason = {"ApprovalDescription": self.reason} if self.reason else {}
        self.call("update_model_package", ModelPackageArn=arn, ModelApprovalStatus=self.approval, **reason)
        self.log.info("%s: %s → %s", arn, version.get("ModelApprovalStatus"), self.approval)
        return self.describe(arn)


class SageMakerApproveModelPackageOperator(ApprovalTask):
    """Approve a version."""

    approval: ClassVar[Approval] = "Approved"


class SageMakerRejectModelPackageOperator(ApprovalTask):
    """Reject a version."""

    approval: ClassVar[Approval] = "Rejected"


class SageMakerNewestApprovedModelPackageOperator(RegistryTask):
    """The newest version of a group that is approved.

    :param group: name or ARN of the model package group.
    :param if_none: `fail`, or `skip` the task and what follows.
    """

    template_fields = (*RegistryTask.template_fields, "group")

    def __init__(self, *, group: str, if_none: Literal["fail", "skip"] = "fail", **kwargs: Any) -> None:
        """:raises ValueError: when `if_none` is neither."""
        super().__init__(**kwargs)
        if if_none not in ("fail", "skip"):
            raise ValueError(f"if_none is {if_none!r}: expected fail or skip")
        self.group, self.if_none = group, if_none

    def execute(self, context: Context) -> Description:
        """Returns the version's description.

        :raises JobFailed: when no version is approved and `if_none` is `fail`.
        :raises AirflowSkipException: when no version is approved and `if_none` is `skip`.
        """
        with calling(f"looking for the approved versions of {self.group}"):
            client = Aws.of(self).client("sagemaker")
            newest = newest_package(client, self.group, ModelApprovalStatus="Approved")
        if newest:
            return self.describe(newest["ModelPackageArn"])
        message = f"No version of {self.group} is approved."
        raise AirflowSkipException(message) if self.if_none == "skip" else JobFailed(message)
