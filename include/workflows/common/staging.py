"""Tasks that bring data and code to S3; both skip what is there already."""

from __future__ import annotations

import filecmp
import hashlib
import logging
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from airflow.sdk import task

from include.aws.code_bundles import read_bundle
from include.use_cases.definition import RawFormat
from include.workflows.common.manifests import pin

if TYPE_CHECKING:
    from include.use_cases.definition import Kind

log = logging.getLogger(__name__)

ARGUMENT_LIMIT = 256  # characters: the source travels as an argument of a processing job


class Raw(TypedDict):
    """Raw data in S3."""

    uri: str  # of an object, or of a folder
    source: str  # what the data is, in words
    rows: int | None  # None where the data was not read


class Staged(Raw):
    """Raw data whose objects are listed in a manifest."""

    listing: str  # digest of what the manifest lists (`manifest_of`)


@task
def stage_data(dataset: str, bucket: str, data_uri: str, run: str, name: str) -> Staged:
    """Say where the raw data lies; without a URI of the user's own, put the sample data into the bucket.

    The sample's key carries the digest of its content, so it is uploaded once.

    :param run, name: S3 URI of the run, and the input's name, of the manifest of the data's objects: the run
        reads these and no others.
    """
    raw = stage_as_it_is(dataset, bucket, data_uri)
    return Staged(**raw, listing=pin(raw["uri"], run, name))


@task(task_id="stage_data")
def stage_table(
    bucket: str, uris: dict[str, str], columns: dict[str, Kind], raw: dict[str, Any], run: str, name: str
) -> Staged:
    """Put a classifier's table into S3, converted to the canonical format where that is necessary.

    :param uris: a user's own files by data set, the main table first; empty: the sample.
    :param columns: kind by name, in the order of the canonical table.
    :param raw: the use case's `RawFormat`, as a dictionary.
    :param run, name: S3 URI of the run, and the input's name, of the manifest of the table's objects: the run
        reads these and no others.
    :raises DatasetError: naming file, line and column of what cannot be made canonical.
    """
    raw_format = RawFormat.from_dict(raw)
    main, *_ = uris
    if raw_format == RawFormat():
        staged = stage_as_it_is(main, bucket, uris[main])
    else:
        with tempfile.TemporaryDirectory() as folder:
            staged = _stage_canonical(main, bucket, uris, columns, raw_format, Path(folder))
    return Staged(**staged, listing=pin(staged["uri"], run, name))


def stage_as_it_is(dataset: str, bucket: str, data_uri: str) -> Raw:
    """Raw data that needs no conversion."""
    if data_uri:
        return Raw(uri=data_uri, source=own_source(data_uri), rows=None)
    from include.datasets import fetch

    with tempfile.TemporaryDirectory() as folder:
        sample = fetch(dataset, Path(folder))
        uri = upload_once(sample.path, f"{dataset}/data/{sample.sha256[:16]}/{sample.path.name}", bucket)
        return Raw(uri=uri, source=sample.description, rows=sample.rows)


@dataclass(frozen=True)
class RawTable:
    """Raw files on this machine."""

    files: list[Path]
    source: str


def _raw_table(dataset: str, uri: str, folder: Path) -> RawTable:
    """A user's own files, copied into a folder; or the sample, where there is no URI."""
    from include.datasets import fetch
    from include.workflows.common.s3_documents import download

    place = folder / "raw" / dataset
    place.mkdir(parents=True)
    if uri:
        return RawTable(download(uri, place), own_source(uri))
    sample = fetch(dataset, place)
    return RawTable([sample.path], sample.description)


def _stage_canonical(
    main: str,
    bucket: str,
    uris: dict[str, str],
    columns: dict[str, Kind],
    raw_format: RawFormat,
    folder: Path,
) -> Raw:
    from include.datasets.canonical import is_canonical, write_canonical

    table = _raw_table(main, uris[main], folder)
    if all(is_canonical(path, columns) for path in table.files):  # such as the data of a retraining
        raw_format = replace(raw_format, header=True, separator=",", joins=())
    joined = {
        join.dataset: _raw_table(join.dataset, uris[join.dataset], folder).files for join in raw_format.joins
    }
    target = folder / f"{table.files[0].stem}.csv"
    rows = write_canonical(table.files, target, columns=columns, raw=raw_format, joined=joined)
    if uris[main] and len(table.files) == 1 and filecmp.cmp(table.files[0], target, shallow=False):
        return Raw(uri=uris[main], source=table.source, rows=rows)
    with target.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    uri = upload_once(target, f"{main}/data/{digest[:16]}/{target.name}", bucket)
    return Raw(uri=uri, source=table.source, rows=rows)


def own_source(uri: str) -> str:
    """A user's own data in words."""
    return f"own data, {uri}"[:ARGUMENT_LIMIT]


def upload_once(path: Path, key: str, bucket: str) -> str:
    """Put a file into the bucket, unless its key, which carries its digest, exists; returns the S3 URI."""
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    hook, uri = S3Hook(), f"s3://{bucket}/{key}"
    if hook.check_for_key(key, bucket):
        log.info("The data exists already: %s", uri)
    else:
        hook.load_file(path, key, bucket)
        log.info("Uploaded the data to %s", uri)
    return uri


@task
def upload_code(use_case: str, bucket: str, folders: list[str]) -> dict[str, str]:
    """Upload the job scripts of some folders below `include/`, named by their content.

    :return: `files`, the S3 folder that processing jobs mount; `bundle`, the tar.gz of serving containers.
    """
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    bundle = read_bundle(*folders)
    prefix = f"{use_case}/code/{bundle.digest}"
    archive = f"{prefix}/sourcedir.tar.gz"  # uploaded last: it says that the upload is complete
    hook = S3Hook()
    if hook.check_for_key(archive, bucket):
        log.info("The code is unchanged: s3://%s/%s", bucket, prefix)
    else:
        for name, content in bundle.files.items():
            hook.load_bytes(content, f"{prefix}/files/{name}", bucket, replace=True)
        hook.load_bytes(bundle.archive(), archive, bucket, replace=True)
        log.info("Uploaded %d files to s3://%s/%s", len(bundle.files), bucket, prefix)
    return {"files": f"s3://{bucket}/{prefix}/files/", "bundle": f"s3://{bucket}/{archive}"}
