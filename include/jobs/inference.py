"""Serving script of the scikit-learn containers at both ends of the inference pipeline.

`TRANSFORM_MODE` says which end: `feature-transform` turns raw rows into features for XGBoost,
`inverse-label-transform` turns XGBoost's scores into `label,score` rows.

A refused request is an answer, not an exception: AWS's container turns any exception of a hook into an opaque
status 500, but passes on a WSGI application that a hook returns.
"""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pandas as pd

from job import DataError
from tabular import Schema, check_row, typed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

FEATURES, LABELS = "feature-transform", "inverse-label-transform"


class ConfigurationError(ValueError):
    """An environment variable of the container that it cannot work with."""


@dataclass(frozen=True)
class Refusal:
    """A request that cannot be answered: a WSGI application that says why, as JSON.

    Refusal("400 Bad Request", "row 2 has 19 values, expected 20")
    """

    status: str
    reason: str

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = json.dumps({"error": self.reason}).encode()
        start_response(
            self.status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        )
        return [body]


@dataclass(frozen=True)
class Model:
    """The fitted transformer and the columns it was fitted on."""

    transformer: Any  # a ColumnTransformer; None at the end of the pipeline that has no use for it
    schema: Schema


def mode() -> str:
    """The end of the pipeline that this container is.

    :raises ConfigurationError: when TRANSFORM_MODE names none.
    """
    chosen = os.environ.get("TRANSFORM_MODE", "")
    if chosen not in (FEATURES, LABELS):
        raise ConfigurationError(f"TRANSFORM_MODE is {chosen!r}: expected {FEATURES!r} or {LABELS!r}")
    return chosen


def threshold() -> float:
    """A score above it is the positive label; from DECISION_THRESHOLD.

    :raises ConfigurationError: when it is not a number.
    """
    text = os.environ.get("DECISION_THRESHOLD", "0.5")
    try:
        return float(text)
    except ValueError as error:
        raise ConfigurationError(f"DECISION_THRESHOLD is {text!r}: expected a number") from error


def model_fn(model_dir: str) -> Model:
    """Load what the preprocessing job fitted.

    :raises ConfigurationError: when an environment variable is wrong.
    """
    threshold()  # a wrong setting fails the start, not the first request
    folder = Path(model_dir)
    transformer = joblib.load(folder / "transformer.joblib") if mode() == FEATURES else None
    return Model(transformer, Schema.from_json((folder / "schema.json").read_text()))


def input_fn(body: str | bytes, content_type: str) -> list[list[str]] | Refusal:
    """Parse text/csv, with or without parameters such as `; charset=utf-8`, into rows of text."""
    if media_type(content_type) != "text/csv":
        return Refusal("415 Unsupported Media Type", f"content type {content_type!r}: expected text/csv")
    try:
        text = body if isinstance(body, str) else body.decode("utf-8")
        rows = [row for row in csv.reader(io.StringIO(text), strict=True) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        return Refusal("400 Bad Request", f"the body is not CSV in UTF-8: {error}")
    return rows or Refusal("400 Bad Request", "the body holds no row")


def predict_fn(rows: list[list[str]] | Refusal, model: Model) -> Any:
    """Features (an array of rows × features), or pairs of label and score."""
    if isinstance(rows, Refusal):
        return rows
    try:
        return features(rows, model) if mode() == FEATURES else labels(rows, model.schema)
    except DataError as error:
        return Refusal("400 Bad Request", str(error))


def output_fn(prediction: Any, accept: str) -> Any:
    """Body and content type: CSV, or JSON where the pipeline's caller asks for it."""
    if isinstance(prediction, Refusal):
        return prediction
    if mode() == FEATURES:
        return features_csv(prediction), "text/csv"  # whatever the caller accepts: XGBoost reads CSV
    media_types = {media_type(part) for part in (accept or "").split(",")}
    if media_types & {"", "*/*", "text/*", "text/csv"}:
        return "".join(f"{label},{score}\n" for label, score in prediction), "text/csv"
    if media_types & {"application/json", "application/*"}:
        answers = [{"predicted_label": label, "score": float(score)} for label, score in prediction]
        return json.dumps({"predictions": answers}), "application/json"
    return Refusal("406 Not Acceptable", f"accept {accept!r}: expected text/csv or application/json")


def media_type(header: str | None) -> str:
    """`text/csv; charset=utf-8` → `text/csv`."""
    return (header or "").partition(";")[0].strip().lower()


def features(rows: list[list[str]], model: Model) -> np.ndarray:
    """Transform raw rows; a row may still carry its label, which is dropped.

    :return: floats, shape (rows, features).
    :raises DataError: naming the row and what was expected.
    """
    schema = model.schema
    for number, row in enumerate(rows, start=1):
        if len(row) == len(schema.names):
            del row[schema.names.index(schema.label)]
        elif len(row) != len(schema.inputs):
            raise DataError(
                f"row {number} has {len(row)} values, expected {len(schema.inputs)}, "
                f"or {len(schema.names)} with the label"
            )
        check_row(row, schema, schema.inputs, f"row {number}")
    frame = pd.DataFrame(rows, columns=schema.inputs, dtype=object)
    return np.asarray(model.transformer.transform(typed(frame, schema)))


def features_csv(table: np.ndarray) -> str:
    """One line per row of an array of shape (rows, features); numbers are read back exactly."""
    return str(pd.DataFrame(table).to_csv(index=False, header=False, lineterminator="\n"))


def labels(rows: list[list[str]], schema: Schema) -> list[tuple[str, str]]:
    """Label and score for each score, one a line or separated by commas.

    :raises DataError: naming the first value that is no score.
    """
    limit = threshold()
    negative, positive = schema.labels
    answers = []
    for number, score in enumerate((value.strip() for row in rows for value in row), start=1):
        answers.append((positive if _probability(score, number) > limit else negative, score))
    return answers


def _probability(text: str, number: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise DataError(f"score {number} is {text[:40]!r}, expected a number from 0 to 1")
    return value
