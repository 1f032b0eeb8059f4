"""docs/requirements.md is complete, and every task, test and page that it names exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs/requirements.md"
NOT_YET = "not yet"
NUMBERS = {  # of the requirements, and of the known defects, by their prefix
    "CH-": range(1, 10),
    "CF-": range(1, 12),
    "CI-": range(1, 16),
    "BM-": range(7),
    "MR-": range(7),
    "CH-D": range(1, 6),
    "CF-D": range(1, 11),
    "CI-D": range(1, 5),
    "BM-D": range(1, 8),
    "MR-D": range(1, 9),
}
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.read_text().splitlines()
    if re.match(r"\| [A-Z]{2}-", line)
]


def row_id(row: list[str]) -> str:
    return row[0]


@cache
def functions_of(path: Path) -> set[str]:
    """Names of the functions that a file defines at its top level."""
    return {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}


def quoted(cell: str) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`([^`]+)`", cell)


def test_every_requirement_and_every_known_defect_has_one_row() -> None:
    expected = [f"{prefix}{number}" for prefix, numbers in NUMBERS.items() for number in numbers]
    assert sorted(row_id(row) for row in ROWS) == sorted(expected)


@pytest.mark.parametrize("row", ROWS, ids=row_id)
def test_a_row_says_what_is_asked_for_and_what_is_missing(row: list[str]) -> None:
    _, asked_for, tasks, tests, page, missing = row
    assert asked_for
    for cell in (tasks, tests):
        assert quoted(cell) or cell in ("–", NOT_YET)
    assert page == NOT_YET or re.fullmatch(r"\[[^]]+\]\([^)]+\)", page)
    assert missing == "–" or missing.startswith(NOT_YET)


@pytest.mark.parametrize("row", ROWS, ids=row_id)
def test_a_row_without_a_test_or_a_page_is_not_yet(row: list[str]) -> None:
    *_, tests, page, missing = row
    if not quoted(tests) or page == NOT_YET:
        assert missing.startswith(NOT_YET)


@pytest.mark.parametrize("row", ROWS, ids=row_id)
def test_every_test_and_page_of_a_row_exists(row: list[str]) -> None:
    *_, tests, page, missing = row
    for test in quoted(tests):
        path, _, name = test.partition("::")
        assert name.startswith("test_"), test
        assert name in functions_of(PROJECT / path), test
    for target in re.findall(r"\]\(([^)]+)\)", page + missing):
        assert (PAGE.parent / target).is_file(), target


def test_every_task_exists_in_its_dag(dag_bag: DagBag) -> None:
    tasks = {f"{dag.dag_id}/{task_id}" for dag in dag_bag.dags.values() for task_id in dag.task_ids}
    claims = {task for row in ROWS for task in quoted(row[2])}
    assert claims
    assert sorted(claims - tasks) == []
