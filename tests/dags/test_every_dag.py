"""What every DAG of the project keeps to."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aws_ml.base import JobTask
from aws_ml.sensors.sagemaker import JobSensor

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

# Resources of Personalize that are there within a minute: their operators wait for them, deferred.
QUICK = {"Schema", "DatasetGroup", "Dataset", "Solution", "Filter", "EventTracker"}
DAG_FILES = sorted((Path(__file__).parents[2] / "dags").glob("*.py"))


def test_all_files_import_without_errors(dag_bag: DagBag) -> None:
    assert dag_bag.import_errors == {}
    assert {Path(dag.fileloc).name for dag in dag_bag.dags.values()} == {path.name for path in DAG_FILES}


def test_all_dags_explain_themselves_and_carry_owner_tags_and_retries(dag_bag: DagBag) -> None:
    for dag in dag_bag.dags.values():
        assert dag.doc_md, dag.dag_id
        assert dag.description, dag.dag_id
        assert dag.tags, dag.dag_id
        assert not dag.catchup, dag.dag_id
        for task in dag.tasks:
            assert task.owner != "airflow", task.task_id
            assert (task.retries or 0) >= 1, task.task_id


def test_the_trigger_form_accepts_its_own_defaults(dag_bag: DagBag) -> None:
    """Airflow's form refuses an empty field unless the param's type allows null."""
    empty = [
        (dag.dag_id, name, dag.params.get_param(name).schema["type"])
        for dag in dag_bag.dags.values()
        for name, value in dag.params.dump().items()
        if value in (None, "")
    ]
    assert empty
    assert [param for param in empty if "null" not in param[2]] == []


def test_operators_start_and_deferred_sensors_wait(dag_bag: DagBag) -> None:
    tasks = [task for dag in dag_bag.dags.values() for task in dag.tasks if isinstance(task, JobTask)]
    starting = [task for task in tasks if hasattr(task, "wait_for_completion")]
    waiting = [task for task in tasks if isinstance(task, JobSensor)]
    assert starting
    assert waiting
    alone = [task for task in starting if task.wait_for_completion]
    assert [task.task_id for task in alone if task.kind.word not in QUICK] == []
    assert [task.task_id for task in alone if task.kind.status and not vars(task)["deferrable"]] == []
    assert [task.task_id for task in waiting if not task.deferrable] == []


@pytest.mark.parametrize("path", DAG_FILES, ids=lambda path: path.name)
def test_a_dag_file_reads_like_a_table_of_contents(path: Path) -> None:
    source = path.read_text()
    assert len(source.splitlines()) <= 200
    assert ast.get_docstring(ast.parse(source))
