"""Processing job: champion and challenger on the same rows.

Reads `input/labelled/test.csv`, `input/champion/*.out` and `input/challenger/*.out` (rows of `label,score`,
in the same order). Writes, below `output/comparison`: `comparison.json` and `report.html`.

How sure a gain is comes from the paired bootstrap (Efron and Tibshirani, An Introduction to the Bootstrap,
1993, chapter 16): rows are drawn with replacement, both models are measured on the same draw.
"""

from __future__ import annotations

import json
import sys
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from data.predictions import add_prediction_arguments, read_predictions, read_truth
from job import FOLDER, DataError, arguments, job_name, run, staged
from quality.classification import curves, measure, measure_one
from reports.evaluation import TILES, page
from reports.plots import Axis, Plot, Series

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

SAMPLES = 500
SIDES = ("champion", "challenger")
Answers = tuple[np.ndarray, np.ndarray]  # predicted classes (bool) and scores, both of shape (rows,)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job and return its exit code."""
    options = parse(argv)
    return run(lambda: compare(options), options.message)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = arguments("Compare two models on the same labelled rows.")
    add_prediction_arguments(parser)
    parser.add_argument("--metric", default="auc", choices=list(TILES), help="the one that decides")
    parser.add_argument("--title", default="Comparison")
    for side in SIDES:
        parser.add_argument(f"--{side}", type=Path, default=FOLDER / "input" / side, help="folder of *.out")
    parser.add_argument("--output", type=Path, default=FOLDER / "output/comparison")
    return parser.parse_args(argv)


def compare(options: argparse.Namespace) -> None:
    """Read, measure, write.

    :raises DataError: when rows and answers do not fit each other; nothing is written then.
    """
    rows = pd.read_csv(options.labelled, dtype=str, keep_default_na=False)
    actual = read_truth(rows, options.label_column, options.labels)
    answers = {
        side: read_predictions(getattr(options, side), options.labels, options.threshold) for side in SIDES
    }
    for side, (predicted, _) in answers.items():
        if len(predicted) != len(actual):
            raise DataError(f"{len(predicted)} answers of the {side} for {len(actual)} rows")
    found = document(actual, answers, options.metric)
    with staged(options.output) as folder:
        (folder / "comparison.json").write_text(json.dumps(found, indent=2, allow_nan=False))
        facts = {"Run": job_name(options.job_config), "Rows": f"{found['rows']:,}"}
        html = report(options.title, actual, answers, found, facts)
        (folder / "report.html").write_text(html, encoding="utf-8")
    told = ", ".join(f"{side} {found[side][options.metric]:.4f}" for side in SIDES)
    print(f"{options.metric} on {len(actual)} rows: {told}; better in {found['better_share']:.0%}")


def document(actual: np.ndarray, answers: dict[str, Answers], metric: str) -> dict[str, Any]:
    """`comparison.json`: the metrics of both sides, and how sure the gain of `metric` is.

    :return: `better_share` is the share of bootstrap samples with a gain above 0, `gain` its mean and the
        ends of its 90 % interval.
    """
    measured = {side: measure(actual, *answers[side]) for side in SIDES}
    positives = int(actual.sum())
    return {
        "version": "1.0",
        "rows": len(actual),
        "positives": positives,
        "compared_on": f"{len(actual):,} rows new to both, {positives:,} of them positive",
        "metric": metric,
        "shown": list(TILES),
        **measured,
        **gain(bootstrap(actual, answers, metric)),
    }


def gain(samples: np.ndarray) -> dict[str, Any]:
    """How sure a gain is, from bootstrap samples of it: the part of `comparison.json` that says so."""
    low, high = np.quantile(samples, [0.05, 0.95])
    interval = {"mean": float(samples.mean()), "low": float(low), "high": float(high)}
    return {"gain": {**interval, "samples": len(samples)}, "better_share": float((samples > 0).mean())}


def bootstrap(actual: np.ndarray, answers: dict[str, Answers], metric: str) -> np.ndarray:
    """Gain of the challenger in each sample that holds both classes, shape (samples,)."""
    random = np.random.default_rng(0)
    gains = []
    for _ in range(SAMPLES):
        rows = random.integers(0, len(actual), len(actual))
        if 0 < actual[rows].sum() < len(rows):
            champion, challenger = (_metric(actual, answers[side], rows, metric) for side in SIDES)
            gains.append(challenger - champion)
    if not gains:
        raise DataError(f"{len(actual)} rows, {int(actual.sum())} positive: too few to compare two models")
    return np.array(gains)


def _metric(actual: np.ndarray, answers: Answers, rows: np.ndarray, metric: str) -> float:
    predicted, scores = answers
    return measure_one(metric, actual[rows], predicted[rows], scores[rows])


def report(
    title: str, actual: np.ndarray, answers: dict[str, Answers], found: dict[str, Any], facts: dict[str, str]
) -> str:
    """The comparison as one HTML document."""
    tiles = "".join(tile(name, text, found) for name, text in TILES.items())
    sections = [
        ("ROC curve", _roc(actual, answers).svg()),
        ("Scores of the positives", _scores(actual, answers)),
    ]
    return page(
        f"{title}: champion and challenger", "On rows that neither has learned from", facts, tiles, sections
    )


def tile(name: str, text: str, found: dict[str, Any]) -> str:
    """A metric of both sides; HTML."""
    champion, challenger = (found[side][name] for side in SIDES)
    style = "up" if challenger >= champion else "down"
    decides = " · decides" if name == found["metric"] else ""
    return (
        f'<div class="tile"><span>{escape(text)}{decides}</span><b>{challenger:.4f}</b>'
        f'<span>champion {champion:.4f}</span><span class="{style}">{challenger - champion:+.4f}</span></div>'
    )


def _roc(actual: np.ndarray, answers: dict[str, Answers]) -> Plot:
    lines = [Series("chance", [(0, 0), (1, 1)], "guide")]
    for side in SIDES:
        curve = curves(actual, answers[side][1])["receiver_operating_characteristic_curve"]
        points = list(zip(curve["false_positive_rates"], curve["true_positive_rates"], strict=True))
        lines.append(Series(side, points))
    return Plot("ROC curve", Axis("false positive rate"), Axis("recall (true positive rate)"), tuple(lines))


def _scores(actual: np.ndarray, answers: dict[str, Answers]) -> str:
    edges = np.linspace(0, 1, 11)
    shares = {side: np.histogram(answers[side][1][actual], edges)[0] / actual.sum() for side in SIDES}
    bars = [
        Series(side, list(zip(edges[:-1].tolist(), shares[side].tolist(), strict=True)), "bars")
        for side in SIDES
    ]
    top = max(float(values.max()) for values in shares.values())
    return Plot("Scores of the positives", Axis("score"), Axis("share", 0, top), tuple(bars)).svg()


if __name__ == "__main__":
    sys.exit(main())
