"""Processing job: champion and challenger on the same rows.

Reads `input/labelled/test.csv`, `input/champion/*.out` and `input/challenger/*.out` (rows of `label,score`,
in the same order). Writes, below `output/comparison`: `comparison.json` and `report.html`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from data.predictions import add_prediction_arguments, class_names, read_predictions, read_truth
from job import FOLDER, DataError, arguments, job_name, run, staged
from quality.classification import METRIC_TITLES, measure, measure_one
from quality.comparison import SIDES, Predictions, comparison_document, resamples, summary_line
from reports.comparison import classifier_sections, comparison_page

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

SUBTITLE = "On rows that neither has learned from"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job and return its exit code."""
    options = parse(argv)
    return run(lambda: compare(options), options.message)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = arguments("Compare two models on the same labelled rows.")
    add_prediction_arguments(parser)
    parser.add_argument(
        "--metric", default="auc", choices=list(METRIC_TITLES), help="the metric that decides"
    )
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
    predictions = {
        side: read_predictions(getattr(options, side), options.labels, options.threshold) for side in SIDES
    }
    for side, (predicted, _) in predictions.items():
        if len(predicted) != len(actual):
            raise DataError(f"{len(predicted)} answers of the {side} for {len(actual)} rows")
    document = describe(actual, predictions, options.metric)
    sections = classifier_sections(actual, predictions, class_names(options)[1])
    facts = {"Run": job_name(options.job_config), "Rows": f"{len(actual):,}"}
    html = comparison_page(options.title, SUBTITLE, document, METRIC_TITLES, facts, sections)
    with staged(options.output) as folder:
        (folder / "comparison.json").write_text(json.dumps(document, indent=2, allow_nan=False))
        (folder / "report.html").write_text(html, encoding="utf-8")
    print(f"{options.metric} on {len(actual)} rows: {summary_line(document)}")


def describe(actual: np.ndarray, predictions: Mapping[str, Predictions], metric: str) -> dict[str, Any]:
    """`comparison.json` of two classifiers.

    :param actual: True where a row is positive, shape (rows,).
    :param predictions: classes and scores of each side, both of shape (rows,).
    :raises DataError: when there are too few rows of either class.
    """
    positives = int(actual.sum())
    return comparison_document(
        {side: measure(actual, *predictions[side]) for side in SIDES},
        bootstrap(actual, predictions, metric),
        metric,
        list(METRIC_TITLES),
        rows=len(actual),
        positives=positives,
        compared_on=f"{len(actual):,} rows new to both, {positives:,} of them positive",
    )


def bootstrap(actual: np.ndarray, predictions: Mapping[str, Predictions], metric: str) -> np.ndarray:
    """Gain of the challenger in each sample that holds both classes, shape (samples,).

    :raises DataError: when no sample holds both classes.
    """
    gains = []
    for rows in resamples(len(actual)):
        if 0 < actual[rows].sum() < len(rows):
            champion, challenger = (_metric(actual, predictions[side], rows, metric) for side in SIDES)
            gains.append(challenger - champion)
    if not gains:
        raise DataError(f"{len(actual)} rows, {int(actual.sum())} positive: too few to compare two models")
    return np.array(gains)


def _metric(actual: np.ndarray, predictions: Predictions, rows: np.ndarray, metric: str) -> float:
    predicted, scores = predictions
    return measure_one(metric, actual[rows], predicted[rows], scores[rows])


if __name__ == "__main__":
    sys.exit(main())
