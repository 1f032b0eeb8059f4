"""CopyObject: on disk, a second name for the same file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from include.local_aws.s3 import checksums
from include.local_aws.s3.conditions import check_copy, write_check
from include.local_aws.s3.description import details, headers
from include.local_aws.s3.errors import S3Error
from include.local_aws.s3.files import StoredFile, read_pieces
from include.local_aws.s3.keys import check_key
from include.local_aws.s3.objects import current, encryption

if TYPE_CHECKING:
    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.s3.info import Details, ObjectInfo
    from include.local_aws.s3.store import ObjectStore

# A copy of an object to itself must change one of these.
CHANGES = ("StorageClass", "WebsiteRedirectLocation", "ServerSideEncryption")
OVERRIDABLE = (
    "StorageClass",
    "ServerSideEncryption",
    "SSEKMSKeyId",
    "BucketKeyEnabled",
    "WebsiteRedirectLocation",
)


def source_of(store: ObjectStore, params: Params) -> ObjectInfo:
    """The object that `CopySource` names, if its conditions hold.

    :raises S3Error: InvalidArgument, NoSuchBucket, NoSuchKey, NoSuchVersion, PreconditionFailed.
    """
    path, _, version = params["CopySource"].partition("?versionId=")
    bucket, _, key = unquote(path).removeprefix("/").partition("/")
    if not bucket or not key:
        text = "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"
        raise S3Error("InvalidArgument", text, ArgumentName="x-amz-copy-source", ArgumentValue=path)
    info = current(store, {"Bucket": bucket, "Key": key} | ({"VersionId": version} if version else {}))
    check_copy(info, params)
    return info


class Copying:
    """CopyObject."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def copy_object(self, params: Params, caller: Caller) -> Output:
        bucket, key = self._store.buckets.get(params["Bucket"]), params["Key"]
        check_key(key)
        source = source_of(self._store, params)
        new_details = _merge_details(source, details(params, bucket, caller), params)
        check = write_check(params)
        stored_file = self._content(source)
        if algorithm := params.get("ChecksumAlgorithm", "").lower():
            value = checksums.of_file(algorithm, self._store.files.path(stored_file.file))
            new_details = replace(new_details, checksums={algorithm: value} if value else {})
        info = self._store.put(bucket.name, key, stored_file, new_details, check)
        result = {
            "ETag": info.etag,
            "LastModified": info.modified,
            **checksums.members(info.details.checksums),
        }
        return {"CopyObjectResult": result, **encryption(info)}

    def _content(self, source: ObjectInfo) -> StoredFile:
        """The copy's file. The copy of a multipart upload becomes a plain object with its own MD5."""
        if source.details.parts:
            return self._store.files.write(read_pieces(self._store.content(source)))
        link = self._store.files.link(source.file)
        return StoredFile(link, source.size, bytes.fromhex(source.etag.strip('"')))


def _merge_details(source: ObjectInfo, request_details: Details, params: Params) -> Details:
    """The source's details, or the request's if its directives say REPLACE.

    :raises S3Error: InvalidRequest for a copy of an object to itself that changes nothing.
    """
    is_replaced = params.get("MetadataDirective") == "REPLACE"
    itself = (source.bucket, source.key) == (params["Bucket"], params["Key"])
    if itself and not is_replaced and not any(name in params for name in CHANGES):
        raise S3Error(
            "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself without changing "
            "the object's metadata, storage class, website redirect location or encryption attributes.",
        )
    old = source.details
    full_checksums = old.checksums if old.checksum_type == "FULL_OBJECT" else {}
    overrides = {
        name: value for name, value in headers(params).items() if name in params and name in OVERRIDABLE
    }
    without_class = {name: value for name, value in old.headers.items() if name != "StorageClass"}
    return replace(
        request_details,
        headers=request_details.headers if is_replaced else {**without_class, **overrides},
        metadata=request_details.metadata if is_replaced else old.metadata,
        tags=request_details.tags if params.get("TaggingDirective") == "REPLACE" else old.tags,
        checksums=full_checksums,
    )
