"""Processing job: compare the batch transform's answers with the truth.

Reads `input/labelled/test.csv` and `input/predictions/*.out` (rows of `label,score`, in the same order).
Writes, below `output/evaluation`: `evaluation.json` (SageMaker's model quality shape), `report.html` and
`predictions.csv` (the raw rows with what was predicted, for dashboards).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from data.predictions import add_prediction_arguments, read_predictions, read_truth
from job import FOLDER, DataError, arguments, job_name, run, staged
from quality.classification import evaluate
from reports.evaluation import Report

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job and return its exit code."""
    options = parse(argv)
    return run(lambda: compare(options), options.message)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = arguments("Evaluate predictions against labelled rows.")
    add_prediction_arguments(parser)
    parser.add_argument("--title", default="Evaluation")
    parser.add_argument("--data-source", default="not stated", help="what the data is")
    parser.add_argument("--published", type=json.loads, default={}, help="JSON object of metric and value")
    parser.add_argument("--published-source", default="")
    parser.add_argument(
        "--predictions", type=Path, default=FOLDER / "input/predictions", help="folder of *.out"
    )
    parser.add_argument("--output", type=Path, default=FOLDER / "output/evaluation")
    return parser.parse_args(argv)


def compare(options: argparse.Namespace) -> None:
    """Read, measure, write.

    :raises DataError: when rows and answers do not fit each other; nothing is written then.
    """
    rows = pd.read_csv(options.labelled, dtype=str, keep_default_na=False)
    actual = read_truth(rows, options.label_column, options.labels)
    predicted, scores = read_predictions(options.predictions, options.labels, options.threshold)
    if len(predicted) != len(actual):
        raise DataError(f"{len(predicted)} predictions for {len(actual)} rows of {options.labelled.name}")
    report = Report(
        title=options.title,
        actual=actual,
        predicted=predicted,
        scores=scores,
        labels=tuple(options.labels),
        threshold=options.threshold,
        metrics=evaluate(actual, predicted, scores),
        facts={"Run": job_name(options.job_config), "Data": options.data_source},
        published=options.published,
        published_source=options.published_source,
    )
    with staged(options.output) as folder:
        (folder / "evaluation.json").write_text(json.dumps(document(report), indent=2, allow_nan=False))
        (folder / "report.html").write_text(report.html(), encoding="utf-8")
        answers = np.array(options.labels, dtype=object)[predicted.astype(int)]
        rows.assign(predicted=answers, score=scores).to_csv(folder / "predictions.csv", index=False)
    values = {name: round(report.metrics[name]["value"], 4) for name in ("accuracy", "f1", "auc")}
    print(f"{len(actual)} rows: {values}, confusion matrix {report.metrics['confusion_matrix']}")


def document(report: Report) -> dict[str, Any]:
    """`evaluation.json`: the metrics, and what is needed to read them."""
    return {
        "version": 0.0,
        "binary_classification_metrics": report.metrics,
        "item_count": len(report.actual),
        "positives": int(report.actual.sum()),
        "positive_label": report.labels[1],
        "threshold": report.threshold,
        "run": report.facts["Run"],
        "data_source": report.facts["Data"],
        "published": {"metrics": dict(report.published), "source": report.published_source},
    }


if __name__ == "__main__":
    sys.exit(main())
