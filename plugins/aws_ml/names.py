"""Names of AWS resources: a pure function of use case, step and DAG run.

The same run gets the same names after a deferral and on a retry, another run gets others; no clock, no random
number. Asset-triggered runs have no logical date, so a run is known by `run_after` and `run_id`.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import Protocol

TIME = "%Y%m%d%H%M%S"


class Run(Protocol):
    """The part of a DAG run that a name is made of."""

    run_id: str
    run_after: datetime


def run_key(run: Run) -> str:
    """A run in 21 characters, sortable by time and valid in AWS names and S3 keys.

    >>> run_key(run)
    '20261121040500-1a2b3c'
    """
    return f"{run.run_after:{TIME}}-{_digest(run.run_id)}"


def is_key_of(key: str, run_id: str) -> bool:
    """Whether a key is that of the run with this id, whenever it was due.

    >>> is_key_of(run_key(run), run.run_id)
    True
    """
    return key.endswith(f"-{_digest(run_id)}")


def key_time(moment: datetime) -> str:
    """How the keys of the runs begin that are due at a moment; other ones sort by their time."""
    return f"{moment.astimezone(UTC):{TIME}}"


def time_of(key: str) -> datetime | None:
    """When the run of a key was due; None for what is no key."""
    try:
        return datetime.strptime(key.partition("-")[0], TIME).replace(tzinfo=UTC)
    except ValueError:
        return None


def _digest(run_id: str) -> str:
    return hashlib.sha256(run_id.encode()).hexdigest()[:6]


def resource_name(use_case: str, step: str, run: Run, limit: int = 63) -> str:
    """`churn-train-20261121040500-1a2b3c`: letters, digits and single hyphens, at most `limit` characters.

    :param limit: 63 for most SageMaker resources, 32 for tuning jobs.
    """
    key = run_key(run)
    stem = re.sub(r"[^a-zA-Z0-9]+", "-", f"{use_case}-{step}").strip("-")
    return f"{stem[: limit - len(key) - 1].rstrip('-')}-{key}"
