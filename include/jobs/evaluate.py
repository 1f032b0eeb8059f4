"""Processing job: compare the batch transform's answers with the truth.

Reads `input/labelled/test.csv` and `input/predictions/*.out` (rows of `label,score`, in the same order).
Writes, below `output/evaluation`: `evaluation.json` (SageMaker's model quality shape), `report.html` and
`predictions.csv` (the raw rows with what was predicted, for dashboards).

A missed gate does not fail the job: `evaluation.json` says so (`gates_passed`), and what reads it decides.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from data.predictions import add_prediction_arguments, class_names, read_predictions, read_truth
from job import FOLDER, DataError, arguments, job_name, run, staged, strict_json
from quality.classification import evaluate
from quality.gates import check_gates, missed_gates, parse_gates
from reports.evaluation import EvaluationReport

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
    parser.add_argument("--published", type=strict_json, default={}, help="JSON object of metric and value")
    parser.add_argument("--published-source", default="")
    parser.add_argument(
        "--gates", type=parse_gates, default={}, metavar="JSON", help="object of metric and least value"
    )
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
    report = build_report(options, actual, predicted, scores)
    with staged(options.output) as folder:
        (folder / "evaluation.json").write_text(json.dumps(describe(report), indent=2, allow_nan=False))
        (folder / "report.html").write_text(report.html(), encoding="utf-8")
        answers = np.array(options.labels, dtype=object)[predicted.astype(int)]
        rows.assign(predicted=answers, score=scores).to_csv(folder / "predictions.csv", index=False)
    print(summary_line(report))


def build_report(
    options: argparse.Namespace, actual: np.ndarray, predicted: np.ndarray, scores: np.ndarray
) -> EvaluationReport:
    """Measure, and hold the metrics against gates and published numbers.

    :param actual, predicted: classes, both of shape (rows,), True is positive.
    :param scores: probabilities of the positive class, shape (rows,).
    :raises DataError: when all rows are of one class.
    """
    metrics = evaluate(actual, predicted, scores)
    return EvaluationReport(
        title=options.title,
        actual=actual,
        predicted=predicted,
        scores=scores,
        labels=tuple(options.labels),
        classes=class_names(options),
        threshold=options.threshold,
        metrics=metrics,
        gates=check_gates(options.gates, metrics),
        facts={"Run": job_name(options.job_config), "Data": options.data_source},
        published=options.published,
        published_source=options.published_source,
    )


def describe(report: EvaluationReport) -> dict[str, Any]:
    """`evaluation.json`: the metrics, and what is needed to read them."""
    return {
        "version": 0.0,
        "binary_classification_metrics": report.metrics,
        "item_count": len(report.actual),
        "positives": int(report.actual.sum()),
        "positive_label": report.labels[1],
        "classes": list(report.classes),
        "threshold": report.threshold,
        "run": report.facts["Run"],
        "data_source": report.facts["Data"],
        "published": {"metrics": dict(report.published), "source": report.published_source},
        "gates": dict(report.gates),
        "gates_passed": all(gate["passed"] for gate in report.gates.values()),
    }


def summary_line(report: EvaluationReport) -> str:
    """The evaluation in a line of the log; missed gates are named."""
    values = {name: round(report.metrics[name]["value"], 4) for name in ("accuracy", "f1", "auc")}
    line = f"{len(report.actual)} rows: {values}, confusion matrix {report.metrics['confusion_matrix']}"
    missed = missed_gates(report.gates)
    return f"{line}; missed gates: {', '.join(missed)}" if missed else line


if __name__ == "__main__":
    sys.exit(main())
