"""What AWS's images hold: job scripts import nothing else, and the jobs environment has the same versions.

`include/local_aws/containers/libraries.json` is taken from the lock files that AWS builds its images from.
"""

from __future__ import annotations

import ast
import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from include.use_cases.churn.use_case import CHURN
from include.use_cases.movie_recommendations.use_case import MOVIES

PROJECT = Path(__file__).parents[2]
JOBS = PROJECT / "include/jobs"
LIBRARIES: dict[str, dict[str, Any]] = json.loads(
    (PROJECT / "include/local_aws/containers/libraries.json").read_text()
)
SKLEARN, XGBOOST = "sagemaker-scikit-learn", "sagemaker-xgboost"

IN_XGBOOST = {JOBS / "baseline.py"}  # it reads the model; all other scripts run in the scikit-learn image
MODULES = {"scikit-learn": "sklearn", "pyyaml": "yaml", "pillow": "PIL", "python-dateutil": "dateutil"}

COMPARED = ("pandas", "numpy", "scikit-learn", "scipy", "joblib", "pyarrow", "xgboost")
# Python is not compared: MWAA and Airflow's images decide it, and the project runs on 3.11, too. Entries of
# the lock for Python 3.11 are not compared either: numpy 2.5 does not exist for it.
IMAGE = {
    "python_version": "3.12",
    "python_full_version": "3.12.0",
    "sys_platform": "linux",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
}


def locked() -> dict[str, str]:
    """Versions of the jobs environment's lock, as they are installed on the image's platform."""
    lines = (PROJECT / "include/local_aws/requirements.lock").read_text().splitlines()
    requirements = [Requirement(line) for line in lines if line and line[0] not in " #"]
    return {
        requirement.name.removesuffix("-cpu"): str(requirement.specifier).removeprefix("==")
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate(IMAGE)
    }


@pytest.mark.parametrize("package", COMPARED)
def test_the_jobs_environment_has_the_versions_of_the_images(package: str) -> None:
    """Where the images differ, as in the scikit-learn image: most jobs run there, and there is one environment."""
    packages = {**LIBRARIES[XGBOOST]["packages"], **LIBRARIES[SKLEARN]["packages"]}
    ours, theirs = Version(locked()[package]), Version(packages[package])
    assert (ours.major, ours.minor) == (theirs.major, theirs.minor)


@pytest.mark.parametrize(
    ("image", "version"),
    [
        (SKLEARN, CHURN.sklearn_version),
        (SKLEARN, MOVIES.sklearn_version),
        (XGBOOST, CHURN.xgboost_version),
    ],
)
def test_the_table_is_of_the_images_that_the_use_cases_name(image: str, version: str) -> None:
    assert LIBRARIES[image]["version"] == version


def test_the_page_shows_the_table() -> None:
    page = (PROJECT / "docs/local-aws.md").read_text()
    for package in dict.fromkeys(name for image in LIBRARIES.values() for name in image["packages"]):
        versions = [LIBRARIES[image]["packages"].get(package, "no") for image in (SKLEARN, XGBOOST)]
        assert f"| {package} | {' | '.join(versions)} |" in page


# ---- what a job script imports


def scripts() -> list[Path]:
    paths = [*sorted(JOBS.rglob("*.py")), *sorted((PROJECT / "include/use_cases").glob("*/jobs/*.py"))]
    assert len(paths) > 30
    return paths


@cache
def imports_at_run_time(path: Path) -> frozenset[str]:
    """Dotted names of the modules that a file imports, without those for type checkers."""
    names: set[str] = set()
    pending: list[ast.AST] = [ast.parse(path.read_text())]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            pending += node.orelse
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        pending += ast.iter_child_nodes(node)
    return frozenset(names)


def neighbour(path: Path, module: str) -> Path | None:
    """The file of the same bundle that a module name means."""
    relative = Path(*module.split(".")).with_suffix(".py")
    return next((folder / relative for folder in (path.parent, JOBS) if (folder / relative).is_file()), None)


def closure(script: Path) -> set[Path]:
    """A script and all files of its bundle that it imports, directly or not."""
    reached: set[Path] = set()
    pending = [script]
    while pending:
        path = pending.pop()
        if path not in reached:
            reached.add(path)
            pending += [file for name in imports_at_run_time(path) if (file := neighbour(path, name))]
    return reached


def third_party(path: Path) -> set[str]:
    """Top names of imported modules that are neither Python's nor of the bundle."""
    folders = {folder.name for folder in JOBS.iterdir() if folder.is_dir()}
    foreign = {name for name in imports_at_run_time(path) if neighbour(path, name) is None}
    return {name.split(".")[0] for name in foreign} - set(sys.stdlib_module_names) - folders - bundle(path)


def bundle(path: Path) -> set[str]:
    """Top names of the scripts beside a file, and of the shared ones."""
    return {file.stem for folder in (path.parent, JOBS) for file in folder.glob("*.py")}


def image_of(script: Path) -> str:
    return XGBOOST if script in IN_XGBOOST else SKLEARN


def modules(image: str) -> set[str]:
    return {MODULES.get(package, package) for package in LIBRARIES[image]["packages"]}


@pytest.mark.parametrize(
    "script", [path for path in scripts() if path.parent.name == "jobs"], ids=lambda path: path.name
)
def test_a_script_imports_only_what_its_image_holds(script: Path) -> None:
    """Directly or through the files that it shares with others."""
    for path in closure(script):
        missing = third_party(path) - modules(image_of(script))
        assert not missing, f"{path.relative_to(PROJECT)} imports {missing}, not in {image_of(script)}"


def test_a_file_that_no_script_reaches_would_go_unchecked() -> None:
    entries = [path for path in scripts() if path.parent.name == "jobs"]
    reached = set().union(*(closure(script) for script in entries))
    assert {path for path in scripts() if path not in reached} == set()


def test_the_rule_sees_what_only_one_image_holds() -> None:
    """Otherwise the rule would prove nothing: XGBoost is in one image, and baseline.py needs it."""
    files = closure(JOBS / "baseline.py")
    assert "xgboost" in set().union(*map(third_party, files))
    assert "xgboost" not in modules(SKLEARN)
    assert "matplotlib" in modules(XGBOOST) - modules(SKLEARN)
