"""Airflow pools of the size of Personalize's quotas: tasks wait in Airflow, the service refuses none.

The scheduler makes them when it starts; a pool that exists keeps the size that somebody gave it.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from airflow.listeners import hookimpl

log = logging.getLogger(__name__)

IMPORTS, TRAININGS = "personalize_imports", "personalize_trainings"
BATCHES, SEGMENTS = "personalize_batches", "personalize_segments"
# Personalize's quotas for what is PENDING or IN_PROGRESS in a region at a time (developer guide, "Quotas").
POOLS = {IMPORTS: 5, TRAININGS: 20, BATCHES: 5, SEGMENTS: 5}


@hookimpl
def on_starting(component: Any) -> None:
    """A component of Airflow starts; the scheduler brings the database along.

    Airflow says so before the job of a component knows its type: the command line tells which one it is.
    """
    if type(component).__name__ == "Job" and sys.argv[1:2] == ["scheduler"]:
        create_pools()


def create_pools() -> None:
    """Make the pools that are not there."""
    from airflow.models.pool import Pool
    from airflow.utils.session import create_session

    with create_session() as session:
        there = {str(pool.pool) for pool in Pool.get_pools(session=session)}
        for name, slots in POOLS.items():
            if name not in there:
                description = "Amazon Personalize: as many at a time as the service's default quota allows"
                session.add(Pool(pool=name, slots=slots, description=description, include_deferred=True))
                log.info("Created the pool %s with %d slots", name, slots)
