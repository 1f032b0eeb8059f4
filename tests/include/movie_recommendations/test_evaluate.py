"""The evaluation job: every number under its own name, the report complete (MR-5)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import evaluate_recommenders
from tests.include.movie_recommendations.places import run

if TYPE_CHECKING:
    from pathlib import Path

ARGUMENTS = ("--title", "<Films>", "--data-source", "made up")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    def put(name: str, text: str) -> None:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    put("interactions/interactions.csv", "USER_ID,ITEM_ID\n1,a\n1,b\n2,a\n2,c\n3,a\n")
    put("truth/holdout.csv", "USER_ID,ITEM_ID\n1,c\n2,b\n")
    put("truth/cold.csv", "USER_ID,ITEM_ID\n1,x\n2,y\n")
    put(
        "offline/user.json",
        json.dumps(
            {
                "coverage": 0.5,
                "precision_at_10": 0.2,
                "mean_reciprocal_rank_at_25": 0.3,
                "normalized_discounted_cumulative_gain_at_10": 0.4,
            }
        ),
    )
    put(
        "published/published.json",
        json.dumps({"metrics": {"user": {"ndcg_10": 0.25}}, "source": "somewhere"}),
    )
    put("answers/user.json", json.dumps({"ask": "user", "answers": {"1": ["c", "z"], "2": ["z", "b"]}}))
    put("answers/cold.json", json.dumps({"ask": "cold", "answers": {"1": ["x"], "2": ["x"]}}))
    summary = {
        "seed": 1,
        "cold_items": ["x", "y"],
        "new_items": 2,
        "interactions": 9,
        "users": 3,
        "items": 6,
        "training": 5,
    }
    put("summary/summary.json", json.dumps({**summary, "holdout": 2}))
    return tmp_path


def test_metrics_of_warm_and_new_films_beside_their_baselines(folder: Path) -> None:
    assert run(evaluate_recommenders, folder, *ARGUMENTS) == 0
    document = json.loads((folder / "out/evaluation.json").read_text())
    assert document["holdout"]["user"]["mrr_25"] == pytest.approx((1 + 1 / 2) / 2)
    assert document["holdout"]["user"]["precision_5"] == pytest.approx(1 / 5)
    assert document["holdout"]["popular films"]["mrr_25"] == pytest.approx(1)  # c for 1, b for 2: unseen ones
    assert document["new_items"]["cold"]["precision_5"] == pytest.approx(1 / 10)
    assert set(document["new_items"]) == {"cold", "random list"}
    assert document["offline"]["user"] == {
        "coverage": 0.5,
        "precision_10": 0.2,
        "mrr_25": 0.3,
        "ndcg_10": 0.4,
    }


def test_the_report_is_one_file_without_scripts(folder: Path) -> None:
    assert run(evaluate_recommenders, folder, *ARGUMENTS) == 0
    report = (folder / "out/report.html").read_text()
    assert "<script" not in report
    assert "&lt;Films&gt;" in report
    assert "0.2500" in report  # the published number beside ours
    assert "made up" in report


def test_without_answers_the_job_says_so(folder: Path) -> None:
    for file in (folder / "in/answers").glob("*"):
        file.unlink()
    assert run(evaluate_recommenders, folder, *ARGUMENTS) == 1
    assert "no answers" in (folder / "why").read_text()
    assert not list((folder / "out").glob("*"))
