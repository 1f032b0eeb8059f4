"""What a request says about a new object, besides its bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.local_aws.s3 import acl, tags
from include.local_aws.s3.errors import S3Error
from include.local_aws.s3.info import Details
from include.local_aws.s3.store import DEFAULT_TYPE

if TYPE_CHECKING:
    from include.local_aws.calls import Caller, Params
    from include.local_aws.s3.bucket_index import Bucket

STORED_HEADERS = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Expires",
    "WebsiteRedirectLocation",
    "StorageClass",
    "ServerSideEncryption",
    "SSEKMSKeyId",
    "BucketKeyEnabled",
)
ENCRYPTION = ("ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled")
METADATA_LIMIT = 2048  # bytes of names and values


def details(params: Params, bucket: Bucket, caller: Caller) -> Details:
    """Headers, metadata, tags and grants of a request.

    :raises S3Error: MetadataTooLarge, InvalidTag, AccessControlListNotSupported; NotImplemented and
        InvalidRequest for what the local AWS or the bucket does not support.
    """
    refuse_customer_keys(params)
    if any(name.startswith("ObjectLock") for name in params):
        raise S3Error("InvalidRequest", "Bucket is missing Object Lock Configuration")
    return Details(
        headers=headers(params),
        metadata=_metadata(params),
        tags=tags.from_header(params.get("Tagging", "")),
        grants=acl.grants(params, bucket.settings, caller),
    )


def headers(params: Params) -> dict[str, Any]:
    """The headers that are stored with the object, with S3's defaults."""
    known_headers = {name: params[name] for name in STORED_HEADERS if name in params}
    encodings = [part.strip() for part in known_headers.pop("ContentEncoding", "").split(",")]
    encoding = ",".join(
        part for part in encodings if part not in ("", "aws-chunked")
    )  # aws-chunked is framing
    return {
        "ContentType": DEFAULT_TYPE,
        "ServerSideEncryption": "AES256",
        **known_headers,
        **({"ContentEncoding": encoding} if encoding else {}),
    }


def refuse_customer_keys(params: Params) -> None:
    """Refuse SSE-C: nothing is encrypted here, and a key must not seem to protect anything.

    :raises S3Error: NotImplemented.
    """
    if any("SSECustomer" in name for name in params):
        raise S3Error("NotImplemented", "The local AWS does not encrypt with keys that customers provide.")


def _metadata(params: Params) -> dict[str, str]:
    metadata: dict[str, str] = params.get("Metadata", {})
    size = sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items())
    if size > METADATA_LIMIT:
        raise S3Error("MetadataTooLarge", Size=size, MaxSizeAllowed=METADATA_LIMIT)
    return metadata
