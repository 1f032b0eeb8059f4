from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from include.local_aws.s3.keys import END, after_prefix, common_prefix, first_after, fold, take

if TYPE_CHECKING:
    from collections.abc import Iterator

ALPHABET = ["a", "b", "/", "é", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0010ffff", "\0", " "]


def test_pythons_order_of_keys_is_that_of_their_utf8_bytes() -> None:
    chance = random.Random(1)
    keys = ["".join(chance.choices(ALPHABET, k=chance.randint(1, 5))) for _ in range(300)]
    assert sorted(keys) == sorted(keys, key=lambda key: key.encode())


@pytest.mark.parametrize(
    ("prefix", "end"),
    [
        ("a", "b"),
        ("a/", "a0"),
        ("\ud7ff", "\ue000"),
        ("a\U0010ffff", "b"),
        ("", END),
        ("\U0010ffff", END),
    ],
)
def test_keys_with_a_prefix_sort_before_its_end(prefix: str, end: str) -> None:
    assert after_prefix(prefix) == end
    assert prefix + "\U0010ffff" * 9 < end


def test_a_listing_continues_after_the_marker() -> None:
    assert first_after("", "p/", "/") == "p/"
    assert first_after("p/a", "p/", "/") == "p/a\0"
    assert first_after("p/a/", "p/", "/") == "p/a0"
    assert first_after("p/a/b", "p/", "/") == "p/a0"
    assert first_after("p/a/b", "p/", "") == "p/a/b\0"
    assert first_after("a", "p/", "/") == "p/"


def listing(keys: set[str], prefix: str, delimiter: str, size: int) -> Any:
    """All pages of a listing, and how many rows were read for them."""
    read = 0

    def rows(first: str, end: str) -> Iterator[tuple[str, bool]]:
        nonlocal read
        for key in sorted(keys):
            if first <= key < end:
                read += 1
                yield key, True

    entries, marker, has_more = [], "", True
    while has_more:
        page, has_more = take(fold(rows, prefix, delimiter, first_after(marker, prefix, delimiter)), size)
        assert len(page) <= size
        entries += page
        marker = page[-1][0] if page else marker
    return entries, read


@pytest.mark.parametrize("seed", range(20))
def test_pages_of_any_size_give_what_one_walk_over_all_keys_gives(seed: int) -> None:
    chance = random.Random(seed)
    keys = {"".join(chance.choices(ALPHABET, k=chance.randint(1, 4))) for _ in range(60)}
    for prefix in ("", "a", "a/", "\U0010ffff"):
        for delimiter in ("", "/", "é", "ab"):
            expected: dict[str, bool | None] = {}
            for key in sorted(key for key in keys if key.startswith(prefix)):
                folded = common_prefix(key, prefix, delimiter)
                expected.setdefault(folded or key, folded is None or None)
            for size in (1, 3, 1000):
                entries, _ = listing(keys, prefix, delimiter, size)
                assert entries == [(key, value) for key, value in expected.items()]


def test_the_keys_of_a_common_prefix_are_not_read() -> None:
    keys = {f"{folder}/{number:04}" for folder in "abc" for number in range(1000)}
    entries, read = listing(keys, "", "/", 1000)
    assert [key for key, _ in entries] == ["a/", "b/", "c/"]
    assert read == 3
