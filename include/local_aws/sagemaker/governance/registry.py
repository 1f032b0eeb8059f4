"""The model registry: groups of model packages, their versions and approval states."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from include.local_aws.protocol.errors import AwsError, ValidationException
from include.local_aws.sagemaker import checks, names
from include.local_aws.sagemaker.listing import Listing
from include.local_aws.state import NameTaken

if TYPE_CHECKING:
    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.sagemaker.tags import TagStore
    from include.local_aws.state import Collection, Document, State

GROUP_SUMMARY = (
    *("ModelPackageGroupName", "ModelPackageGroupArn", "ModelPackageGroupDescription", "CreationTime"),
    *("ModelPackageGroupStatus", "ManagedConfiguration"),
)
SUMMARY = (
    *("ModelPackageName", "ModelPackageGroupName", "ModelPackageVersion", "ModelPackageArn"),
    *("ModelPackageDescription", "CreationTime", "ModelPackageStatus", "ModelApprovalStatus"),
    *("ModelLifeCycle", "ModelPackageRegistrationType"),
)
NOT_DESCRIBED = ("Tags", "ClientToken")
REPLACED = (  # members that an update replaces
    *("ModelApprovalStatus", "ApprovalDescription", "ModelPackageRegistrationType", "InferenceSpecification"),
    *("SourceUri", "ModelCard", "ModelLifeCycle"),
)
AUTHOR: Document = {"UserProfileName": "local"}


class Registry:
    """The operations on model package groups and model packages; `containers` serves CreateModel."""

    def __init__(self, state: State, tags: TagStore) -> None:
        self._state, self._tags = state, tags
        self._groups: Collection = state.collection("model_package_group")
        self._packages: Collection = state.collection("model_package")  # by ARN
        self._group_listing = Listing(name="ModelPackageGroupName")
        self._listing = Listing(name="ModelPackageArn", status="ModelPackageStatus")

    # ---- groups

    def create_model_package_group(self, params: Params, caller: Caller) -> Output:
        """Create a group for the versions of a model.

        :raises ValidationException: for a group that exists, or wrong tags.
        """
        name = params["ModelPackageGroupName"]
        arn = names.arn(caller, "model-package-group", name)
        document = {member: value for member, value in params.items() if member != "Tags"}
        document |= {"ModelPackageGroupArn": arn, "CreationTime": time.time(), "CreatedBy": AUTHOR}
        document |= {"ModelPackageGroupStatus": "Completed", "Newest": 0}
        with self._state.transaction():
            try:
                self._groups.insert(name, document)
            except NameTaken as error:
                raise ValidationException(f"Model Package Group already exists: {arn}") from error
            self._tags.put(arn, params.get("Tags"))
        return {"ModelPackageGroupArn": arn}

    def describe_model_package_group(self, params: Params, caller: Caller) -> Output:
        return self._group(params["ModelPackageGroupName"], caller)

    def list_model_package_groups(self, params: Params, caller: Caller) -> Output:
        page, token = self._group_listing.page(self._groups, params)
        summaries = [{member: d[member] for member in GROUP_SUMMARY if member in d} for d in page]
        return {"ModelPackageGroupSummaryList": summaries} | ({"NextToken": token} if token else {})

    def delete_model_package_group(self, params: Params, caller: Caller) -> Output:
        """Delete a group without model packages.

        :raises AwsError: ConflictException while it has model packages.
        :raises ValidationException: for a group that does not exist.
        """
        group = self._group(params["ModelPackageGroupName"], caller)
        if any(p.get("ModelPackageGroupName") == group["ModelPackageGroupName"] for p in self._packages):
            raise AwsError(
                "ConflictException",
                f"Model Package Group {group['ModelPackageGroupArn']} cannot be deleted: "
                "it still has model packages.",
            )
        self._groups.delete(group["ModelPackageGroupName"])
        self._tags.delete(group["ModelPackageGroupArn"])
        return None

    def _group(self, name_or_arn: str, caller: Caller) -> Document:
        """A group by name or ARN.

        :raises ValidationException: for a group that does not exist.
        """
        name = name_or_arn.rpartition("/")[2]
        group = self._groups.get(name)
        if group is None:
            arn = names.arn(caller, "model-package-group", name)
            raise ValidationException(f"ModelPackageGroup {arn} does not exist.")
        return group

    # ---- packages

    def create_model_package(self, params: Params, caller: Caller) -> Output:
        """Register a version in a group, or a package of its own; local packages are complete at once.

        :raises ValidationException: naming the member that is wrong, or for a package that exists.
        """
        self._check(params)
        document = {member: value for member, value in params.items() if member not in NOT_DESCRIBED}
        document |= {"CreationTime": time.time(), "CreatedBy": AUTHOR, "ModelPackageStatus": "Completed"}
        document |= {"ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []}}
        with self._state.transaction():
            arn = self._place(document, caller)
            document["ModelPackageArn"] = arn
            try:
                self._packages.insert(arn, document)
            except NameTaken as error:
                raise ValidationException(f"Model package already exists: {arn}") from error
            self._tags.put(arn, params.get("Tags"))
        return {"ModelPackageArn": arn}

    def describe_model_package(self, params: Params, caller: Caller) -> Output:
        return self.find(params["ModelPackageName"], caller)

    def batch_describe_model_package(self, params: Params, caller: Caller) -> Output:
        packages, errors = {}, {}
        for arn in params["ModelPackageArnList"]:
            try:
                packages[arn] = self.find(arn, caller)
            except ValidationException as error:
                errors[arn] = {"ErrorCode": "ResourceNotFound", "ErrorResponse": str(error)}
        return {"ModelPackageSummaries": packages, "BatchDescribeModelPackageErrorMap": errors}

    def list_model_packages(self, params: Params, caller: Caller) -> Output:
        """List packages.

        Without a group, or with type Both, only those that belong to no group, as on AWS.
        """
        kind, approval = params.get("ModelPackageType"), params.get("ModelApprovalStatus")
        group = params.get("ModelPackageGroupName")
        name = str(self._group(group, caller)["ModelPackageGroupName"]) if group else None

        def in_scope(package: Document) -> bool:
            group_name = package.get("ModelPackageGroupName")
            return group_name == name if name else kind == "Both" or bool(group_name) == (kind == "Versioned")

        def fits(package: Document) -> bool:
            return approval in (None, package.get("ModelApprovalStatus"))

        page, token = self._listing.page(filter(in_scope, self._packages), params, fits)
        summaries = [{member: d[member] for member in SUMMARY if member in d} for d in page]
        return {"ModelPackageSummaryList": summaries} | ({"NextToken": token} if token else {})

    def update_model_package(self, params: Params, caller: Caller) -> Output:
        arn = params["ModelPackageArn"]
        self.find(arn, caller)

        def change(document: Document) -> None:
            document |= {member: params[member] for member in REPLACED if member in params}
            metadata = document.get("CustomerMetadataProperties", {}) | params.get(
                "CustomerMetadataProperties", {}
            )
            for key in params.get("CustomerMetadataPropertiesToRemove", []):
                metadata.pop(key, None)
            document |= {"LastModifiedTime": time.time(), "LastModifiedBy": AUTHOR}
            document |= {"CustomerMetadataProperties": metadata} if metadata else {}
            additions = params.get("AdditionalInferenceSpecificationsToAdd", [])
            if additions:
                document.setdefault("AdditionalInferenceSpecifications", []).extend(additions)

        self._packages.update(arn, change)
        return {"ModelPackageArn": arn}

    def delete_model_package(self, params: Params, caller: Caller) -> Output:
        arn = str(self.find(params["ModelPackageName"], caller)["ModelPackageArn"])
        self._packages.delete(arn)
        self._tags.delete(arn)
        return None

    def find(self, name_or_arn: str, caller: Caller) -> Document:
        """A package by ARN, or by name if it belongs to no group.

        :raises ValidationException: for a package that does not exist.
        """
        arn = (
            name_or_arn if name_or_arn.startswith("arn:") else names.arn(caller, "model-package", name_or_arn)
        )
        package = self._packages.get(arn)
        if package is None:
            raise ValidationException(f"ModelPackage {arn} does not exist.")
        return package

    def containers(self, name_or_arn: str, caller: Caller) -> list[dict[str, Any]]:
        """The containers of a model made from this package.

        :raises ValidationException: for a package that does not exist or is not approved.
        """
        package = self.find(name_or_arn, caller)
        status = package.get("ModelApprovalStatus", "Approved")
        if status != "Approved":
            raise ValidationException(
                f"Cannot create a model from {package['ModelPackageArn']}: "
                f"its ModelApprovalStatus is {status}."
            )
        containers: list[dict[str, Any]] = package["InferenceSpecification"]["Containers"]
        return containers

    def _place(self, document: Document, caller: Caller) -> str:
        """The ARN of a new package: the next version of its group, or its own name."""
        if "ModelPackageGroupName" not in document:
            return names.arn(caller, "model-package", document["ModelPackageName"])
        name = str(self._group(document["ModelPackageGroupName"], caller)["ModelPackageGroupName"])

        def count(group: Document) -> None:
            group["Newest"] += 1

        self._groups.update(name, count)
        version = self._group(name, caller)["Newest"]  # numbers of deleted versions are not used again
        document |= {"ModelPackageGroupName": name, "ModelPackageVersion": version, "ModelPackageName": name}
        document.setdefault("ModelApprovalStatus", "PendingManualApproval")
        return names.arn(caller, "model-package", f"{name}/{version}")

    @staticmethod
    def _check(params: Params) -> None:
        if ("ModelPackageName" in params) == ("ModelPackageGroupName" in params):
            raise ValidationException("Give either ModelPackageName or ModelPackageGroupName.")
        if "ModelPackageGroupName" in params and params.get("Tags"):
            raise ValidationException("A version has the tags of its model package group: give no Tags.")
        specification = params.get("InferenceSpecification")
        if specification is None:
            raise ValidationException("InferenceSpecification is required by the local AWS.")
        for number, container in enumerate(specification["Containers"], 1):
            if "Image" not in container:
                raise ValidationException(f"Container {number}: Image is required.")
            checks.image(container["Image"], f"Container {number}")
