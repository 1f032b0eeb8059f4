from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from include.local_aws.s3.store import ObjectStore
from include.local_aws.sagemaker.jobs import transfer
from include.local_aws.sagemaker.jobs.transfer import Source, TransferError
from include.local_aws.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ObjectStore]:
    state = State(tmp_path / "state")
    store = ObjectStore(state)
    store.create_bucket("bucket")
    yield store
    state.close()


def downloaded(store: ObjectStore, source: Source, folder: Path, *host: int) -> dict[str, bytes]:
    transfer.download(store, source, folder, *host)
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    ("prefix", "key", "path"),
    [
        ("data/train/", "data/train/a.csv", "a.csv"),
        ("data/train", "data/train/a.csv", "a.csv"),
        ("data/train", "data/train/deep/a.csv", "deep/a.csv"),
        ("data/tr", "data/train/a.csv", "train/a.csv"),
        ("data/train", "data/train-2/a.csv", "train-2/a.csv"),
        ("data/train/a.csv", "data/train/a.csv", "a.csv"),
        ("a.csv", "a.csv", "a.csv"),
        ("", "data/a.csv", "data/a.csv"),
    ],
)
def test_a_prefix_is_a_folder_an_object_or_the_beginning_of_names(prefix: str, key: str, path: str) -> None:
    assert transfer.relative_path(key, prefix) == path


def test_the_markers_that_a_console_makes_for_folders_are_no_files(
    store: ObjectStore, tmp_path: Path
) -> None:
    store.put_bytes("bucket", "data/", b"")
    store.put_bytes("bucket", "data/a.csv", b"1")
    assert downloaded(store, Source("s3://bucket/data/"), tmp_path / "in") == {"a.csv": b"1"}


def test_gzip_objects_are_unpacked_on_request(store: ObjectStore, tmp_path: Path) -> None:
    store.put_bytes("bucket", "z/a.csv.gz", gzip.compress(b"1,2\n"))
    source = Source("s3://bucket/z/", compression="Gzip")
    assert downloaded(store, source, tmp_path / "in") == {"a.csv.gz": b"1,2\n"}


@pytest.mark.parametrize("damage", [b"plain text", gzip.compress(b"x" * 5000)[:30]], ids=["text", "cut off"])
def test_an_object_that_is_no_gzip_is_named(store: ObjectStore, tmp_path: Path, damage: bytes) -> None:
    store.put_bytes("bucket", "z/broken.gz", damage)
    with pytest.raises(TransferError, match=r"s3://bucket/z/broken\.gz is not a complete gzip file"):
        transfer.download(store, Source("s3://bucket/z/", compression="Gzip"), tmp_path / "in")


def test_a_manifest_that_names_a_missing_object_says_which(store: ObjectStore, tmp_path: Path) -> None:
    store.put_bytes("bucket", "m.json", json.dumps([{"prefix": "s3://bucket/d/"}, "gone.csv"]).encode())
    with pytest.raises(TransferError, match=r"s3://bucket/d/gone\.csv, named by s3://bucket/m\.json"):
        transfer.download(store, Source("s3://bucket/m.json", "ManifestFile"), tmp_path / "in")


def test_shards_are_disjoint_and_complete(store: ObjectStore, tmp_path: Path) -> None:
    for number in range(7):
        store.put_bytes("bucket", f"s/{number}", b"")
    source = Source("s3://bucket/s/", distribution="ShardedByS3Key")
    shards = [set(downloaded(store, source, tmp_path / str(host), host, 3)) for host in range(3)]
    assert sorted(name for shard in shards for name in shard) == [str(number) for number in range(7)]


@pytest.mark.parametrize("key", ["d/../../up.txt", "d//../../up.txt", "d/a/../../../up.txt"])
def test_no_key_leaves_the_folder(store: ObjectStore, tmp_path: Path, key: str) -> None:
    store.put_bytes("bucket", key, b"x")
    with pytest.raises(TransferError, match="leads out of its folder"):
        transfer.download(store, Source("s3://bucket/d/"), tmp_path / "deep" / "in")
    assert not list(tmp_path.rglob("up.txt"))


def test_a_changed_file_is_uploaded_again(store: ObjectStore, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    with transfer.ContinuousUpload(store, folder, "s3://bucket/live/", every=60):
        (folder / "a").write_text("first")
    with transfer.ContinuousUpload(store, folder, "s3://bucket/live", every=0.01):
        (folder / "a").write_text("second, longer")
        while store.path("bucket", "live/a").read_bytes() != b"second, longer":
            pass
        (folder / "b").write_text("last")
    assert [info.key for info in store.list("bucket", "live/")] == ["live/a", "live/b"]
