"""Answers of a served model and the truth they are compared with, read strictly."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from job import FOLDER, JOB_CONFIG, DataError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    import pandas as pd


def add_prediction_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the labelled rows are, and how labels and scores go together."""
    pair = ("NEGATIVE", "POSITIVE")
    parser.add_argument("--label-column", required=True)
    parser.add_argument("--labels", nargs=2, required=True, metavar=pair)
    parser.add_argument("--classes", nargs=2, metavar=pair, help="words for the classes; default: the labels")
    parser.add_argument("--threshold", type=float, default=0.5, help="a score above it is positive")
    parser.add_argument("--labelled", type=Path, default=FOLDER / "input/labelled/test.csv")
    parser.add_argument("--job-config", type=Path, default=JOB_CONFIG, help="names the run, where it exists")


def class_names(options: argparse.Namespace) -> tuple[str, str]:
    """What people call the negative and the positive class: `--classes`, else the labels."""
    negative, positive = options.classes or options.labels
    return negative, positive


def read_truth(rows: pd.DataFrame, column: str, labels: Sequence[str]) -> np.ndarray:
    """True where a row is positive, shape (rows,).

    :param labels: negative, positive.
    :raises DataError: when the column is missing, or a label is unknown.
    """
    if column not in rows:
        raise DataError(f"the labelled rows have no column {column!r}, but {', '.join(map(repr, rows))}")
    unknown = rows.index[~rows[column].isin(labels)]
    if len(unknown):
        raise DataError(f"labelled row {unknown[0] + 1}: label {rows[column][unknown[0]]!r} is unknown")
    return np.asarray(rows[column] == labels[1], dtype=bool)


def read_predictions(folder: Path, labels: Sequence[str], threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Predicted classes and scores from all `*.out` files, in the order of their names.

    :return: arrays of shape (rows,): True where positive is predicted; probabilities.
    :raises DataError: naming file and line.
    """
    predicted, scores = [], []
    files = sorted(folder.glob("*.out"))
    if not files:
        raise DataError(f"no *.out file in {folder}")
    for path in files:
        with path.open(newline="", encoding="utf-8") as file:
            for line, values in enumerate(csv.reader(file), start=1):
                label, score = read_answer(values, labels, threshold, f"{path.name}, line {line}")
                predicted.append(label)
                scores.append(score)
    return np.array(predicted, dtype=bool), np.array(scores, dtype=float)


def read_answer(values: list[str], labels: Sequence[str], threshold: float, place: str) -> tuple[bool, float]:
    """Whether one `label,score` row is positive, and its score.

    :param place: file and line, for the message.
    :raises DataError: when it is no such row, or the threshold gives another label.
    """
    if len(values) != 2 or values[0] not in labels:
        expected = " or ".join(map(repr, labels))
        raise DataError(f"{place}: {','.join(values)[:80]!r}, expected a label ({expected}) and a score")
    try:
        score = float(values[1])
    except ValueError:
        score = -1.0
    if not 0.0 <= score <= 1.0:
        raise DataError(f"{place}: score {values[1][:40]!r} is not a number from 0 to 1")
    if (values[0] == labels[1]) != (score > threshold):
        raise DataError(
            f"{place}: label {values[0]!r} contradicts score {score:g} at threshold {threshold:g}"
        )
    return values[0] == labels[1], score
