"""Drift is reported at bad moments, under a real scheduler; nothing serves, so no retraining gets far."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.airflow_stack import FINISHED, Stack, eventually, insist

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(900)

DAG = "retraining"
CHURN, MOVIES = "churn", "movie_recommendations"
SETTINGS = {"ML_RETRAINING_SCHEDULE": "0 0 29 2 *"}  # the clock stays out of it


class Retraining:
    """The retraining DAG by the REST API, and reports of drift."""

    def __init__(self, stack: Stack) -> None:
        self.api = stack.api
        self.api.wait_for_dag(DAG)

    def report(self, use_case: str) -> None:
        (asset,) = self.api.get(f"/assets?name_pattern=drift/{use_case}")["assets"]
        body = {"asset_id": asset["id"], "extra": {"use_case": use_case, "verdict": "drift"}}
        insist(lambda: self.api.post("/assets/events", body))

    def pause(self, paused: bool) -> None:
        insist(lambda: self.api.patch(f"/dags/{DAG}", {"is_paused": paused}))

    @property
    def runs(self) -> list[dict[str, Any]]:
        """Oldest first."""
        return list(self.api.get(f"/dags/{DAG}/dagRuns?order_by=run_after&limit=100")["dag_runs"])

    def settle(self, after: int) -> list[dict[str, Any]]:
        """The runs that came after so many others, once there is no unfinished one."""
        eventually(lambda: len(self.runs) > after and all(run["state"] in FINISHED for run in self.runs))
        return self.runs[after:]

    def causes(self, run: dict[str, Any]) -> list[str]:
        return [cause["use_case"] for cause in self.api.result(DAG, run["dag_run_id"], "causes")]


@pytest.fixture(scope="module")
def retraining(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Retraining]:
    stack = Stack(tmp_path_factory.mktemp("events"), SETTINGS, jobs=2)
    try:
        yield Retraining(stack)
    finally:
        stack.close()


def moment(run: dict[str, Any], which: str) -> datetime:
    return datetime.fromisoformat(run[which])


def test_drift_reported_while_the_consumer_is_paused_is_handled_when_reported_again(
    retraining: Retraining,
) -> None:
    before = len(retraining.runs)
    retraining.pause(True)
    retraining.report(CHURN)
    time.sleep(5)
    assert len(retraining.runs) == before
    retraining.pause(False)
    retraining.report(CHURN)
    runs = retraining.settle(before)
    assert [(run["state"], retraining.causes(run)) for run in runs] == [("success", [CHURN])]


def test_two_use_cases_that_drift_at_once_are_both_looked_at(retraining: Retraining) -> None:
    before = len(retraining.runs)
    retraining.report(CHURN)
    retraining.report(MOVIES)
    eventually(
        lambda: (
            {name for run in retraining.settle(before) for name in retraining.causes(run)} == {CHURN, MOVIES}
        )
    )
    assert {run["state"] for run in retraining.runs[before:]} == {"success"}


def test_drift_during_a_retraining_waits_for_its_end(retraining: Retraining) -> None:
    before = len(retraining.runs)
    retraining.report(CHURN)
    eventually(lambda: [run for run in retraining.runs[before:] if run["state"] == "running"])
    retraining.report(MOVIES)
    eventually(lambda: len(retraining.runs) == before + 2)
    first, second = retraining.settle(before)
    assert (retraining.causes(first), retraining.causes(second)) == ([CHURN], [MOVIES])
    assert moment(second, "start_date") >= moment(first, "end_date")
