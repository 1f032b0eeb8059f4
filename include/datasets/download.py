"""Download of a public data set: with retries, checked by its digest, written atomically."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import tempfile
import time
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from include.datasets.errors import SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.datasets.catalogue import Source

log = logging.getLogger(__name__)

ATTEMPTS = 3
PAUSE_SECONDS = 1.0  # before the second attempt; doubles
TIMEOUT_SECONDS = (5, 30)  # to connect, and between two chunks
CHUNK_BYTES = 64 * 1024


def download(source: Source, target: Path) -> None:
    """Download the archive, extract the file, check its digest, and only then create `target`.

    :raises SourceUnavailable: when the server cannot be reached or does not have the expected data.
    """
    with tempfile.TemporaryFile() as archive:
        _fetch_with_retries(source.url, archive)
        content = _extract(source, archive).replace(b"\r\n", b"\n")
    digest = hashlib.sha256(content).hexdigest()
    if digest != source.sha256:
        raise SourceUnavailable(
            f"{source.member} of {source.url} has SHA-256 {digest}, expected {source.sha256}: "
            "it is not the data that the published numbers were measured on, and is not used"
        )
    with atomic(target) as file:
        file.write(content)


@contextmanager
def atomic(target: Path) -> Iterator[IO[bytes]]:
    """A file to write; it becomes `target` when the block succeeds and is deleted otherwise.

    :raises OSError: when the folder cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        Path(name).chmod(0o644)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _fetch_with_retries(url: str, archive: IO[bytes]) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        archive.seek(0)
        archive.truncate()
        try:
            _fetch(url, archive)
        except SourceUnavailable as error:
            if attempt == ATTEMPTS:
                raise
            log.info("%s; trying again (%s of %s)", error, attempt + 1, ATTEMPTS)
            time.sleep(PAUSE_SECONDS * 2 ** (attempt - 1))
        else:
            return


def _fetch(url: str, archive: IO[bytes]) -> None:
    import requests
    from rich.console import Console
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True), transient=True)
    try:
        with requests.get(url, stream=True, timeout=TIMEOUT_SECONDS) as response, bar:
            if not response.ok:
                raise SourceUnavailable(f"{url} answers with status {response.status_code}")
            size = int(response.headers.get("Content-Length", 0))
            task = bar.add_task(f"Downloading {url.rpartition('/')[2]}", total=size or None)
            for chunk in response.iter_content(CHUNK_BYTES):
                archive.write(chunk)
                bar.advance(task, len(chunk))
    except (requests.RequestException, OSError) as error:
        raise SourceUnavailable(f"{url} cannot be downloaded ({type(error).__name__})") from error
    if archive.tell() < size:
        raise SourceUnavailable(f"{url} broke off after {archive.tell():,} of {size:,} bytes")


def _extract(source: Source, archive: IO[bytes]) -> bytes:
    archive.seek(0)
    try:
        with zipfile.ZipFile(io.BytesIO(archive.read())) as packed:
            return packed.read(source.member)
    except zipfile.BadZipFile as error:
        raise SourceUnavailable(f"{source.url} is no zip archive") from error
    except KeyError as error:
        raise SourceUnavailable(f"{source.url} has no {source.member!r}") from error
