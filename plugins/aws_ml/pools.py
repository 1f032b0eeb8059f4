"""Airflow pools of the size of Personalize's quotas: tasks wait in Airflow, and the service refuses none.

The scheduler creates them when it starts; a pool that exists keeps its size.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from airflow.listeners import hookimpl

log = logging.getLogger(__name__)

IMPORTS, TRAININGS = "personalize_imports", "personalize_trainings"
BATCHES, SEGMENTS = "personalize_batches", "personalize_segments"
# Personalize's quotas for jobs that are PENDING or IN_PROGRESS in a region (developer guide, "Quotas").
POOLS = {IMPORTS: 5, TRAININGS: 20, BATCHES: 5, SEGMENTS: 5}


@hookimpl
def on_starting(component: Any) -> None:
    """Create the pools when the scheduler starts, as it has the database.

    Airflow calls this before the job of a component knows its type: the command line tells the component.
    """
    if type(component).__name__ == "Job" and sys.argv[1:2] == ["scheduler"]:
        create_pools()


def create_pools() -> None:
    """Create the pools that do not exist."""
    from airflow.models.pool import Pool
    from airflow.utils.session import create_session

    with create_session() as session:
        existing = {str(pool.pool) for pool in Pool.get_pools(session=session)}
        for name, slots in POOLS.items():
            if name not in existing:
                description = "Amazon Personalize: as many at a time as the service's default quota allows"
                session.add(Pool(pool=name, slots=slots, description=description, include_deferred=True))
                log.info("Created the pool %s with %d slots", name, slots)
