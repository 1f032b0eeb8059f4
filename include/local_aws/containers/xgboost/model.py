"""The built-in algorithm's model: from request bodies to scores."""

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
ONE_LINE_VERSIONS = ("0.90-", "1.0-")  # they answer CSV as one line, `a,b,c`


@dataclass(frozen=True)
class Answer:
    """The answer for one row, with the values of selectable inference.

    :param scores: one score, or one per class.
    """

    scores: list[float]

    def select(self, name: str) -> Any:
        """A value of selectable inference by its name: `predicted_label`, `probability` ...

        :raises HttpError: 400 for an unknown name.
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
    """The model in a folder: the file `xgboost-model`, or the only file.

    :raises BadCode: when there is no such file, or it is not a model of XGBoost.
    """
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")]
    candidates = [path for path in files if path.name == "xgboost-model"] or files
    if len(candidates) != 1:
        raise BadCode(f"model.tar.gz holds {len(candidates)} model files, expected xgboost-model")
    try:
        return xgboost.Booster(model_file=bytearray(candidates[0].read_bytes()))
    except xgboost.core.XGBoostError as error:
        raise BadCode(f"{candidates[0].name} is not a model of XGBoost (UBJ or JSON)") from error


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
        """The scores of the rows of a body; returns body and content type of the answer.

        :raises HttpError: 415 for an unsupported type or rows that are not numbers, 406 for an unsupported
            Accept, 400 for a wrong number of features.
        """
        accept_type = media_type(default_accept(accept, CSV).split(",")[0])
        if accept_type not in ACCEPTED:
            raise HttpError(
                406, f"Accept type {accept!r} is not supported. Supported are {', '.join(ACCEPTED)}."
            )
        if not body.strip():
            return b"", accept_type
        predictions = self._predict(self._decode(body, content_type))
        answers = [Answer([float(score) for score in np.atleast_1d(row)]) for row in predictions]
        return self._encode(answers, accept_type), accept_type

    def execution_parameters(self) -> dict[str, Any]:
        """The standard parameters."""
        return standard_parameters()

    def _predict(self, data: xgboost.DMatrix) -> np.ndarray:
        """Scores, shape (rows,) or (rows, classes), of the best iteration."""
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
        """Rows of numbers, shape (rows, columns); empty values become NaN."""
        lines = [line for line in body.decode("utf-8").splitlines() if line.strip()]
        rows = [line.split(",") for line in lines]
        for number, row in enumerate(rows, start=1):
            if len(row) != len(rows[0]):
                raise ValueError(f"row {number} has {len(row)} values, the first has {len(rows[0])}")
        return np.asarray([[value.strip() or "nan" for value in row] for row in rows], dtype=np.float32)

    def _libsvm(self, body: bytes) -> np.ndarray:
        """Dense rows, shape (rows, features); values that a row does not name are NaN."""
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
        """The table, shape (rows, features), when it has the model's number of features."""
        if table.shape[1] != self._features:
            raise HttpError(
                400, f"The rows have {table.shape[1]} features, the model was trained on {self._features}."
            )
        return table

    def _encode(self, answers: list[Answer], accept_type: str) -> bytes:
        if self._selected:
            rows: list[dict[str, Any]] = [{n: answer.select(n) for n in self._selected} for answer in answers]
        else:
            rows = [{"score": a.scores[0] if len(a.scores) == 1 else a.scores} for a in answers]
        if accept_type == JSON:
            return json.dumps({"predictions": rows}).encode()
        if accept_type == JSON_LINES:
            return "".join(json.dumps(row) + "\n" for row in rows).encode()
        lines = [",".join(_flat(value) for value in row.values()) for row in rows]
        return (",".join(lines) if self._one_line else "\n".join(lines) + "\n").encode()


def _flat(value: Any) -> str:
    return "[" + ", ".join(map(str, value)) + "]" if isinstance(value, list) else str(value)
