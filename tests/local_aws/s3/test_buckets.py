from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local_aws.conftest import RunningServer
    from tests.local_aws.s3.conftest import Refused

IRELAND = {"CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}


@pytest.fixture(scope="module")
def virginia(server: RunningServer) -> Any:
    session = boto3.Session("local", "local", region_name="us-east-1")
    return session.client("s3", endpoint_url=server.url, config=Config(retries={"max_attempts": 0}))


def test_a_bucket_is_created_found_listed_and_deleted(s3: Any, refused: type[Refused]) -> None:
    answer = s3.create_bucket(Bucket="life", **IRELAND)
    assert answer["Location"] == "/life"
    assert s3.head_bucket(Bucket="life")["BucketRegion"] == "eu-west-1"
    assert "life" in [entry["Name"] for entry in s3.list_buckets()["Buckets"]]
    s3.delete_bucket(Bucket="life")
    with refused("404", 404):
        s3.head_bucket(Bucket="life")
    assert "life" not in [entry["Name"] for entry in s3.list_buckets()["Buckets"]]


def test_only_us_east_1_takes_the_same_bucket_twice(s3: Any, virginia: Any, refused: type[Refused]) -> None:
    virginia.create_bucket(Bucket="twice-virginia")
    virginia.create_bucket(Bucket="twice-virginia")
    s3.create_bucket(Bucket="twice-ireland", **IRELAND)
    with refused("BucketAlreadyOwnedByYou", 409):
        s3.create_bucket(Bucket="twice-ireland", **IRELAND)


def test_regions_and_location_constraints_agree_as_on_aws(
    s3: Any, virginia: Any, refused: type[Refused]
) -> None:
    with refused("IllegalLocationConstraintException", 400):
        s3.create_bucket(Bucket="no-constraint")
    with refused("IllegalLocationConstraintException", 400):
        s3.create_bucket(Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": "eu-north-1"})
    with refused("InvalidArgument", 400):
        virginia.create_bucket(Bucket="home", CreateBucketConfiguration={"LocationConstraint": "us-east-1"})
    virginia.create_bucket(Bucket="far", CreateBucketConfiguration={"LocationConstraint": "eu-north-1"})
    virginia.create_bucket(Bucket="near")
    assert s3.get_bucket_location(Bucket="far")["LocationConstraint"] == "eu-north-1"
    assert s3.get_bucket_location(Bucket="near")["LocationConstraint"] is None


@pytest.mark.parametrize(
    "name",
    [
        "ab",
        "a" * 64,
        "Upper",
        "under_score",
        "-dash",
        "dash-",
        "two..dots",
        ".dot",
        "192.168.5.4",
        "xn--puny",
        "a-s3alias",
    ],
)
def test_a_bad_bucket_name_is_refused(s3: Any, name: str, refused: type[Refused]) -> None:
    with refused("InvalidBucketName", 400):
        s3.create_bucket(Bucket=name, **IRELAND)


@pytest.mark.parametrize("name", ["abc", "a" * 63, "with.dots.and-dashes", "0digits9", "1.2.3.4.5"])
def test_a_valid_bucket_name_is_accepted(s3: Any, name: str) -> None:
    s3.create_bucket(Bucket=name, **IRELAND)
    s3.head_bucket(Bucket=name)


def test_a_bucket_with_objects_is_not_deleted(s3: Any, bucket: str, refused: type[Refused]) -> None:
    s3.put_object(Bucket=bucket, Key="k")
    with refused("BucketNotEmpty", 409):
        s3.delete_bucket(Bucket=bucket)
    s3.delete_object(Bucket=bucket, Key="k")
    s3.delete_bucket(Bucket=bucket)


def test_deleting_a_bucket_deletes_its_unfinished_uploads(s3: Any, bucket: str) -> None:
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"x")
    s3.delete_bucket(Bucket=bucket)
    s3.create_bucket(Bucket=bucket, **IRELAND)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


@pytest.mark.parametrize(
    "ask",
    [
        lambda s3: s3.list_objects_v2(Bucket="missing"),
        lambda s3: s3.put_object(Bucket="missing", Key="k", Body=b"x"),
        lambda s3: s3.get_object(Bucket="missing", Key="k"),
        lambda s3: s3.delete_object(Bucket="missing", Key="k"),
        lambda s3: s3.delete_objects(Bucket="missing", Delete={"Objects": [{"Key": "k"}]}),
        lambda s3: s3.delete_bucket(Bucket="missing"),
        lambda s3: s3.get_bucket_location(Bucket="missing"),
        lambda s3: s3.create_multipart_upload(Bucket="missing", Key="k"),
        lambda s3: s3.list_multipart_uploads(Bucket="missing"),
        lambda s3: s3.get_bucket_versioning(Bucket="missing"),
        lambda s3: s3.put_bucket_policy(Bucket="missing", Policy="{}"),
    ],
)
def test_every_operation_says_that_the_bucket_is_missing(
    s3: Any, ask: Callable[[Any], Any], refused: type[Refused]
) -> None:
    with refused("NoSuchBucket", 404) as error:
        ask(s3)
    assert error.response["Error"]["BucketName"] == "missing"


def test_buckets_are_listed_by_prefix_region_and_page(s3: Any, virginia: Any) -> None:
    for letter in "abc":
        s3.create_bucket(Bucket=f"paged-{letter}", **IRELAND)
    virginia.create_bucket(Bucket="paged-d")
    first = s3.list_buckets(Prefix="paged-", MaxBuckets=3)
    assert [entry["Name"] for entry in first["Buckets"]] == ["paged-a", "paged-b", "paged-c"]
    rest = s3.list_buckets(Prefix="paged-", MaxBuckets=3, ContinuationToken=first["ContinuationToken"])
    assert [entry["Name"] for entry in rest["Buckets"]] == ["paged-d"]
    assert "ContinuationToken" not in rest
    home = s3.list_buckets(Prefix="paged-", BucketRegion="us-east-1")["Buckets"]
    assert [entry["Name"] for entry in home] == ["paged-d"]


def test_a_new_bucket_keeps_the_tags_and_the_ownership_that_it_was_made_with(s3: Any) -> None:
    tags = [{"Key": "team", "Value": "ml"}]
    s3.create_bucket(
        Bucket="described",
        CreateBucketConfiguration={"LocationConstraint": "eu-west-1", "Tags": tags},
        ObjectOwnership="ObjectWriter",
        ACL="public-read",
    )
    assert s3.get_bucket_tagging(Bucket="described")["TagSet"] == tags
    assert len(s3.get_bucket_acl(Bucket="described")["Grants"]) == 2


def test_buckets_and_objects_survive_a_restart(server: RunningServer, bucket: str, s3: Any) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"kept", Metadata={"a": "b"})
    upload = s3.create_multipart_upload(Bucket=bucket, Key="big")["UploadId"]
    etag = s3.upload_part(Bucket=bucket, Key="big", UploadId=upload, PartNumber=1, Body=b"part")["ETag"]
    server.restart()
    again = s3.get_object(Bucket=bucket, Key="k")
    assert (again["Body"].read(), again["Metadata"]) == (b"kept", {"a": "b"})
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    s3.complete_multipart_upload(Bucket=bucket, Key="big", UploadId=upload, MultipartUpload=parts)
    assert s3.get_object(Bucket=bucket, Key="big")["Body"].read() == b"part"
