"""Put, get, head and delete objects."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from include.local_aws.calls import Reply
from include.local_aws.protocol.errors import AwsError
from include.local_aws.protocol.http import FileSlice
from include.local_aws.s3 import checksums
from include.local_aws.s3.conditions import check_read, write_check
from include.local_aws.s3.description import ENCRYPTION, details, refuse_customer_keys
from include.local_aws.s3.errors import S3Error
from include.local_aws.s3.keys import check_key
from include.local_aws.s3.ranges import byte_range

if TYPE_CHECKING:
    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.s3.info import ObjectInfo
    from include.local_aws.s3.store import ObjectStore

LARGEST_PUT = 5 * 1024**3  # bytes
MOST_DELETIONS = 1000
OVERRIDES = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Expires",
)


def current(store: ObjectStore, params: Params) -> ObjectInfo:
    """The object that a request names.

    Every object is the version `null`, as in a bucket that never had versioning.

    :raises S3Error: NoSuchBucket, NoSuchKey, NoSuchVersion.
    """
    refuse_customer_keys(params)
    info = store.info(params["Bucket"], params["Key"])
    check_version(params.get("VersionId"), info.key)
    return info


def check_version(version: str | None, key: str) -> None:
    """Check that a version is the only one that objects have.

    :raises S3Error: NoSuchVersion.
    """
    if version not in (None, "null"):
        raise S3Error("NoSuchVersion", Key=key, VersionId=version)


class Objects:
    """The operations on whole objects."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def put_object(self, params: Params, caller: Caller) -> Output:
        """Store an object.

        :raises S3Error: NoSuchBucket, KeyTooLongError, EntityTooLarge, PreconditionFailed, and those of its
            details.
        """
        bucket, key, upload = self._store.buckets.get(params["Bucket"]), params["Key"], params["Body"]
        check_key(key)
        if upload.size > LARGEST_PUT:
            raise S3Error("EntityTooLarge", ProposedSize=upload.size, MaxSizeAllowed=LARGEST_PUT)
        object_details = replace(details(params, bucket, caller), checksums=dict(upload.checksums))
        check = write_check(params)
        info = self._store.put(bucket.name, key, self._store.files.adopt(upload), object_details, check)
        return {"ETag": info.etag, **_checksums(info), **encryption(info)}

    def get_object(self, params: Params, caller: Caller) -> Reply:
        info = current(self._store, params)
        check_read(info, params)
        start, length, reply = _reply(info, params)
        reply.output["Body"] = FileSlice(self._store.content(info), start, length)
        return reply

    def head_object(self, params: Params, caller: Caller) -> Reply:
        info = current(self._store, params)
        check_read(info, params)
        return _reply(info, params)[2]

    def delete_object(self, params: Params, caller: Caller) -> Output:
        check_version(params.get("VersionId"), params["Key"])
        conditional = "IfMatch" in params
        self._store.delete(params["Bucket"], params["Key"], write_check(params) if conditional else None)
        return {}

    def delete_objects(self, params: Params, caller: Caller) -> Output:
        """Delete up to 1000 objects; each failure is reported in `Errors`.

        :raises S3Error: NoSuchBucket, or MalformedXML for another number of objects.
        """
        request = params["Delete"]
        self._store.buckets.get(params["Bucket"])
        if not 0 < len(request["Objects"]) <= MOST_DELETIONS:
            raise S3Error("MalformedXML")
        deleted_objects, errors = [], []
        for entry in request["Objects"]:
            try:
                self.delete_object({"Bucket": params["Bucket"], **_deletion(entry)}, caller)
                deleted_objects.append({name: entry[name] for name in ("Key", "VersionId") if name in entry})
            except AwsError as error:
                errors.append({"Key": entry["Key"], "Code": error.code, "Message": error.message})
        return {"Deleted": [] if request.get("Quiet") else deleted_objects, "Errors": errors}

    def get_object_attributes(self, params: Params, caller: Caller) -> Output:
        info = current(self._store, params)
        attributes = {
            "ETag": info.etag.strip('"'),
            "ObjectSize": info.size,
            "StorageClass": info.headers.get("StorageClass", "STANDARD"),
            "Checksum": _checksums(info) if info.details.checksums else None,
            "ObjectParts": _parts(info, params) if info.details.parts else None,
        }
        requested_attributes = {
            name: attributes[name] for name in params["ObjectAttributes"] if name in attributes
        }
        return {"LastModified": info.modified, **requested_attributes}


def encryption(info: ObjectInfo) -> dict[str, Any]:
    """The output members about an object's encryption."""
    return {name: info.headers[name] for name in ENCRYPTION if name in info.headers}


def _checksums(info: ObjectInfo) -> dict[str, Any]:
    values = info.details.checksums
    return {**checksums.members(values), "ChecksumType": info.details.checksum_type} if values else {}


def _deletion(entry: dict[str, Any]) -> dict[str, Any]:
    """One object of a DeleteObjects request, as DeleteObject takes it."""
    params = {name: entry[name] for name in ("Key", "VersionId") if name in entry}
    return params | ({"IfMatch": entry["ETag"]} if "ETag" in entry else {})


def _reply(info: ObjectInfo, params: Params) -> tuple[int, int, Reply]:
    """First byte, length, and the response without the bytes."""
    part = _part(info, params["PartNumber"]) if "PartNumber" in params else None
    byte_window = part or byte_range(params.get("Range", ""), info.size)
    start, length = byte_window or (0, info.size)
    output = {
        **_headers(info, params),
        "AcceptRanges": "bytes",
        "ContentLength": length,
        "ETag": info.etag,
        "LastModified": info.modified,
        "Metadata": info.metadata,
        "TagCount": len(info.details.tags) or None,
    }
    if byte_window is None:
        whole = params.get("ChecksumMode") == "ENABLED"  # the checksum is of the whole object
        return start, length, Reply({**output, **(_checksums(info) if whole else {})})
    if length:
        output["ContentRange"] = f"bytes {start}-{start + length - 1}/{info.size}"
    if part:
        output["PartsCount"] = len(info.details.parts) or None
    return start, length, Reply(output, status=206)


def _headers(info: ObjectInfo, params: Params) -> dict[str, Any]:
    overrides = {name: params[f"Response{name}"] for name in OVERRIDES if f"Response{name}" in params}
    headers = {
        name: value for name, value in info.headers.items() if (name, value) != ("StorageClass", "STANDARD")
    }
    return {**headers, **overrides}


def _part(info: ObjectInfo, number: int) -> tuple[int, int]:
    """First byte and length of a part; an object that was put in one request is its own only part."""
    sizes = [part.size for part in info.details.parts] or [info.size]
    if not 1 <= number <= len(sizes):
        raise S3Error("InvalidPartNumber", PartNumberRequested=number, ActualPartCount=len(sizes))
    return sum(sizes[: number - 1]), sizes[number - 1]


def _parts(info: ObjectInfo, params: Params) -> dict[str, Any]:
    """A page of the ObjectParts member."""
    after, limit = params.get("PartNumberMarker", 0), params.get("MaxParts", 1000)
    parts = info.details.parts
    page = parts[after : after + limit]
    return {
        "TotalPartsCount": len(parts),
        "PartNumberMarker": after,
        "MaxParts": limit,
        "NextPartNumberMarker": after + len(page),
        "IsTruncated": after + len(page) < len(parts),
        "Parts": [
            {"PartNumber": number, "Size": part.size, **checksums.members(part.checksums)}
            for number, part in enumerate(page, start=after + 1)
        ],
    }
