from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from aws_ml.names import resource_name, run_key

AWS_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")


@dataclass
class DagRun:
    run_id: str
    run_after: datetime = datetime(2026, 11, 21, 4, 5, tzinfo=UTC)


MANUAL = DagRun("manual__2026-11-21T04:05:00+00:00")


def test_a_name_says_use_case_step_and_time() -> None:
    assert resource_name("churn", "train", MANUAL).startswith("churn-train-20261121040500-")


def test_the_same_run_always_gets_the_same_name() -> None:
    assert resource_name("churn", "train", MANUAL) == resource_name("churn", "train", DagRun(MANUAL.run_id))


def test_two_runs_of_the_same_second_get_different_names() -> None:
    assert run_key(MANUAL) != run_key(DagRun("asset_triggered__2026-11-21T04:05:00+00:00"))


@pytest.mark.parametrize("limit", [32, 63])
@pytest.mark.parametrize("step", ["train", "inverse_label_transform", "a" * 80, "x--y", "Größe", "-"])
def test_every_name_is_valid_for_aws_and_within_its_limit(step: str, limit: int) -> None:
    name = resource_name("movie_recommendations", step, MANUAL, limit)
    assert AWS_NAME.fullmatch(name)
    assert len(name) <= limit


def test_long_names_stay_different_between_runs() -> None:
    other = DagRun("scheduled__2026-11-22")
    assert resource_name("x" * 90, "train", MANUAL, 32) != resource_name("x" * 90, "train", other, 32)
