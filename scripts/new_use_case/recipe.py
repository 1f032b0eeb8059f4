"""What the plain recipe reaches on the data: the split and the features of `preprocess.py`, then XGBoost."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.new_use_case.errors import WrongInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

JOBS = Path(__file__).parents[2] / "include/jobs"
# A start for any data: what churn's workshop published, without its exact tree method, which is slow on large
# data. Each `use_case.py` gets a copy, so that a later change, here or of churn, leaves it as it is.
HYPERPARAMETERS = {
    "objective": "binary:logistic",
    "num_round": "100",
    "max_depth": "5",
    "eta": "0.2",
    "gamma": "4",
    "min_child_weight": "6",
    "subsample": "0.8",
    "eval_metric": "auc",
}
MARGIN = 0.05  # a gate is so much below what was measured
LEAST_AUC = 0.5 + MARGIN  # a gate below 0.5 would let a model pass that is worse than guessing
MOST_CELLS = 50_000_000  # features × rows that are trained on here: 400 MB


@dataclass(frozen=True)
class Measurement:
    """What the recipe reaches.

    :param rows: of each part: train, validation, test.
    :param auc: ROC AUC by part.
    """

    rows: Mapping[str, int]
    features: int
    auc: Mapping[str, float]

    @property
    def gate(self) -> float | None:
        """The measured AUC of the test rows, rounded down, minus a margin; none where that is guessing."""
        if self.auc["test"] <= LEAST_AUC:
            return None
        return round(math.floor(self.auc["test"] * 100) / 100 - MARGIN, 2)


def measure(
    frame: pd.DataFrame,
    columns: Mapping[str, str],
    labels: tuple[str, str],
    parameters: Mapping[str, str],
    seed: int,
) -> Measurement:
    """Split, fit, train and score as the workflow does.

    :param frame: rows × columns, every value as text, blank where it is missing.
    :param columns: kind by name, in the order of the frame.
    :raises WrongInput: when a part of the rows lacks a label.
    """
    import xgboost

    preprocess, tabular, data_error = _job_scripts()
    kinds = [f"{kind}:{name}" for name, kind in columns.items()]
    schema = tabular.Schema.parse(kinds, labels)
    parts = preprocess.split(frame, seed)
    try:
        preprocess.check_parts(parts, schema)
    except data_error as error:
        raise WrongInput(str(error)) from error
    transformer = preprocess.fit(parts["train"], schema)
    matrices = {name: _matrix(part, transformer, schema, tabular) for name, part in parts.items()}
    chosen = dict(parameters)
    rounds = int(chosen.pop("num_round"))
    booster = xgboost.train(chosen, matrices["train"], rounds)
    return Measurement(
        rows={name: len(part) for name, part in parts.items()},
        features=matrices["train"].num_col(),
        auc={name: _auc(booster, matrix) for name, matrix in matrices.items()},
    )


def _job_scripts() -> tuple[Any, Any, type[Exception]]:
    """`preprocess`, `tabular` and their error: they import each other by bare names, as in a container."""
    if str(JOBS) not in sys.path:
        sys.path.append(str(JOBS))
    import job
    import preprocess
    import tabular

    return preprocess, tabular, job.DataError


def _matrix(part: pd.DataFrame, transformer: Any, schema: Any, tabular: Any) -> Any:
    import xgboost

    labels = (part[schema.label] == schema.labels[1]).to_numpy(dtype=float)
    return xgboost.DMatrix(transformer.transform(tabular.typed(part, schema)), labels)


def _auc(booster: Any, matrix: Any) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(matrix.get_label(), booster.predict(matrix)))
