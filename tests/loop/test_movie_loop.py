"""Drift of interactions, retraining, campaigns that move: under a real scheduler, by clock and assets."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.airflow_home import record_of
from tests.airflow_stack import Stack, eventually
from tests.loop.world import SETTINGS, World
from tests.permissions import Template, of_airflow, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(2400)

RECOMMENDERS = ["user_personalization", "similar_items"]


class Movies(World):
    """The campaigns of the dataset group in service."""

    @property
    def versions(self) -> dict[str, str]:
        """What each campaign serves, by its name."""
        personalize = self.stack.client("personalize")
        arns = [summary["campaignArn"] for summary in personalize.list_campaigns()["campaigns"]]
        campaigns = [personalize.describe_campaign(campaignArn=arn)["campaign"] for arn in arns]
        return {campaign["name"]: campaign["solutionVersionArn"] for campaign in campaigns}

    def log(self, shift: float = 0.0, seed: int = 1) -> None:
        """Users do something."""
        conf = {"use_case": self.use_case, "rows": 8000, "shift": shift, "seed": seed}
        assert self.run("simulate_traffic", conf) == "success"

    def windows(self) -> list[dict[str, Any]]:
        """What the monitor said of windows with enough events."""
        documents = self.documents("/window.json")
        return [window for window in documents if window["verdict"] != "not enough data"]

    def drift_until_retrained(self) -> str:
        """Users change their taste, window after window, until a retraining starts by itself."""

        def retrainings() -> list[dict[str, Any]]:
            return self.runs("retraining", "asset_triggered__")

        def judged(count: int) -> bool:
            return bool(retrainings()) or len(self.windows()) > count

        for _ in range(8):
            count = len(self.windows())
            self.log(shift=0.8)
            eventually(partial(judged, count), 180)
            if retrainings():
                break
        (run, *_) = eventually(retrainings, 60)
        return str(run["dag_run_id"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Movies]:
    stack = Stack(tmp_path_factory.mktemp("movies"), SETTINGS, jobs=2)
    try:
        for dag in ("movie_recommendations", "drift_monitor", "retraining", "simulate_traffic"):
            stack.api.wait_for_dag(dag)
        yield Movies(stack, "movie_recommendations")
    finally:
        stack.close()


@pytest.fixture(scope="module")
def ordinary(world: Movies) -> list[dict[str, Any]]:
    conf = {"recommenders": RECOMMENDERS, "holdout_users": 50}
    assert world.run("movie_recommendations", conf) == "success"
    world.log()
    return list(eventually(world.windows, 240))


def test_what_users_were_expected_to_do_is_no_drift(ordinary: list[dict[str, Any]], world: Movies) -> None:
    assert {window["verdict"] for window in ordinary} == {"ok"}
    assert world.runs("retraining", "asset_triggered__") == []


@pytest.fixture(scope="module")
def promoted(world: Movies, ordinary: Any) -> dict[str, Any]:
    before = world.versions
    run = world.drift_until_retrained()
    state = world.finish("retraining", run, 900)
    return {"state": state, "decision": world.decision(run), "before": before, "after": world.versions}


def test_another_taste_retrains_by_itself_and_the_campaigns_move(promoted: dict[str, Any]) -> None:
    decision = promoted["decision"]
    assert decision["outcome"] == "promoted", decision
    assert promoted["state"] == "success"
    assert "NDCG at 10" in decision["cause"]["report"]["columns"]
    served = decision["challenger"]["versions"]
    assert sorted(promoted["after"].values()) == sorted(served[key] for key in RECOMMENDERS)
    assert not set(promoted["before"].values()) & set(promoted["after"].values())


def test_the_next_window_is_compared_with_the_new_baseline(promoted: dict[str, Any], world: Movies) -> None:
    world.log()
    arn = promoted["decision"]["challenger"]["arn"]
    assert eventually(lambda: any(window["baseline"] == arn for window in world.windows()), 240)


@pytest.fixture(scope="module")
def rejected(world: Movies, promoted: dict[str, Any]) -> dict[str, Any]:
    """There are hardly any new events, so a new training cannot be better."""
    run = world.start("retraining", {"use_cases": [world.use_case]})
    return {"state": world.finish("retraining", run), "decision": world.decision(run)}


def test_a_challenger_that_is_not_better_stays_away(
    rejected: dict[str, Any], promoted: dict[str, Any], world: Movies
) -> None:
    assert rejected["decision"]["outcome"] == "rejected", rejected["decision"]
    assert "ndcg_10" in rejected["decision"]["why"]
    assert rejected["state"] == "success"
    assert world.versions == promoted["after"]


@pytest.fixture(scope="module")
def rolled_back(world: Movies, rejected: Any) -> dict[str, Any]:
    """The taste has changed once more; but a time limit that no answer can meet."""
    before = world.versions
    for _ in range(3):
        world.log(shift=1.0, seed=2)
    conf = {"use_cases": [world.use_case], "slowest_ms": 0.001}
    run = world.start("retraining", conf)
    state = world.finish("retraining", run)
    return {"state": state, "decision": world.decision(run), "before": before, "after": world.versions}


def test_campaigns_that_fail_their_verification_go_back(rolled_back: dict[str, Any]) -> None:
    assert rolled_back["decision"]["outcome"] == "rolled back", rolled_back["decision"]
    assert rolled_back["state"] == "failed"
    assert rolled_back["after"] == rolled_back["before"]


def test_airflows_role_allows_all_that_the_loop_has_asked_for(world: Movies, rolled_back: Any) -> None:
    events = of_airflow(record_of(world.stack.aws_state))
    names = {event["eventName"] for event in events}
    assert {"CreateBatchInferenceJob", "UpdateCampaign", "GetRecommendations", "CreateProcessingJob"} <= names
    assert refused(Template(AllowCleanUp="no", UseMwaa="no").role("AirflowRole"), events) == set()
