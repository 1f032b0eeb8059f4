"""Processing job: the campaigns' answers, compared with what the users then really watched.

Reads `input/answers/<recommender>.json` ({"ask": ..., "answers": {user: [film, ...]}}), `input/offline` (the
service's own metrics by recommender), `input/truth` and `input/summary` of the preparation.
Writes `output/evaluation/evaluation.json` and `report.html`.

Two baselines need no campaign: the most popular films of the training data, and, for new films, a random
list. No answer holds a film that the user has watched.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from job import FOLDER, DataError, arguments, run, staged, strict_json
from quality.ranking import CUTOFFS, measure
from reports.page import render

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

REPORTED = (
    *("precision_5", "precision_10", "precision_25"),
    *("ndcg_10", "ndcg_listed_10", "mrr_25", "coverage"),
)
REPORTED_OFFLINE = ("mrr_25", "ndcg_10", "precision_10", "coverage")
OFFLINE = {  # names of the service's metrics → ours
    "coverage": "coverage",
    "mean_reciprocal_rank_at_25": "mrr_25",
    **{f"normalized_discounted_cumulative_gain_at_{k}": f"ndcg_{k}" for k in CUTOFFS},
    **{f"precision_at_{k}": f"precision_{k}" for k in CUTOFFS},
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job and return its exit code."""
    options = parse(argv)
    return run(lambda: compare(options), options.message)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = arguments("Evaluate recommendations against held-out events.")
    parser.add_argument("--title", default="Recommendations")
    parser.add_argument("--data-source", default="not stated", help="what the data is")
    parser.add_argument("--input", type=Path, default=FOLDER / "input")
    parser.add_argument("--output", type=Path, default=FOLDER / "output/evaluation")
    return parser.parse_args(argv)


def compare(options: argparse.Namespace) -> None:
    """Measure and write.

    :raises DataError: when there are no answers.
    """
    summary = strict_json((options.input / "summary/summary.json").read_text())
    published = strict_json((options.input / "published/published.json").read_text())
    warm, cold = results(options.input, summary)
    document = {
        "holdout": warm,
        "new_items": cold,
        "offline": offline(options.input / "offline"),
        "published": published["metrics"],
        "published_source": published["source"],
        "data_source": options.data_source,
        "summary": {name: value for name, value in summary.items() if name != "cold_items"},
    }
    with staged(options.output) as folder:
        (folder / "evaluation.json").write_text(json.dumps(document, indent=2, allow_nan=False))
        (folder / "report.html").write_text(html(options.title, document), encoding="utf-8")
    for name, metrics in {**warm, **cold}.items():
        print(name, {metric: round(metrics[metric], 4) for metric in REPORTED})


def results(folder: Path, summary: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Metrics by recommender: on the held-out events of warm films, and on those of new films.

    :raises DataError: when there are no answers.
    """
    events = pd.read_csv(folder / "interactions/interactions.csv", dtype=str, keep_default_na=False)
    catalogue = int(events.ITEM_ID.nunique())
    holdout, new = truth(folder / "truth/holdout.csv"), truth(folder / "truth/cold.csv")
    warm, cold = {}, {}
    files = sorted((folder / "answers").glob("*.json"))
    if not files:
        raise DataError(f"no answers in {folder / 'answers'}")
    for file in files:
        content = strict_json(file.read_text())
        answers = content["answers"]
        if content["ask"] == "cold":
            true_films = {user: films for user, films in new.items() if user in answers}
            cold[file.stem] = measure(answers, true_films, summary["new_items"])
            cold["random list"] = measure(random_lists(true_films, summary), true_films, summary["new_items"])
        else:
            true_films = {user: films for user, films in holdout.items() if user in answers}
            warm[file.stem] = measure(answers, true_films, catalogue)
    warm["popular films"] = measure(popular_lists(events, holdout), holdout, catalogue)
    return warm, cold


def truth(path: Path) -> dict[str, set[str]]:
    """Films by user, of a CSV file."""
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    return {str(user): set(films) for user, films in frame.groupby("USER_ID").ITEM_ID}


def popular_lists(events: pd.DataFrame, users: Mapping[str, set[str]]) -> dict[str, list[str]]:
    """For each user the most popular films of the training data that the user has not watched."""
    order = events.ITEM_ID.value_counts().index.tolist()
    watched = events.groupby("USER_ID").ITEM_ID.agg(set).to_dict()
    most = max(CUTOFFS)
    return {
        user: [
            film for film in order[: most + len(watched.get(user, ()))] if film not in watched.get(user, ())
        ][:most]
        for user in users
    }


def random_lists(users: Mapping[str, set[str]], summary: dict[str, Any]) -> dict[str, list[str]]:
    """For each user a random list of new films."""
    rng = np.random.default_rng(summary["seed"])
    films = np.array(summary["cold_items"])
    most = min(max(CUTOFFS), len(films))
    return {user: rng.choice(films, most, replace=False).tolist() for user in users}


def offline(folder: Path) -> dict[str, dict[str, float]]:
    """The service's own metrics under our names."""
    documents = {file.stem: strict_json(file.read_text()) for file in sorted(folder.glob("*.json"))}
    return {
        name: {OFFLINE[metric]: value for metric, value in metrics.items() if metric in OFFLINE}
        for name, metrics in documents.items()
    }


def html(title: str, document: dict[str, Any]) -> Markup:
    """The report as one HTML file."""
    warm = document["holdout"]
    content = {
        **document,
        "title": title,
        "facts": facts(document),
        "best": max(warm, key=lambda name: warm[name]["ndcg_10"]),
        "metrics": REPORTED,
        "offline_metrics": REPORTED_OFFLINE,
    }
    return render("recommendations.html", content, Path(__file__).parent / "templates")


def facts(document: dict[str, Any]) -> dict[str, str]:
    """What was measured, for the header."""
    summary = document["summary"]
    return {
        "Data": document["data_source"],
        "Interactions": "{interactions:,} of {users:,} users, {items:,} films".format(**summary),
        "Trained on": "{training:,} of warm films; the newest {holdout:,} are held out".format(**summary),
        "Seed of the split": str(summary["seed"]),
        "NDCG": "standard form; “listed” is the original's, over the best order of the returned list",
    }


if __name__ == "__main__":
    sys.exit(main())
