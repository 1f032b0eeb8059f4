from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.local_aws.s3.conftest import Refused

RULE = {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 3}}
CORS = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}
POLICY = json.dumps({"Version": "2012-10-17", "Statement": []})
BLOCK = {
    "BlockPublicAcls": False,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": False,
    "RestrictPublicBuckets": True,
}
KMS = {
    "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}]
}
QUEUE = {"QueueArn": "arn:aws:sqs:eu-west-1:123456789012:q", "Events": ["s3:ObjectCreated:*"], "Id": "n"}
LOGGING = {"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": "s3/"}}
TAGS = [{"Key": "team", "Value": "ml"}]
PREFERRED = {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}

# setting, arguments of Put, the answer of Get, the name after Delete, the code of Get after Delete
STORED = [
    ("bucket_tagging", {"Tagging": {"TagSet": TAGS}}, {"TagSet": TAGS}, "bucket_tagging", "NoSuchTagSet"),
    ("bucket_policy", {"Policy": POLICY}, {"Policy": POLICY}, "bucket_policy", "NoSuchBucketPolicy"),
    (
        "bucket_lifecycle_configuration",
        {"LifecycleConfiguration": {"Rules": [RULE]}},
        {"Rules": [RULE]},
        "bucket_lifecycle",
        "NoSuchLifecycleConfiguration",
    ),
    (
        "bucket_cors",
        {"CORSConfiguration": {"CORSRules": [CORS]}},
        {"CORSRules": [CORS]},
        "bucket_cors",
        "NoSuchCORSConfiguration",
    ),
    (
        "public_access_block",
        {"PublicAccessBlockConfiguration": BLOCK},
        {"PublicAccessBlockConfiguration": BLOCK},
        "public_access_block",
        "NoSuchPublicAccessBlockConfiguration",
    ),
    (
        "bucket_ownership_controls",
        {"OwnershipControls": PREFERRED},
        {"OwnershipControls": PREFERRED},
        "bucket_ownership_controls",
        "OwnershipControlsNotFoundError",
    ),
    (
        "bucket_encryption",
        {"ServerSideEncryptionConfiguration": KMS},
        {"ServerSideEncryptionConfiguration": KMS},
        "bucket_encryption",
        None,
    ),
    (
        "bucket_website",
        {"WebsiteConfiguration": {"IndexDocument": {"Suffix": "index.html"}}},
        {"IndexDocument": {"Suffix": "index.html"}},
        "bucket_website",
        "NoSuchWebsiteConfiguration",
    ),
    (
        "bucket_notification_configuration",
        {"NotificationConfiguration": {"QueueConfigurations": [QUEUE]}},
        {"QueueConfigurations": [QUEUE]},
        None,
        None,
    ),
    ("bucket_logging", {"BucketLoggingStatus": LOGGING}, LOGGING, None, None),
    (
        "bucket_request_payment",
        {"RequestPaymentConfiguration": {"Payer": "Requester"}},
        {"Payer": "Requester"},
        None,
        None,
    ),
    (
        "bucket_accelerate_configuration",
        {"AccelerateConfiguration": {"Status": "Suspended"}},
        {"Status": "Suspended"},
        None,
        None,
    ),
]


def setting_of(s3: Any, setting: str, bucket: str) -> dict[str, Any]:
    answer = getattr(s3, f"get_{setting}")(Bucket=bucket)
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


@pytest.mark.parametrize(
    ("setting", "put", "expected", "delete", "missing"), STORED, ids=lambda v: v if isinstance(v, str) else ""
)
def test_a_setting_is_given_back_until_it_is_deleted(
    s3: Any,
    bucket: str,
    setting: str,
    put: dict[str, Any],
    expected: Any,
    delete: str | None,
    missing: str | None,
    refused: type[Refused],
) -> None:
    getattr(s3, f"put_{setting}")(Bucket=bucket, **put)
    assert setting_of(s3, setting, bucket) == expected
    if delete is None:
        return
    assert getattr(s3, f"delete_{delete}")(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204
    if missing is None:
        assert setting_of(s3, setting, bucket) != expected
    else:
        with refused(missing, 404):
            getattr(s3, f"get_{setting}")(Bucket=bucket)


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ("bucket_tagging", "NoSuchTagSet"),
        ("bucket_policy", "NoSuchBucketPolicy"),
        ("bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration"),
        ("bucket_cors", "NoSuchCORSConfiguration"),
        ("bucket_website", "NoSuchWebsiteConfiguration"),
        ("bucket_replication", "ReplicationConfigurationNotFoundError"),
        ("object_lock_configuration", "ObjectLockConfigurationNotFoundError"),
    ],
)
def test_a_new_bucket_has_no_such_setting(
    s3: Any, bucket: str, setting: str, code: str, refused: type[Refused]
) -> None:
    with refused(code, 404):
        getattr(s3, f"get_{setting}")(Bucket=bucket)


def test_a_new_bucket_has_awss_defaults(s3: Any, bucket: str) -> None:
    assert setting_of(s3, "bucket_versioning", bucket) == {}
    assert setting_of(s3, "bucket_notification_configuration", bucket) == {}
    assert setting_of(s3, "bucket_logging", bucket) == {}
    assert setting_of(s3, "bucket_request_payment", bucket) == {"Payer": "BucketOwner"}
    block = setting_of(s3, "public_access_block", bucket)["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True}
    ownership = setting_of(s3, "bucket_ownership_controls", bucket)["OwnershipControls"]["Rules"]
    assert ownership == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    rules = setting_of(s3, "bucket_encryption", bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


def test_versioning_can_be_suspended_but_not_enabled(s3: Any, bucket: str, refused: type[Refused]) -> None:
    with refused("NotImplemented", 501):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert setting_of(s3, "bucket_versioning", bucket) == {}
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    assert setting_of(s3, "bucket_versioning", bucket) == {"Status": "Suspended"}


def test_settings_that_need_versioning_are_refused(s3: Any, bucket: str, refused: type[Refused]) -> None:
    with refused("InvalidBucketState", 409):
        s3.put_object_lock_configuration(
            Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}
        )


def test_a_policy_must_be_json(s3: Any, bucket: str, refused: type[Refused]) -> None:
    with refused("MalformedPolicy", 400):
        s3.put_bucket_policy(Bucket=bucket, Policy="{not json")


def test_objects_have_tags(s3: Any, bucket: str, refused: type[Refused]) -> None:
    where = {"Bucket": bucket, "Key": "k"}
    s3.put_object(**where, Body=b"x", Tagging="a=1&b=two%20words&empty=")
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "two words"}, {"Key": "empty", "Value": ""}]
    assert s3.get_object_tagging(**where)["TagSet"] == tags
    assert s3.get_object(**where)["TagCount"] == 3
    s3.put_object_tagging(**where, Tagging={"TagSet": TAGS})
    assert s3.get_object_tagging(**where)["TagSet"] == TAGS
    s3.delete_object_tagging(**where)
    assert s3.get_object_tagging(**where)["TagSet"] == []
    assert "TagCount" not in s3.head_object(**where)
    with refused("NoSuchKey", 404):
        s3.put_object_tagging(Bucket=bucket, Key="missing", Tagging={"TagSet": TAGS})


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ([{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}], "InvalidTag"),
        ([{"Key": "a" * 129, "Value": ""}], "InvalidTag"),
        ([{"Key": "a", "Value": "v" * 257}], "InvalidTag"),
        ([{"Key": str(number), "Value": ""} for number in range(11)], "BadRequest"),
    ],
)
def test_tags_that_break_the_rules_are_refused(
    s3: Any, bucket: str, tags: list[dict[str, str]], code: str, refused: type[Refused]
) -> None:
    s3.put_object(Bucket=bucket, Key="k")
    with refused(code, 400):
        s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": tags})


@pytest.mark.parametrize(("header", "code"), [("a=1&a=2", "InvalidTag"), ("novalue", "InvalidArgument")])
def test_a_tag_header_that_breaks_the_rules_writes_nothing(
    s3: Any, bucket: str, header: str, code: str, refused: type[Refused]
) -> None:
    with refused(code, 400):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging=header)
    with refused("404", 404):
        s3.head_object(Bucket=bucket, Key="k")


def test_the_owner_has_full_control(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", ACL="bucket-owner-full-control")
    for answer in (s3.get_bucket_acl(Bucket=bucket), s3.get_object_acl(Bucket=bucket, Key="k")):
        (grant,) = answer["Grants"]
        assert (grant["Permission"], grant["Grantee"]["ID"]) == ("FULL_CONTROL", answer["Owner"]["ID"])
        assert grant["Grantee"]["Type"] == "CanonicalUser"


def test_a_new_bucket_refuses_acls_as_on_aws(s3: Any, bucket: str, refused: type[Refused]) -> None:
    with refused("AccessControlListNotSupported", 400):
        s3.put_object(Bucket=bucket, Key="k", ACL="public-read")
    with refused("AccessControlListNotSupported", 400):
        s3.put_bucket_acl(Bucket=bucket, ACL="private")


def test_a_bucket_created_with_an_acl_must_allow_acls(s3: Any, refused: type[Refused]) -> None:
    ireland = {"CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}
    with refused("InvalidBucketAclWithObjectOwnership", 400):
        s3.create_bucket(Bucket="made-public", ACL="public-read", **ireland)
    with refused("404", 404):
        s3.head_bucket(Bucket="made-public")
    s3.create_bucket(Bucket="made-private", ACL="private", **ireland)
    s3.put_object(Bucket="made-private", Key="k", ACL="private")
    (rule,) = s3.get_bucket_ownership_controls(Bucket="made-private")["OwnershipControls"]["Rules"]
    assert rule == {"ObjectOwnership": "BucketOwnerPreferred"}


def test_a_bucket_whose_ownership_allows_acls_stores_them(
    s3: Any, bucket: str, refused: type[Refused]
) -> None:
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=PREFERRED)
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
    everybody = s3.get_bucket_acl(Bucket=bucket)["Grants"][1]
    assert everybody == {
        "Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"},
        "Permission": "READ",
    }
    s3.put_object(Bucket=bucket, Key="k", GrantRead='id="abc", id="def"')
    grants = s3.get_object_acl(Bucket=bucket, Key="k")["Grants"]
    assert [(grant["Grantee"]["ID"], grant["Permission"]) for grant in grants] == [
        ("abc", "READ"),
        ("def", "READ"),
    ]
    document = {"Owner": s3.list_buckets()["Owner"], "Grants": grants[:1]}
    s3.put_object_acl(Bucket=bucket, Key="k", AccessControlPolicy=document)
    assert s3.get_object_acl(Bucket=bucket, Key="k")["Grants"] == grants[:1]
    with refused("NoSuchKey", 404):
        s3.put_object_acl(Bucket=bucket, Key="missing", ACL="private")


def test_an_operation_that_the_service_lacks_is_unknown(s3: Any, bucket: str, refused: type[Refused]) -> None:
    with refused("UnknownOperationException", 501):
        s3.list_bucket_inventory_configurations(Bucket=bucket)
