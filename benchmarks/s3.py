"""S3 beside moto's server: one large object up and down as boto3 does it, and many small ones.

Each server runs in a process of its own, on the same machine, one after the other; what comes back is
compared with what was sent. Usage: python -m benchmarks.s3 [--mib 1024]
"""

from __future__ import annotations

import argparse
import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from benchmarks.table import Row, print_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MIB = 1024**2
SMALL_OBJECTS = 200
SMALL_SIZE = 1024  # bytes
READY_SECONDS = 60


@dataclass(frozen=True)
class Result:
    """What one server did."""

    upload: float  # seconds
    download: float  # seconds
    put: float  # seconds for all small objects
    get: float  # seconds for all small objects
    memory: float  # MiB, the largest resident set of the server's process


class BenchmarkError(Exception):
    """A server that did not start, or that gave back something else than it was given."""


def measure(mib: int = 1024) -> list[Row]:
    """Measure both servers with one object of `mib` MiB; takes minutes, most of them moto's."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        _write(source, mib)
        with _local_aws(Path(folder) / "state") as (process, url):
            ours = _run(process, url, source)
        with _moto() as (process, url):
            peer = _run(process, url, source)
    moto = f"moto {version('moto')}"
    size = f"{mib} MiB"
    return [
        Row(f"S3 {size}, multipart upload", mib / ours.upload, mib / peer.upload, "MiB/s", moto),
        Row(f"S3 {size}, ranged download", mib / ours.download, mib / peer.download, "MiB/s", moto),
        Row("S3 1 KiB objects, put", SMALL_OBJECTS / ours.put, SMALL_OBJECTS / peer.put, "1/s", moto),
        Row("S3 1 KiB objects, get", SMALL_OBJECTS / ours.get, SMALL_OBJECTS / peer.get, "1/s", moto),
        Row("S3 server, peak memory", ours.memory, peer.memory, "MiB", moto, more_is_better=False),
    ]


def _write(path: Path, mib: int) -> None:
    """Blocks that all differ, so that one in a wrong place is noticed."""
    block = os.urandom(MIB - 8)
    with path.open("wb") as file:
        for number in range(mib):
            file.write(number.to_bytes(8, "big") + block)


@contextmanager
def _local_aws(state: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    ready = state.with_name("ready")
    arguments = ["-m", "include.local_aws", "--state", str(state), "--port", "0", "--ready-file", str(ready)]
    with _process(arguments) as process:
        _wait(process, ready.exists)
        yield process, ready.read_text().strip()


@contextmanager
def _moto() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with _process(["-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]) as process:
        _wait(process, lambda: _listens(port))
        yield process, f"http://127.0.0.1:{port}"


@contextmanager
def _process(arguments: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    quiet = subprocess.DEVNULL
    with subprocess.Popen([sys.executable, *arguments], stdout=quiet, stderr=quiet) as process:
        try:
            yield process
        finally:
            process.terminate()


def _wait(process: subprocess.Popen[bytes], ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise BenchmarkError(f"{process.args!r} did not start")
        time.sleep(0.05)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _run(process: subprocess.Popen[bytes], url: str, source: Path) -> Result:
    s3 = boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"max_attempts": 0}, read_timeout=600),
    )
    s3.create_bucket(Bucket="benchmark")
    target = source.with_name("target")
    upload = _seconds(lambda: s3.upload_file(str(source), "benchmark", "large"))
    download = _seconds(lambda: s3.download_file("benchmark", "large", str(target)))
    if _digest(source) != _digest(target):
        raise BenchmarkError(f"{url} gave back other bytes than it was given")
    target.unlink()
    return Result(
        upload, download, _seconds(lambda: _put(s3)), _seconds(lambda: _get(s3)), _peak(process.pid)
    )


def _put(s3: Any) -> None:
    for number in range(SMALL_OBJECTS):
        s3.put_object(Bucket="benchmark", Key=f"small/{number}", Body=bytes(SMALL_SIZE))


def _get(s3: Any) -> None:
    for number in range(SMALL_OBJECTS):
        body = s3.get_object(Bucket="benchmark", Key=f"small/{number}")["Body"].read()
        if len(body) != SMALL_SIZE:
            raise BenchmarkError(f"small/{number} has {len(body)} bytes")


def _seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _peak(pid: int) -> float:
    """The largest resident set that a process had, in MiB; Linux only."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise BenchmarkError("this system does not say how much memory a process used")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=1024, help="size of the large object (default: 1024)")
    print_table(measure(parser.parse_args().mib))


if __name__ == "__main__":
    main()
