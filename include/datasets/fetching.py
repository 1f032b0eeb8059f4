"""Where sample data comes from: the first of three sources that has it."""

from __future__ import annotations

import hashlib
import logging
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from include.datasets.catalogue import Entry, find
from include.datasets.download import atomic, download
from include.datasets.errors import DatasetError, SourceUnavailable

log = logging.getLogger(__name__)

DEFAULT_SEED = 1729


@dataclass(frozen=True)
class Dataset:
    """A data set on this machine."""

    path: Path
    source: Literal["folder", "download", "generator"]
    rows: int  # without the header
    sha256: str  # of the file
    description: str  # one line for people: what the data is


def fetch(name: str, folder: Path, *, url: str | None = None, cache: Path | None = None) -> Dataset:
    """The data set from `ML_DATASETS_DIR`, else from its public source, else generated.

    A download is kept and used again. Generated data is used only where the source cannot be reached or no
    longer holds the data; the result and the log say so.

    :param folder: where generated data is written.
    :param url: another address of the archive; default: `ML_<NAME>_URL`, else the public one.
    :param cache: where downloads are kept; default: `ML_DATASETS_CACHE`, else in the user's cache folder.
    :raises DatasetError: when `ML_DATASETS_DIR` lacks the file.
    """
    entry = find(name)
    local = os.environ.get("ML_DATASETS_DIR")
    if local:
        return _from_folder(entry, Path(local))
    try:
        return _from_source(name, entry, url, cache or cache_folder())
    except SourceUnavailable as error:
        log.warning("%s. Using generated data: its numbers do not compare with published ones.", error)
        return generate(name, folder / Path(entry.file).name, rows=entry.rows, seed=DEFAULT_SEED)


def generate(name: str, target: Path, *, rows: int, seed: int) -> Dataset:
    """Write made-up rows with the data set's columns and a learnable signal; equal seeds give equal bytes."""
    with atomic(target) as file:
        for chunk in find(name).generator(rows, seed):
            file.write(chunk.encode())
    return _describe(find(name), target, "generator", f"generated data, {rows:,} rows, seed {seed}")


def cache_folder() -> Path:
    """`ML_DATASETS_CACHE`, else below `XDG_CACHE_HOME` or `~/.cache`."""
    chosen = os.environ.get("ML_DATASETS_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(chosen) if chosen else base / "airflow-aws-ml-workflows" / "datasets"


def _from_folder(entry: Entry, folder: Path) -> Dataset:
    path = folder / entry.file
    if not path.is_file():
        raise DatasetError(f"ML_DATASETS_DIR is {folder}, which has no {entry.file}")
    return _describe(entry, path, "folder", f"{entry.file} from a local folder")


def _from_source(name: str, entry: Entry, url: str | None, cache: Path) -> Dataset:
    url = url or os.environ.get(f"ML_{name.upper()}_URL") or entry.source.url
    path = cache / entry.source.sha256[:16] / Path(entry.file).name
    if not (path.is_file() and _digest(path) == entry.source.sha256):
        download(replace(entry.source, url=url), path)
        log.info("Downloaded %s to %s", url, path)
    return _describe(entry, path, "download", f"public data, {url}")


def _describe(
    entry: Entry, path: Path, source: Literal["folder", "download", "generator"], description: str
) -> Dataset:
    with path.open("rb") as file:
        lines = sum(1 for _ in file)
    return Dataset(path, source, lines - entry.header, _digest(path), description)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
