"""Settings that are fixed when a DAG file is parsed; all others are Airflow Variables, read at run time."""

from __future__ import annotations

import os
from typing import Any

# Seconds between two looks at a running job. AWS jobs take minutes; a laptop's take seconds.
POLL_SECONDS = int(os.environ.get("ML_POLL_SECONDS", "30"))

# How a SageMaker operator waits: in the triggerer, for a day at most (the provider's own limit is 30 minutes,
# after which the task fails while the job goes on).
WAIT: dict[str, Any] = {
    "deferrable": True,
    "check_interval": POLL_SECONDS,
}
