"""The churn workflow's steps as one plain Python script: no jobs, no objects, no containers, no endpoint.

It calls the job scripts' own functions one after the other, in one process of the jobs environment:

    python -m benchmarks.churn_plain FOLDER
"""

from __future__ import annotations

import os
import sys
import tarfile
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from include.use_cases.churn.use_case import CHURN

if TYPE_CHECKING:
    import xgboost

PROJECT = Path(__file__).parents[1]


def main(work: Path) -> None:
    """Fetch, preprocess, train, predict, evaluate and profile, as the jobs of the DAG do."""
    sys.path[:0] = [str(PROJECT / "include/jobs")]
    prepared = prepare(work)
    booster = train(prepared, work)
    (work / "predictions").mkdir()
    (work / "predictions/test.csv.out").write_text(predict(booster, prepared))
    evaluate(prepared, work)
    profile(prepared, work)


def prepare(work: Path) -> Path:
    """Fetch and preprocess the data; returns the folder of the result."""
    from include.datasets import fetch

    prepared = work / "prepared"
    data = fetch(CHURN.dataset, work)
    options = ["--input", str(data.path.parent), "--output", str(prepared)]
    preprocess = import_module("preprocess")
    preprocess.main(["--seed", str(CHURN.split_seed), *CHURN.table_arguments, *options])
    return prepared


def train(prepared: Path, work: Path) -> xgboost.Booster:
    """Train the model and write model.tar.gz."""
    import numpy as np
    import xgboost

    table = np.loadtxt(prepared / "train/train.csv", delimiter=",")
    settings = dict(CHURN.hyperparameters)
    rounds = int(settings.pop("num_round"))
    booster = xgboost.train(settings, xgboost.DMatrix(table[:, 1:], table[:, 0]), rounds)
    (work / "training").mkdir()
    booster.save_model(work / "training/model.ubj")
    with tarfile.open(work / "training/model.tar.gz", "w:gz") as archive:
        archive.add(work / "training/model.ubj", "xgboost-model")
    return booster


def evaluate(prepared: Path, work: Path) -> None:
    """Write evaluation and report."""
    inputs = ["--labelled", str(prepared / "labelled/test.csv"), "--predictions", str(work / "predictions")]
    options = [*CHURN.evaluation_arguments, *inputs, "--output", str(work / "evaluation")]
    import_module("evaluate").main(options)


def profile(prepared: Path, work: Path) -> None:
    """Write the baseline of the drift monitor."""
    folders = {
        "data": prepared / "training_rows",
        "predictions": work / "evaluation",
        "features": prepared / "validation",
        "summary": prepared / "summary",
        "model": work / "training",
    }
    (work / "inputs").mkdir()
    for name, folder in folders.items():
        (work / "inputs" / name).symlink_to(folder)
    options = ["--input", str(work / "inputs"), "--output", str(work / "baseline")]
    import_module("baseline").main([*CHURN.table_arguments, *options])


def predict(booster: xgboost.Booster, prepared: Path) -> str:
    """The steps of the inference pipeline: features, scores, labels.

    :return: CSV with one line per row of the test data.
    """
    import xgboost

    inference = import_module("inference")
    with tarfile.open(prepared / "model/model.tar.gz") as archive:
        archive.extractall(prepared / "unpacked", filter="data")
    os.environ["TRANSFORM_MODE"] = inference.FEATURES
    model = inference.model_fn(str(prepared / "unpacked"))
    rows = (prepared / "test/batch_transform_test.csv").read_bytes()
    features = inference.predict_fn(inference.input_fn(rows, "text/csv"), model)
    scores = booster.predict(xgboost.DMatrix(features))
    os.environ["TRANSFORM_MODE"] = inference.LABELS
    lines = "\n".join(str(score) for score in scores)
    labelled = inference.predict_fn(inference.input_fn(lines, "text/csv"), model)
    return str(inference.output_fn(labelled, "text/csv")[0])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
