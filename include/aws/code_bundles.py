"""Job code travels by content: a bundle's S3 key is the SHA-256 of what it holds.

A bundle is the files of a few folders laid over each other, sub-folders included: as `sourcedir.tar.gz`, that
serving containers unpack, and as single files, which processing jobs mount. Unchanged code keeps its key and
is not sent again.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from dataclasses import dataclass
from pathlib import Path

INCLUDE = Path(__file__).parents[1]

TRAVELS = {".py", ".html"}  # scripts, and the templates of their reports


class BundleError(ValueError):
    """Two folders of a bundle hold a file of the same name, or there is nothing to bundle."""


@dataclass(frozen=True)
class Bundle:
    """Source files by their path in the bundle (`drift/bins.py`), and their common digest."""

    files: dict[str, bytes]

    @property
    def digest(self) -> str:
        """SHA-256 over names and contents, 64 hexadecimal digits."""
        total = hashlib.sha256()
        for name, content in sorted(self.files.items()):
            total.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
        return total.hexdigest()

    def archive(self) -> bytes:
        """The files as tar.gz; equal files give equal bytes (no times, no owners)."""
        packed = io.BytesIO()
        with (
            gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as compressed,
            tarfile.open(fileobj=compressed, mode="w") as tar,
        ):
            for name, content in sorted(self.files.items()):
                member = tarfile.TarInfo(name)
                member.size, member.mode = len(content), 0o644
                tar.addfile(member, io.BytesIO(content))
        return packed.getvalue()


def read_bundle(*folders: str) -> Bundle:
    """The scripts and templates of some folders below `include/`, laid over each other.

    >>> read_bundle("jobs", "use_cases/movie_recommendations/jobs")

    :raises BundleError: when a path occurs twice or no file is found.
    """
    files: dict[str, bytes] = {}
    for folder in folders:
        for path in sorted(path for path in (INCLUDE / folder).rglob("*") if path.suffix in TRAVELS):
            name = path.relative_to(INCLUDE / folder).as_posix()
            if name in files:
                raise BundleError(f"{name} is in more than one of {', '.join(folders)}")
            files[name] = path.read_bytes()
    if not files:
        raise BundleError(f"no script in {', '.join(folders)}")
    return Bundle(files)
