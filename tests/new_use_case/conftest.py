from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.new_use_case import projects
from tests.new_use_case.generated import NAMES, VARIABLES
from tests.new_use_case.people import Folder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.delenv("ML_DATASETS_DIR", raising=False)
    return Folder(tmp_path)


@pytest.fixture(scope="module")
def making() -> dict[str, float]:
    """Seconds that `make use-case` took, by use case."""
    return {}


@pytest.fixture(scope="module")
def generated_project(tmp_path_factory: pytest.TempPathFactory, making: dict[str, float]) -> Path:
    """A copy of the project with two more use cases; nothing was written to the work tree."""
    projects.require_real_data()
    before = projects.status(projects.PROJECT)
    copied = projects.copy_of_the_project(tmp_path_factory.mktemp("copy"))
    for name in NAMES:
        start = time.monotonic()
        answer = projects.make_use_case(copied, NAME=name, **VARIABLES[name])
        assert answer.returncode == 0, answer.stderr
        making[name] = time.monotonic() - start
    assert projects.status(projects.PROJECT) == before
    return copied
