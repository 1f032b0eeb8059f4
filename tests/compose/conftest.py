"""One stack for all tests of this folder; they run in the order in which they stand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from scripts import local_settings as local
from tests.compose.engine import Compose, eventually, missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BUSY_AT_THE_START = os.getloadavg()[0]  # processes that waited for a core, in the last minute
ARTEFACTS = local.RUN / "compose"  # logs of the containers, what was measured


@pytest.fixture(scope="session")
def measured() -> Iterator[dict[str, object]]:
    """What the tests measured; it is printed and written to measured.json."""
    numbers: dict[str, object] = {}
    yield numbers
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    (ARTEFACTS / "measured.json").write_text(json.dumps(numbers, indent=1))
    print(json.dumps(numbers, indent=1))


@pytest.fixture(scope="session")
def quiet() -> bool:
    """Whether the cores of this machine were free when the tests began."""
    return BUSY_AT_THE_START < 1


@pytest.fixture(scope="session")
def compose() -> Iterator[Compose]:
    """The project, its images built, nothing started; everything of it is removed at the end."""
    if reason := missing():
        pytest.skip(f"docker compose was not tested: {reason}.")
    project = Compose("ml-compose-test")
    project("down", "--volumes", "--remove-orphans")
    project("build")
    yield project
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    (ARTEFACTS / "containers.log").write_text(project("logs", "--no-color"))
    project("down", "--volumes", "--remove-orphans")
    assert (project.containers(), project.volumes()) == ([], [])


@pytest.fixture(scope="session")
def stack(compose: Compose, measured: dict[str, object]) -> Compose:
    """The stack as `docker compose up` leaves it."""
    measured["seconds to healthy"] = round(compose.up(seconds=600))
    eventually(lambda: compose.api, 60, "the login works")
    compose.api.wait_for_dag("churn", 300)
    return compose


@pytest.fixture(scope="session")
def person(stack: Compose) -> Callable[..., None]:
    """Somebody at Airflow's UI: `person("trigger", dag="churn", values={})`; the steps of `browser.py`.

    The browser: the one that CHROMIUM names, else the machine's, else Playwright's own, downloaded.
    """
    python = local.PROJECT / ".venv/browser/bin/python"
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        subprocess.run([python, "-m", "playwright", "install", "chromium"], check=True)

    def does(step: str, **values: object) -> None:
        done = subprocess.run(
            [
                python,
                "-m",
                "tests.compose.browser",
                stack.url,
                ARTEFACTS / "pictures",
                step,
                json.dumps(values),
            ],
            cwd=local.PROJECT,
            env={**os.environ, "PASSWORD": stack.password(), "CHROMIUM": chromium or ""},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{step}: {done.stdout[-3000:]}{done.stderr[-3000:]}"

    return does
