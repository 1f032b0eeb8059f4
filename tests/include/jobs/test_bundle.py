"""Job scripts run from their bundle alone: the shared files and the templates of the reports travel along."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from include.aws.code_bundles import read_bundle
from include.use_cases.churn.use_case import CHURN

if TYPE_CHECKING:
    from pathlib import Path


def unpack(target: Path, *folders: str) -> Path:
    for name, content in read_bundle(*folders).files.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return target


def run_script(script: Path, *arguments: str) -> None:
    """Run a script as a container does: nothing of the project on the path."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(
        [sys.executable, str(script), *arguments], cwd=script.parents[1], env=environment, check=True
    )


def test_an_evaluation_runs_from_its_bundle(tmp_path: Path) -> None:
    code = unpack(tmp_path / "code", "jobs")
    (tmp_path / "test.csv").write_text("Churn?\nTrue.\nFalse.\n")
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers/test.csv.out").write_text("True.,0.9\nFalse.,0.2\n")
    places = ["--labelled", "test.csv", "--predictions", "answers", "--output", "out", "--message", "why"]
    run_script(code / "evaluate.py", *CHURN.evaluation_arguments, "--data-source", "two rows", *places)
    assert "two rows" in (tmp_path / "out/report.html").read_text()


@pytest.mark.parametrize("template", ["page.html", "style.html", "drift.html", "comparison.html"])
def test_the_templates_are_in_the_bundle(template: str) -> None:
    assert f"reports/templates/{template}" in read_bundle("jobs").files


def test_a_use_case_brings_its_own_template(tmp_path: Path) -> None:
    code = unpack(tmp_path / "code", "jobs", "use_cases/movie_recommendations/jobs")
    program = (
        "import evaluate_recommenders as job\n"
        "summary = dict(interactions=9, users=3, items=6, training=5, holdout=2, seed=1)\n"
        "names = ('precision_5', 'precision_10', 'precision_25', 'ndcg_10', 'ndcg_listed_10', 'mrr_25')\n"
        "metrics = {'popular films': {**dict.fromkeys(names, 0.25), 'coverage': 1.0}}\n"
        "document = dict(holdout=metrics, new_items={}, offline={}, published={}, published_source='',\n"
        "                data_source='<made up>', summary=summary)\n"
        "print(job.html('Films', document))"
    )
    page = subprocess.run(
        [sys.executable, "-c", program], cwd=code, capture_output=True, check=True, text=True
    ).stdout
    assert "&lt;made up&gt;" in page
    assert "0.2500" in page
