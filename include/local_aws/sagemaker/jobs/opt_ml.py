"""The folder that a container sees as /opt/ml."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

OPT_ML = PurePosixPath("/opt/ml")


def hosts(count: int) -> list[str]:
    """The names of a job's instances: algo-1, algo-2, ..."""
    return [f"algo-{number}" for number in range(1, count + 1)]


def on_host(root: Path, path: str) -> Path:
    """`on_host(root, "/opt/ml/processing/input")` → `root/processing/input`."""
    return root / PurePosixPath(path).relative_to(OPT_ML)


def write_config(folder: Path, name: str, content: Any) -> None:
    """Write one of the JSON files that SageMaker gives to a container."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(content))
