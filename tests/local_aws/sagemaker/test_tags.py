from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.sagemaker.hosting import tiny_model
from tests.local_aws.sagemaker.job_requests import finished_processing, processing, training

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def tagged_job(sagemaker: Any, script: Callable[[str], str]) -> Callable[..., str]:
    """Creates a job with tags; returns its ARN."""

    def tagged_job(name: str, *tags: tuple[str, str]) -> str:
        request = processing(name, script("pass"), Tags=[{"Key": key, "Value": value} for key, value in tags])
        return str(sagemaker.create_processing_job(**request)["ProcessingJobArn"])

    return tagged_job


def tags_of(sagemaker: Any, arn: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}


def test_the_tags_of_a_new_job_can_be_listed_changed_and_deleted(
    sagemaker: Any, tagged_job: Callable[..., str]
) -> None:
    arn = tagged_job("tagged", ("team", "ml"), ("stage", "test"))
    assert tags_of(sagemaker, arn) == {"team": "ml", "stage": "test"}
    sagemaker.add_tags(
        ResourceArn=arn, Tags=[{"Key": "stage", "Value": "prod"}, {"Key": "cost", "Value": "7"}]
    )
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["team", "never-there"])
    assert tags_of(sagemaker, arn) == {"stage": "prod", "cost": "7"}


def test_all_tags_come_on_one_page_in_the_order_of_their_keys(
    sagemaker: Any, tagged_job: Callable[..., str]
) -> None:
    arn = tagged_job("ordered", *((f"key-{number:02}", "x") for number in reversed(range(50))))
    page = sagemaker.list_tags(ResourceArn=arn, MaxResults=50)
    assert [tag["Key"] for tag in page["Tags"]] == [f"key-{number:02}" for number in range(50)]
    assert "NextToken" not in page
    with pytest.raises(ClientError, match="ValidationException.*pagination token"):
        sagemaker.list_tags(ResourceArn=arn, NextToken="made-up")


def test_a_resource_has_at_most_fifty_tags(sagemaker: Any, tagged_job: Callable[..., str]) -> None:
    arn = tagged_job("full", *((f"key-{number}", "x") for number in range(50)))
    with pytest.raises(ClientError, match="ValidationException.*at most 50 tags"):
        sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "one-more", "Value": "x"}])
    assert "one-more" not in tags_of(sagemaker, arn)


def test_a_key_given_twice_creates_nothing(sagemaker: Any, tagged_job: Callable[..., str]) -> None:
    with pytest.raises(ClientError, match=r"ValidationException.*\['team'\]"):
        tagged_job("doubled", ("team", "a"), ("team", "b"))
    with pytest.raises(ClientError, match="Could not find requested job"):
        sagemaker.describe_processing_job(ProcessingJobName="doubled")


def test_tags_of_a_missing_resource_are_a_validation_exception(sagemaker: Any) -> None:
    arn = "arn:aws:sagemaker:us-east-1:123456789012:processing-job/nobody"
    calls: tuple[tuple[str, dict[str, Any]], ...] = (
        ("list_tags", {}),
        ("add_tags", {"Tags": [{"Key": "a", "Value": "b"}]}),
        ("delete_tags", {"TagKeys": ["a"]}),
    )
    for operation, members in calls:
        with pytest.raises(ClientError, match="ValidationException.*processing-job/nobody"):
            getattr(sagemaker, operation)(ResourceArn=arn, **members)


def test_tags_are_deleted_with_their_job(sagemaker: Any, tagged_job: Callable[..., str]) -> None:
    arn = tagged_job("leaving", ("team", "ml"))
    finished_processing(sagemaker, "leaving")
    sagemaker.delete_processing_job(ProcessingJobName="leaving")
    with pytest.raises(ClientError, match="ValidationException"):
        sagemaker.list_tags(ResourceArn=arn)


PROJECT = [{"Key": "project", "Value": "ml"}]


@pytest.fixture
def create_resource(
    sagemaker: Any, s3: Any, bucket: str, script: Callable[[str], str]
) -> Iterator[Callable[[str, list[dict[str, str]]], str]]:
    """Creates a resource of a kind, and what it needs, with the given tags; returns its ARN."""
    container = tiny_model.container(s3, bucket, 2)
    variants = [tiny_model.variant(bucket)]

    def model(tags: list[dict[str, str]]) -> str:
        request = {"ModelName": bucket, "PrimaryContainer": container, "ExecutionRoleArn": tiny_model.ROLE}
        return str(sagemaker.create_model(**request, Tags=tags)["ModelArn"])

    def endpoint_config(tags: list[dict[str, str]]) -> str:
        model([])
        request = {"EndpointConfigName": bucket, "ProductionVariants": variants, "Tags": tags}
        return str(sagemaker.create_endpoint_config(**request)["EndpointConfigArn"])

    def endpoint(tags: list[dict[str, str]]) -> str:
        endpoint_config([])
        request = {"EndpointName": bucket, "EndpointConfigName": bucket, "Tags": tags}
        return str(sagemaker.create_endpoint(**request)["EndpointArn"])

    def group(tags: list[dict[str, str]]) -> str:
        answer = sagemaker.create_model_package_group(ModelPackageGroupName=bucket, Tags=tags)
        return str(answer["ModelPackageGroupArn"])

    def package(tags: list[dict[str, str]]) -> str:
        specification = {
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        }
        request = {"ModelPackageName": bucket, "InferenceSpecification": specification}
        return str(sagemaker.create_model_package(**request, Tags=tags)["ModelPackageArn"])

    def transform_job(tags: list[dict[str, str]]) -> str:
        model([])
        source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/none/"}}
        request = {
            "TransformJobName": bucket,
            "ModelName": bucket,
            "TransformInput": {"DataSource": source},
            "TransformOutput": {"S3OutputPath": f"s3://{bucket}/out"},
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        }
        return str(sagemaker.create_transform_job(**request, Tags=tags)["TransformJobArn"])

    def processing_job(tags: list[dict[str, str]]) -> str:
        request = processing(bucket, script("pass"), Tags=tags)
        return str(sagemaker.create_processing_job(**request)["ProcessingJobArn"])

    def training_job(tags: list[dict[str, str]]) -> str:
        request = training(bucket, script("pass"), bucket, Tags=tags)
        return str(sagemaker.create_training_job(**request)["TrainingJobArn"])

    kinds = (model, endpoint_config, endpoint, group, package, transform_job, processing_job, training_job)
    by_name = {kind.__name__: kind for kind in kinds}
    yield lambda kind, tags: by_name[kind](tags)
    if sagemaker.list_endpoints(NameContains=bucket)["Endpoints"]:
        tiny_model.settled(sagemaker, bucket)
        sagemaker.delete_endpoint(EndpointName=bucket)


KINDS = ["model", "endpoint_config", "endpoint", "group", "package"]
JOBS = ["transform_job", "processing_job", "training_job"]


@pytest.mark.parametrize("kind", KINDS + JOBS)
def test_every_resource_is_created_with_tags_that_can_be_listed_and_changed(
    sagemaker: Any, create_resource: Callable[[str, list[dict[str, str]]], str], kind: str
) -> None:
    arn = create_resource(kind, PROJECT)
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == PROJECT
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "test"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["project"])
    assert tags_of(sagemaker, arn) == {"stage": "test"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_resource_with_wrong_tags_is_not_created(
    sagemaker: Any, create_resource: Callable[[str, list[dict[str, str]]], str], bucket: str, kind: str
) -> None:
    with pytest.raises(ClientError, match="ValidationException.*more than once"):
        create_resource(kind, PROJECT * 2)
    listings = {
        "model": lambda name: sagemaker.list_models(NameContains=name)["Models"],
        "endpoint_config": lambda name: sagemaker.list_endpoint_configs(NameContains=name)["EndpointConfigs"],
        "endpoint": lambda name: sagemaker.list_endpoints(NameContains=name)["Endpoints"],
        "group": lambda name: sagemaker.list_model_package_groups(NameContains=name)[
            "ModelPackageGroupSummaryList"
        ],
        "package": lambda name: sagemaker.list_model_packages(NameContains=name)["ModelPackageSummaryList"],
    }
    assert listings[kind](bucket) == []
