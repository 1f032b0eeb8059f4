from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.sagemaker.job_requests import finished_processing, processing


@pytest.fixture
def tagged(sagemaker, script):
    """Creates a job with tags; returns its ARN."""

    def tagged(name, *tags):
        request = processing(name, script("pass"), Tags=[{"Key": key, "Value": value} for key, value in tags])
        return sagemaker.create_processing_job(**request)["ProcessingJobArn"]

    return tagged


def tags_of(sagemaker, arn):
    return {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}


def test_the_tags_of_a_new_job_can_be_listed_changed_and_deleted(sagemaker, tagged):
    arn = tagged("tagged", ("team", "ml"), ("stage", "test"))
    assert tags_of(sagemaker, arn) == {"team": "ml", "stage": "test"}
    sagemaker.add_tags(
        ResourceArn=arn, Tags=[{"Key": "stage", "Value": "prod"}, {"Key": "cost", "Value": "7"}]
    )
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["team", "never-there"])
    assert tags_of(sagemaker, arn) == {"stage": "prod", "cost": "7"}


def test_all_tags_come_on_one_page_in_the_order_of_their_keys(sagemaker, tagged):
    arn = tagged("ordered", *((f"key-{number:02}", "x") for number in reversed(range(50))))
    page = sagemaker.list_tags(ResourceArn=arn, MaxResults=50)
    assert [tag["Key"] for tag in page["Tags"]] == [f"key-{number:02}" for number in range(50)]
    assert "NextToken" not in page
    with pytest.raises(ClientError, match="ValidationException.*pagination token"):
        sagemaker.list_tags(ResourceArn=arn, NextToken="made-up")


def test_a_resource_has_at_most_fifty_tags(sagemaker, tagged):
    arn = tagged("full", *((f"key-{number}", "x") for number in range(50)))
    with pytest.raises(ClientError, match="ValidationException.*at most 50 tags"):
        sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "one-more", "Value": "x"}])
    assert "one-more" not in tags_of(sagemaker, arn)


def test_a_key_given_twice_creates_nothing(sagemaker, tagged):
    with pytest.raises(ClientError, match=r"ValidationException.*\['team'\]"):
        tagged("doubled", ("team", "a"), ("team", "b"))
    with pytest.raises(ClientError, match="Could not find requested job"):
        sagemaker.describe_processing_job(ProcessingJobName="doubled")


def test_the_tags_of_nothing_are_a_validation_exception(sagemaker):
    arn = "arn:aws:sagemaker:us-east-1:123456789012:processing-job/nobody"
    for call in (
        lambda: sagemaker.list_tags(ResourceArn=arn),
        lambda: sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "b"}]),
        lambda: sagemaker.delete_tags(ResourceArn=arn, TagKeys=["a"]),
    ):
        with pytest.raises(ClientError, match="ValidationException.*processing-job/nobody"):
            call()


def test_tags_go_with_their_job(sagemaker, tagged):
    arn = tagged("leaving", ("team", "ml"))
    finished_processing(sagemaker, "leaving")
    sagemaker.delete_processing_job(ProcessingJobName="leaving")
    with pytest.raises(ClientError, match="ValidationException"):
        sagemaker.list_tags(ResourceArn=arn)
