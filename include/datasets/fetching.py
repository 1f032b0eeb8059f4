"""Where data comes from: a local folder, else the public source, else a generator."""

from __future__ import annotations

import hashlib
import logging
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from include.datasets.catalogue import CATALOGUE, Entry, find
from include.datasets.download import atomic, download
from include.datasets.errors import DatasetError, SourceUnavailable

log = logging.getLogger(__name__)

DEFAULT_SEED = 1729
PROJECT_DATA = Path(__file__).parents[2] / "data"  # beside include/

Origin = Literal["folder", "download", "generator"]


@dataclass(frozen=True)
class Dataset:
    """A data set on this machine.

    :param rows: without the header; None where the layout of the file is not known (a user's own data).
    :param sha256: digest of the file.
    :param description: one line for people: what the data is.
    """

    path: Path
    source: Origin
    rows: int | None
    sha256: str
    description: str


def fetch(
    name: str,
    folder: Path,
    *,
    url: str | None = None,
    cache: Path | None = None,
    project_data: Path = PROJECT_DATA,
) -> Dataset:
    """The data set from `ML_DATASETS_DIR`, else from its public source, else generated.

    A download is stored and used again. Generated data is used only where the source cannot be reached or no
    longer holds the data; the result and the log say so.

    A name that is not in the catalogue is a use case of the user's own: its data is the single file in
    `<ML_DATASETS_DIR>/<name>/`, or else in `<project_data>/<name>/`.

    :param folder: where generated data is written.
    :param url: another address of the archive; default: `ML_<NAME>_URL`, else the public one.
    :param cache: where downloads are stored; default: `ML_DATASETS_CACHE`, else in the user's cache folder.
    :param project_data: the project's folder of users' own data.
    :raises DatasetError: when `ML_DATASETS_DIR` lacks the file of a data set of the catalogue, and when a
        user's own data set has no folder, no file, or more than one file.
    """
    local = os.environ.get("ML_DATASETS_DIR")
    if name not in CATALOGUE:
        return _from_own_folder(name, [Path(local), project_data] if local else [project_data])
    entry = find(name)
    if local:
        return _from_folder(entry, Path(local))
    try:
        return _from_source(name, entry, url, cache or cache_folder())
    except SourceUnavailable as error:
        log.warning("%s. Using generated data: its numbers do not compare with published ones.", error)
        return generate(name, folder / Path(entry.file).name, rows=entry.rows, seed=DEFAULT_SEED)


def generate(name: str, target: Path, *, rows: int, seed: int) -> Dataset:
    """Write made-up rows with the data set's columns and a learnable signal; equal seeds give equal bytes.

    :raises DatasetError: when the catalogue has no data set with this name.
    """
    entry = find(name)
    with atomic(target) as file:
        for chunk in entry.generator(rows, seed):
            file.write(chunk.encode())
    return _describe(entry, target, "generator", f"generated data, {rows:,} rows, seed {seed}")


def cache_folder() -> Path:
    """`ML_DATASETS_CACHE`, else below `XDG_CACHE_HOME` or `~/.cache`."""
    chosen = os.environ.get("ML_DATASETS_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(chosen) if chosen else base / "airflow-aws-ml-workflows" / "datasets"


def _from_own_folder(name: str, roots: list[Path]) -> Dataset:
    """The single file of a user's own data set, in the first of the folders that exists."""
    root = next((root for root in roots if (root / name).is_dir()), None)
    if root is None:
        raise _no_single_file(name, roots[-1] / name, "does not exist")
    files = [path for path in sorted((root / name).iterdir()) if path.is_file() and path.name[0] != "."]
    if not files:
        raise _no_single_file(name, root / name, "has no file")
    if len(files) > 1:
        names = ", ".join(path.name for path in files)
        raise _no_single_file(name, root / name, f"has {len(files)} files ({names})")
    description = f"{name}/{files[0].name} from the folder {root.name}"
    return Dataset(files[0], "folder", None, _digest(files[0]), description)


def _no_single_file(name: str, folder: Path, problem: str) -> DatasetError:
    return DatasetError(
        f"the data set {name!r} needs one file, and the folder {folder} {problem}: "
        "put the file there, or trigger the DAG with the param data_uri. "
        f"Sample data is available for {', '.join(sorted(CATALOGUE))}."
    )


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


def _describe(entry: Entry, path: Path, source: Origin, description: str) -> Dataset:
    with path.open("rb") as file:
        lines = sum(1 for _ in file)
    return Dataset(path, source, lines - entry.header, _digest(path), description)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
