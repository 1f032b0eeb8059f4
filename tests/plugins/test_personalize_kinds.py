"""Every kind of Personalize resource has its parts, its states, its pool and its place on the page."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from aws_ml import pools
from aws_ml.lifecycle.kinds import PERSONALIZE
from aws_ml.lifecycle.outcome import outcome
from aws_ml.operators import personalize as operators
from aws_ml.operators import personalize_calls as calls
from aws_ml.operators import personalize_checks as checks
from aws_ml.sensors import personalize as sensors
from scripts import local_settings as local

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("word", "description", "state"),
    [
        ("Campaign", {"status": "ACTIVE"}, "success"),
        (
            "Campaign",
            {"status": "ACTIVE", "latestCampaignUpdate": {"status": "CREATE IN_PROGRESS"}},
            "running",
        ),
        ("Campaign", {"status": "ACTIVE", "latestCampaignUpdate": {"status": "CREATE FAILED"}}, "failure"),
        ("Campaign", {"status": "DELETE PENDING"}, "failure"),
        ("SolutionVersion", {"status": "CREATE STOPPING"}, "running"),
        ("SolutionVersion", {"status": "CREATE STOPPED"}, "failure"),
        ("DatasetGroup", {"status": "CREATE PENDING"}, "running"),
        ("Recommender", {"status": "INACTIVE"}, "failure"),
        (
            "Recommender",
            {"status": "ACTIVE", "latestRecommenderUpdate": {"status": "CREATE PENDING"}},
            "running",
        ),
    ],
)
def test_states(word: str, description: dict[str, Any], state: str) -> None:
    assert outcome(PERSONALIZE[word], description).state == state


@pytest.mark.usefixtures("database")
def test_the_scheduler_creates_pools_of_the_quotas_size_and_keeps_existing_ones() -> None:
    from airflow.models.pool import Pool

    def after_start() -> dict[str, int]:
        command: list[str | Path] = [local.AIRFLOW, "scheduler", "--num-runs", "1", "--skip-serve-logs"]
        subprocess.run(command, check=True, timeout=120, cwd=local.PROJECT)
        return {pool.pool: pool.slots for pool in Pool.get_pools() if pool.pool in pools.POOLS}

    assert after_start() == pools.POOLS
    Pool.create_or_update_pool(pools.IMPORTS, slots=50, description="of the user", include_deferred=True)
    Pool.delete_pool(pools.BATCHES)
    assert after_start() == pools.POOLS | {pools.IMPORTS: 50}


def test_every_operator_and_sensor_is_on_the_page() -> None:
    page = (local.PROJECT / "docs/operators/personalize.md").read_text()
    for module in (operators, calls, checks, sensors):
        for name in vars(module):
            if name.startswith("Personalize") and name.endswith(("Operator", "Sensor")):
                if name in ("PersonalizeOperator", "PersonalizeCallOperator", "PersonalizeSensor"):
                    continue  # what the others are made of
                assert f"`{name}" in page, name
    words = ("config", "wait_for_completion", "check_interval", "max_wait", "delete_schemas")
    for name in (*words, "uri", "schema", "names"):
        assert f"`{name}`" in page, name


def test_every_kind_has_an_operator_and_a_sensor() -> None:
    for word, kind in PERSONALIZE.items():
        assert getattr(operators, f"Personalize{word}Operator").kind_key == kind.key
        if kind.status:
            assert getattr(sensors, f"Personalize{word}Sensor").kind_key == kind.key
