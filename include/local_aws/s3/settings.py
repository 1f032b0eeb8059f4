"""Bucket settings that this server stores and returns, without acting on them.

Each is one row of SETTINGS; their operations differ in nothing else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore import xform_name

from include.local_aws.protocol.errors import AwsError
from include.local_aws.s3 import acl
from include.local_aws.s3.errors import S3Error
from include.local_aws.s3.tags import BUCKET_LIMIT, check_tags

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.s3.store import ObjectStore


def _no_check(document: Any) -> None:
    """Most settings have no check of their own."""


def _policy(document: str) -> None:
    try:
        json.loads(document)
    except ValueError as error:
        raise S3Error("MalformedPolicy", f"This policy contains invalid Json: {error}") from error


def _refuse_enabling(document: dict[str, Any]) -> None:
    if document.get("Status") == "Enabled":
        text = "The local AWS keeps one version of an object: versioning cannot be enabled."
        raise S3Error("NotImplemented", text)


def _refuse_without_versioning(document: dict[str, Any]) -> None:
    raise S3Error(
        "InvalidBucketState", "Versioning must be 'Enabled' on the bucket to apply this configuration"
    )


def _bucket_tags(document: dict[str, Any]) -> None:
    check_tags(document["TagSet"], BUCKET_LIMIT)


@dataclass(frozen=True)
class Setting:
    """What tells one setting's operations from another's."""

    name: str  # after Get, Put and Delete in the operations' names
    member: str  # carries the document in the Put request
    missing: tuple[str, str] | None = None  # error code and text of Get when nothing was put
    default: Any = None  # the document when nothing was put or, without `missing`, after Delete
    wrapped: bool = False  # Get returns the member itself, not its content
    delete: str = ""  # the name of the Delete operation, if it differs
    check: Callable[[Any], None] = _no_check


ENCRYPTION = {
    "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]
}
BLOCK_ALL = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)

SETTINGS = (
    Setting("BucketVersioning", "VersioningConfiguration", default={}, check=_refuse_enabling),
    Setting("BucketTagging", "Tagging", ("NoSuchTagSet", "The TagSet does not exist"), check=_bucket_tags),
    Setting(
        "BucketPolicy",
        "Policy",
        ("NoSuchBucketPolicy", "The bucket policy does not exist"),
        wrapped=True,
        check=_policy,
    ),
    Setting(
        "BucketEncryption",
        "ServerSideEncryptionConfiguration",
        default=ENCRYPTION,
        wrapped=True,
    ),
    Setting(
        "BucketLifecycleConfiguration",
        "LifecycleConfiguration",
        ("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"),
        delete="BucketLifecycle",
    ),
    Setting(
        "PublicAccessBlock",
        "PublicAccessBlockConfiguration",
        ("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found"),
        default=BLOCK_ALL,
        wrapped=True,
    ),
    Setting(
        "BucketOwnershipControls",
        "OwnershipControls",
        ("OwnershipControlsNotFoundError", "The bucket ownership controls were not found"),
        default=acl.ENFORCED,
        wrapped=True,
    ),
    Setting(
        "BucketCors",
        "CORSConfiguration",
        ("NoSuchCORSConfiguration", "The CORS configuration does not exist"),
    ),
    Setting("BucketNotificationConfiguration", "NotificationConfiguration", default={}),
    Setting("BucketLogging", "BucketLoggingStatus", default={}),
    Setting("BucketAccelerateConfiguration", "AccelerateConfiguration", default={}),
    Setting("BucketRequestPayment", "RequestPaymentConfiguration", default={"Payer": "BucketOwner"}),
    Setting(
        "BucketWebsite",
        "WebsiteConfiguration",
        ("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration"),
    ),
    Setting(
        "BucketReplication",
        "ReplicationConfiguration",
        ("ReplicationConfigurationNotFoundError", "The replication configuration was not found"),
        wrapped=True,
        check=_refuse_without_versioning,
    ),
    Setting(
        "ObjectLockConfiguration",
        "ObjectLockConfiguration",
        (
            "ObjectLockConfigurationNotFoundError",
            "Object Lock configuration does not exist for this bucket",
        ),
        wrapped=True,
        check=_refuse_without_versioning,
    ),
)


class BucketSettings:
    """`get_bucket_policy`, `put_bucket_policy`, `delete_bucket_policy` and so on for every setting."""

    def __init__(self, store: ObjectStore) -> None:
        self._buckets = store.buckets
        for setting in SETTINGS:
            for operation, method in (
                (f"Get{setting.name}", self._get),
                (f"Put{setting.name}", self._put),
                (f"Delete{setting.delete or setting.name}", self._delete),
            ):
                setattr(self, xform_name(operation), partial(method, setting))

    def _get(self, setting: Setting, params: Params, caller: Caller) -> Output:
        document = self._buckets.get(params["Bucket"]).settings.get(setting.name, setting.default)
        if document is None and setting.missing is not None:
            code, message = setting.missing
            raise AwsError(code, message, 404, BucketName=params["Bucket"])
        document = setting.default if document is None else document
        return {setting.member: document} if setting.wrapped else document

    def _put(self, setting: Setting, params: Params, caller: Caller) -> Output:
        document = params.get(setting.member, {})
        setting.check(document)
        self._buckets.set(params["Bucket"], setting.name, document)
        return {}

    def _delete(self, setting: Setting, params: Params, caller: Caller) -> Output:
        self._buckets.set(params["Bucket"], setting.name, None)
        return {}
