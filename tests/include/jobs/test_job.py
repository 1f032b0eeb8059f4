"""How a job ends: complete outputs, or none and a reason."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import job
from job import DataError, run, staged


def fail_with(text: str) -> None:
    raise DataError(text)


def test_work_that_ends_well_leaves_no_message(tmp_path: Path) -> None:
    assert run(lambda: None, tmp_path / "message") == 0
    assert not (tmp_path / "message").exists()


def test_the_reason_becomes_the_exit_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(lambda: fail_with("line 3 is wrong"), tmp_path / "output/message") == 1
    assert (tmp_path / "output/message").read_text() == "line 3 is wrong"
    assert capsys.readouterr().err == "ERROR: line 3 is wrong\n"


def test_the_message_fits_a_kilobyte_and_stays_utf8(tmp_path: Path) -> None:
    run(lambda: fail_with("x" + "é" * 1000), tmp_path / "message")
    assert (tmp_path / "message").read_bytes() == ("x" + "é" * 511).encode()


def test_other_errors_are_defects_and_keep_their_traceback(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        run(lambda: print(1 / 0), tmp_path / "message")


def test_files_appear_together_at_the_end(tmp_path: Path) -> None:
    with staged(tmp_path / "output") as folder:
        (folder / "a").mkdir()
        (folder / "a/one.csv").write_text("1")
        assert not (tmp_path / "output/a").exists()
    assert (tmp_path / "output/a/one.csv").read_text() == "1"
    assert [path.name for path in (tmp_path / "output").iterdir()] == ["a"]


def test_a_failed_block_leaves_nothing(tmp_path: Path) -> None:
    def write_and_fail() -> None:
        with staged(tmp_path / "output") as folder:
            (folder / "one.csv").write_text("1")
            fail_with("too late")

    with pytest.raises(DataError):
        write_and_fail()
    assert list((tmp_path / "output").iterdir()) == []


def test_jobs_work_where_the_base_folder_is_another_one(tmp_path: Path) -> None:
    """Of SageMaker's toolkits, too, SAGEMAKER_BASE_DIR moves /opt/ml: how jobs run without namespaces."""
    code = "import job; print(job.FOLDER, job.MESSAGE_FILE, job.JOB_CONFIG)"
    environment = {"SAGEMAKER_BASE_DIR": str(tmp_path), "PYTHONPATH": str(Path(job.__file__).parent)}
    finished = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert all(Path(path).is_relative_to(tmp_path) for path in finished.stdout.decode().split())
