"""The folders of a container."""

from __future__ import annotations

import os
from pathlib import Path

BASE = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))

CONFIG = BASE / "input" / "config"
DATA = BASE / "input" / "data"
MODEL = BASE / "model"
CODE = BASE / "code"
CHECKPOINTS = BASE / "checkpoints"
OUTPUT = BASE / "output"
FAILURE = OUTPUT / "failure"


def write_failure(reason: str) -> None:
    """Write the reason of a failure to the failure file, which SageMaker reads, and to the log."""
    print(reason, flush=True)
    FAILURE.parent.mkdir(parents=True, exist_ok=True)
    FAILURE.write_text(reason, encoding="utf-8")
