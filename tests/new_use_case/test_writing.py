"""All files or none: what exists is not overwritten, and a fault midway takes back what was written."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from scripts.new_use_case import __main__ as command
from scripts.new_use_case import writing
from tests.new_use_case.people import GOOD, Folder, refusal, text
from tests.new_use_case.projects import PROJECT, clean_environment, contents

if TYPE_CHECKING:
    from pathlib import Path

    from scripts.new_use_case.draft import Draft


@pytest.mark.parametrize(
    "path",
    ["dags/leavers.py", "data/leavers/old.csv", "tests/include/leavers/x.py", "include/use_cases/leavers.py"],
)
def test_nothing_is_overwritten(folder: Folder, capsys: pytest.CaptureFixture[str], path: str) -> None:
    (folder.project / path).parent.mkdir(parents=True, exist_ok=True)
    (folder.project / path).write_text("mine\n")
    assert "exists already, and nothing is overwritten" in refusal(folder, capsys, text(GOOD))


def test_a_second_time_is_refused(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    assert folder.run(text(GOOD)) == 0
    capsys.readouterr()
    assert "include/use_cases/leavers exists already" in refusal(folder, capsys, text(GOOD))


def test_a_folder_of_this_name_in_ml_datasets_dir_is_named(
    folder: Folder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sets/leavers").mkdir(parents=True)
    monkeypatch.setenv("ML_DATASETS_DIR", str(tmp_path / "sets"))
    assert "because ML_DATASETS_DIR is set" in refusal(folder, capsys, text(GOOD))


def test_a_catalogue_that_cannot_be_extended_stops_the_command(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder.project / "include/use_cases/catalogue.py").write_text("CLASSIFIERS = {}\n")
    assert "expected CLASSIFIERS = {case.name: case for case in (...)}" in refusal(folder, capsys, text(GOOD))


def test_what_a_killed_run_left_is_named_with_the_command_that_removes_it(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in ("data/leavers", "include/use_cases/leavers"):
        (folder.project / path).mkdir(parents=True)
    message = refusal(folder, capsys, text(GOOD))
    assert "remove it: rm -r include/use_cases/leavers data/leavers\n" in message


def test_a_catalogue_that_another_command_changes_meanwhile_stays_as_that_left_it(
    folder: Folder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = folder.project / "include/use_cases/catalogue.py"
    changed = f"{catalogue.read_text()}# another use case\n"

    def plan(draft: Draft, project: Path) -> writing.Files:
        files = writing.plan(draft, project)
        catalogue.write_text(changed)
        return files

    monkeypatch.setattr(command, "plan", plan)
    assert folder.run(text(GOOD)) == 2
    assert "include/use_cases/catalogue.py was changed while this command ran" in capsys.readouterr().err
    assert catalogue.read_text() == changed
    assert not (folder.project / "data").exists()


def test_a_foreign_file_in_a_folder_hides_no_fault(
    folder: Folder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python's cache is removed; any other file stays, and the message says what is left."""
    package = folder.project / "include/use_cases/leavers"

    def fail(path: Path, text: str) -> None:
        (package / "__pycache__").mkdir()
        (package / "__pycache__/use_case.pyc").touch()
        (folder.project / "data/leavers/notes.txt").touch()
        raise OSError("disk full")

    monkeypatch.setattr(writing, "_replace", fail)
    assert folder.run(text(GOOD)) == 1
    data = folder.project / "data"
    expected = f"disk full\nThese could not be removed: {data}, {data / 'leavers'}\n"
    assert capsys.readouterr().err == expected
    assert not package.exists()
    assert [path.name for path in (data / "leavers").iterdir()] == ["notes.txt"]


def test_a_request_to_end_takes_back_what_was_written(folder: Folder, tmp_path: Path) -> None:
    """SIGTERM after some of the files, in a process of its own."""
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    folder.csv.write_text(text(GOOD))
    before = contents(folder.project)
    answer = subprocess.run(
        [sys.executable, str(script), str(folder.csv), str(folder.project)],
        cwd=PROJECT,
        env={**clean_environment(), "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 143, answer.stderr
    assert contents(folder.project) == before


KILLED = """
import os, runpy, signal, sys
from pathlib import Path
from scripts.new_use_case import writing

csv, project = sys.argv[1:]
create = writing._new_file

def killed(path, created):
    if path.name == "README.md":
        os.kill(os.getpid(), signal.SIGTERM)
    return create(path, created)

def write(files, _, whole=writing.write):
    whole(files, Path(project))

writing._new_file, writing.write = killed, write
check, plan = writing.check_free, writing.plan
writing.check_free = lambda options, _: check(options, Path(project))
writing.plan = lambda draft, _: plan(draft, Path(project))
sys.argv = ["new_use_case", "--name=leavers", f"--csv={csv}", "--label=leaves"]
runpy.run_module("scripts.new_use_case", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("fault", [OSError("disk full"), KeyboardInterrupt()], ids=["disk full", "Ctrl-C"])
@pytest.mark.parametrize("step", ["_new_file", "_replace"])
def test_a_fault_midway_removes_what_was_written(
    folder: Folder,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    fault: BaseException,
) -> None:
    """The last new file cannot be created, or the catalogue not be replaced."""
    before, create = contents(folder.project), writing._new_file

    def fail(path: Path, rest: object) -> Path:
        if step == "_replace" or path.parent.name == "dags":
            raise fault
        return create(path, rest)  # type: ignore[arg-type]

    monkeypatch.setattr(writing, step, fail)
    if isinstance(fault, KeyboardInterrupt):
        with pytest.raises(KeyboardInterrupt):
            folder.run(text(GOOD))
    else:
        assert folder.run(text(GOOD)) == 1
        assert "disk full\nNothing was written." in capsys.readouterr().err
    assert contents(folder.project) == before
