"""What every DAG of the project keeps to."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

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
            assert task.retries >= 1, task.task_id


def test_all_waits_for_jobs_are_deferred_and_outlast_the_providers_thirty_minutes(dag_bag: DagBag) -> None:
    waiting = [task for dag in dag_bag.dags.values() for task in dag.tasks if hasattr(task, "deferrable")]
    assert waiting
    for task in waiting:
        assert task.deferrable, task.task_id
        attempts = getattr(task, "max_attempts", None) or 480
        assert attempts * task.check_interval >= 480, task.task_id


@pytest.mark.parametrize("path", DAG_FILES, ids=lambda path: path.name)
def test_a_dag_file_reads_like_a_table_of_contents(path: Path) -> None:
    source = path.read_text()
    assert len(source.splitlines()) <= 200
    assert ast.get_docstring(ast.parse(source))
