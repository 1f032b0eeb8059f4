from __future__ import annotations

import io
import os
import tarfile
from typing import TYPE_CHECKING

import pytest

from include.local_aws.sagemaker.jobs import archives
from include.local_aws.sagemaker.jobs.archives import BadArchive

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "code").mkdir(parents=True)
    (folder / "weights.bin").write_bytes(os.urandom(3000))
    (folder / "code" / "inference.py").write_text("print()")
    (folder / "link").symlink_to("weights.bin")
    return folder


def tar(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", size: int = 1) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, size if kind == tarfile.REGTYPE else 0
    return info


def test_the_same_files_give_the_same_bytes(model: Path, tmp_path: Path) -> None:
    archives.pack(model, tmp_path / "first.tar.gz")
    os.utime(model / "weights.bin", (1, 1))
    (model / "code" / "inference.py").chmod(0o600)
    archives.pack(model, tmp_path / "second.tar.gz")
    assert (tmp_path / "first.tar.gz").read_bytes() == (tmp_path / "second.tar.gz").read_bytes()


def test_what_was_packed_is_unpacked_without_its_links(model: Path, tmp_path: Path) -> None:
    archives.pack(model, tmp_path / "model.tar.gz")
    archives.unpack(tmp_path / "model.tar.gz", tmp_path / "again")
    unpacked = sorted(
        path.relative_to(tmp_path / "again").as_posix() for path in archives.files(tmp_path / "again")
    )
    assert unpacked == ["code/inference.py", "weights.bin"]
    assert (tmp_path / "again" / "weights.bin").read_bytes() == (model / "weights.bin").read_bytes()


def test_an_empty_folder_is_an_empty_archive(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    archives.pack(tmp_path / "nothing", tmp_path / "model.tar.gz")
    archives.unpack(tmp_path / "model.tar.gz", tmp_path / "again")
    assert list((tmp_path / "again").iterdir()) == []


@pytest.mark.parametrize(
    "bad",
    [
        member("../outside.txt"),
        member("code/../../outside.txt"),
        member("link", tarfile.SYMTYPE, "/etc/passwd"),
        member("link", tarfile.SYMTYPE, "../../outside"),
        member("hard", tarfile.LNKTYPE, "../outside"),
        member("device", tarfile.CHRTYPE),
    ],
    ids=lambda info: f"{info.name} {info.linkname}",
)
def test_a_member_that_leaves_the_folder_is_refused_by_name(tmp_path: Path, bad: tarfile.TarInfo) -> None:
    archive = tar(tmp_path / "model.tar.gz", bad)
    with pytest.raises(BadArchive, match=f"model.tar.gz: refused member '{bad.name}'"):
        archives.unpack(archive, tmp_path / "inside")
    assert not (tmp_path / "outside.txt").exists()


def test_a_file_that_is_no_archive_is_named(tmp_path: Path, model: Path) -> None:
    (tmp_path / "model.tar.gz").write_text("<html>")
    with pytest.raises(BadArchive, match=r"model\.tar\.gz is not a readable tar archive"):
        archives.unpack(tmp_path / "model.tar.gz", tmp_path / "inside")
    archives.pack(model, tmp_path / "whole.tar.gz")
    (tmp_path / "half.tar.gz").write_bytes((tmp_path / "whole.tar.gz").read_bytes()[:1500])
    with pytest.raises(BadArchive, match=r"half\.tar\.gz is not a readable tar archive"):
        archives.unpack(tmp_path / "half.tar.gz", tmp_path / "inside")
