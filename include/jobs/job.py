"""How a processing job ends: outputs that are complete or absent, and a reason that people can act on."""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BASE = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))  # the variable of SageMaker's own toolkits
FOLDER = BASE / "processing"  # inputs lie in input/<name>, what is left in output/<name> goes to S3
MESSAGE_FILE = BASE / "output/message"  # SageMaker shows its first kilobyte as ExitMessage
MESSAGE_BYTES = 1024
JOB_CONFIG = BASE / "config/processingjobconfig.json"


class DataError(ValueError):
    """Data that cannot be used; the text names the place and what was expected there."""


def strict_json(text: str) -> Any:
    """The value of a JSON text.

    :raises ValueError: when it is none, or holds a number that is not finite: Python's parser takes NaN,
        Infinity and 1e999, too, which no comparison can rely on.
    """
    return json.loads(text, parse_constant=_finite, parse_float=_finite)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no finite number")
    return number


def arguments(description: str) -> argparse.ArgumentParser:
    """The parser of a job script, with the argument that all of them have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--message", type=Path, default=MESSAGE_FILE, help="where the reason of a failure goes"
    )
    return parser


def run(work: Callable[[], None], message_file: Path) -> int:
    """Do the work and return the exit code: 1 for a DataError, whose text becomes the job's exit message."""
    try:
        work()
    except DataError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        message_file.parent.mkdir(parents=True, exist_ok=True)
        message_file.write_text(_shorten(str(error)), encoding="utf-8")
        return 1
    return 0


def _shorten(text: str) -> str:
    return text.encode()[:MESSAGE_BYTES].decode(errors="ignore")


@contextmanager
def staged(output: Path) -> Iterator[Path]:
    """A scratch folder whose files move to `output` when the block ends well; else nothing is left."""
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".staged-", dir=output) as folder:
        scratch = Path(folder)
        yield scratch
        for file in sorted(path for path in scratch.rglob("*") if path.is_file()):
            target = output / file.relative_to(scratch)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(file, target)


def job_name(config: Path) -> str:
    """The processing job's name, as SageMaker tells the container."""
    if not config.exists():
        return "outside SageMaker"
    return str(json.loads(config.read_text()).get("ProcessingJobName", "unnamed"))
