"""`make mwaa` by the rules of Amazon MWAA: its image's constraints, plugins.zip on the path, nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from scripts import mwaa

pytestmark = pytest.mark.timeout(600)  # the first time downloads Airflow

PROJECT = Path(__file__).parents[2]
HERE = Path(__file__).parent
UV = which("uv") or PROJECT / ".venv/uv/bin/uv"
CONSTRAINTS = HERE / "constraints.txt"
# what the image is made from, as far as it can be installed without a compiler
IMAGE = [
    "apache-airflow[celery,statsd]==3.3.1",
    "apache-airflow-core[gunicorn]==3.3.1",
    *(f"apache-airflow-providers-{name}" for name in ("amazon[aiobotocore]", "fab", "postgres", "standard")),
    *("watchtower", "fluent-logger"),
]
# MWAA looks for this, even in comments; without it, it uses the image's constraints
ELSEWHERE = "-c |--constraint "


def run(*words: str | Path, home: Path) -> str:
    """Run a command and return its output; it gets none of this process's settings of Airflow and Python."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW", "AWS_", "PYTHON"))
    }
    settings = {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    done = subprocess.run(
        [str(word) for word in words],
        cwd=home,
        env=inherited | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


def python_of_mwaa() -> Path:
    """Python 3.12 where the machine has it, also where pyenv keeps it aside; else this one."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/3.12.*/bin/python3.12")
    candidates: list[str | Path | None] = [which("python3.12"), *sorted(pyenv), sys.executable]
    for candidate in (path for path in candidates if path):
        if subprocess.run([candidate, "-c", "import venv"], capture_output=True, check=False).returncode == 0:
            return Path(candidate)
    raise AssertionError("no Python on this machine can make a virtual environment")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make mwaa` writes."""
    folder = tmp_path_factory.mktemp("dist") / "mwaa"
    mwaa.build(folder)
    return folder


@pytest.fixture(scope="module")
def home(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An Airflow home as MWAA lays it out: plugins.zip unpacked, dags/ beside it."""
    home = tmp_path_factory.mktemp("home")
    (built / "dags").rename(home / "dags")
    with zipfile.ZipFile(built / "plugins.zip") as archive:
        archive.extractall(home / "plugins")
    return home


@pytest.fixture(scope="module")
def environment(built: Path, home: Path) -> Path:
    """The image's packages, then our requirements, by the image's constraints."""
    folder, python = home / "venv", python_of_mwaa()
    version = run(python, "--version", home=home).strip()
    if not version.startswith("Python 3.12"):
        warnings.warn(f"tested with {version}: MWAA has 3.12, this machine does not", stacklevel=1)
    run(UV, "venv", "--python", python, folder, home=home)
    install = (UV, "pip", "install", "--python", folder, "--constraint", CONSTRAINTS)
    run(*install, *IMAGE, home=home)
    run(*install, "--requirement", built / "requirements.txt", home=home)
    return folder


@pytest.fixture(scope="module")
def report(environment: Path, home: Path) -> dict[str, Any]:
    """What Airflow finds there."""
    probe = (environment / "bin/python", "-I", HERE / "probe.py", home / "plugins")
    return dict(json.loads(run(*probe, home=home).splitlines()[-1]))


def test_every_dag_parses(report: dict[str, Any], home: Path) -> None:
    assert report["import_errors"] == {}
    written = {str(path.relative_to(PROJECT)) for path in (PROJECT / "dags").glob("*.py")}
    assert {str(Path(path).relative_to(home)) for path in report["dags"].values()} == written


def test_the_plugin_loads(report: dict[str, Any]) -> None:
    assert "aws_ml" in report["plugins"]
    assert report["plugin_errors"] == {}


def test_what_tasks_import_when_they_run_is_there_too(report: dict[str, Any]) -> None:
    assert report["imports"] > 100
    assert report["missing"] == []


def test_job_scripts_are_in_the_archive_and_the_local_aws_is_not(report: dict[str, Any], built: Path) -> None:
    assert {"preprocess.py", "tabular.py", "drift/bins.py"} <= set(report["bundle"])
    with zipfile.ZipFile(built / "plugins.zip") as archive:
        folders = {name.split("/")[1] for name in archive.namelist() if name.count("/") > 1}
    assert {"workflows", "use_cases"} <= folders
    assert not {"local_aws", "infrastructure"} & folders


def test_all_modules_of_the_project_come_from_the_archive(report: dict[str, Any], home: Path) -> None:
    assert report["ours"]
    assert [path for path in report["ours"] if not path.startswith(f"{home}/plugins/")] == []


def test_the_requirements_leave_the_constraints_to_the_image(built: Path) -> None:
    assert not re.search(ELSEWHERE, (built / "requirements.txt").read_text())


def test_all_that_is_installed_is_constrained(environment: Path, home: Path) -> None:
    """Otherwise the constraints of this test are incomplete."""
    names = re.findall(r"^([\w.-]+)==", CONSTRAINTS.read_text(), re.MULTILINE)
    frozen = run(UV, "pip", "freeze", "--python", environment, home=home)
    if "Python 3.12" in run(environment / "bin/python", "--version", home=home):
        assert set(re.findall(r"^([\w.-]+)==", frozen, re.MULTILINE)) <= set(names)


def test_equal_files_give_an_equal_archive(built: Path, tmp_path: Path) -> None:
    mwaa.write_plugins(tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == (built / "plugins.zip").read_bytes()
