"""Generated use cases at work, in a copy of the project: the DAG, then drift, retraining and promotion.

Runs in Airflow's environment and takes about ten minutes:

    ML_DATASETS_DIR=<folder> .venv/airflow/bin/python -m pytest -s tests/new_use_case/test_generated_dag.py
"""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.new_use_case import projects
from tests.new_use_case.projects import ADULT, ADULT_NAMES, BANK, PROJECT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(1800)

NAMES = ["term_deposits", "incomes"]
POSITIVE = {"term_deposits": "yes", "incomes": ">50K"}
VARIABLES = {
    "term_deposits": {"CSV": str(BANK), "LABEL": "y"},
    "incomes": {"CSV": str(ADULT), "LABEL": "income", "NAMES": ADULT_NAMES},
}


def run(project: Path, *command: str) -> str:
    """Run a command in the copy, and return what it prints."""
    environment = projects.clean_environment()
    answer = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout[-20_000:] + answer.stderr[-20_000:]
    return str(answer.stdout)


def scenario(project: Path, module: str, folder: Path) -> dict[str, Any]:
    """The JSON in the last line that a module prints."""
    python = str(project / ".venv/airflow/bin/python")
    answer = run(project, python, "-m", f"tests.new_use_case.{module}", str(folder), *NAMES)
    return dict(json.loads(answer.splitlines()[-1]))


@pytest.fixture(scope="module")
def making() -> dict[str, float]:
    """Seconds that `make use-case` took, by use case."""
    return {}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, making: dict[str, float]) -> Path:
    """A copy of the project with two more use cases; nothing was written to the work tree."""
    projects.require_real_data()
    before = projects.status(PROJECT)
    copied = projects.copy_of_the_project(tmp_path_factory.mktemp("copy"))
    for name in NAMES:
        start = time.monotonic()
        answer = projects.make_use_case(copied, NAME=name, **VARIABLES[name])
        assert answer.returncode == 0, answer.stderr
        making[name] = time.monotonic() - start
    assert projects.status(PROJECT) == before
    return copied


@pytest.fixture(scope="module")
def first_runs(project: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return scenario(project, "first_runs", tmp_path_factory.mktemp("first"))


@pytest.fixture(scope="module")
def loops(project: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return scenario(project, "loop_runs", tmp_path_factory.mktemp("loop"))


def test_the_projects_own_tests_accept_the_copy(project: Path) -> None:
    """Pages, rooms, and what every DAG keeps to; with the types of DAG files."""
    python = str(project / ".venv/airflow/bin/python")
    run(project, python, "-m", "pytest", "-q", "tests/project", "tests/dags/test_every_dag.py")
    run(project, str(project / ".venv/airflow/bin/mypy"), "dags")


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
def test_its_auc_is_that_of_a_plain_script(project: Path, first_runs: dict[str, Any], name: str) -> None:
    variables = VARIABLES[name]
    words = [variables["CSV"], variables["LABEL"], POSITIVE[name], variables.get("NAMES", "")]
    python, script = str(project / ".venv/jobs/bin/python"), "tests/new_use_case/plain_script.py"
    plain = float(run(project, python, script, *words))
    print(f"\n{name}: AUC {first_runs[name]['auc']:.4f}, plain script {plain:.4f}")
    assert first_runs[name]["auc"] == pytest.approx(plain, abs=0.01)


@pytest.mark.parametrize("name", NAMES)
def test_the_monitor_sees_shifted_traffic(loops: dict[str, Any], name: str) -> None:
    assert set(loops[name]["states"]) == {"success"}
    assert loops[name]["window"]["verdict"] == "drift", loops[name]["window"]
    assert loops[name]["window"]["columns"]


@pytest.mark.parametrize("name", NAMES)
def test_a_better_challenger_is_promoted(loops: dict[str, Any], name: str) -> None:
    decision, (_, _, poor, served) = loops[name]["better"], loops[name]["models"]
    assert decision["outcome"] == "promoted", decision
    assert served == decision["challenger"]["model_name"] != poor


@pytest.mark.parametrize("name", NAMES)
def test_a_worse_challenger_does_not_replace_the_champion(loops: dict[str, Any], name: str) -> None:
    decision, (champion, served, _, _) = loops[name]["worse"], loops[name]["models"]
    assert decision["outcome"] == "rejected", decision
    assert "auc" in decision["why"]
    assert served == champion
