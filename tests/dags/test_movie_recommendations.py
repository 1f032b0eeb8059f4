"""The shape of the movie workflow: nothing is paid for before all is checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aws_ml.validation.quotas import QUOTAS

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.sdk import DAG

CHECKS = {f"validate.{name}" for name in ("quotas", "interactions", "items", "users")}


@pytest.fixture(scope="module")
def dag(dag_bag: DagBag) -> DAG:
    return dag_bag.dags["movie_recommendations"]


def task_of(dag: DAG, task_id: str) -> Any:
    """A task with all attributes of its own class."""
    return dag.get_task(task_id)


def test_everything_of_personalize_comes_after_all_checks(dag: DAG) -> None:
    made = [task for task in dag.tasks if task.task_type.startswith("Personalize")]
    assert {task.task_id for task in made} >= {"import_items.start", "ranking.train", "event_tracker"}
    for task in made:
        if task.task_id not in CHECKS:
            assert task.get_flat_relative_ids(upstream=True) >= CHECKS, task.task_id


def test_each_file_is_checked_against_the_schema_that_it_is_imported_by(dag: DAG) -> None:
    for word in ("interactions", "items", "users"):
        check, start = task_of(dag, f"validate.{word}"), task_of(dag, f"import_{word}.start")
        assert check.uri == start.config["dataSource"]["dataLocation"]
        assert check.schema == task_of(dag, f"import_{word}.schema").config["schema"]
        assert check.import_mode == start.config["importMode"]


def test_room_is_looked_for_under_the_names_that_the_tasks_make(dag: DAG) -> None:
    expected = task_of(dag, "validate.quotas").names
    made = [task for task in dag.tasks if hasattr(task, "kind") and hasattr(task, "config")]
    counted = [task for task in made if task.kind.word in QUOTAS]
    for task in counted:
        names = [name for name in expected[task.kind.word] if task.config["name"] in name]
        assert len(names) == 1, task.task_id
    assert len(counted) == sum(len(names) for names in expected.values())
