"""Tags of objects and buckets: the rules, and the header that carries them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from include.local_aws.s3.errors import S3Error

if TYPE_CHECKING:
    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.s3.store import ObjectStore

OBJECT_LIMIT, BUCKET_LIMIT = 10, 50
KEY_LENGTH, VALUE_LENGTH = 128, 256


def from_header(header: str) -> list[dict[str, str]]:
    """`a=1&b=2` → a tag set.

    :raises S3Error: InvalidArgument, InvalidTag, BadRequest.
    """
    try:
        pairs = parse_qsl(header, keep_blank_values=True, strict_parsing=bool(header))
    except ValueError as error:
        text = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters"
        raise S3Error("InvalidArgument", f"{text} without tag name duplicates.") from error
    return check_tags([{"Key": key, "Value": value} for key, value in pairs], OBJECT_LIMIT)


def check_tags(tags: list[dict[str, str]], limit: int) -> list[dict[str, str]]:
    """The tags, if they follow the rules.

    :raises S3Error: InvalidTag, BadRequest.
    """
    if len(tags) > limit:
        noun = "Object" if limit == OBJECT_LIMIT else "Bucket"
        raise S3Error("BadRequest", f"{noun} tags cannot be greater than {limit}")
    keys = [tag["Key"] for tag in tags]
    for tag in tags:
        if not 0 < len(tag["Key"]) <= KEY_LENGTH:
            raise S3Error("InvalidTag", "The TagKey you have provided is invalid", TagKey=tag["Key"])
        if len(tag["Value"]) > VALUE_LENGTH:
            raise S3Error("InvalidTag", "The TagValue you have provided is invalid", TagKey=tag["Key"])
        if keys.count(tag["Key"]) > 1:
            raise S3Error("InvalidTag", "Cannot provide multiple Tags with the same key", TagKey=tag["Key"])
    return tags


class ObjectTags:
    """Get, put and delete the tags of an object."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def get_object_tagging(self, params: Params, caller: Caller) -> Output:
        return {"TagSet": self._store.info(params["Bucket"], params["Key"]).details.tags}

    def put_object_tagging(self, params: Params, caller: Caller) -> Output:
        tags = check_tags(params["Tagging"]["TagSet"], OBJECT_LIMIT)
        self._store.describe(params["Bucket"], params["Key"], tags=tags)
        return {}

    def delete_object_tagging(self, params: Params, caller: Caller) -> Output:
        self._store.describe(params["Bucket"], params["Key"], tags=[])
        return {}
