"""The Resource Groups Tagging API, by which a clean-up finds the project's resources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local_aws.conftest import RunningServer

PROJECT = {"Key": "project", "Value": "ml"}
ROLE = "arn:aws:iam::123456789012:role/ml-workflows"
IMAGE = "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"


@pytest.fixture(scope="module")
def tagging(client: Callable[[str], Any]) -> Any:
    return client("resourcegroupstaggingapi")


@pytest.fixture(scope="module", autouse=True)
def resources(client: Callable[[str], Any]) -> dict[str, str]:
    """Three groups and a model in SageMaker, a dataset group in Personalize; one group has no tags."""
    sagemaker, personalize = client("sagemaker"), client("personalize")

    def group(name: str, *tags: dict[str, str]) -> str:
        answer = sagemaker.create_model_package_group(ModelPackageGroupName=name, Tags=list(tags))
        return str(answer["ModelPackageGroupArn"])

    model = {"ModelName": "churn", "PrimaryContainer": {"Image": IMAGE}, "ExecutionRoleArn": ROLE}
    films = {"name": "films", "tags": [{"tagKey": "project", "tagValue": "ml"}]}
    return {
        "churn": group("churn", PROJECT, {"Key": "case", "Value": "churn"}),
        "fraud": group("fraud", PROJECT, {"Key": "case", "Value": "fraud"}),
        "other": group("other", {"Key": "project", "Value": "another"}),
        "untagged": group("untagged"),
        "model": sagemaker.create_model(**model, Tags=[PROJECT])["ModelArn"],
        "films": personalize.create_dataset_group(**films)["datasetGroupArn"],
    }


def arns_of(tagging: Any, resources: dict[str, str], **request: Any) -> set[str]:
    of_arn = {arn: name for name, arn in resources.items()}
    answer = tagging.get_resources(**request)
    assert answer["PaginationToken"] == ""
    return {of_arn[entry["ResourceARN"]] for entry in answer["ResourceTagMappingList"]}


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({}, {"churn", "fraud", "other", "model", "films"}),
        ({"TagFilters": [{"Key": "project", "Values": ["ml"]}]}, {"churn", "fraud", "model", "films"}),
        ({"TagFilters": [{"Key": "case"}]}, {"churn", "fraud"}),
        ({"TagFilters": [{"Key": "case", "Values": ["fraud", "none"]}]}, {"fraud"}),
        ({"TagFilters": [{"Key": "case"}, {"Key": "project", "Values": ["another"]}]}, set()),
        ({"ResourceTypeFilters": ["sagemaker:model-package-group"]}, {"churn", "fraud", "other"}),
        ({"ResourceTypeFilters": ["personalize", "sagemaker:model"]}, {"films", "model"}),
        ({"ResourceTypeFilters": ["sagemaker:mod"]}, set()),
    ],
)
def test_resources_are_found_by_tag_and_type(
    tagging: Any, resources: dict[str, str], request_: dict[str, Any], expected: set[str]
) -> None:
    assert arns_of(tagging, resources, **request_) == expected


def test_resources_are_found_by_arn(tagging: Any, resources: dict[str, str]) -> None:
    arns = [resources["films"], resources["untagged"], f"{resources['model']}-none"]
    assert arns_of(tagging, resources, ResourceARNList=arns) == {"films"}


def test_a_resource_is_shown_with_all_its_tags(tagging: Any, resources: dict[str, str]) -> None:
    answer = tagging.get_resources(TagFilters=[{"Key": "case", "Values": ["churn"]}])
    (entry,) = answer["ResourceTagMappingList"]
    assert entry["ResourceARN"] == resources["churn"]
    assert sorted(entry["Tags"], key=lambda tag: tag["Key"]) == [{"Key": "case", "Value": "churn"}, PROJECT]


def test_resources_come_in_pages(tagging: Any, resources: dict[str, str]) -> None:
    request = {"TagFilters": [{"Key": "project"}], "PaginationConfig": {"PageSize": 2}}
    pages = list(tagging.get_paginator("get_resources").paginate(**request))
    assert [len(page["ResourceTagMappingList"]) for page in pages] == [2, 2, 1]
    arns = {entry["ResourceARN"] for page in pages for entry in page["ResourceTagMappingList"]}
    assert arns == {arn for name, arn in resources.items() if name != "untagged"}


def test_a_page_has_only_so_many_tags(tagging: Any, client: Callable[[str], Any]) -> None:
    tags = [{"Key": f"many-{number}", "Value": "x"} for number in range(40)]
    sagemaker = client("sagemaker")
    for number in range(3):
        sagemaker.create_model_package_group(ModelPackageGroupName=f"many-{number}", Tags=tags)
    request = {"TagFilters": [{"Key": "many-0"}], "TagsPerPage": 100}
    pages = list(tagging.get_paginator("get_resources").paginate(**request))
    assert [len(page["ResourceTagMappingList"]) for page in pages] == [2, 1]
    for number in range(3):
        sagemaker.delete_model_package_group(ModelPackageGroupName=f"many-{number}")


def test_keys_and_values_in_use_are_listed(tagging: Any) -> None:
    assert tagging.get_tag_keys()["TagKeys"] == ["case", "project"]
    assert tagging.get_tag_values(Key="project")["TagValues"] == ["another", "ml"]
    assert tagging.get_tag_values(Key="nothing")["TagValues"] == []


def test_what_is_deleted_is_no_longer_found(tagging: Any, client: Callable[[str], Any]) -> None:
    create_group = client("sagemaker").create_model_package_group
    create_group(ModelPackageGroupName="leaving", Tags=[{"Key": "leaving", "Value": "yes"}])
    assert tagging.get_tag_values(Key="leaving")["TagValues"] == ["yes"]
    client("sagemaker").delete_model_package_group(ModelPackageGroupName="leaving")
    assert tagging.get_resources(TagFilters=[{"Key": "leaving"}])["ResourceTagMappingList"] == []


def test_resources_of_other_regions_are_not_listed(server: RunningServer, resources: dict[str, str]) -> None:
    elsewhere = boto3.Session("local", "local", region_name="us-west-2")
    tagging = elsewhere.client("resourcegroupstaggingapi", endpoint_url=server.url)
    assert tagging.get_resources()["ResourceTagMappingList"] == []


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"ResourceARNList": ["arn:aws:x"], "TagFilters": [{"Key": "a"}]}, "cannot be given together"),
        (
            {"ResourceARNList": ["arn:aws:x"], "ResourceTypeFilters": ["sagemaker"]},
            "cannot be given together",
        ),
        ({"ResourcesPerPage": 101}, "ResourcesPerPage must be from 1 to 100"),
        ({"TagsPerPage": 99}, "TagsPerPage must be from 100 to 500"),
        ({"PaginationToken": "made-up"}, "pagination token"),
        ({"IncludeComplianceDetails": True}, "no tag policies"),
    ],
)
def test_wrong_requests_are_refused(tagging: Any, request_: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError, match=f"InvalidParameterException.*{message}"):
        tagging.get_resources(**request_)


def test_every_missing_operation_is_named(tagging: Any, resources: dict[str, str]) -> None:
    with pytest.raises(ClientError, match="UnknownOperationException"):
        tagging.tag_resources(ResourceARNList=[resources["model"]], Tags={"a": "b"})
