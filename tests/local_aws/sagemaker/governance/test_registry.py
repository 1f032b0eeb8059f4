from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.sagemaker.hosting import tiny_model

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def group(sagemaker: Any) -> str:
    name = f"churn-{uuid.uuid4().hex[:6]}"
    sagemaker.create_model_package_group(ModelPackageGroupName=name, ModelPackageGroupDescription="telco")
    return name


@pytest.fixture
def register(sagemaker: Any, s3: Any, bucket: str, group: str) -> Callable[..., str]:
    """Registers a version whose containers multiply by the given factors, one after the other."""

    def register(*factors: float, **members: Any) -> str:
        specification = {
            "Containers": [tiny_model.container(s3, bucket, factor) for factor in factors or (2.0,)],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        }
        request = {"ModelPackageGroupName": group, "InferenceSpecification": specification}
        return str(sagemaker.create_model_package(**request, **members)["ModelPackageArn"])

    return register


def describe(sagemaker: Any, arn: str) -> Any:
    return sagemaker.describe_model_package(ModelPackageName=arn)


def test_versions_of_a_group_are_numbered_and_wait_for_approval(
    sagemaker: Any, register: Callable[..., str], group: str
) -> None:
    arns = [register(), register()]
    assert [arn.rpartition(f"model-package/{group}/")[2] for arn in arns] == ["1", "2"]
    package = describe(sagemaker, arns[1])
    assert (package["ModelPackageVersion"], package["ModelApprovalStatus"]) == (2, "PendingManualApproval")
    assert package["ModelPackageStatus"] == "Completed"


def test_a_number_is_never_used_twice(sagemaker: Any, register: Callable[..., str]) -> None:
    first = register()
    sagemaker.delete_model_package(ModelPackageName=first)
    assert register().endswith("/2")


def report(name: str) -> dict[str, str]:
    return {"ContentType": "application/json", "S3Uri": f"s3://reports/{name}.json"}


def test_what_was_registered_is_described(sagemaker: Any, register: Callable[..., str]) -> None:
    members = {
        "ModelMetrics": {
            "ModelQuality": {"Statistics": report("evaluation"), "Constraints": report("quality")},
            "ModelDataQuality": {"Statistics": report("statistics"), "Constraints": report("constraints")},
            "Bias": {
                "Report": report("bias"),
                "PreTrainingReport": report("pre"),
                "PostTrainingReport": report("post"),
            },
            "Explainability": {"Report": report("shap")},
        },
        "DriftCheckBaselines": {
            "ModelDataQuality": {"Statistics": report("statistics"), "Constraints": report("constraints")},
            "ModelQuality": {"Statistics": report("evaluation"), "Constraints": report("quality")},
            "Bias": {"ConfigFile": report("analysis_config"), "PreTrainingConstraints": report("pre")},
        },
        "CustomerMetadataProperties": {"run": "1", "auc": "0.93"},
        "MetadataProperties": {"CommitId": "abc", "Repository": "r", "GeneratedBy": "dag", "ProjectId": "p"},
        "ModelPackageDescription": "churn of week 47",
        "Domain": "MACHINE_LEARNING",
        "Task": "CLASSIFICATION",
        "SamplePayloadUrl": "s3://reports/sample.tar.gz",
    }
    arn = register(**members)
    package = describe(sagemaker, arn)
    assert {member: package[member] for member in members} == members
    (summary,) = sagemaker.list_model_packages(ModelPackageGroupName=package["ModelPackageGroupName"])[
        "ModelPackageSummaryList"
    ]
    assert (summary["ModelPackageArn"], summary["ModelPackageDescription"]) == (arn, "churn of week 47")


def test_a_version_has_no_tags_of_its_own(sagemaker: Any, register: Callable[..., str]) -> None:
    """The API's reference: with a group no tags can be given, the version uses the group's."""
    with pytest.raises(ClientError, match="tags of its model package group"):
        register(Tags=[{"Key": "owner", "Value": "ml"}])


def test_versions_are_listed_by_state_and_by_when_they_were_registered(
    sagemaker: Any, register: Callable[..., str], group: str
) -> None:
    arns = [register() for _ in range(4)]
    for arn, status in zip(arns, ("Approved", "Rejected", "Approved"), strict=False):
        sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus=status)
    moments = [describe(sagemaker, arn)["CreationTime"] for arn in arns]

    def versions(**members: Any) -> Any:
        page = sagemaker.list_model_packages(ModelPackageGroupName=group, SortOrder="Ascending", **members)
        return [arns.index(package["ModelPackageArn"]) for package in page["ModelPackageSummaryList"]]

    assert versions(SortBy="CreationTime") == [0, 1, 2, 3]
    assert versions(ModelApprovalStatus="Approved") == [0, 2]
    assert versions(ModelApprovalStatus="Rejected") == [1]
    assert versions(ModelApprovalStatus="PendingManualApproval") == [3]
    between = {"CreationTimeAfter": moments[0], "CreationTimeBefore": moments[3]}
    assert set(versions(**between)) - {0, 3} == {1, 2}  # a client's times are rounded at the edges


def test_an_update_changes_approval_and_metadata_only(sagemaker: Any, register: Callable[..., str]) -> None:
    arn = register(CustomerMetadataProperties={"run": "1", "old": "x"})
    sagemaker.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved",
        ApprovalDescription="better",
        CustomerMetadataProperties={"run": "2"},
        CustomerMetadataPropertiesToRemove=["old"],
    )
    package = describe(sagemaker, arn)
    assert (package["ModelApprovalStatus"], package["ApprovalDescription"]) == ("Approved", "better")
    assert package["CustomerMetadataProperties"] == {"run": "2"}
    assert package["LastModifiedTime"] >= package["CreationTime"]
    assert package["InferenceSpecification"]["Containers"][0]["Image"] == tiny_model.IMAGE


def test_the_newest_approved_version_is_found_by_listing(
    sagemaker: Any, register: Callable[..., str], group: str
) -> None:
    arns = [register() for _ in range(3)]
    for arn in arns[:2]:
        sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    request = {"ModelPackageGroupName": group, "ModelApprovalStatus": "Approved", "SortOrder": "Descending"}
    first = sagemaker.list_model_packages(**request, MaxResults=1)
    assert first["ModelPackageSummaryList"] == []  # the newest one waits; the page was taken before
    second = sagemaker.list_model_packages(**request, MaxResults=1, NextToken=first["NextToken"])
    assert [p["ModelPackageArn"] for p in second["ModelPackageSummaryList"]] == [arns[1]]
    assert "NextToken" in second


def test_packages_of_groups_are_listed_only_where_asked_for(
    sagemaker: Any, register: Callable[..., str]
) -> None:
    arn = register()

    def is_listed(**members: Any) -> Any:
        summaries = sagemaker.list_model_packages(MaxResults=100, **members)["ModelPackageSummaryList"]
        return arn in [package["ModelPackageArn"] for package in summaries]

    assert not is_listed()
    assert is_listed(ModelPackageType="Versioned")
    assert is_listed(ModelPackageType="Both")


def test_an_approved_package_is_a_model(
    sagemaker: Any, register: Callable[..., str], client: Callable[[str], Any]
) -> None:
    arn = register(3.0)
    request = {"ModelName": "packaged", "ExecutionRoleArn": tiny_model.ROLE}
    with pytest.raises(ClientError, match="PendingManualApproval"):
        sagemaker.create_model(**request, PrimaryContainer={"ModelPackageName": arn})
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    sagemaker.create_model(**request, PrimaryContainer={"ModelPackageName": arn})
    description = sagemaker.describe_model(ModelName="packaged")
    assert description["PrimaryContainer"]["ModelPackageName"] == arn
    variants = [tiny_model.variant("packaged")]
    sagemaker.create_endpoint_config(EndpointConfigName="packaged", ProductionVariants=variants)
    sagemaker.create_endpoint(EndpointName="packaged", EndpointConfigName="packaged")
    assert tiny_model.settled(sagemaker, "packaged")["EndpointStatus"] == "InService"
    answer = client("sagemaker-runtime").invoke_endpoint(
        EndpointName="packaged", Body=b"2", ContentType="text/csv"
    )
    assert answer["Body"].read() == b"6.0"
    sagemaker.delete_endpoint(EndpointName="packaged")


@pytest.mark.parametrize("member", ["PrimaryContainer", "Containers"])
def test_a_package_of_several_containers_is_a_pipeline(
    sagemaker: Any, register: Callable[..., str], client: Callable[[str], Any], bucket: str, member: str
) -> None:
    arn = register(3.0, 5.0, ModelApprovalStatus="Approved")
    package = {"ModelPackageName": arn, "Environment": {"GREETING": "hello"}}
    containers = package if member == "PrimaryContainer" else [package]
    sagemaker.create_model(ModelName=bucket, ExecutionRoleArn=tiny_model.ROLE, **{member: containers})
    assert sagemaker.describe_model(ModelName=bucket)[member] == containers
    variants = [tiny_model.variant(bucket)]
    sagemaker.create_endpoint_config(EndpointConfigName=bucket, ProductionVariants=variants)
    sagemaker.create_endpoint(EndpointName=bucket, EndpointConfigName=bucket)
    served = tiny_model.settled(sagemaker, bucket)
    assert served["EndpointStatus"] == "InService", served.get("FailureReason")
    answer = client("sagemaker-runtime").invoke_endpoint(
        EndpointName=bucket, Body=b"2", ContentType="text/csv"
    )
    assert answer["Body"].read() == b"30.0"
    sagemaker.delete_endpoint(EndpointName=bucket)


def test_a_group_is_deleted_after_its_packages(
    sagemaker: Any, register: Callable[..., str], group: str
) -> None:
    arn = register()
    with pytest.raises(ClientError, match="ConflictException"):
        sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    sagemaker.delete_model_package(ModelPackageName=arn)
    sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    with pytest.raises(ClientError, match="does not exist"):
        sagemaker.describe_model_package_group(ModelPackageGroupName=group)


def test_several_packages_are_described_at_once(sagemaker: Any, register: Callable[..., str]) -> None:
    arn = register()
    answer = sagemaker.batch_describe_model_package(ModelPackageArnList=[arn, f"{arn}9"])
    assert list(answer["ModelPackageSummaries"]) == [arn]
    assert list(answer["BatchDescribeModelPackageErrorMap"]) == [f"{arn}9"]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "either ModelPackageName or ModelPackageGroupName"),
        ({"ModelPackageGroupName": "nobody"}, "model-package-group/nobody does not exist"),
        ({"ModelPackageName": "alone", "InferenceSpecification": None}, "InferenceSpecification is required"),
    ],
)
def test_wrong_requests_are_refused_by_name(sagemaker: Any, members: dict[str, Any], message: str) -> None:
    specification = {"InferenceSpecification": {"Containers": [{"Image": tiny_model.IMAGE}]}}
    request = {key: value for key, value in (specification | members).items() if value is not None}
    with pytest.raises(ClientError, match=message):
        sagemaker.create_model_package(**request)


def test_a_group_name_is_unique(sagemaker: Any, group: str) -> None:
    with pytest.raises(ClientError, match="already exists"):
        sagemaker.create_model_package_group(ModelPackageGroupName=group)
    names = [
        g["ModelPackageGroupName"]
        for g in sagemaker.list_model_package_groups(NameContains=group)["ModelPackageGroupSummaryList"]
    ]
    assert names == [group]
