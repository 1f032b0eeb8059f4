"""The user's code in a container: a source bundle in S3, or a folder in the container."""

from __future__ import annotations

import tarfile
import tempfile
from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

LARGEST = 1024**3  # bytes, unpacked
RETRIES = {"mode": "standard", "total_max_attempts": 10}  # so that a busy S3 does not fail a job


class BadCode(Exception):
    """Code that cannot be used; the text is the reason."""


def fetch(source: str, folder: Path) -> Path:
    """The folder with the code at `source`: `s3://.../sourcedir.tar.gz` is unpacked into `folder`.

    :raises BadCode: when the code does not exist, or the archive is not safe to unpack.
    """
    if not source.startswith("s3://"):
        if not Path(source).is_dir():
            raise BadCode(f"the code folder {source} does not exist")
        return Path(source)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(suffix=".tar.gz") as archive:
        _download(source, Path(archive.name))
        unpack(Path(archive.name), folder, source)
    return folder


def _download(source: str, target: Path) -> None:
    import boto3  # half a second that only containers with code in S3 pay
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, _, key = source.removeprefix("s3://").partition("/")
    try:
        boto3.client("s3", config=Config(retries=RETRIES)).download_file(bucket, key, str(target))
    except (ClientError, BotoCoreError) as error:
        raise BadCode(f"the code {source} cannot be downloaded: {error}") from error


def unpack(archive: Path, folder: Path, name: str) -> None:
    """Unpack a tar.gz; no member is written outside of `folder`, no link points outside.

    :param name: of the archive, for error messages.
    :raises BadCode: naming the member that is refused; also for a damaged or too large archive.
    """
    try:
        with tarfile.open(archive, "r:gz") as tar:
            members = tar.getmembers()
            if sum(member.size for member in members) > LARGEST:
                raise BadCode(f"{name} unpacks to more than {LARGEST} bytes")
            for member in members:
                tarfile.data_filter(member, str(folder))
            tar.extractall(folder, members, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BadCode(f"{name} cannot be unpacked: {error}") from error


def check_requirements(folder: Path) -> None:
    """AWS installs the bundle's requirements.txt with pip; here the packages must be installed already.

    :raises BadCode: naming the missing packages.
    """
    file = folder / "requirements.txt"
    lines = file.read_text().splitlines() if file.exists() else []
    requirements = [line.partition("#")[0].strip() for line in lines]
    if missing := [line for line in requirements if line and not _satisfied(line)]:
        raise BadCode(f"requirements.txt asks for what the local container lacks: {', '.join(missing)}")


def _satisfied(line: str) -> bool:
    try:
        requirement = Requirement(line)
        return requirement.specifier.contains(metadata.version(requirement.name), prereleases=True)
    except (InvalidRequirement, metadata.PackageNotFoundError):
        return False
