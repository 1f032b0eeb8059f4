"""Generated use cases at work, in a copy of the project: from a CSV file to a served endpoint.

Runs in Airflow's environment and takes about four minutes: `make use-case-test`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.new_use_case.generated import NAMES, POSITIVE, VARIABLES, run, scenario

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def first_runs(generated_project: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return scenario(generated_project, "first_runs", tmp_path_factory.mktemp("first"))


def test_the_projects_own_tests_accept_the_copy(generated_project: Path) -> None:
    """Pages, rooms, and what every DAG keeps to; with the types of DAG files."""
    python = str(generated_project / ".venv/airflow/bin/python")
    run(generated_project, python, "-m", "pytest", "-q", "tests/project", "tests/dags/test_every_dag.py")
    run(generated_project, str(generated_project / ".venv/airflow/bin/mypy"), "dags")


@pytest.mark.parametrize("name", NAMES)
def test_the_generated_dag_ends_with_a_served_endpoint(
    first_runs: dict[str, Any], making: dict[str, float], name: str
) -> None:
    first = first_runs[name]
    states = {task: state.rpartition(".")[2].lower() for task, state in first["states"].items()}
    assert states.pop("teardown") == "skipped"
    assert set(states.values()) == {"success"}, states
    label, score = first["answer"].split(",")
    assert (label == POSITIVE[name]) == (float(score) > 0.5)
    command, workflow = making[name], first["seconds"]
    parts = f"{command:.0f} s for the command, {workflow:.0f} s for the workflow"
    print(f"\n{name}: {command + workflow:.0f} s from CSV to a served endpoint ({parts})")


@pytest.mark.parametrize("name", NAMES)
def test_its_auc_is_that_of_a_plain_script(
    generated_project: Path, first_runs: dict[str, Any], name: str
) -> None:
    variables = VARIABLES[name]
    words = [variables["CSV"], variables["LABEL"], POSITIVE[name], variables.get("NAMES", "")]
    python, script = str(generated_project / ".venv/jobs/bin/python"), "tests/new_use_case/plain_script.py"
    plain = float(run(generated_project, python, script, *words))
    print(f"\n{name}: AUC {first_runs[name]['auc']:.4f}, plain script {plain:.4f}")
    assert first_runs[name]["auc"] == pytest.approx(plain, abs=0.01)
