"""Processing job: the campaigns' answers against what the users then really watched.

Reads `input/answers/<recommender>.json` ({"ask": ..., "answers": {user: [film, ...]}}), `input/offline` (the
service's own metrics by recommender), `input/truth` and `input/summary` of the preparation.
Writes `output/evaluation/evaluation.json` and `report.html`.

Beside the campaigns stand two baselines that need none: the most popular films of the training data, and, for
new films, a random list. Films that a user has watched are in no answer.
"""

from __future__ import annotations

import json
import sys
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from job import FOLDER, DataError, arguments, run, staged
from quality.ranking import CUTOFFS, measure
from reports.evaluation import STYLE

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

SHOWN = ("precision_5", "precision_10", "precision_25", "ndcg_10", "ndcg_listed_10", "mrr_25", "coverage")
OFFLINE = {  # names of the service's metrics → ours
    "coverage": "coverage",
    "mean_reciprocal_rank_at_25": "mrr_25",
    **{f"normalized_discounted_cumulative_gain_at_{k}": f"ndcg_{k}" for k in CUTOFFS},
    **{f"precision_at_{k}": f"precision_{k}" for k in CUTOFFS},
}
BAR_STYLE = """
.bars { display: grid; grid-template-columns: max-content 1fr max-content; gap: 6px 12px; }
.bars { align-items: center; }
.bars i { display: block; height: 14px; border-radius: 3px; background: var(--series-0); min-width: 2px; }
.bars i.base { background: var(--muted); opacity: .55; }
table.numbers td { padding: 6px 10px; text-align: right; border-top: 1px solid var(--line); }
table.numbers td:first-child, table.numbers th:first-child { text-align: left; }
table.numbers th { text-align: right; } .wide { overflow-x: auto; }
"""


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
    summary = json.loads((options.input / "summary/summary.json").read_text())
    published = json.loads((options.input / "published/published.json").read_text())
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
    for name, found in {**warm, **cold}.items():
        print(name, {metric: round(found[metric], 4) for metric in SHOWN})


def results(folder: Path, summary: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Metrics by recommender: on the held-out events of warm films, and on those of new films."""
    events = pd.read_csv(folder / "interactions/interactions.csv", dtype=str, keep_default_na=False)
    films = int(events.ITEM_ID.nunique())
    holdout, new = truth(folder / "truth/holdout.csv"), truth(folder / "truth/cold.csv")
    warm, cold = {}, {}
    files = sorted((folder / "answers").glob("*.json"))
    if not files:
        raise DataError(f"no answers in {folder / 'answers'}")
    for file in files:
        told = json.loads(file.read_text())
        asked = set(told["answers"])
        if told["ask"] == "cold":
            true = {user: films for user, films in new.items() if user in asked}
            cold[file.stem] = measure(told["answers"], true, summary["new_items"])
            cold["random list"] = measure(random_lists(true, summary), true, summary["new_items"])
        else:
            true = {user: films for user, films in holdout.items() if user in asked}
            warm[file.stem] = measure(told["answers"], true, films)
    warm["popular films"] = measure(popular_lists(events, holdout), holdout, films)
    return warm, cold


def truth(path: Path) -> dict[str, set[str]]:
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
    found = {file.stem: json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))}
    return {
        name: {OFFLINE[metric]: value for metric, value in metrics.items() if metric in OFFLINE}
        for name, metrics in found.items()
    }


# ---- the report


def html(title: str, document: dict[str, Any]) -> str:
    """One file: no network, no scripts, light and dark."""
    warm, cold = document["holdout"], document["new_items"]
    best = max(warm, key=lambda name: warm[name]["ndcg_10"])
    parts = [
        header(title, document),
        section(
            "NDCG at 10, held-out events", bars({n: m["ndcg_10"] for n, m in warm.items()}, "popular films")
        ),
        section(
            "Reciprocal rank, held-out events",
            bars({n: m["mrr_25"] for n, m in warm.items()}, "popular films"),
        ),
        section(
            "Precision at 10, new films", bars({n: m["precision_10"] for n, m in cold.items()}, "random list")
        ),
        section(
            "Share of all films that anybody was shown", bars({n: m["coverage"] for n, m in warm.items()}, "")
        ),
        wide("Held-out events", numbers(warm)),
        wide("New films: nobody's training saw them", numbers(cold)),
        wide("The service's own offline metrics, and the published ones", beside(document)),
    ]
    note = f'<p class="note">Best on the held-out events: <b>{escape(best)}</b>.</p>'
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}: evaluation</title><style>{STYLE}{BAR_STYLE}</style></head>"
        f'<body><main>{parts[0]}{note}<div class="plots">{"".join(parts[1:5])}</div>{"".join(parts[5:])}'
        "</main></body></html>"
    )


def header(title: str, document: dict[str, Any]) -> str:
    summary = document["summary"]
    facts = {
        "Data": document["data_source"],
        "Interactions": "{interactions:,} of {users:,} users, {items:,} films".format(**summary),
        "Trained on": "{training:,} of warm films; the newest {holdout:,} are held out".format(**summary),
        "Seed of the split": str(summary["seed"]),
        "NDCG": "standard form; “listed” is the original's, over the best order of the returned list",
    }
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    return f"<h1>{escape(title)}</h1><dl>{items}</dl>"


def section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def wide(title: str, content: str) -> str:
    return f'<section class="wide" style="margin-bottom:12px"><h2>{escape(title)}</h2>{content}</section>'


def bars(values: dict[str, float], baseline: str) -> str:
    """Horizontal bars, the largest first; the baseline in grey."""
    top = max(values.values(), default=0) or 1
    rows = (
        f'<span>{escape(name)}</span><i class="{"base" if name == baseline else ""}" '
        f'style="width:{100 * value / top:.1f}%"></i><b>{value:.3f}</b>'
        for name, value in sorted(values.items(), key=lambda pair: -pair[1])
    )
    return f'<div class="bars">{"".join(rows)}</div>'


def numbers(found: dict[str, dict[str, float]]) -> str:
    heads = "".join(f"<th>{name.replace('_', ' ')}</th>" for name in SHOWN)
    rows = "".join(
        f"<tr><td>{escape(name)}</td>{''.join(f'<td>{metrics[metric]:.4f}</td>' for metric in SHOWN)}</tr>"
        for name, metrics in found.items()
    )
    return f'<table class="numbers"><tr><th></th>{heads}</tr>{rows}</table>'


def beside(document: dict[str, Any]) -> str:
    """Ours and the published number, metric by metric."""
    shown = ("mrr_25", "ndcg_10", "precision_10", "coverage")
    heads = "".join(f"<th>{metric.replace('_', ' ')}</th><th>published</th>" for metric in shown)
    rows = []
    for name, metrics in document["offline"].items():
        published = document["published"].get(name, {})
        cells = "".join(
            f"<td>{metrics[m]:.4f}</td><td>{f'{published[m]:.4f}' if m in published else '–'}</td>"
            for m in shown
        )
        rows.append(f"<tr><td>{escape(name)}</td>{cells}</tr>")
    source = f'<p class="note">Published: {escape(document["published_source"])}</p>'
    return f'{source}<table class="numbers"><tr><th></th>{heads}</tr>{"".join(rows)}</table>'


if __name__ == "__main__":
    sys.exit(main())
