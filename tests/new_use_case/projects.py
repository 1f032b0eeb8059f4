"""Places to run the command in: a small project without data, and a whole copy of this project."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
DATASETS = Path(os.environ.get("ML_DATASETS_DIR") or "/nonexistent")
BANK = DATASETS / "bank_marketing/bank-additional-full.csv"
ADULT = DATASETS / "adult/adult.data"
ADULT_NAMES = (
    "age,workclass,fnlwgt,education,education_num,marital_status,occupation,relationship,race,sex,"
    "capital_gain,capital_loss,hours_per_week,native_country,income"
)


def require_real_data() -> None:
    """Skip a test without the real data."""
    absent = [str(path) for path in (BANK, ADULT) if not path.is_file()]
    if absent:
        pytest.skip(f"ML_DATASETS_DIR has to hold bank_marketing and adult: no file {', '.join(absent)}")


def small_project(folder: Path) -> Path:
    """The folders that the command writes to, with the real catalogue."""
    for name in ("dags", "include/use_cases", "tests/include"):
        (folder / name).mkdir(parents=True)
    shutil.copy(PROJECT / "include/use_cases/catalogue.py", folder / "include/use_cases/catalogue.py")
    return folder


def contents(folder: Path) -> dict[str, str]:
    """Digest by path, folders included: what must not change."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in folder.rglob("*")
    }


def copy_of_the_project(folder: Path) -> Path:
    """Every file that git would commit, the environments linked, and a repository of its own."""
    names = _git(PROJECT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    for name in filter(None, names):
        if (PROJECT / name).is_file() and not (PROJECT / name).is_symlink():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, folder / name)
    (folder / ".venv").symlink_to((PROJECT / ".venv").resolve())
    _git(folder, "init", "-q")
    return folder


def status(folder: Path) -> str:
    """What git says of the work tree."""
    return _git(folder, "status", "--porcelain", "--untracked-files=all")


def _git(folder: Path, *words: str) -> str:
    answer = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True)
    return answer.stdout


def clean_environment() -> dict[str, str]:
    """This process's environment without what would point the copy back at this project."""
    pointing = ("PYTHONPATH", "AWS_", "AIRFLOW", "ML_", "PYTEST_", "MAKE", "MFLAGS")
    return {name: text for name, text in os.environ.items() if not name.startswith(pointing)}


def make_use_case(project: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """`make use-case` in a project whose environments are installed."""
    words = [f"{name}={text}" for name, text in variables.items()]
    return subprocess.run(
        ["make", "-s", "-o", "install", "use-case", *words],
        cwd=project,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
