"""Where the job scripts of the movie workflow read and write in tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


def run(job: ModuleType, folder: Path, *arguments: str) -> int:
    """Run a job script on `in`, `out` and `why` (a failure's reason) below a folder; its exit code."""
    places = {"input": "in", "output": "out", "message": "why"}
    return int(job.main([*arguments, *(f"--{option}={folder / name}" for option, name in places.items())]))
