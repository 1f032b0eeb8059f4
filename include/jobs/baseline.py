"""Processing job: what training data and predictions look like, for the drift monitor to compare with.

Inputs, below `--input`: `data/*.csv` (raw training rows with header), `predictions/predictions.csv` (raw
test rows with `predicted` and `score`), where there is one `predictions/evaluation.json` (the `threshold`),
`model/model.tar.gz` (the built-in XGBoost's), `features/*.csv` (label first, features after, no header) and
`summary/summary.json` (names of the `features`).

Outputs, below `--output`; they appear together, and only when all is well:

| file | content |
|---|---|
| `statistics.json`, `constraints.json` | of inputs and predictions, in Model Monitor's formats |
| `model_quality_constraints.json` | least value of each metric, in Model Monitor's format |
| `importance.json` | weight of each column in the model, 1 in sum |
| `profile.json` | the same columns counted finely, rates, metrics, threshold: what is compared with |
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from drift import model_monitor, model_quality
from drift.profile import CategoryColumn, Profile
from drift.weights import column_weights, owners, read_booster, read_features, read_names
from drift.window import numbers
from job import FOLDER, DataError, arguments, run, staged, strict_json
from tabular import Schema, add_table_arguments, check_file, table_files

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    import numpy as np

CHUNK_ROWS = 50_000
VERSION = "1.0"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job and return its exit code."""
    options = parse(argv)
    return run(lambda: measure(options), options.message)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = arguments("Profile training data and predictions as a baseline.")
    add_table_arguments(parser)
    parser.add_argument(
        "--quality-tolerance", type=float, default=0.05, help="what a metric may lose before it is violated"
    )
    parser.add_argument("--input", type=Path, default=FOLDER / "input")
    parser.add_argument("--output", type=Path, default=FOLDER / "output/baseline")
    return parser.parse_args(argv)


def measure(options: argparse.Namespace) -> None:
    """Read, count, write.

    :raises DataError: when an input is missing or cannot be used; nothing is written then.
    """
    schema = Schema.parse(options.columns, options.labels)
    inputs, label = profile_rows(options.input / "data", schema)
    answers = read_answers(options.input / "predictions/predictions.csv", schema)
    weights = weigh(options.input, inputs)
    profile = {"version": VERSION, "rows": inputs.rows, "columns": inputs.to_json(), "label": label}
    documents = {
        "statistics": model_monitor.statistics(inputs.rows, inputs, answers.profile),
        "constraints": model_monitor.constraints(inputs, answers.profile),
        "model_quality_constraints": model_quality.constraints(answers.metrics, options.quality_tolerance),
        "importance": weights,
        "profile": {**profile, "predictions": answers.to_json()},
    }
    with staged(options.output) as folder:
        for name, content in documents.items():
            (folder / f"{name}.json").write_text(json.dumps(content, indent=1, allow_nan=False))
    print(f"{inputs.rows} rows, {len(inputs.columns)} columns; most important is {next(iter(weights))}")


def profile_rows(folder: Path, schema: Schema) -> tuple[Profile, dict[str, float]]:
    """Count raw rows chunk by chunk.

    :return: the profile of the columns that are learned from; `rows`, `positives`, `positive_rate` of the
        label.
    :raises DataError: naming file, line and column.
    """
    profile = Profile.of({name: kind for name, kind in schema.columns if kind in ("number", "category")})
    label = CategoryColumn()
    for chunk in read_chunks(folder, schema):
        profile.update({name: _values(chunk[name], name, schema) for name in profile.columns})
        label.update(chunk[schema.label].to_numpy(dtype=object))
    positives = label.counts.get(schema.labels[1], 0)
    return profile, {"rows": label.rows, "positives": positives, "positive_rate": positives / label.rows}


def read_chunks(folder: Path, schema: Schema) -> Iterator[pd.DataFrame]:
    """All rows of a folder as text, some at a time; each file is checked in full before it is read.

    :raises DataError: when there is no file, or naming file, line and column of what is wrong.
    """
    for path in table_files(folder):
        check_file(path, schema)
        yield from pd.read_csv(
            path, dtype=str, keep_default_na=False, encoding="utf-8-sig", chunksize=CHUNK_ROWS
        )


def _values(column: pd.Series, name: str, schema: Schema) -> np.ndarray:
    texts = column.to_numpy(dtype=object)
    return numbers(tuple(texts))[0] if name in schema.named("number") else texts


@dataclass(frozen=True)
class Answers:
    """The model's predictions for rows whose truth is known."""

    profile: Profile  # columns predicted and score
    rows: int
    positives: int  # predicted
    actual_positives: int
    metrics: dict[str, float]
    threshold: float | None  # a score above it is positive; None where it is not known

    def to_json(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "positives": self.positives,
            "positive_rate": self.positives / self.rows,
            "threshold": self.threshold,
            "columns": self.profile.to_json(),
            "quality": {"rows": self.rows, "positives": self.actual_positives, "metrics": self.metrics},
        }


def read_answers(path: Path, schema: Schema) -> Answers:
    """Predictions beside their truth.

    :raises DataError: when the file is missing, or lacks a column; when the threshold is no number.
    """
    columns = [schema.label, "predicted", "score"]
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, usecols=columns)
        scores = table["score"].to_numpy(dtype=float)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path.name}: expected columns {', '.join(map(repr, columns))}, and numbers as scores: {error}"
        ) from error
    if not len(table):
        raise DataError(f"{path.name} holds no row")
    profile = Profile.of({"predicted": "category", "score": "number"})
    profile.update({"predicted": table["predicted"].to_numpy(dtype=object), "score": scores})
    actual, predicted = (
        (table[name] == schema.labels[1]).to_numpy(dtype=bool) for name in (schema.label, "predicted")
    )
    metrics = model_quality.metrics_of(actual, predicted, scores)
    threshold = read_threshold(path.with_name("evaluation.json"))
    return Answers(profile, len(table), int(predicted.sum()), int(actual.sum()), metrics, threshold)


def read_threshold(path: Path) -> float | None:
    """The score above which the evaluated answers are positive; None where there is no evaluation.

    :raises DataError: when there is one, but without such a number.
    """
    if not path.is_file():
        return None
    try:
        return float(strict_json(path.read_text())["threshold"])
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{path.name}: expected an object with a number as 'threshold': {error!r}") from error


def weigh(folder: Path, inputs: Profile) -> dict[str, float]:
    """How much the model goes by each column, the most important one first.

    :raises DataError: when model, features or their names are missing or do not fit each other.
    """
    names = read_names(folder / "summary/summary.json")
    columns = owners(names, inputs.columns)
    booster = read_booster(folder / "model/model.tar.gz")
    if booster.num_features() != len(names):
        raise DataError(f"the model has {booster.num_features()} features, summary.json names {len(names)}")
    features = read_features(folder / "features", names)
    weights = column_weights(booster, features, columns, list(inputs.columns))
    return dict(sorted(weights.items(), key=lambda pair: -pair[1]))


if __name__ == "__main__":
    sys.exit(main())
