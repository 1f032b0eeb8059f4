"""Keys in S3's order, and how a delimiter folds them into common prefixes.

S3 orders keys by their UTF-8 bytes. That is the order of code points, so also Python's and SQLite's order.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from include.local_aws.s3.errors import S3Error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")

LONGEST_KEY = 1024  # bytes of UTF-8
LAST_CHARACTER = "\U0010ffff"
END = LAST_CHARACTER * LONGEST_KEY  # after every key


def check_key(key: str) -> None:
    """Check the length of a key; any text that is not empty is a key.

    :raises S3Error: KeyTooLongError, or InvalidArgument for an empty key.
    """
    size = len(key.encode("utf-8", "surrogatepass"))
    if size > LONGEST_KEY:
        raise S3Error("KeyTooLongError", Size=size, MaxSizeAllowed=LONGEST_KEY)
    if not key:
        raise S3Error("InvalidArgument", "Object key must not be empty")


def after_prefix(prefix: str) -> str:
    """The smallest string after all strings that begin with the prefix."""
    stem = prefix.rstrip(LAST_CHARACTER)
    if not stem:
        return END
    following = ord(stem[-1]) + 1
    return stem[:-1] + chr(0xE000 if following == 0xD800 else following)  # surrogates are not characters


def common_prefix(key: str, prefix: str, delimiter: str) -> str | None:
    """`common_prefix("a/b/c", "a/", "/")` → `a/b/`; None for a key without a common prefix."""
    if not delimiter:
        return None
    end = key.find(delimiter, len(prefix))
    return key[: end + len(delimiter)] if end >= 0 else None


def first_after(marker: str, prefix: str, delimiter: str) -> str:
    """Where a listing continues after a key, or after a common prefix and all its keys."""
    if not marker:
        return prefix
    marker_prefix = common_prefix(marker, prefix, delimiter) if marker.startswith(prefix) else None
    return max(prefix, after_prefix(marker_prefix) if marker_prefix else marker + "\0")


def fold(
    rows: Callable[[str, str], Iterable[tuple[str, T]]], prefix: str, delimiter: str, start: str
) -> Iterator[tuple[str, T | None]]:
    """Keys with their values from `start` on, and common prefixes with None, in order.

    `rows(first, end)` yields the keys from `first` to before `end`. It is called again after each common
    prefix, so the keys of a common prefix are skipped and not read.
    """
    position, end = start, after_prefix(prefix)
    while position < end:
        following = end
        for key, value in rows(position, end):
            common = common_prefix(key, prefix, delimiter)
            yield (common, None) if common is not None else (key, value)
            if common is not None:
                following = after_prefix(common)
                break
        position = following


def take(items: Iterator[T], limit: int) -> tuple[list[T], bool]:
    """The first `limit` items, and whether there are more."""
    first_items = list(islice(items, limit))
    return first_items, limit > 0 and next(items, None) is not None
