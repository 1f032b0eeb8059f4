"""Names of AWS resources: a pure function of use case, step and DAG run.

The same run gets the same names after a deferral and on a retry, another run gets others; no clock, no random
number. Asset-triggered runs have no logical date, so a run is known by `run_after` and `run_id`.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime


class Run(Protocol):
    """The part of a DAG run that a name is made of."""

    run_id: str
    run_after: datetime


def run_key(run: Run) -> str:
    """A run in 21 characters, sortable by time and valid in AWS names and S3 keys.

    >>> run_key(run)
    '20261121040500-1a2b3c'
    """
    digest = hashlib.sha256(run.run_id.encode()).hexdigest()[:6]
    return f"{run.run_after:%Y%m%d%H%M%S}-{digest}"


def resource_name(use_case: str, step: str, run: Run, limit: int = 63) -> str:
    """`churn-train-20261121040500-1a2b3c`: letters, digits and single hyphens, at most `limit` characters.

    :param limit: 63 for most SageMaker resources, 32 for tuning jobs.
    """
    key = run_key(run)
    stem = re.sub(r"[^a-zA-Z0-9]+", "-", f"{use_case}-{step}").strip("-")
    return f"{stem[: limit - len(key) - 1].rstrip('-')}-{key}"
