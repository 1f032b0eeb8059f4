"""Drift, retraining, promotion: under a real scheduler, by clock and assets, while a client goes on calling.

Windows last a minute; the tests start neither the monitor nor the retraining that drift causes.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from include.workflows.classification.deployment import OWN_CALL
from tests.airflow_home import record_of
from tests.airflow_stack import Stack, eventually, insist
from tests.loop.world import SETTINGS, World
from tests.permissions import Template, of_airflow, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(2400)

NO_GATES = {"gate_f1": 0, "gate_accuracy": 0, "gate_auc": 0}
POOR = {"num_round": 1, "max_depth": 1}
ROW = "KS,128,415,382-4657,no,yes,25,265.1,110,45.07,197.4,99,16.78,244.7,91,11.01,10.0,3,2.7,1"


class Client:
    """Calls the endpoint 20 times a second and collects errors."""

    def __init__(self, stack: Stack) -> None:
        self._runtime = stack.client("sagemaker-runtime")
        self.calls, self.errors, self._ends = 0, list[str](), threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while not self._ends.wait(0.05):
            try:
                self._runtime.invoke_endpoint(
                    EndpointName="churn",
                    Body=ROW.encode(),
                    ContentType="text/csv",
                    InferenceId=f"{OWN_CALL}client",
                )
            except Exception as error:  # noqa: BLE001 — a customer would see any error
                self.errors.append(str(error))
            self.calls += 1

    def end(self) -> None:
        self._ends.set()
        self._thread.join()


class Churn(World):
    """Churn's endpoint and registry."""

    @property
    def endpoint(self) -> dict[str, Any]:
        return dict(self.stack.sagemaker.describe_endpoint(EndpointName="churn"))

    @property
    def config(self) -> str:
        """Name of the configuration that the endpoint serves."""
        return str(self.endpoint["EndpointConfigName"])

    @property
    def model(self) -> str:
        config = self.stack.sagemaker.describe_endpoint_config(EndpointConfigName=self.config)
        (variant,) = config["ProductionVariants"]
        return str(variant["ModelName"])

    def approval(self, arn: str) -> str:
        return str(self.stack.sagemaker.describe_model_package(ModelPackageName=arn)["ModelApprovalStatus"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Churn]:
    stack = Stack(tmp_path_factory.mktemp("loop"), SETTINGS, jobs=2)
    try:
        for dag in ("churn", "drift_monitor", "retraining", "simulate_traffic"):
            stack.api.wait_for_dag(dag)
        yield Churn(stack, "churn")
    finally:
        stack.close()


@pytest.fixture(scope="module")
def client(world: Churn) -> Iterator[Client]:
    """Customers who call from the first deployment to the last."""
    assert world.run("churn") == "success"
    calling = Client(world.stack)
    yield calling
    calling.end()


@pytest.fixture(scope="module")
def ordinary(world: Churn, client: Client) -> list[dict[str, Any]]:
    """What the monitor says about traffic like the training data."""
    assert world.run("simulate_traffic", {"rows": 2400, "seconds": 120}) == "success"

    def judged() -> list[dict[str, Any]]:
        windows = world.documents("/window.json")
        return [window for window in windows if window["verdict"] != "not enough data"]

    return list(eventually(judged, 120))


def test_ordinary_traffic_is_no_drift(ordinary: list[dict[str, Any]], world: Churn) -> None:
    assert {window["verdict"] for window in ordinary} <= {"ok", "watch"}
    assert world.runs("retraining", "asset_triggered__") == []


@pytest.fixture(scope="module")
def promoted(world: Churn, ordinary: Any) -> dict[str, Any]:
    """Shifted traffic arrives; then the test only waits."""
    before = {"config": world.config, "model": world.model}
    traffic = world.start("simulate_traffic", {"rows": 12000, "seconds": 300, "shift": 2.5})
    (run, *_) = eventually(lambda: world.runs("retraining", "asset_triggered__"), 400)
    state = world.finish("retraining", run["dag_run_id"], 900)
    world.finish("simulate_traffic", traffic, 400)
    decision = world.decision(run["dag_run_id"])
    return {
        "state": state,
        "decision": decision,
        "before": before,
        "model": world.model,
        "config": world.config,
    }


def test_shifted_traffic_retrains_by_itself_and_the_better_model_serves(
    promoted: dict[str, Any], world: Churn
) -> None:
    decision = promoted["decision"]
    assert decision["outcome"] == "promoted", decision
    assert promoted["state"] == "success"
    assert decision["cause"]["report"]["columns"][0] == "Day Mins"
    assert promoted["model"] == decision["challenger"]["model_name"] != promoted["before"]["model"]
    assert world.approval(decision["challenger"]["arn"]) == "Approved"


def test_the_challenger_was_trained_by_the_use_cases_own_dag_without_its_deployment(
    promoted: dict[str, Any], world: Churn
) -> None:
    (run,) = world.runs("churn", "retraining__")
    states = world.tasks("churn", run["dag_run_id"])
    assert {states[f"deploy.{step}"] for step in ("deploy_endpoint", "verify", "approve")} == {"skipped"}
    assert states["publish"] == "success"


def test_the_next_window_is_compared_with_the_new_baseline(promoted: dict[str, Any], world: Churn) -> None:
    arn = promoted["decision"]["challenger"]["arn"]

    def compared_with_it() -> bool:
        return any(window["baseline"] == arn for window in world.documents("/window.json"))

    assert eventually(compared_with_it, 180)


@pytest.fixture(scope="module")
def rejected(world: Churn, promoted: dict[str, Any]) -> dict[str, Any]:
    run = world.start("retraining", {"overrides": POOR})
    state = world.finish("retraining", run)
    return {"state": state, "decision": world.decision(run), "config": world.config}


def test_a_worse_challenger_is_kept_as_rejected_and_the_champion_stays(
    rejected: dict[str, Any], promoted: dict[str, Any], world: Churn
) -> None:
    decision = rejected["decision"]
    assert rejected["state"] == "success"
    assert (decision["outcome"], rejected["config"]) == ("rejected", promoted["config"])
    assert "auc" in decision["why"]
    assert world.approval(decision["challenger"]["arn"]) == "Rejected"


def answer(world: Churn, run: str, choice: str) -> str:
    """Answer the question of a retraining, when it is asked; returns its text.

    As a person does, after a while: an answer within a turn of the scheduler, five seconds where it is idle,
    fails the task, and the question is asked again (ADR 11).
    """
    eventually(lambda: world.tasks("retraining", run).get("retrain.approve") == "awaiting_input", 480)
    time.sleep(10)
    details = f"/dags/retraining/dagRuns/{run}/taskInstances/retrain.approve/0/hitlDetails"
    question = str(world.api.get(details)["body"])
    insist(lambda: world.api.patch(details, {"chosen_options": [choice], "params_input": {}}))
    return question


@pytest.fixture(scope="module")
def rolled_back(world: Churn, rejected: Any) -> dict[str, Any]:
    """A poor champion, a better challenger, an approval; but a time limit that no answer can meet.

    The question is refused first; then its task is cleared, and it is approved. A person clears the shift
    while the canary serves: what serves then is not what to go back to.
    """
    created, code = world.endpoint["CreationTime"], world.objects("churn/code/")
    assert world.run("churn", {**POOR, **NO_GATES}) == "success"
    assert world.endpoint["CreationTime"] == created  # updated, not made anew
    assert world.objects("churn/code/") == code  # unchanged code is not sent again
    before = world.config
    run = world.start("retraining", {"ask": True, "slowest_ms": 0.001, "canary_minutes": 0.5})
    question = answer(world, run, "Reject")
    assert world.finish("retraining", run) == "success"
    refused = {"decision": world.decision(run), "config": world.config}
    world.clear("retraining", run, "retrain.approve")
    answer(world, run, "Approve")
    eventually(lambda: world.tasks("retraining", run).get("retrain.soak") in ("running", "deferred"), 240)
    canary = world.config
    world.clear("retraining", run, "retrain.shift")
    state = world.finish("retraining", run)
    return {
        "state": state,
        "decision": world.decision(run),
        "refused": refused,
        "before": before,
        "canary": canary,
        "after": world.config,
        "question": question,
    }


def test_a_deployment_that_fails_its_verification_is_rolled_back(
    rolled_back: dict[str, Any], world: Churn
) -> None:
    decision = rolled_back["decision"]
    assert decision["outcome"] == "rolled back", decision
    assert rolled_back["after"] == rolled_back["before"] != rolled_back["canary"]
    assert rolled_back["state"] == "failed"
    assert world.approval(decision["challenger"]["arn"]) == "Rejected"


def test_a_refused_challenger_gets_no_traffic(rolled_back: dict[str, Any]) -> None:
    decision, config = rolled_back["refused"]["decision"], rolled_back["refused"]["config"]
    assert (decision["outcome"], config) == ("refused", rolled_back["before"])
    assert "admin" in decision["why"]


def test_the_question_shows_the_numbers(rolled_back: dict[str, Any]) -> None:
    assert "| auc |" in rolled_back["question"]


def test_a_client_saw_no_error_from_beginning_to_end(client: Client, rolled_back: Any) -> None:
    time.sleep(1)
    assert client.errors == []
    assert client.calls > 1000


def test_airflows_role_allows_all_that_the_loop_has_asked_for(world: World, rolled_back: Any) -> None:
    events = of_airflow(record_of(world.stack.aws_state))
    names = {event["eventName"] for event in events}
    assert {"UpdateEndpoint", "UpdateModelPackage", "InvokeEndpoint", "CreateProcessingJob"} <= names
    assert refused(Template(AllowCleanUp="no", UseMwaa="no").role("AirflowRole"), events) == set()
