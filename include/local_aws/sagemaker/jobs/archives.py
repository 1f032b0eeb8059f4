"""Archives such as model.tar.gz: equal content gives equal bytes, and unpacking never leaves the folder."""

from __future__ import annotations

import gzip
import os
import tarfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class BadArchive(ValueError):
    """An archive that cannot be read, or a member that would land outside the folder."""


def files(folder: Path) -> Iterator[Path]:
    """The regular files below a folder, ordered by path. Symbolic links are left out, as SageMaker does."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(place) / name
            if path.is_file() and not path.is_symlink():
                yield path


def pack(folder: Path, archive: Path) -> None:
    """Write the files of a folder to a tar.gz, member names relative to the folder, in constant memory."""
    with (
        archive.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in files(folder):
            member = tar.gettarinfo(path, arcname=path.relative_to(folder).as_posix())
            member.type, member.linkname = tarfile.REGTYPE, ""  # hard links are packed as files
            member.mtime = member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.size, member.mode = path.stat().st_size, 0o755 if member.mode & 0o100 else 0o644
            with path.open("rb") as content:
                tar.addfile(member, content)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a tar (gzip, bzip2, xz or plain) below a folder; the folder is created if it does not exist.

    :raises BadArchive: for a member that would be written or linked outside the folder or is a device
        (named), and for a file that is not a tar archive or is cut off.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    except tarfile.FilterError as error:
        raise BadArchive(f"{archive.name}: refused member {error.tarinfo.name!r}: {error}") from error
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadArchive(f"{archive.name} is not a readable tar archive: {error}") from error
