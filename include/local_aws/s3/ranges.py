"""Which bytes of an object a request asks for."""

from __future__ import annotations

import re

from include.local_aws.s3.errors import S3Error

RANGE = re.compile(r"bytes=(?P<first>\d*)-(?P<last>\d*)")


def byte_range(header: str, size: int) -> tuple[int, int] | None:
    """First byte and length for `bytes=0-99`, `bytes=100-` or `bytes=-50`, cut at the object's end.

    None for a header that S3 ignores: another unit, several ranges, an invalid one.

    :raises S3Error: InvalidRange for a start after the end of the object.
    """
    match = RANGE.fullmatch(header.strip())
    if match is None or match["first"] == match["last"] == "":
        return None
    if match["first"]:
        first, last = int(match["first"]), int(match["last"] or size)
        if last < first:
            return None
    else:
        first, last = max(0, size - int(match["last"])), size
    if first >= size:
        raise S3Error("InvalidRange", RangeRequested=header, ActualObjectSize=size)
    return first, min(last, size - 1) - first + 1


def source_range(header: str, size: int) -> tuple[int, int]:
    """First byte and length of a copied part: `bytes=first-last`, inside the source.

    :raises S3Error: InvalidArgument for another form, InvalidRange for bytes that the source does not have.
    """
    match = RANGE.fullmatch(header)
    if match is None or not match["first"] or not match["last"] or int(match["last"]) < int(match["first"]):
        raise S3Error(
            "InvalidArgument",
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are "
            "the zero-based offsets of the first and last bytes to copy",
            ArgumentName="x-amz-copy-source-range",
            ArgumentValue=header,
        )
    first, last = int(match["first"]), int(match["last"])
    if last >= size:
        raise S3Error("InvalidRange", RangeRequested=header, ActualObjectSize=size)
    return first, last - first + 1
