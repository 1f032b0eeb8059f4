"""The server's settings: command line options, with defaults from the environment."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from include.local_aws.faults import BadFaults, Faults

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Settings:
    """The settings of a server.

    Settings(state=tmp_path)  # a free port on loopback
    """

    state: Path
    host: str = "127.0.0.1"
    port: int = 0  # 0: any free port
    region: str = "us-east-1"
    account: str = "123456789012"
    concurrent_jobs: int = os.cpu_count() or 2  # SageMaker jobs that run at the same time; others wait
    runner: str = "auto"
    allow_hosts: tuple[str, ...] = ()
    buckets: tuple[str, ...] = ()
    log_level: str = "INFO"
    ready_file: Path | None = None
    faults: Faults = field(default_factory=Faults)
    record: Path | None = None


def from_command_line(argv: Sequence[str] | None = None) -> Settings:
    """Read the command line; LOCAL_AWS_STATE, LOCAL_AWS_PORT ... are the defaults.

    :raises SystemExit: for wrong options, with a message on standard error.
    """
    parser = argparse.ArgumentParser(
        prog="python -m include.local_aws",
        description="AWS on this machine: S3, SageMaker, Personalize and CloudWatch Logs, executing "
        "every job. A development server: it checks no credentials and listens on loopback.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    for add_options in (_server_options, _job_options, _test_options):
        add_options(parser)
    options = parser.parse_args(argv)
    options.allow_hosts, options.buckets = tuple(options.allow_hosts), tuple(options.buckets)
    try:
        options.faults = Faults.parse(options.faults)
    except BadFaults as error:
        parser.error(f"--faults: {error}")
    return Settings(**vars(options))


def _server_options(parser: argparse.ArgumentParser) -> None:
    add, env = parser.add_argument, os.environ.get
    add("--state", type=Path, default=env("LOCAL_AWS_STATE", ".local_aws"), help="state folder")
    add("--host", default=env("LOCAL_AWS_HOST", "127.0.0.1"), help="address to listen on")
    add("--port", type=int, default=env("LOCAL_AWS_PORT", "0"), help="0: any free port")
    add("--region", default=env("LOCAL_AWS_REGION", "us-east-1"))
    add("--account", default=env("LOCAL_AWS_ACCOUNT", "123456789012"))
    add(
        "--allow-host",
        dest="allow_hosts",
        action="append",
        default=_names(env("LOCAL_AWS_ALLOW_HOSTS", "")),
        help="a further host name that clients may use",
    )
    add(
        "--bucket",
        dest="buckets",
        action="append",
        default=_names(env("LOCAL_AWS_BUCKETS", "")),
        help="an S3 bucket that is created at the start if it does not exist",
    )
    add("--log-level", default=env("LOCAL_AWS_LOG_LEVEL", "INFO"))
    add("--ready-file", type=Path, help="file to which the server's URL is written when it is ready")


def _job_options(parser: argparse.ArgumentParser) -> None:
    add, env = parser.add_argument, os.environ.get
    add(
        "--jobs",
        dest="concurrent_jobs",
        type=int,
        default=env("LOCAL_AWS_JOBS", str(Settings.concurrent_jobs)),
        help="jobs that run at the same time",
    )
    add(
        "--runner",
        choices=["auto", "bubblewrap", "namespaces", "rewriting"],
        default=env("LOCAL_AWS_RUNNER", "auto"),
        help="how containers run; auto: the first way that works",
    )


def _test_options(parser: argparse.ArgumentParser) -> None:
    add, env = parser.add_argument, os.environ.get
    add(
        "--faults",
        default=env("LOCAL_AWS_FAULTS", ""),
        help="injected faults, such as throttle=0.3,slow=0.2:1.5 (see include/local_aws/faults.py)",
    )
    add(
        "--record",
        type=Path,
        default=env("LOCAL_AWS_RECORD"),
        help="file to which every request is written as a line",
    )


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]
