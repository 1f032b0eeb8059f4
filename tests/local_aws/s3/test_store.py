from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from include.local_aws.protocol.errors import AwsError
from include.local_aws.protocol.http import Upload
from include.local_aws.s3.files import Files
from include.local_aws.s3.info import Details, ObjectInfo
from include.local_aws.s3.store import ObjectStore, parse_uri
from include.local_aws.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = State(tmp_path / "state")
    yield state
    state.close()


@pytest.fixture
def store(state: State) -> ObjectStore:
    store = ObjectStore(state)
    store.create_bucket("bucket")
    return store


def files(state: State) -> set[str]:
    return names_in(state.subfolder("s3"))


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        ("s3://bucket/some/key.csv", ("bucket", "some/key.csv")),
        ("s3://bucket/", ("bucket", "")),
        ("s3://bucket", ("bucket", "")),
        ("s3://bucket//odd//key?#%20", ("bucket", "/odd//key?#%20")),
    ],
)
def test_a_uri_is_a_bucket_and_a_key(uri: str, parts: tuple[str, str]) -> None:
    assert parse_uri(uri) == parts


@pytest.mark.parametrize("uri", ["", "bucket/key", "s3:/bucket/key", "s3:///key", "file:///key", "S3://b/k"])
def test_a_text_that_is_not_an_s3_uri_is_named(uri: str) -> None:
    with pytest.raises(ValueError, match="not an S3 URI") as error:
        parse_uri(uri)
    assert repr(uri) in str(error.value)


def test_bytes_and_files_become_objects(store: ObjectStore, tmp_path: Path) -> None:
    source = tmp_path / "source.csv"
    source.write_bytes(b"1,2\n" * 1_000_000)
    assert store.put_bytes("bucket", "a", b"abc").size == 3
    copied = store.put_file("bucket", "b", source, "text/csv")
    assert (copied.size, copied.headers["ContentType"]) == (4_000_000, "text/csv")
    assert store.path("bucket", "b").read_bytes() == source.read_bytes()
    source.write_bytes(b"changed")
    assert store.path("bucket", "b").stat().st_size == 4_000_000
    assert [(info.key, info.size) for info in store.list("bucket")] == [("a", 3), ("b", 4_000_000)]


def test_a_listing_of_many_objects_is_read_page_by_page(store: ObjectStore, state: State) -> None:
    with state.transaction() as db:
        db.executemany(
            "INSERT INTO s3_objects VALUES ('bucket', ?, 'file', 1, '\"etag\"', 0, '{}')",
            ((f"k/{number:05}",) for number in range(2500)),
        )
    assert [info.key for info in store.list("bucket", "k/")] == [f"k/{number:05}" for number in range(2500)]
    assert len(list(store.list("bucket", "k/001"))) == 100


def test_a_missing_parameter_is_named(store: ObjectStore) -> None:
    for call in (store.info, store.path):
        with pytest.raises(AwsError, match="NoSuchKey"):
            call("bucket", "missing")
        with pytest.raises(AwsError, match="NoSuchBucket"):
            call("missing", "key")
    with pytest.raises(AwsError, match="NoSuchBucket"):
        store.put_bytes("missing", "key", b"")
    with pytest.raises(AwsError, match="NoSuchBucket"):
        list(store.list("missing"))
    with pytest.raises(AwsError, match="KeyTooLongError"):
        store.put_bytes("bucket", "é" * 513, b"")


def test_objects_survive_a_new_store(store: ObjectStore, state: State, tmp_path: Path) -> None:
    store.put_bytes("bucket", "k", b"kept", "text/plain")
    state.close()
    again = State(tmp_path / "state")
    reopened = ObjectStore(again)
    info = reopened.info("bucket", "k")
    assert (reopened.path("bucket", "k").read_bytes(), info.headers["ContentType"]) == (b"kept", "text/plain")
    again.close()


def test_a_file_that_a_killed_server_left_without_an_index_row_is_removed(
    store: ObjectStore, state: State
) -> None:
    store.put_bytes("bucket", "k", b"kept")
    expected = files(state)
    (state.subfolder("s3") / "deadbeef").write_bytes(b"moved into place, never committed")
    assert ObjectStore(state).path("bucket", "k").read_bytes() == b"kept"
    assert files(state) == expected


def test_a_put_that_is_refused_leaves_the_old_object_and_no_file(
    store: ObjectStore, state: State, tmp_path: Path
) -> None:
    store.put_bytes("bucket", "k", b"old")
    expected = files(state)
    spooled = tmp_path / "spooled"
    spooled.write_bytes(b"new")

    def refuse(old: ObjectInfo | None) -> None:
        assert old is not None
        assert old.size == 3
        raise AwsError("PreconditionFailed", "no", 412)

    with pytest.raises(AwsError):
        store.put("bucket", "k", store.files.adopt(Upload(spooled, 3, b"", {})), Details(), refuse)
    assert store.path("bucket", "k").read_bytes() == b"old"
    assert files(state) == expected
    assert not spooled.exists()


def test_a_copy_that_fails_half_way_leaves_nothing(store: ObjectStore, state: State, tmp_path: Path) -> None:
    source = tmp_path / "disk-full"
    source.write_bytes(b"x")

    def pieces() -> Iterator[bytes]:
        yield b"first"
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        store.files.write(pieces())
    assert files(state) == set()


def test_a_replaced_file_stays_for_readers_that_have_looked_it_up(store: ObjectStore) -> None:
    store.put_bytes("bucket", "k", b"old")
    looked_up = store.path("bucket", "k")
    store.put_bytes("bucket", "k", b"new")
    assert looked_up.read_bytes() == b"old"
    assert store.path("bucket", "k").read_bytes() == b"new"


def test_replaced_files_are_removed_after_the_grace_period(tmp_path: Path) -> None:
    folder = Files(tmp_path, grace=0)
    names = [folder.write([b"x"]).file for _ in range(3)]
    folder.retire(names[:2])
    assert names_in(tmp_path) == set(names[2:])


def test_a_link_is_the_same_content_under_a_name_of_its_own(tmp_path: Path) -> None:
    folder = Files(tmp_path, grace=0)
    name = folder.write([b"content"]).file
    link = folder.link(name)
    folder.discard([name])
    assert folder.path(link).read_bytes() == b"content"


@pytest.mark.parametrize("kernel_copies", [True, False])
def test_files_are_joined_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel_copies: bool
) -> None:
    if not kernel_copies:
        monkeypatch.delattr(os, "copy_file_range", raising=False)
    folder = Files(tmp_path)
    contents = [b"a" * 3_000_000, b"", b"b" * 10, b"c" * 2_000_000]
    joined = folder.join([folder.write([content]).file for content in contents])
    assert folder.path(joined).read_bytes() == b"".join(contents)


def test_a_join_with_a_missing_file_leaves_nothing(tmp_path: Path) -> None:
    folder = Files(tmp_path)
    first = folder.write([b"x"]).file
    with pytest.raises(FileNotFoundError):
        folder.join([first, "missing"])
    assert names_in(tmp_path) == {first}
