"""What the command writes, checked by ruff, mypy and its own tests in a copy of the project."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.new_use_case import projects
from tests.new_use_case.people import GOOD, text
from tests.new_use_case.projects import ADULT, ADULT_NAMES, BANK, PROJECT

if TYPE_CHECKING:
    from pathlib import Path


REAL = {
    "term_deposits": (BANK, {"LABEL": "y"}),
    "incomes": (ADULT, {"LABEL": "income", "NAMES": ADULT_NAMES}),
}


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with two more use cases; nothing was written to the work tree."""
    projects.require_real_data()
    before = projects.status(PROJECT)
    project = projects.copy_of_the_project(tmp_path_factory.mktemp("copy"))
    for name, (path, variables) in REAL.items():
        answer = projects.make_use_case(project, NAME=name, CSV=str(path), **variables)
        assert answer.returncode == 0, answer.stderr
        assert answer.stderr == ""
    assert projects.status(PROJECT) == before
    return project


@pytest.mark.parametrize("variables", [{"LABEL": "Chu\"r'n?"}, {"LABEL": "a b", "IGNORE": "$$x; y"}])
def test_make_passes_every_character_on(tmp_path: Path, variables: dict[str, str]) -> None:
    project = projects.copy_of_the_project(tmp_path)
    (project / "people.csv").write_text(text(GOOD))
    answer = projects.make_use_case(project, NAME="leavers", CSV="people.csv", **variables)
    assert answer.returncode == 2
    assert f"no column is named {variables['LABEL']!r}" in answer.stderr


def in_copy(project: Path, *words: str) -> None:
    command = [str(project / ".venv/jobs/bin" / words[0]), *words[1:]]
    environment = projects.clean_environment()
    answer = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_generated_files_pass_ruff(copied: Path) -> None:
    in_copy(copied, "ruff", "check", "--no-cache", ".")
    in_copy(copied, "ruff", "format", "--check", "--no-cache", ".")


def test_generated_files_pass_mypy(copied: Path) -> None:
    in_copy(copied, "mypy", "include/use_cases", "tests/include/term_deposits", "tests/include/incomes")


def test_generated_tests_pass_on_their_data(copied: Path) -> None:
    in_copy(copied, "python", "-m", "pytest", "-q", "tests/include/term_deposits", "tests/include/incomes")


@pytest.mark.parametrize(("server", "outcome"), [("", "1 skipped"), ("true", "1 error")])
def test_without_the_real_data_ci_fails_and_others_skip(tmp_path: Path, server: str, outcome: str) -> None:
    """A test of this project, run on its own without data, so that the hook of tests/conftest.py acts."""
    environment = {**os.environ, "CI": server, "ML_DATASETS_DIR": str(tmp_path)}
    needs_data = "tests/new_use_case/test_in_a_copy.py::test_generated_files_pass_ruff"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", needs_data]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert outcome in done.stdout.splitlines()[-1], done.stdout
    assert f"no file {tmp_path}/bank_marketing" in done.stdout
    assert (done.returncode == 0) == (not server)


def test_a_column_is_ignored_and_the_gate_lowered_as_the_tutorial_says(tmp_path: Path) -> None:
    """docs/a-new-use-case.md: the generated test fails and prints the AUC, from which the gate follows."""
    project = projects.copy_of_the_project(tmp_path)
    (project / "people.csv").write_text(text(GOOD))
    assert projects.make_use_case(project, NAME="leavers", CSV="people.csv", LABEL="leaves").returncode == 0
    constants = project / "include/use_cases/leavers/use_case.py"
    written = constants.read_text().replace('"age": "number"', '"age": "ignore"')
    constants.write_text(re.sub(r'gates={"auc": \S+}', 'gates={"auc": 0.99}', written))
    printed = generated_tests(project, returncode=1)
    auc, *_ = re.findall(r"AssertionError: the recipe reaches an AUC of (\S+) on the test rows", printed)
    constants.write_text(constants.read_text().replace("0.99}", f"{float(auc) - 0.05:.2f}}}"))
    assert "3 passed" in generated_tests(project, returncode=0)


def generated_tests(project: Path, returncode: int) -> str:
    command = [str(project / ".venv/jobs/bin/python"), "-m", "pytest", "-q", "tests/include/leavers"]
    environment = projects.clean_environment()
    answer = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert answer.returncode == returncode, answer.stdout + answer.stderr
    return str(answer.stdout)
