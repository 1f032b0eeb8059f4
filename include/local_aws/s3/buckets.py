"""Create, head, list and delete buckets."""

from __future__ import annotations

import base64
import ipaddress
import re
from typing import TYPE_CHECKING, Any

from include.local_aws.s3 import acl
from include.local_aws.s3.errors import S3Error
from include.local_aws.s3.keys import take
from include.local_aws.s3.tags import BUCKET_LIMIT, check_tags

if TYPE_CHECKING:
    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.s3.bucket_index import Bucket
    from include.local_aws.s3.store import ObjectStore

HOME = "us-east-1"  # the region without a location constraint
NAME = re.compile(r"(?!xn--|sthree-|amzn-s3-demo-)[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]")
RESERVED_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
MOST_BUCKETS = 10_000


def check_name(name: str) -> None:
    """Check AWS's rules for general purpose buckets.

    :raises S3Error: InvalidBucketName.
    """
    if NAME.fullmatch(name) is None or name.endswith(RESERVED_ENDS) or _is_address(name):
        raise S3Error("InvalidBucketName", BucketName=name)


class Buckets:
    """The operations on buckets themselves."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def create_bucket(self, params: Params, caller: Caller) -> Output:
        """Create a bucket; in us-east-1 a second call with the same name succeeds, as on AWS.

        :raises S3Error: InvalidBucketName, IllegalLocationConstraintException, BucketAlreadyOwnedByYou, and
            for access control lists InvalidBucketAclWithObjectOwnership. NotImplemented for object lock.
        """
        name = params["Bucket"]
        check_name(name)
        region = _region((params.get("CreateBucketConfiguration") or {}).get("LocationConstraint"), caller)
        if params.get("ObjectLockEnabledForBucket"):
            raise S3Error(
                "NotImplemented", "Object Lock needs versioning, which the local AWS does not have."
            )
        is_new = self._store.buckets.insert(name, region, _first_settings(params, caller))
        if not is_new and self._store.buckets.get(name).region != HOME:
            raise S3Error("BucketAlreadyOwnedByYou", BucketName=name)
        return {"Location": f"/{name}", "BucketArn": f"arn:aws:s3:::{name}"}

    def head_bucket(self, params: Params, caller: Caller) -> Output:
        bucket = self._store.buckets.get(params["Bucket"])
        return {
            "BucketRegion": bucket.region,
            "BucketArn": f"arn:aws:s3:::{bucket.name}",
            "AccessPointAlias": False,
        }

    def get_bucket_location(self, params: Params, caller: Caller) -> Output:
        region = self._store.buckets.get(params["Bucket"]).region
        return {"LocationConstraint": None if region == HOME else region}

    def list_buckets(self, params: Params, caller: Caller) -> Output:
        prefix, token = params.get("Prefix", ""), params.get("ContinuationToken")
        after = base64.urlsafe_b64decode(token).decode() if token else ""
        matching = (
            bucket
            for bucket in self._store.buckets.all()
            if bucket.name.startswith(prefix)
            and bucket.name > after
            and params.get("BucketRegion", bucket.region) == bucket.region
        )
        buckets, has_more = take(matching, params.get("MaxBuckets", MOST_BUCKETS))
        return {
            "Buckets": [_summary(bucket) for bucket in buckets],
            "Owner": acl.owner(caller),
            "Prefix": params.get("Prefix"),
            "ContinuationToken": base64.urlsafe_b64encode(buckets[-1].name.encode()).decode()
            if has_more
            else None,
        }

    def delete_bucket(self, params: Params, caller: Caller) -> Output:
        self._store.delete_bucket(params["Bucket"])
        return {}


def _summary(bucket: Bucket) -> dict[str, object]:
    return {
        "Name": bucket.name,
        "CreationDate": bucket.created,
        "BucketRegion": bucket.region,
        "BucketArn": f"arn:aws:s3:::{bucket.name}",
    }


def _region(constraint: str | None, caller: Caller) -> str:
    """The region of a new bucket: us-east-1 accepts any constraint, other regions require their own."""
    if caller.region != HOME and constraint != caller.region:
        constraint_text = constraint or "unspecified"
        raise S3Error(
            "IllegalLocationConstraintException",
            f"The {constraint_text} location constraint is incompatible for the region specific endpoint "
            "this request was sent to.",
        )
    return constraint or HOME


def _first_settings(params: Params, caller: Caller) -> dict[str, Any]:
    """The settings of a new bucket, by name."""
    settings: dict[str, Any] = {}
    if ownership := _ownership(params):
        settings[acl.OWNERSHIP] = {"Rules": [{"ObjectOwnership": ownership}]}
    if tags := check_tags((params.get("CreateBucketConfiguration") or {}).get("Tags", []), BUCKET_LIMIT):
        settings["BucketTagging"] = {"TagSet": tags}
    if grants := acl.grants(params, settings, caller):
        settings["Acl"] = grants
    return settings


def _ownership(params: Params) -> str | None:
    """The ObjectOwnership of a new bucket; a request for the list `private` means that lists are allowed.

    :raises S3Error: InvalidBucketAclWithObjectOwnership for any other list when lists are not allowed.
    """
    ownership, lists = (
        params.get("ObjectOwnership"),
        [params[name] for name in acl.REQUESTS if name in params],
    )
    if ownership is None and lists == ["private"]:
        return "BucketOwnerPreferred"
    if lists and ownership in (None, "BucketOwnerEnforced"):
        raise S3Error("InvalidBucketAclWithObjectOwnership")
    return str(ownership) if ownership else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True
