"""Data between S3 and a job's folders: what SageMaker does before and after a container runs."""

from __future__ import annotations

import contextlib
import gzip
import json
import shutil
import threading
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Self

from include.local_aws.protocol.errors import AwsError
from include.local_aws.s3.store import parse_uri
from include.local_aws.sagemaker.jobs import archives

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.local_aws.s3.info import ObjectInfo
    from include.local_aws.s3.store import ObjectStore

SYNC_SECONDS = 2.0  # between two scans of a folder that is uploaded continuously


class TransferError(Exception):
    """Data that cannot be transferred. AWS puts the text into FailureReason after `ClientError: `."""


@dataclass(frozen=True)
class Source:
    """Where input data is: the S3 members of a channel, a processing input or a transform input."""

    uri: str
    type: str = "S3Prefix"  # or ManifestFile
    distribution: str = "FullyReplicated"  # or ShardedByS3Key
    compression: str = "None"  # or Gzip: every object is decompressed

    def objects(self, store: ObjectStore) -> list[tuple[str, ObjectInfo]]:
        """Every object of the source in key order, each with its path below the input folder.

        :raises TransferError: when there is no object, or when a manifest is wrong.
        """
        try:
            objects = list(self._manifest(store) if self.type == "ManifestFile" else self._prefix(store))
        except ValueError as error:
            raise TransferError(f"Data download failed:{error}") from error
        except AwsError as error:
            raise TransferError(f"Data download failed:{error.message} ({self.uri})") from error
        if not objects:
            raise TransferError(f"Data download failed:{nothing_found(self.uri)}")
        return objects

    def exists(self, store: ObjectStore) -> bool:
        """Whether an S3Prefix has any object."""
        return next(self._prefix(store), None) is not None

    def _prefix(self, store: ObjectStore) -> Iterator[tuple[str, ObjectInfo]]:
        bucket, prefix = parse_uri(self.uri)
        if not store.has_bucket(bucket):
            return
        for info in store.list(bucket, prefix):
            if not info.key.endswith("/"):  # a "folder" made by S3's console
                yield relative_path(info.key, prefix), info

    def _manifest(self, store: ObjectStore) -> Iterator[tuple[str, ObjectInfo]]:
        content = json.loads(store.path(*parse_uri(self.uri)).read_bytes())
        bucket, prefix, names = _manifest_entries(content, self.uri)
        for name in names:
            try:
                yield name, store.info(bucket, prefix + name)
            except AwsError as error:
                raise ValueError(
                    f"{error.message} (s3://{bucket}/{prefix}{name}, named by {self.uri})"
                ) from error


def relative_path(key: str, prefix: str) -> str:
    """Where SageMaker puts an object below the input folder.

    The prefix names a folder (`data/train` and `data/train/x.csv` → `x.csv`), one object (`x.csv`), or the
    beginning of several names (`data/tr` and `data/train/x.csv` → `train/x.csv`).
    """
    rest = key[len(prefix) :]
    if rest and (rest.startswith("/") or prefix.endswith("/") or not prefix):
        return rest.lstrip("/")
    return key[prefix.rfind("/") + 1 :]


def nothing_found(uri: str) -> str:
    """AWS's text for a prefix without objects."""
    return (
        f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket '
        "exists in the selected region and that objects exist under that S3 prefix."
    )


def download(store: ObjectStore, source: Source, folder: Path, host: int = 0, hosts: int = 1) -> None:
    """Copy a source to a folder: host number `host` (from 0) of `hosts` gets its share if the source is
    sharded.

    :raises TransferError: for a source without objects, a key that would leave the folder, and a name that is
        both a file and a folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    objects = source.objects(store)
    if source.distribution == "ShardedByS3Key":
        objects = objects[host::hosts]
    for path, info in objects:
        _copy(store, info, inside(folder, path), source.compression)


def inside(folder: Path, path: str) -> Path:
    """A relative S3 path below a folder.

    :raises TransferError: when it would leave the folder.
    """
    parts = PurePosixPath(path).parts
    if ".." in parts or PurePosixPath(path).is_absolute() or "\0" in path:
        raise TransferError(f"Data download failed:The key {path!r} leads out of its folder.")
    return folder.joinpath(*parts)


def upload(store: ObjectStore, folder: Path, uri: str) -> int:
    """Copy the files of a folder below an S3 prefix, without symbolic links. Returns their number.

    :raises TransferError: for a bucket that does not exist.
    """
    count = 0
    for path in archives.files(folder):
        upload_file(store, path, _join(uri, path.relative_to(folder).as_posix()))
        count += 1
    return count


def upload_file(store: ObjectStore, path: Path, uri: str) -> None:
    """Copy one file to one object.

    :raises TransferError: for a bucket that does not exist.
    """
    try:
        store.put_file(*parse_uri(uri), path)
    except AwsError as error:
        raise TransferError(f"Data upload failed:{error.message} ({uri})") from error


def upload_bytes(store: ObjectStore, content: bytes, uri: str) -> None:
    """Write one object.

    :raises TransferError: for a bucket that does not exist.
    """
    try:
        store.put_bytes(*parse_uri(uri), content)
    except AwsError as error:
        raise TransferError(f"Data upload failed:{error.message} ({uri})") from error


class ContinuousUpload:
    """Uploads new and changed files of a folder while the `with` block runs, and once more at its end.

    :raises TransferError: at the end of the block, for a bucket that does not exist.
    """

    def __init__(self, store: ObjectStore, folder: Path, uri: str, every: float = SYNC_SECONDS) -> None:
        self._store, self._folder, self._uri, self._every = store, folder, uri, every
        self._seen: dict[Path, tuple[int, int]] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"upload {uri}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()
        self._sync()

    def _watch(self) -> None:
        while not self._done.wait(self._every):
            try:
                self._sync()
            except (TransferError, OSError):
                return  # the last scan, in the job's thread, raises the same error

    def _sync(self) -> None:
        for path in archives.files(self._folder):
            with contextlib.suppress(FileNotFoundError):  # the job may remove its files at any time
                status = path.stat()
                version = (status.st_mtime_ns, status.st_size)
                if self._seen.get(path) != version:
                    upload_file(self._store, path, self._target(path))
                    self._seen[path] = version

    def _target(self, path: Path) -> str:
        return _join(self._uri, path.relative_to(self._folder).as_posix())


def _manifest_entries(content: Any, uri: str) -> tuple[str, str, list[str]]:
    """Bucket, key prefix and the names below it.

    :raises ValueError: saying what is wrong in the manifest.
    """
    expected = f'the manifest {uri} must be a JSON array: {{"prefix": "s3://..."}}, then relative names'
    if not isinstance(content, list) or not content or not isinstance(content[0], dict):
        raise ValueError(expected)
    if not all(isinstance(text, str) for text in (content[0].get("prefix"), *content[1:])):
        raise ValueError(expected)
    return (*parse_uri(content[0]["prefix"]), content[1:])


def _copy(store: ObjectStore, info: ObjectInfo, target: Path, compression: str) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if compression == "Gzip":
            with gzip.open(store.path(info.bucket, info.key)) as packed, target.open("wb") as plain:
                shutil.copyfileobj(packed, plain, 1 << 20)
        else:
            shutil.copyfile(store.path(info.bucket, info.key), target)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise TransferError(
            "Data download failed:Please check your s3 objects and ensure that there is no object that is "
            f"both a folder as well as a file: s3://{info.bucket}/{info.key}"
        ) from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise TransferError(
            f"Data download failed:s3://{info.bucket}/{info.key} is not a complete gzip file: {error}"
        ) from error


def _join(uri: str, path: str) -> str:
    return f"{uri.rstrip('/')}/{path}"
