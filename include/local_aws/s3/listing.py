"""List the objects of a bucket: three operations with the same page."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from include.local_aws.s3 import acl
from include.local_aws.s3.errors import S3Error

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.s3.info import ObjectInfo
    from include.local_aws.s3.store import ObjectStore

LARGEST_PAGE = 1000


@dataclass(frozen=True)
class Listing:
    """One page, as the three operations share it; `text` writes keys as the request's EncodingType says."""

    members: dict[str, Any]
    objects: list[ObjectInfo]
    text: Callable[[str], str]
    last: str | None  # the last key or common prefix; None for the last page

    @property
    def count(self) -> int:
        return len(self.objects) + len(self.members["CommonPrefixes"])


def encoding(params: Params) -> Callable[[str], str]:
    """How keys are written: XML cannot carry every character, so clients may request percent-encoding."""
    if params.get("EncodingType") != "url":
        return str
    return lambda key: quote_plus(key, safe="/")


def limit_of(params: Params, name: str) -> int:
    """The page size of a request.

    :raises S3Error: InvalidArgument for a negative number.
    """
    limit = int(params.get(name, LARGEST_PAGE))
    if limit < 0:
        raise S3Error("InvalidArgument", f"Argument {name} must be an integer between 0 and 2147483647")
    return min(limit, LARGEST_PAGE)


class Lists:
    """ListObjectsV2, ListObjects and ListObjectVersions."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def list_objects_v2(self, params: Params, caller: Caller) -> Output:
        token = params.get("ContinuationToken")
        listing = self._page(params, _key(token) if token is not None else params.get("StartAfter", ""))
        owner = acl.owner(caller) if params.get("FetchOwner") else None
        return {
            **listing.members,
            "Contents": [_entry(info, listing, owner) for info in listing.objects],
            "KeyCount": listing.count,
            "ContinuationToken": token,
            "NextContinuationToken": _token(listing.last) if listing.last is not None else None,
            "StartAfter": listing.text(params["StartAfter"]) if "StartAfter" in params else None,
        }

    def list_objects(self, params: Params, caller: Caller) -> Output:
        marker = params.get("Marker", "")
        listing = self._page(params, marker)
        has_marker = listing.last is not None and params.get(
            "Delimiter"
        )  # otherwise clients use the last key
        return {
            **listing.members,
            "Contents": [_entry(info, listing, acl.owner(caller)) for info in listing.objects],
            "Marker": listing.text(marker),
            "NextMarker": listing.text(listing.last) if has_marker and listing.last is not None else None,
        }

    def list_object_versions(self, params: Params, caller: Caller) -> Output:
        """Every object has a single version, `null`."""
        marker = params.get("KeyMarker", "")
        listing = self._page(params, marker)
        version = {"VersionId": "null", "IsLatest": True}
        return {
            **listing.members,
            "Versions": [_entry(info, listing, acl.owner(caller)) | version for info in listing.objects],
            "KeyMarker": listing.text(marker),
            "VersionIdMarker": params.get("VersionIdMarker", ""),
            "NextKeyMarker": listing.text(listing.last) if listing.last is not None else None,
            "NextVersionIdMarker": "null" if listing.last is not None else None,
        }

    def _page(self, params: Params, marker: str) -> Listing:
        bucket, limit, text = params["Bucket"], limit_of(params, "MaxKeys"), encoding(params)
        prefix, delimiter = params.get("Prefix", ""), params.get("Delimiter", "")
        entries, has_more = self._store.page(bucket, prefix, delimiter, marker, limit)
        members = {
            "Name": bucket,
            "Prefix": text(prefix),
            "Delimiter": text(delimiter) if delimiter else None,
            "MaxKeys": limit,
            "EncodingType": params.get("EncodingType"),
            "IsTruncated": has_more,
            "CommonPrefixes": [{"Prefix": text(key)} for key, info in entries if info is None],
        }
        objects = [info for _, info in entries if info is not None]
        return Listing(members, objects, text, entries[-1][0] if has_more else None)


def _entry(info: ObjectInfo, listing: Listing, owner: dict[str, str] | None) -> dict[str, Any]:
    checksums = info.details.checksums
    return {
        "Key": listing.text(info.key),
        "LastModified": info.modified,
        "ETag": info.etag,
        "Size": info.size,
        "StorageClass": info.headers.get("StorageClass", "STANDARD"),
        "ChecksumAlgorithm": [name.upper() for name in checksums] or None,
        "ChecksumType": info.details.checksum_type if checksums else None,
        "Owner": owner,
    }


def _token(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _key(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except (binascii.Error, ValueError) as error:
        raise S3Error("InvalidArgument", "The continuation token provided is incorrect") from error
