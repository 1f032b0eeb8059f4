from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from include.local_aws.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    opened = State(tmp_path)
    yield opened
    opened.close()


def test_documents_are_found_by_the_beginning_of_their_names(state: State) -> None:
    names = ["a", "a-1", "a-10", "a-\N{SNOWMAN}", "a_1", "ab", "b-1", "A-1"]
    jobs, others = state.collection("job"), state.collection("other")
    for name in names:
        jobs.insert(name, {"name": name})
    others.insert("a-2", {"name": "a-2"})

    def beginning(prefix: str) -> list[str]:
        return [document["name"] for document in jobs.beginning(prefix)]

    assert beginning("a-") == ["a-1", "a-10", "a-\N{SNOWMAN}"]
    assert beginning("a-1") == ["a-1", "a-10"]
    assert beginning("a%") == []  # no pattern
    assert beginning("") == sorted(names)


def test_a_collection_lists_and_counts_its_names(state: State) -> None:
    tags = state.collection("tags")
    assert (len(tags), list(tags.items())) == (0, [])
    tags.put("b", {"x": 1})
    tags.put("a", {"x": 2})
    tags.put("b", {"x": 3})
    assert (len(tags), list(tags.items())) == (2, [("a", {"x": 2}), ("b", {"x": 3})])
