"""After `kill -9` in the middle of many writes, every acknowledged write is complete at the next start."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[3]


@contextmanager
def server(state: Path) -> Iterator[tuple[subprocess.Popen[bytes], Any]]:
    ready = state.with_name("ready")
    ready.unlink(missing_ok=True)
    command = [sys.executable, "-m", "include.local_aws", "--state", str(state), "--ready-file", str(ready)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL) as process:
        try:
            while not ready.exists():
                assert process.poll() is None, "the server did not start"
                time.sleep(0.05)
            options = Config(retries={"max_attempts": 0}, max_pool_connections=8)
            session = boto3.Session("local", "local", region_name="us-east-1")
            yield process, session.client("s3", endpoint_url=ready.read_text(), config=options)
        finally:
            process.kill()


def content(key: str, version: int) -> bytes:
    return f"{key} {version} ".encode() * 20_000  # 200 KB: the kill interrupts a write


def write_until_dead(s3: Any, key: str, acknowledged: dict[str, int]) -> None:
    version = 0
    try:
        while True:
            s3.put_object(Bucket="bucket", Key=key, Body=content(key, version))
            acknowledged[key] = version
            version += 1
    except (BotoCoreError, ClientError):
        return  # the server is dead


def test_acknowledged_writes_survive_a_kill(tmp_path: Path) -> None:
    acknowledged: dict[str, int] = {}
    state = tmp_path / "state"
    with server(state) as (process, s3):
        s3.create_bucket(Bucket="bucket")
        threads = [
            threading.Thread(target=write_until_dead, args=(s3, f"key-{number}", acknowledged))
            for number in range(4)
        ]
        for thread in threads:
            thread.start()
        time.sleep(0.6)
        process.kill()
        for thread in threads:
            thread.join(30)
    assert len(acknowledged) == 4
    with server(state) as (_, s3):
        for key, version in acknowledged.items():
            body = s3.get_object(Bucket="bucket", Key=key)["Body"].read()
            # the last write may be committed although its answer did not arrive
            assert body in (content(key, version), content(key, version + 1))
        entries = s3.list_objects_v2(Bucket="bucket")["Contents"]
    assert {entry["Key"] for entry in entries} == set(acknowledged)
    assert len(list((state / "s3").iterdir())) == len(entries)
    assert list((state / "spool").iterdir()) == []
