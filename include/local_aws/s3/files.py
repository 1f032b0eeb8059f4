"""The contents of objects and parts: files that never change, with names that are independent of the keys."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
import uuid
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from include.local_aws.protocol.http import Upload

GRACE_SECONDS = 60.0  # between the look-up of an object and the opening of its file
PIECE = 1 << 20  # bytes in memory at a time


@dataclass(frozen=True)
class StoredFile:
    """A finished file of the folder."""

    file: str  # its name there
    size: int  # bytes
    md5: bytes  # raw digest, 16 bytes

    @property
    def etag(self) -> str:
        return f'"{self.md5.hex()}"'


class Files:
    """A folder of immutable files.

    A file is complete before an index row names it, and is deleted only after no row names it any more. A
    crash in between leaves files without a row; `keep_only` removes them at the next start.
    """

    def __init__(self, folder: Path, grace: float = GRACE_SECONDS) -> None:
        self._folder, self._grace = folder, grace
        self._retired: deque[tuple[float, str]] = deque()
        self._lock = threading.Lock()

    def path(self, name: str) -> Path:
        return self._folder / name

    def adopt(self, upload: Upload) -> StoredFile:
        """Move a complete upload into the folder."""
        name = _new_name()
        upload.path.replace(self.path(name))
        return StoredFile(name, upload.size, upload.md5)

    def write(self, pieces: Iterable[bytes]) -> StoredFile:
        """Write a new file and compute its MD5.

        :raises OSError: when the file cannot be written; nothing of it stays.
        """
        name, size, md5 = _new_name(), 0, hashlib.md5(usedforsecurity=False)
        try:
            with self.path(name).open("wb") as target:
                for piece in pieces:
                    target.write(piece)
                    md5.update(piece)
                    size += len(piece)
        except OSError:
            self.discard([name])
            raise
        return StoredFile(name, size, md5.digest())

    def link(self, name: str) -> str:
        """A second name for the same content; without copying if the file system has hard links."""
        twin = _new_name()
        try:
            self.path(twin).hardlink_to(self.path(name))
        except OSError:
            shutil.copyfile(self.path(name), self.path(twin))
        return twin

    def join(self, names: Iterable[str]) -> str:
        """One new file with the content of others, in order. Returns its name.

        :raises OSError: when a file cannot be read or written; nothing of the new file stays.
        """
        new_name = _new_name()
        try:
            with self.path(new_name).open("wb", buffering=0) as target:
                for name in names:
                    _append(self.path(name), target.fileno())
        except OSError:
            self.discard([new_name])
            raise
        return new_name

    def discard(self, names: Iterable[str]) -> None:
        """Remove files at once: no reader can be about to open them."""
        for name in names:
            self.path(name).unlink(missing_ok=True)

    def retire(self, names: Iterable[str]) -> None:
        """Remove files after a grace period, in which readers that have just looked them up can open them."""
        now = time.monotonic()
        with self._lock:
            self._retired.extend((now, name) for name in names)
            while self._retired and now - self._retired[0][0] >= self._grace:
                self.discard([self._retired.popleft()[1]])

    def keep_only(self, names: set[str]) -> None:
        """Remove all other files of the folder; for the start, before anything is written."""
        with os.scandir(self._folder) as entries:
            self.discard([entry.name for entry in entries if entry.name not in names])


def read_pieces(path: Path, start: int = 0, length: int | None = None) -> Iterator[bytes]:
    """The bytes of a file, or of a part of it, piece by piece."""
    with path.open("rb") as file:
        file.seek(start)
        remaining = path.stat().st_size - start if length is None else length
        while piece := file.read(min(remaining, PIECE)):
            remaining -= len(piece)
            yield piece


def _new_name() -> str:
    return uuid.uuid4().hex


def _append(source: Path, target: int) -> None:
    with source.open("rb", buffering=0) as file:
        position, size = 0, os.fstat(file.fileno()).st_size
        while position < size:
            position += _copy_some(file.fileno(), position, size - position, target)


def _copy_some(source: int, start: int, length: int, target: int) -> int:
    """Append up to `length` bytes; inside the kernel if the file system supports it."""
    count = 0
    if hasattr(os, "copy_file_range"):
        with suppress(OSError):
            count = os.copy_file_range(source, target, length, start)
    return count or os.write(target, os.pread(source, min(length, PIECE), start))
