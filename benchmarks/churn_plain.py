"""The churn workflow's steps as one plain Python script: no jobs, no objects, no containers, no endpoint.

It calls the job scripts' own functions one after the other, in the jobs environment.
Usage: python -m benchmarks.churn_plain FOLDER
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1]
sys.path[:0] = [str(PROJECT / "include/jobs"), str(PROJECT / "include/use_cases/churn/jobs")]

import evaluate  # noqa: E402
import inference  # noqa: E402
import numpy as np  # noqa: E402
import preprocess  # noqa: E402
import xgboost  # noqa: E402

from include.datasets import fetch  # noqa: E402
from include.use_cases.churn.use_case import CHURN  # noqa: E402


def train(prepared: Path) -> xgboost.Booster:
    """Train on the preprocessed CSV files, with the use case's hyperparameters."""
    tables = {name: np.loadtxt(prepared / name / f"{name}.csv", delimiter=",") for name in ("train", "validation")}
    data = {name: xgboost.DMatrix(table[:, 1:], table[:, 0]) for name, table in tables.items()}
    settings = dict(CHURN.hyperparameters)
    rounds = int(settings.pop("num_round"))
    watched = [(matrix, name) for name, matrix in data.items()]
    return xgboost.train(settings, data["train"], rounds, evals=watched, verbose_eval=False)


def predict(booster: xgboost.Booster, model_folder: Path, rows: bytes) -> str:
    """What the inference pipeline does: features, score, label."""
    model = inference.model_fn(str(model_folder))
    os.environ["TRANSFORM_MODE"] = inference.FEATURES
    features = inference.predict_fn(inference.input_fn(rows, "text/csv"), model)
    scores = booster.predict(xgboost.DMatrix(features))
    os.environ["TRANSFORM_MODE"] = inference.LABELS
    body = "\n".join(str(score) for score in scores)
    labelled = inference.predict_fn(inference.input_fn(body, "text/csv"), model)
    return str(inference.output_fn(labelled, "text/csv")[0])


def main(work: Path) -> None:
    """Fetch, preprocess, train, predict, evaluate."""
    raw, prepared = work / "raw", work / "prepared"
    fetch(CHURN.dataset, raw)
    preprocess.main([*CHURN.preprocess_arguments("1729"), "--input", str(raw), "--output", str(prepared)])
    os.environ["TRANSFORM_MODE"] = inference.FEATURES
    print(json.dumps({"prepared": str(prepared)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
