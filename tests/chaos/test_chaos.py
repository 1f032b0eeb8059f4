"""Every kind of job under a real scheduler, while workers, the triggerer and the local AWS are killed.

Each test expects as many jobs as the policy allows, the true outcome, and each line of the job's log exactly
once in the log of the task's last try.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from datetime import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from aws_ml.lifecycle.kinds import KINDS as ALL_KINDS
from aws_ml.names import resource_name
from scripts import local_settings as local
from tests.airflow_stack import FINISHED, Stack, eventually, insist
from tests.chaos import counting_jobs

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(900)

KINDS = list(counting_jobs.REQUESTS)
LOGGED = ("processing", "training", "transform")
DEATHS = ("before create", "after create", "while waiting")
QUICK = {  # tasks defer at once; Airflow notices a dead process within seconds
    "AIRFLOW__AWS_ML__DEFER_AFTER": "0",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "10",
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
    "AIRFLOW__CORE__PARALLELISM": "8",
    "AIRFLOW__CORE__MAX_ACTIVE_RUNS_PER_DAG": "32",
}


class Run:
    """One run of a chaos DAG."""

    def __init__(self, stack: Stack, kind: str, how: str, die: str = "") -> None:
        self.stack, self.kind, self.dag = stack, kind, f"chaos_{kind}_{how}"
        self.id = str(insist(lambda: stack.api.trigger(self.dag, {"die": die})))
        self.path = f"/dags/{self.dag}/dagRuns/{self.id}"

    @property
    def state(self) -> str:
        return str(self.stack.api.get(self.path)["state"])

    @property
    def task(self) -> dict[str, Any]:
        return dict(self.stack.api.get(f"{self.path}/taskInstances/job"))

    def finish(self, seconds: float = 240) -> Run:
        eventually(lambda: self.state in FINISHED, seconds)
        return self

    def wait_until_deferred(self) -> None:
        """Wait until the triggerer has the task: before that, Airflow cannot tell the trigger of a kill."""
        eventually(lambda: self.task["state"] == "deferred" and self.task["triggerer_job"])
        time.sleep(1)

    def clear(self) -> None:
        body = {"dry_run": False, "dag_run_id": self.id, "task_ids": ["job"], "only_failed": False}
        insist(lambda: self.stack.api.post(f"/dags/{self.dag}/clearTaskInstances", body))

    def fail(self) -> None:
        insist(lambda: self.stack.api.patch(f"{self.path}/taskInstances/job", {"new_state": "failed"}))

    @property
    def jobs(self) -> dict[str, str]:
        """Status by name of all jobs that this run created, oldest first."""
        kind, run = ALL_KINDS[self.kind], self.stack.api.get(self.path)
        moment = SimpleNamespace(run_id=self.id, run_after=datetime.fromisoformat(run["run_after"]))
        name = resource_name("chaos", self.kind, moment, 32)
        # a second job of the same run has a number for its last characters
        answer = getattr(self.stack.sagemaker, kind.list)(NameContains=name[:30], MaxResults=50)
        summaries = sorted(answer[kind.summaries], key=lambda job: str(job["CreationTime"]))
        return {job[kind.name]: job[kind.status] for job in summaries}

    def lines(self) -> Counter[int]:
        """How often each line of the job is in the log of the last try."""
        number = self.task["try_number"]
        content = self.stack.api.get(f"{self.path}/taskInstances/job/logs/{number}?full_content=true")[
            "content"
        ]
        events = [str(line.get("event", "")) for line in content]
        return Counter(int(m[1]) for event in events for m in [re.search(r": line (\d+)$", event)] if m)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    settings = QUICK | {"AIRFLOW__CORE__DAGS_FOLDER": str(local.PROJECT / "tests/chaos/dags")}
    running = Stack(tmp_path_factory.mktemp("chaos"), settings, jobs=8)
    try:
        counting_jobs.prepare(running.s3, running.sagemaker)
        for kind in KINDS:
            running.api.wait_for_dag(f"chaos_{kind}_deferred")
        yield running
    finally:
        running.close()


def complete(run: Run) -> None:
    if run.kind in LOGGED:
        assert run.lines() == dict.fromkeys(range(counting_jobs.LINES), 1)


# All runs of a scene start together: what happens to a run must not affect the others.


@pytest.fixture(scope="module")
def worker_deaths(stack: Stack) -> dict[tuple[str, str], Run]:
    runs = {
        (kind, die): Run(stack, kind, "in_place" if die == "while waiting" else "deferred", die)
        for die in DEATHS
        for kind in KINDS
    }
    return {key: run.finish(400) for key, run in runs.items()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("die", DEATHS)
def test_a_worker_that_dies_costs_no_second_job(
    worker_deaths: dict[tuple[str, str], Run], kind: str, die: str
) -> None:
    run = worker_deaths[kind, die]
    assert run.state == "success"
    assert run.task["try_number"] == 2
    assert len(run.jobs) == 1
    complete(run)


@pytest.fixture(scope="module")
def triggerer_death(stack: Stack, worker_deaths: Any) -> dict[str, Run]:
    runs = {kind: Run(stack, kind, "deferred") for kind in KINDS}
    for run in runs.values():
        run.wait_until_deferred()
    time.sleep(4)
    stack.kill_triggerer()
    return {kind: run.finish() for kind, run in runs.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_triggerer_that_dies_changes_nothing(triggerer_death: dict[str, Run], kind: str) -> None:
    run = triggerer_death[kind]
    assert run.state == "success"
    assert run.task["try_number"] == 1
    assert list(run.jobs.values()) in (["Completed"], ["InService"])
    complete(run)


@pytest.fixture(scope="module")
def aws_death(stack: Stack, triggerer_death: Any) -> dict[str, Run]:
    runs = {kind: Run(stack, kind, "deferred") for kind in KINDS}
    for run in runs.values():
        run.wait_until_deferred()
    time.sleep(2)
    stack.kill_aws()
    return runs


@pytest.fixture(scope="module")
def people(stack: Stack, aws_death: dict[str, Run]) -> dict[tuple[str, str], Run]:
    """Runs whose task a user clears, or marks as failed, while it waits."""
    runs: dict[tuple[str, str], Run] = {}
    for act in ("clear", "fail"):  # a scene each: a job lasts 18 seconds, and must not end before the act
        scene = {(kind, act): Run(stack, kind, "deferred") for kind in KINDS}
        for run in scene.values():
            run.wait_until_deferred()
            getattr(run, act)()
        runs |= scene
    return {key: run.finish() for key, run in runs.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_restart_of_aws_fails_its_running_jobs(aws_death: dict[str, Run], people: Any, kind: str) -> None:
    """Its running jobs fail by its fault, so that another is created. Endpoints come back by themselves."""
    run = aws_death[kind].finish()
    assert run.state == "success"
    if kind == "endpoint":
        assert list(run.jobs.values()) == ["InService"]
    else:
        assert list(run.jobs.values()) == ["Failed", "Completed"]
    complete(run)


@pytest.mark.parametrize("kind", KINDS)
def test_clearing_a_task_stops_its_job_and_starts_another(
    people: dict[tuple[str, str], Run], kind: str
) -> None:
    run = people[kind, "clear"]
    assert run.state == "success"
    if kind == "endpoint":  # nothing to stop: it is found as it comes up
        assert list(run.jobs.values()) == ["InService"]
    else:
        assert list(run.jobs.values()) == ["Stopped", "Completed"]
    complete(run)


@pytest.mark.parametrize("kind", KINDS)
def test_a_task_that_a_user_marks_as_failed_leaves_no_job_behind(
    people: dict[tuple[str, str], Run], kind: str
) -> None:
    run = people[kind, "fail"]
    assert run.state == "failed"
    if kind == "endpoint":
        assert len(run.jobs) == 1
    else:
        eventually(lambda: list(run.jobs.values()) not in (["InProgress"], ["Stopping"]), 60)
        assert list(run.jobs.values()) == ["Stopped"]
