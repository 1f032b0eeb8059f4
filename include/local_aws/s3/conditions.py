"""If-Match and the other conditional headers (RFC 9110, section 13), on reads, copies and writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.local_aws.s3.errors import S3Error

if TYPE_CHECKING:
    from include.local_aws.calls import Params
    from include.local_aws.s3.info import ObjectInfo
    from include.local_aws.s3.store import Check


def check_read(info: ObjectInfo, params: Params) -> None:
    """Check the conditions of a read; a condition on the ETag takes precedence over one on the time.

    :raises S3Error: PreconditionFailed or NotModified.
    """
    if name := _failed_match(info, params, ""):
        raise S3Error("PreconditionFailed", Condition=name)
    if _failed_none_match(info, params, ""):
        raise S3Error("NotModified")


def check_copy(info: ObjectInfo, params: Params) -> None:
    """Check the conditions on the source of a copy.

    :raises S3Error: PreconditionFailed.
    """
    prefix = "CopySource"
    if name := _failed_match(info, params, prefix) or _failed_none_match(info, params, prefix):
        raise S3Error("PreconditionFailed", Condition=name)


def write_check(params: Params) -> Check:
    """The check that a write makes of the existing object: `If-None-Match: *` and `If-Match: etag`.

    The check itself raises S3Error: PreconditionFailed, or NoSuchKey for `If-Match` without an object.

    :raises S3Error: NotImplemented for any other value of If-None-Match.
    """
    if_match, if_none_match = params.get("IfMatch"), params.get("IfNoneMatch")

    def check(old: ObjectInfo | None) -> None:
        if if_none_match is not None and old is not None:
            raise S3Error("PreconditionFailed", Condition="If-None-Match")
        if if_match is not None and old is None:
            raise S3Error("NoSuchKey", Key=params.get("Key", ""))
        if if_match is not None and old is not None and not _matches(if_match, old):
            raise S3Error("PreconditionFailed", Condition="If-Match")

    if if_none_match not in (None, "*"):
        raise S3Error("NotImplemented")  # AWS supports no other value on writes
    return check


def _failed_match(info: ObjectInfo, params: Params, prefix: str) -> str | None:
    """The condition that fails: If-Match, else If-Unmodified-Since."""
    if (etags := params.get(f"{prefix}IfMatch")) is not None:
        return None if _matches(etags, info) else "If-Match"
    limit = params.get(f"{prefix}IfUnmodifiedSince")
    return "If-Unmodified-Since" if limit is not None and info.modified > limit else None


def _failed_none_match(info: ObjectInfo, params: Params, prefix: str) -> str | None:
    """The condition that fails: If-None-Match, else If-Modified-Since."""
    if (etags := params.get(f"{prefix}IfNoneMatch")) is not None:
        return "If-None-Match" if _matches(etags, info) else None
    limit = params.get(f"{prefix}IfModifiedSince")
    return "If-Modified-Since" if limit is not None and info.modified <= limit else None


def _matches(etags: str, info: ObjectInfo) -> bool:
    """Whether a list of entity tags names the object's; `*` names any."""
    tags = [etag.strip().removeprefix("W/").strip('"') for etag in etags.split(",")]
    return "*" in tags or info.etag.strip('"') in tags
