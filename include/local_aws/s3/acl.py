"""Access control lists, stored and returned, not enforced: the local AWS has a single user.

New buckets have the ownership `BucketOwnerEnforced`, as on AWS, and refuse lists that grant anything to
others. After PutBucketOwnershipControls with another ownership they accept them.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from include.local_aws.s3.errors import S3Error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.s3.store import ObjectStore

GROUPS = "http://acs.amazonaws.com/groups"
EVERYBODY, SIGNED_IN, LOGGING = (
    {"Type": "Group", "URI": f"{GROUPS}/{name}"}
    for name in ("global/AllUsers", "global/AuthenticatedUsers", "s3/LogDelivery")
)
# The grants of each canned list besides the owner's full control.
CANNED: dict[str, list[dict[str, Any]]] = {
    "private": [],
    "bucket-owner-full-control": [],
    "bucket-owner-read": [],
    "aws-exec-read": [],
    "public-read": [{"Grantee": EVERYBODY, "Permission": "READ"}],
    "public-read-write": [
        {"Grantee": EVERYBODY, "Permission": "READ"},
        {"Grantee": EVERYBODY, "Permission": "WRITE"},
    ],
    "authenticated-read": [{"Grantee": SIGNED_IN, "Permission": "READ"}],
    "log-delivery-write": [
        {"Grantee": LOGGING, "Permission": "WRITE"},
        {"Grantee": LOGGING, "Permission": "READ_ACP"},
    ],
}
GRANT_HEADERS = {
    "GrantFullControl": "FULL_CONTROL",
    "GrantRead": "READ",
    "GrantReadACP": "READ_ACP",
    "GrantWrite": "WRITE",
    "GrantWriteACP": "WRITE_ACP",
}
REQUESTS = ("ACL", *GRANT_HEADERS)  # the members of a request that set a list
GRANTEES = {
    "id": ("CanonicalUser", "ID"),
    "uri": ("Group", "URI"),
    "emailAddress": ("AmazonCustomerByEmail", "EmailAddress"),
}
OWNERSHIP = "BucketOwnershipControls"  # the setting that allows or refuses lists
ENFORCED = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


def owner(caller: Caller) -> dict[str, str]:
    """The account's canonical user: 64 hexadecimal digits that never change."""
    return {"ID": hashlib.sha256(caller.account.encode()).hexdigest()}


def grants(params: Params, settings: Mapping[str, Any], caller: Caller) -> list[dict[str, Any]] | None:
    """The grants of a request's ACL members; None if it has no such member.

    :raises S3Error: AccessControlListNotSupported when the bucket's settings allow no lists; InvalidArgument
        for a grantee of an unknown kind.
    """
    document, canned_acl = params.get("AccessControlPolicy"), params.get("ACL")
    headers = {name: params[name] for name in GRANT_HEADERS if name in params}
    if not document and canned_acl is None and not headers:
        return None
    if canned_acl != "bucket-owner-full-control" and settings.get(OWNERSHIP, ENFORCED) == ENFORCED:
        raise S3Error("AccessControlListNotSupported")
    if document:
        return list(document.get("Grants", []))
    if headers:
        return [grant for name, value in headers.items() for grant in _from_header(name, value)]
    return [*_owners(caller), *CANNED[canned_acl or "private"]]


def _owners(caller: Caller) -> list[dict[str, Any]]:
    return [{"Grantee": {**owner(caller), "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}]


def _from_header(name: str, value: str) -> list[dict[str, Any]]:
    """`id="...", uri="..."` → one grant each."""
    grants_of_header = []
    for part in value.split(","):
        kind, _, text = part.strip().partition("=")
        if kind not in GRANTEES:
            raise S3Error("InvalidArgument", f"Not a grantee (id=, uri= or emailAddress=): {part.strip()}")
        type_, member = GRANTEES[kind]
        grantee = {"Type": type_, member: text.strip('"')}
        grants_of_header.append({"Grantee": grantee, "Permission": GRANT_HEADERS[name]})
    return grants_of_header


class Acl:
    """Get and put the access control lists of buckets and objects."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def get_bucket_acl(self, params: Params, caller: Caller) -> Output:
        stored_grants = self._store.buckets.get(params["Bucket"]).settings.get("Acl")
        return {"Owner": owner(caller), "Grants": stored_grants or _owners(caller)}

    def put_bucket_acl(self, params: Params, caller: Caller) -> Output:
        bucket = self._store.buckets.get(params["Bucket"])
        self._store.buckets.set(bucket.name, "Acl", _require_grants(grants(params, bucket.settings, caller)))
        return {}

    def get_object_acl(self, params: Params, caller: Caller) -> Output:
        stored_grants = self._store.info(params["Bucket"], params["Key"]).details.grants
        return {"Owner": owner(caller), "Grants": stored_grants or _owners(caller)}

    def put_object_acl(self, params: Params, caller: Caller) -> Output:
        bucket = self._store.buckets.get(params["Bucket"])
        self._store.info(bucket.name, params["Key"])
        new_grants = _require_grants(grants(params, bucket.settings, caller))
        self._store.describe(bucket.name, params["Key"], grants=new_grants)
        return {}


def _require_grants(requested_grants: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    if requested_grants is None:
        raise S3Error("InvalidRequest", "An ACL request needs an ACL header or an AccessControlPolicy.")
    return requested_grants
