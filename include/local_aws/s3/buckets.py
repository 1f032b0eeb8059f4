"""Create, head, list and delete buckets."""

from __future__ import annotations

import base64
import ipaddress
import re
from typing import TYPE_CHECKING

from include.local_aws.s3 import acl
from include.local_aws.s3.errors import S3Error
from include.local_aws.s3.keys import take
from include.local_aws.s3.tags import BUCKET_LIMIT, checked

if TYPE_CHECKING:
    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.s3.bucket_index import Bucket
    from include.local_aws.s3.store import ObjectStore

HOME = "us-east-1"  # the region that knows no location constraint
NAME = re.compile(r"(?!xn--|sthree-|amzn-s3-demo-)[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]")
RESERVED_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
MOST_BUCKETS = 10_000


def check_name(name: str) -> None:
    """AWS's rules for general purpose buckets. Raises InvalidBucketName."""
    if NAME.fullmatch(name) is None or name.endswith(RESERVED_ENDS) or _is_address(name):
        raise S3Error("InvalidBucketName", BucketName=name)


class Buckets:
    """The operations on buckets themselves."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def create_bucket(self, params: Params, caller: Caller) -> Output:
        name = params["Bucket"]
        check_name(name)
        configuration = params.get("CreateBucketConfiguration") or {}
        region = _region(configuration.get("LocationConstraint"), caller)
        if params.get("ObjectLockEnabledForBucket"):
            raise S3Error(
                "NotImplemented", "Object Lock needs versioning, which the local AWS does not have."
            )
        tags = checked(configuration.get("Tags", []), BUCKET_LIMIT)
        created = self._store.buckets.insert(name, region)
        if not created and self._store.buckets.get(name).region != HOME:
            raise S3Error("BucketAlreadyOwnedByYou", BucketName=name)
        if created:
            self._describe(name, params, tags, caller)
        return {"Location": f"/{name}", "BucketArn": f"arn:aws:s3:::{name}"}

    def _describe(self, name: str, params: Params, tags: list[dict[str, str]], caller: Caller) -> None:
        """Settings that a bucket is born with."""
        buckets = self._store.buckets
        if ownership := params.get("ObjectOwnership"):
            buckets.set(name, acl.OWNERSHIP, {"Rules": [{"ObjectOwnership": ownership}]})
        if tags:
            buckets.set(name, "BucketTagging", {"TagSet": tags})
        if params.get("ACL", "private") != "private":
            buckets.set(name, "Acl", acl.grants(params, buckets.get(name), caller))

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
        wanted = (
            bucket
            for bucket in self._store.buckets.all()
            if bucket.name.startswith(prefix)
            and bucket.name > after
            and params.get("BucketRegion", bucket.region) == bucket.region
        )
        buckets, more = take(wanted, params.get("MaxBuckets", MOST_BUCKETS))
        return {
            "Buckets": [_listed(bucket) for bucket in buckets],
            "Owner": acl.owner(caller),
            "Prefix": params.get("Prefix"),
            "ContinuationToken": base64.urlsafe_b64encode(buckets[-1].name.encode()).decode()
            if more
            else None,
        }

    def delete_bucket(self, params: Params, caller: Caller) -> Output:
        self._store.delete_bucket(params["Bucket"])
        return {}


def _listed(bucket: Bucket) -> dict[str, object]:
    return {
        "Name": bucket.name,
        "CreationDate": bucket.created,
        "BucketRegion": bucket.region,
        "BucketArn": f"arn:aws:s3:::{bucket.name}",
    }


def _region(constraint: str | None, caller: Caller) -> str:
    """Where the bucket is made: us-east-1 takes any constraint, other regions need their own."""
    if caller.region != HOME and constraint != caller.region:
        named = constraint or "unspecified"
        raise S3Error(
            "IllegalLocationConstraintException",
            f"The {named} location constraint is incompatible for the region specific endpoint this request "
            "was sent to.",
        )
    return constraint or HOME


def _is_address(name: str) -> bool:
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True
