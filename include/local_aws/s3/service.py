"""The S3 service: all of its handlers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.local_aws.s3.acl import Acl
from include.local_aws.s3.buckets import Buckets
from include.local_aws.s3.copying import Copying
from include.local_aws.s3.listing import Lists
from include.local_aws.s3.multipart import Multipart
from include.local_aws.s3.objects import Objects
from include.local_aws.s3.settings import BucketSettings
from include.local_aws.s3.tags import ObjectTags

if TYPE_CHECKING:
    from include.local_aws.s3.store import ObjectStore


def handlers(store: ObjectStore) -> list[object]:
    """The objects whose methods are S3's operations."""
    parts = (Buckets, Objects, Copying, Lists, Multipart, ObjectTags, Acl, BucketSettings)
    return [part(store) for part in parts]
