"""The SageMaker model registry: which version may serve, and who said so.

A model package is known by its ARN: `arn:aws:sagemaker:eu-west-1:123456789012:model-package/churn/3`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow.providers.amazon.aws.hooks.sagemaker import SageMakerHook
from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.operators.sagemaker import serialize
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.sdk.exceptions import AirflowSkipException

from aws_ml.jobs.aws import Aws
from aws_ml.jobs.errors import RETRY_POLICY, JobFailed, calling

if TYPE_CHECKING:
    from airflow.sdk import Context

Approval = Literal["Approved", "Rejected", "PendingManualApproval"]
Description = dict[str, Any]


class RegistryTask(AwsBaseOperator[SageMakerHook]):
    """What the operators on the registry share."""

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
        return serialize(self.call("describe_model_package", ModelPackageName=arn))


class SageMakerDescribeModelPackageOperator(RegistryTask):
    """Describe a version: its containers, metrics and approval.

    :param model_package_arn: of the version.
    """

    template_fields = (*RegistryTask.template_fields, "model_package_arn")

    def __init__(self, *, model_package_arn: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.model_package_arn = model_package_arn

    def execute(self, context: Context) -> Description:
        return self.describe(self.model_package_arn)


class ApprovalTask(SageMakerDescribeModelPackageOperator):
    """Set a version's approval state; the same state twice is one change.

    :param model_package_arn: of the version.
    :param reason: kept as the version's ApprovalDescription.
    """

    approval: ClassVar[Approval]
    template_fields = (*SageMakerDescribeModelPackageOperator.template_fields, "reason")

    def __init__(self, *, reason: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reason = reason

    def execute(self, context: Context) -> Description:
        """Returns the version's description.

        :raises JobFailed: when the version is not complete: nobody can serve it.
        """
        found = self.describe(self.model_package_arn)
        if self.approval == "Approved" and found["ModelPackageStatus"] != "Completed":
            raise JobFailed(
                f"{self.model_package_arn} is {found['ModelPackageStatus']}, only Completed is approved."
            )
        if found.get("ModelApprovalStatus") == self.approval:
            self.log.info("%s is %s already", self.model_package_arn, self.approval)
            return found
        reason = {"ApprovalDescription": self.reason} if self.reason else {}
        arn = self.model_package_arn
        self.call("update_model_package", ModelPackageArn=arn, ModelApprovalStatus=self.approval, **reason)
        self.log.info("%s: %s → %s", arn, found.get("ModelApprovalStatus"), self.approval)
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
        super().__init__(**kwargs)
        if if_none not in ("fail", "skip"):
            raise ValueError(f"if_none is {if_none!r}: expected fail or skip")
        self.group, self.if_none = group, if_none

    def execute(self, context: Context) -> Description:
        """Returns the version's description.

        :raises JobFailed: where there is none and that is a failure.
        """
        found = self.call(
            "list_model_packages",
            ModelPackageGroupName=self.group,
            ModelApprovalStatus="Approved",
            SortBy="CreationTime",
            SortOrder="Descending",
            MaxResults=1,
        )["ModelPackageSummaryList"]
        if found:
            return self.describe(found[0]["ModelPackageArn"])
        told = f"No version of {self.group} is approved."
        raise AirflowSkipException(told) if self.if_none == "skip" else JobFailed(told)
