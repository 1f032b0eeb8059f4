"""S3 compared with moto's server: upload and download of one large object by boto3, and of many small ones.

The servers run one after the other, each in a process of its own. Downloads are compared with uploads.

Usage: python -m benchmarks.s3 [--mib 1024]
"""

from __future__ import annotations

import argparse
import hashlib
import os
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.servers import BenchmarkError, client, local_aws
from benchmarks.servers import moto as moto_server
from benchmarks.table import Row, print_table

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

MIB = 1024**2
SMALL_OBJECTS = 200
SMALL_SIZE = 1024  # bytes


@dataclass(frozen=True)
class Result:
    """The measurements of one server."""

    upload: float  # seconds
    download: float  # seconds
    put: float  # seconds for all small objects
    get: float  # seconds for all small objects
    memory: float  # MiB, the largest resident set of the server's process


def measure(mib: int = 1024) -> list[Row]:
    """Measure both servers with one object of `mib` MiB; takes minutes, most of them for moto.

    :raises BenchmarkError: when a server does not start or returns wrong bytes.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        _write(source, mib)
        with local_aws(Path(folder) / "state") as (process, url):
            local = _run(process, url, source)
        with moto_server() as (process, url):
            other = _run(process, url, source)
    name = f"moto {version('moto')}"
    size = f"{mib} MiB"
    return [
        Row(f"S3 {size}, multipart upload", mib / local.upload, mib / other.upload, "MiB/s", name),
        Row(f"S3 {size}, ranged download", mib / local.download, mib / other.download, "MiB/s", name),
        Row("S3 1 KiB objects, put", SMALL_OBJECTS / local.put, SMALL_OBJECTS / other.put, "1/s", name),
        Row("S3 1 KiB objects, get", SMALL_OBJECTS / local.get, SMALL_OBJECTS / other.get, "1/s", name),
        Row("S3 server, peak memory", local.memory, other.memory, "MiB", name, more_is_better=False),
    ]


def _write(path: Path, mib: int) -> None:
    """Write blocks that all differ, so that a block in the wrong place is noticed."""
    block = os.urandom(MIB - 8)
    with path.open("wb") as file:
        for number in range(mib):
            file.write(number.to_bytes(8, "big") + block)


def _run(process: subprocess.Popen[bytes], url: str, source: Path) -> Result:
    s3 = client("s3", url)
    s3.create_bucket(Bucket="benchmark")
    target = source.with_name("target")
    upload = _seconds(lambda: s3.upload_file(str(source), "benchmark", "large"))
    download = _seconds(lambda: s3.download_file("benchmark", "large", str(target)))
    if _digest(source) != _digest(target):
        raise BenchmarkError(f"{url} returned other bytes than it received")
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
    """The largest resident set of a process in MiB; Linux only."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise BenchmarkError("this system does not report the peak memory of a process")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=1024, help="size of the large object (default: 1024)")
    print_table(measure(parser.parse_args().mib))


if __name__ == "__main__":
    main()
