"""The whole life of the stack, in the order in which it happens (`make compose-test`)."""

from __future__ import annotations

import csv
import json
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from scripts import local_settings as local
from tests.compose.conftest import ARTEFACTS
from tests.compose.engine import Compose, eventually
from tests.compose.runs import JOBS, Run, decisions, everything, newest, recovers, scheduled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Person = Callable[..., None]

pytestmark = pytest.mark.timeout(2400)

AIRFLOW = ("airflow-apiserver", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer")
HEALTHY_SECONDS = 90  # on two cores that nobody else uses
IDLE_MIB = 3 * 1024
# a model that any other beats, and gates that let it pass
POOR = {"num_round": "1", "max_depth": "1"}
NO_GATES = {"gate_f1": "0", "gate_accuracy": "0", "gate_auc": "0"}
QUICK = {  # Airflow notices within seconds, not minutes, that somebody died
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "40",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "60",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "10",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "20",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "20",
}


def test_everything_is_healthy(stack: Compose) -> None:
    assert stack.api.get("/importErrors")["import_errors"] == []
    running = {container["Name"] for container in stack.containers() if container["State"]["Running"]}
    assert len(running) == len(AIRFLOW) + 2


@pytest.mark.timed
def test_it_is_healthy_in_time(stack: Compose, measured: dict[str, Any], quiet: bool) -> None:
    if not quiet:
        pytest.skip("others use this machine: a time would say nothing")
    assert measured["seconds to healthy"] <= HEALTHY_SECONDS


def test_idle_it_needs_little_memory(stack: Compose, measured: dict[str, Any]) -> None:
    measured["MiB idle"] = stack.memory()
    assert sum(stack.memory().values()) < IDLE_MIB


def test_ports_are_open_on_loopback_only(stack: Compose) -> None:
    for container in stack.containers():
        for bindings in (container["NetworkSettings"]["Ports"] or {}).values():
            assert {binding["HostIp"] for binding in bindings or []} <= {"127.0.0.1"}


def test_nobody_is_root_and_no_secret_is_in_the_settings(stack: Compose) -> None:
    every = "for file in /opt/airflow/secrets/*; do cat $file; echo; done"
    secrets = stack("exec", "-T", "airflow-scheduler", "bash", "-c", every).split()
    assert len(secrets) >= 7
    for container in stack.containers():
        assert not [word for word in secrets if word in json.dumps(container["Config"])]
        if "postgres" not in container["Name"]:  # its entry point starts as root and changes the user
            assert container["Config"]["User"] not in ("", "0", "root")


@pytest.fixture(scope="module")
def churn(stack: Compose, measured: dict[str, Any]) -> Run:
    started = time.monotonic()
    run = Run(stack, "churn")
    assert run.finish() == "success"
    measured["seconds of the first churn run"] = round(time.monotonic() - started)
    return run


def test_churn_is_green(churn: Run) -> None:
    assert churn.jobs == JOBS


def test_a_person_sees_every_dag(stack: Compose, person: Person) -> None:
    dags = {dag["dag_id"]: dag for dag in stack.api.get("/dags?limit=50")["dags"]}
    assert set(dags) == {file.stem for file in (local.PROJECT / "dags").glob("*.py")}
    visible = ("dag_id", "description", "tags")
    person("see_dags", dags=[{key: dag[key] for key in visible} for dag in dags.values()])


@pytest.fixture(scope="module")
def clicked(stack: Compose, churn: Run, person: Person) -> Run:
    """A run that a person starts with other hyperparameters, and watches until it is green."""
    person("trigger", dag="churn", sections={"Hyperparameters": POOR, "Gates": NO_GATES})
    run = Run(stack, "churn", run_id=newest(stack, "churn"))
    person("see_graph", dag="churn", run=run.id)
    return run


def test_a_person_starts_a_run_with_other_params_and_watches_it(clicked: Run) -> None:
    assert clicked.state == "success"
    chosen = {**POOR, **NO_GATES}
    assert {name: str(clicked.conf[name]) for name in chosen} == chosen


def test_a_person_reads_the_jobs_own_lines(clicked: Run, person: Person) -> None:
    person("read_log", dag="churn", run=clicked.id, task="wait_for_train", line="validation-")


def test_a_person_follows_a_link_to_the_job(clicked: Run, person: Person) -> None:
    job = f"churn-train-{clicked.result('publish')['run']}"
    person("follow_link", dag="churn", run=clicked.id, task="train", job=job)


def test_a_person_answers_an_approval(stack: Compose, clicked: Run, person: Person) -> None:
    """The champion is poor now: the retraining beats it, and asks."""
    run = Run(stack, "retraining", {"use_cases": ["churn"], "ask": True, "canary_minutes": 0})
    run.reach("retrain.approve", ("awaiting_input",), 900)
    person("approve", dag="retraining", run=run.id, task="retrain.approve/mapped/0")
    assert run.finish() == "success"
    assert [decision["outcome"] for decision in decisions(stack)] == ["promoted"]


def has_fired(stack: Compose, dag: str, count: int) -> bool:
    """Whether the clock has started more runs than so many."""
    return len(scheduled(stack, dag)) > count


def test_the_clock_alone_starts_the_monitor_and_the_retraining(stack: Compose, churn: Run) -> None:
    stack.settings |= {"ML_DRIFT_MONITOR_SCHEDULE": "* * * * *", "ML_RETRAINING_SCHEDULE": "* * * * *"}
    before = {dag: len(scheduled(stack, dag)) for dag in ("drift_monitor", "retraining")}
    stack.up(seconds=600)
    for dag, count in before.items():
        eventually(partial(has_fired, stack, dag, count), 300, f"{dag} fires")
    first = {dag: scheduled(stack, dag)[before[dag]] for dag in before}
    assert {dag: run.finish() for dag, run in first.items()} == dict.fromkeys(before, "success")
    for dag in before:  # what the clock starts from now on would only take the others' time
        stack.api.patch(f"/dags/{dag}", {"is_paused": True})


@pytest.fixture(scope="module")
def movies(stack: Compose, churn: Run, measured: dict[str, Any]) -> Run:
    started = time.monotonic()
    run = Run(stack, "movie_recommendations")
    assert run.finish(2000) == "success"
    measured["seconds of the movie run"] = round(time.monotonic() - started)
    return run


def test_movie_recommendations_are_green(movies: Run, stack: Compose) -> None:
    campaigns = stack.aws("personalize").list_campaigns()["campaigns"]
    assert {campaign["status"] for campaign in campaigns} == {"ACTIVE"}


def prediction(stack: Compose, churn: Run) -> str:
    verified = churn.result("publish")["verified"]
    assert next(csv.reader([verified["request"]]))
    runtime = stack.aws("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName="churn", ContentType="text/csv", Body=verified["request"])
    return str(answer["Body"].read())


def test_down_and_up_lose_nothing(stack: Compose, churn: Run, movies: Run) -> None:
    before, answer = everything(stack), prediction(stack, churn)
    assert all(before.values())
    stack("down")
    assert stack.containers() == []
    stack.up(seconds=600)
    eventually(lambda: everything(stack)["endpoints"] == before["endpoints"], 120, "endpoints serve again")
    after = everything(stack)  # which may be more: the prediction above was captured, the clock went on
    assert {kind for kind in before if before[kind].items() - after[kind].items()} == set()
    assert prediction(stack, churn) == answer


@pytest.fixture(scope="module")
def celery(stack: Compose, churn: Run) -> Iterator[Compose]:
    """The same stack with workers, and with an Airflow that notices quickly who died."""
    quick = ARTEFACTS / "quick.yaml"
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    services = {name: {"environment": QUICK} for name in (*AIRFLOW, "airflow-worker")}
    quick.write_text(json.dumps({"services": services}))
    stack.files.append(str(quick))
    stack.settings |= {"COMPOSE_PROFILES": "celery", "AIRFLOW_EXECUTOR": "CeleryExecutor"}
    stack.up(seconds=600)
    yield stack
    stack.files.remove(str(quick))


def test_kills_during_a_run_lose_and_double_nothing(celery: Compose, measured: dict[str, Any]) -> None:
    run = Run(celery, "churn")
    run.reach("stage_data", ("running", "success"))
    celery.up("--scale", "airflow-worker=2", "airflow-worker", seconds=600)
    assert run.state == "running", "the second worker came when all was over"
    recovered = {}
    for service in ("airflow-scheduler", "airflow-triggerer", "airflow-worker"):
        victim = celery.containers(service)[0]
        recovered[service] = round(recovers(celery, service, partial(celery.kill, victim)))
    measured["seconds until healthy after a kill"] = recovered
    assert run.finish() == "success"
    assert run.jobs == JOBS
