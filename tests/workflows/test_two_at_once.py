"""Two runs of the movie workflow at once, from two Airflows, on one AWS account: neither harms the other."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import boto3
import pytest

from scripts import local_settings as local

pytestmark = pytest.mark.timeout(600)

GROUPS = ("films-a", "films-b")
PARAMS = {"recommenders": ["popularity", "user_personalization"], "holdout_users": 100}


def evaluations() -> set[str]:
    """Keys of the evaluations of all runs, other tests' too."""
    s3, prefix = boto3.client("s3"), "movie_recommendations/runs/"
    objects = s3.list_objects_v2(Bucket=local.BUCKET, Prefix=prefix).get("Contents", [])
    return {entry["Key"] for entry in objects if entry["Key"].endswith("/evaluation.json")}


@pytest.fixture(scope="module")
def before(aws: str) -> set[str]:
    return evaluations()


@pytest.fixture(scope="module")
def runs(aws: str, before: set[str]) -> dict[str, dict[str, Any]]:
    """What each run ended as, by dataset group."""
    command = [sys.executable, "-m", "tests.workflows.one_run", aws, "movie_recommendations"]
    started = {
        group: subprocess.Popen(
            [*command, json.dumps({**PARAMS, "dataset_group": group, "teardown": group == GROUPS[0]})],
            cwd=local.PROJECT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for group in GROUPS
    }
    return {group: dict(json.loads(end(process))) for group, process in started.items()}


def end(process: subprocess.Popen[str]) -> str:
    """The last line of what a process printed, once it has ended."""
    output, _ = process.communicate(timeout=500)
    assert process.returncode == 0, output[-2000:]
    return output.splitlines()[-1]


def test_both_are_green(runs: dict[str, dict[str, Any]]) -> None:
    assert runs["films-a"]["run"] != runs["films-b"]["run"]
    for run in runs.values():
        states = run["states"]
        assert {task for task, state in states.items() if state not in ("success", "skipped")} == set()
        assert states["ask_user_personalization"] == states["session"] == states["publish"] == "success"
        assert states["cold_start.train"] == "skipped"


def test_the_teardown_of_one_leaves_the_other_alone(runs: dict[str, dict[str, Any]]) -> None:
    assert (runs["films-a"]["states"]["teardown"], runs["films-b"]["states"]["teardown"]) == (
        "success",
        "skipped",
    )
    personalize = boto3.client("personalize")
    assert [group["name"] for group in personalize.list_dataset_groups()["datasetGroups"]] == ["films-b"]
    summaries = personalize.list_campaigns()["campaigns"]
    campaigns = {summary["name"]: summary["campaignArn"] for summary in summaries}
    assert list(campaigns) == ["films-b-user-personalization"]
    runtime = boto3.client("personalize-runtime")
    assert runtime.get_recommendations(campaignArn=campaigns.popitem()[1], userId="1")["itemList"]


def test_each_has_results_of_its_own(runs: dict[str, dict[str, Any]], before: set[str]) -> None:
    assert len(evaluations() - before) == len(GROUPS)
