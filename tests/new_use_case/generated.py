"""Two further use cases, which `make use-case` adds to a copy of the project."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

from tests.new_use_case import projects
from tests.new_use_case.projects import ADULT, ADULT_NAMES, BANK

if TYPE_CHECKING:
    from pathlib import Path

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
