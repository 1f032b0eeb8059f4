"""The built-in algorithm's model: bytes in, scores out."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xgboost

from include.local_aws.containers.toolkit import paths
from include.local_aws.containers.toolkit.code import BadCode
from include.local_aws.containers.toolkit.serving import (
    HttpError,
    default_accept,
    media_type,
    standard_parameters,
)
from include.local_aws.containers.xgboost.data import CSV, LIBSVM, parse_libsvm
from include.local_aws.containers.xgboost.hyperparameters import UserError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

JSON, JSON_LINES = "application/json", "application/jsonlines"
ACCEPTED = (CSV, JSON, JSON_LINES)
ONE_LINE_VERSIONS = ("0.90-", "1.0-")  # these answered CSV as one line, `a,b,c`


@dataclass(frozen=True)
class Answer:
    """One row's answer in the words of selectable inference."""

    scores: list[float]

    def select(self, name: str) -> Any:
        """`predicted_label`, `probability` ... of a classification.

        :raises HttpError: for a word that is not known.
        """
        probabilities = [1 - self.scores[0], self.scores[0]] if len(self.scores) == 1 else self.scores
        values: dict[str, Callable[[], Any]] = {
            "predicted_label": lambda: int(np.argmax(probabilities)),
            "predicted_score": lambda: self.scores[0],
            "raw_score": lambda: self.scores[0] if len(self.scores) == 1 else max(self.scores),
            "raw_scores": lambda: self.scores,
            "labels": lambda: list(range(len(probabilities))),
            "probability": lambda: self.scores[0] if len(self.scores) == 1 else max(probabilities),
            "probabilities": lambda: probabilities,
        }
        if name not in values:
            raise HttpError(400, f"SAGEMAKER_INFERENCE_OUTPUT names {name!r}; known are {', '.join(values)}.")
        return values[name]()


def load(folder: Path) -> xgboost.Booster:
    """The model file of a model folder: `xgboost-model`, or the only file there.

    :raises BadCode: when there is none, or it is not XGBoost's.
    """
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")]
    named = [path for path in files if path.name == "xgboost-model"] or files
    if len(named) != 1:
        raise BadCode(f"model.tar.gz holds {len(named)} model files, expected xgboost-model")
    try:
        return xgboost.Booster(model_file=bytearray(named[0].read_bytes()))
    except xgboost.core.XGBoostError as error:
        raise BadCode(f"{named[0].name} is not a model of XGBoost (UBJ or JSON)") from error


class AlgorithmPredictor:
    """Serves the built-in algorithm: text/csv or text/libsvm in; CSV, JSON or JSON Lines out."""

    def __init__(self) -> None:
        self._booster = load(paths.MODEL)
        self._features = self._booster.num_features()
        self._selected = [
            word for word in os.environ.get("SAGEMAKER_INFERENCE_OUTPUT", "").split(",") if word
        ]
        version = os.environ.get("LOCAL_AWS_IMAGE_VERSION", "")
        batch = os.environ.get("SAGEMAKER_BATCH") == "true"
        self._one_line = version.startswith(ONE_LINE_VERSIONS) and not batch

    def transform(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
        """Scores of the rows in a body.

        :raises HttpError: 415, 406, or 400 naming what is wrong with the rows.
        """
        wanted = media_type(default_accept(accept, CSV).split(",")[0])
        if wanted not in ACCEPTED:
            raise HttpError(
                406, f"Accept type {accept!r} is not supported. Supported are {', '.join(ACCEPTED)}."
            )
        if not body.strip():
            return b"", wanted
        predictions = self._predict(self._decode(body, content_type))
        answers = [Answer([float(score) for score in np.atleast_1d(row)]) for row in predictions]
        return self._encode(answers, wanted), wanted

    def execution_parameters(self) -> dict[str, Any]:
        return standard_parameters()

    def _predict(self, data: xgboost.DMatrix) -> np.ndarray:
        best = self._booster.attr("best_iteration")
        rounds = (0, int(best) + 1) if best else (0, 0)
        return self._booster.predict(data, iteration_range=rounds, validate_features=False)

    def _decode(self, body: bytes, content_type: str) -> xgboost.DMatrix:
        kind = media_type(content_type or CSV)
        try:
            if kind == CSV:
                return xgboost.DMatrix(self._check(self._csv(body)))
            if kind in (LIBSVM, "text/x-libsvm"):
                return xgboost.DMatrix(self._libsvm(body))
        except (UnicodeDecodeError, ValueError, UserError) as error:
            raise HttpError(415, f"Loading {kind} data failed: {error}") from error
        raise HttpError(415, f"Content type {content_type!r} is not supported. Use {CSV} or {LIBSVM}.")

    @staticmethod
    def _csv(body: bytes) -> np.ndarray:
        lines = [line for line in body.decode("utf-8").splitlines() if line.strip()]
        rows = [line.split(",") for line in lines]
        for number, row in enumerate(rows, start=1):
            if len(row) != len(rows[0]):
                raise ValueError(f"row {number} has {len(row)} values, the first has {len(rows[0])}")
        return np.asarray([[value.strip() or "nan" for value in row] for row in rows], dtype=np.float32)

    def _libsvm(self, body: bytes) -> np.ndarray:
        """Dense rows; what a row does not name is missing."""
        lines = body.decode("utf-8").splitlines()
        parsed = [parse_libsvm(line, f"row {number}")[1] for number, line in enumerate(lines, start=1)]
        table = np.full((len(parsed), self._features), np.nan, dtype=np.float32)
        for row, (indices, values) in enumerate(parsed):
            if indices and max(indices) >= self._features:
                raise HttpError(
                    400, f"row {row + 1} has feature {max(indices)}, the model has {self._features}."
                )
            table[row, indices] = values
        return table

    def _check(self, table: np.ndarray) -> np.ndarray:
        if table.shape[1] != self._features:
            raise HttpError(
                400, f"The rows have {table.shape[1]} features, the model was trained on {self._features}."
            )
        return table

    def _encode(self, answers: list[Answer], wanted: str) -> bytes:
        if self._selected:
            rows: list[dict[str, Any]] = [{n: answer.select(n) for n in self._selected} for answer in answers]
        else:
            rows = [{"score": a.scores[0] if len(a.scores) == 1 else a.scores} for a in answers]
        if wanted == JSON:
            return json.dumps({"predictions": rows}).encode()
        if wanted == JSON_LINES:
            return "".join(json.dumps(row) + "\n" for row in rows).encode()
        lines = [",".join(_flat(value) for value in row.values()) for row in rows]
        return (",".join(lines) if self._one_line else "\n".join(lines) + "\n").encode()


def _flat(value: Any) -> str:
    return "[" + ", ".join(map(str, value)) + "]" if isinstance(value, list) else str(value)
