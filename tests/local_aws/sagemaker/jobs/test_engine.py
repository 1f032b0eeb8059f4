from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from include.local_aws.calls import Caller
from include.local_aws.logs import LogStore
from include.local_aws.protocol.errors import AwsError, ResourceInUse, ValidationException
from include.local_aws.runner import Container, probe
from include.local_aws.sagemaker.jobs.engine import JobEngine, JobSettings
from include.local_aws.sagemaker.jobs.job import Job, JobFailed
from include.local_aws.sagemaker.jobs.kind import JobKind
from include.local_aws.sagemaker.tags import TagStore
from include.local_aws.state import State
from tests.local_aws.sagemaker.job_requests import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LABELING = JobKind(
    word="Labeling",
    noun="labeling job",
    name_in_use="there is {arn}",
    not_described="no {name}",
    not_stopped="no {name} to stop",
)


RUNNER = probe()


class Laboratory:
    """An engine on a state folder, and its labeling jobs."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.state = State(folder)
        defaults = {"concurrent_jobs": 1, "observable_seconds": 0.0}
        logs, tags = LogStore(self.state), TagStore(self.state)
        self.engine = JobEngine(self.state, RUNNER, logs, tags, JobSettings(**(defaults | settings)))
        self.jobs = self.engine.of_kind(LABELING)

    def create(self, name: str, work: Callable[[Job], None] = lambda job: None) -> str:
        return self.jobs.create({"LabelingJobName": name}, None, Caller(), work)

    def status(self, name: str) -> str:
        document = self.jobs.documents.get(name)
        assert document is not None
        return str(document["LabelingJobStatus"])

    def ended(self, name: str) -> dict[str, Any]:
        eventually(lambda: self.status(name) in ("Completed", "Failed", "Stopped"))
        return self.jobs.describe(name)

    def close(self) -> None:
        self.engine.close()
        self.state.close()


@pytest.fixture
def laboratory(tmp_path: Path) -> Iterator[Laboratory]:
    laboratory = Laboratory(tmp_path / "state")
    yield laboratory
    laboratory.close()


def until_interrupted(job: Job) -> None:
    job.interrupted.wait(20)
    job.check()


def test_work_runs_in_a_folder_of_its_own_that_is_removed(laboratory: Laboratory) -> None:
    folders = []

    def work(job: Job) -> None:
        (job.folder / "scratch").write_text("x")
        folders.append(job.folder)

    arn = laboratory.create("Neat", work)
    assert arn == "arn:aws:sagemaker:us-east-1:123456789012:labeling-job/neat"
    assert laboratory.ended("Neat")["LabelingJobStatus"] == "Completed"
    assert not folders[0].exists()


def test_the_folder_is_kept_on_request(tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path / "state", keep_job_folders=True)

    def work(job: Job) -> None:
        (job.folder / "scratch").write_text("x")

    laboratory.create("kept", work)
    laboratory.ended("kept")
    assert (laboratory.engine.folder / "labeling_job" / "kept" / "scratch").read_text() == "x"
    laboratory.close()


def test_a_fault_of_the_server_fails_the_job_with_the_reason(
    laboratory: Laboratory, caplog: pytest.LogCaptureFixture
) -> None:
    laboratory.create("unlucky", lambda job: [][0])
    job = laboratory.ended("unlucky")
    assert job["LabelingJobStatus"] == "Failed"
    assert job["FailureReason"] == "InternalServerError: IndexError: list index out of range"
    assert "labeling job unlucky failed by a fault of the server" in caplog.text


def test_a_long_reason_is_cut_at_the_limit_of_the_api(laboratory: Laboratory) -> None:
    def work(job: Job) -> None:
        raise JobFailed("x" * 5000)

    laboratory.create("verbose", work)
    assert laboratory.ended("verbose")["FailureReason"] == "x" * 1024


def test_jobs_beyond_the_limit_wait_and_can_be_stopped_while_they_wait(laboratory: Laboratory) -> None:
    laboratory.create("first", until_interrupted)
    laboratory.create("second", lambda job: pytest.fail("it must never run"))
    assert (laboratory.status("first"), laboratory.status("second")) == ("InProgress", "InProgress")
    laboratory.jobs.stop("second")
    assert laboratory.ended("second")["LabelingJobStatus"] == "Stopped"
    assert laboratory.status("first") == "InProgress"
    laboratory.jobs.stop("first")
    assert laboratory.ended("first")["LabelingJobStatus"] == "Stopped"


def test_never_more_jobs_run_than_allowed(tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path / "state", concurrent_jobs=2)
    running, most, lock = set(), [0], threading.Lock()

    def work(job: Job) -> None:
        with lock:
            running.add(job.name)
            most[0] = max(most[0], len(running))
        job.interrupted.wait(0.05)
        with lock:
            running.remove(job.name)

    for number in range(6):
        laboratory.create(f"job-{number}", work)
    for number in range(6):
        assert laboratory.ended(f"job-{number}")["LabelingJobStatus"] == "Completed"
    assert most == [2]
    laboratory.close()


def test_a_job_asked_to_stop_is_stopping_until_its_work_is_over(laboratory: Laboratory) -> None:
    may_end = threading.Event()

    def work(job: Job) -> None:
        job.interrupted.wait(20)
        may_end.wait(20)
        job.check()

    laboratory.create("slow-to-stop", work)
    laboratory.jobs.stop("slow-to-stop")
    laboratory.jobs.stop("slow-to-stop")  # a second call changes nothing
    assert laboratory.status("slow-to-stop") == "Stopping"
    with pytest.raises(ResourceInUse, match="cannot be deleted in status Stopping"):
        laboratory.jobs.delete("slow-to-stop")
    may_end.set()
    assert laboratory.ended("slow-to-stop")["LabelingJobStatus"] == "Stopped"
    with pytest.raises(ValidationException, match="because the labeling job is in status Stopped"):
        laboratory.jobs.stop("slow-to-stop")


def test_a_job_that_nobody_has_described_stays_in_progress_for_a_while(tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path / "state", observable_seconds=30)
    worked = threading.Event()
    laboratory.create("shy", lambda job: worked.set())
    assert worked.wait(10)
    assert laboratory.status("shy") == "InProgress"
    assert laboratory.jobs.describe("shy")["LabelingJobStatus"] == "InProgress"
    assert laboratory.ended("shy")["LabelingJobStatus"] == "Completed"
    laboratory.close()


def test_a_name_is_unique_and_the_first_job_is_not_touched(laboratory: Laboratory) -> None:
    laboratory.create("one")
    with pytest.raises(AwsError, match="ResourceInUse: there is arn:.*labeling-job/one"):
        laboratory.create("one", until_interrupted)
    assert laboratory.ended("one")["LabelingJobStatus"] == "Completed"


def test_closing_ends_running_and_queued_jobs_as_failed(tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path / "state")
    laboratory.create("running", until_interrupted)
    laboratory.create("queued", until_interrupted)
    laboratory.create("stopping", until_interrupted)
    laboratory.close()
    again = Laboratory(tmp_path / "state")
    for name in ("running", "queued", "stopping"):
        job = again.jobs.describe(name)
        assert job["LabelingJobStatus"] == "Failed"
        assert "the local AWS server stopped while the job was running" in job["FailureReason"]
        assert job["LabelingEndTime"] >= job["CreationTime"]
    again.close()


def python(job: Job, code: str, host: str = "algo-1") -> Container:
    root = job.folder / host
    root.mkdir()
    return Container(("python3", "-S", "-c", code), root, {})


def test_containers_run_side_by_side_and_tell_their_exit_codes(laboratory: Laboratory) -> None:
    lines, codes = [], []

    def work(job: Job) -> None:
        containers = {host: python(job, f"print('{host}')", host) for host in ("algo-1", "algo-2")}
        codes.append(job.run(containers, lambda host, line: lines.append((host, line))))

    laboratory.create("pair", work)
    laboratory.ended("pair")
    assert codes == [{"algo-1": 0, "algo-2": 0}]
    assert sorted(lines) == [("algo-1", "algo-1"), ("algo-2", "algo-2")]


class Deaf:
    """Work that runs a container which ignores SIGTERM; `up` is set when it has begun to do so."""

    CODE = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up'); time.sleep(60)"

    def __init__(self) -> None:
        self.up = threading.Event()

    def __call__(self, job: Job) -> None:
        job.run({"algo-1": python(job, self.CODE)}, lambda host, line: self.up.set())


@pytest.fixture
def deaf() -> Deaf:
    return Deaf()


def test_a_container_that_ignores_sigterm_is_killed_after_the_grace_period(
    tmp_path: Path, deaf: Deaf
) -> None:
    laboratory = Laboratory(tmp_path / "state", stop_grace=0.3)
    laboratory.create("deaf", deaf)
    assert deaf.up.wait(20)
    laboratory.jobs.stop("deaf")
    assert laboratory.ended("deaf")["LabelingJobStatus"] == "Stopped"
    laboratory.close()


def test_closing_does_not_wait_for_the_grace_period(tmp_path: Path, deaf: Deaf) -> None:
    laboratory = Laboratory(tmp_path / "state", stop_grace=60)
    laboratory.create("deaf", deaf)
    assert deaf.up.wait(20)
    laboratory.jobs.stop("deaf")
    started = time.monotonic()
    laboratory.close()
    assert time.monotonic() - started < 10
