"""The whole recipe without a server: preprocess, XGBoost, both ends of the pipeline, evaluate."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import xgboost as xgb

import evaluate
import inference
from include.use_cases.churn.use_case import CHURN

if TYPE_CHECKING:
    from pathlib import Path

    from tests.include.conftest import Prepared


def matrix(lines: list[str]) -> xgb.DMatrix:
    table = np.loadtxt(lines, delimiter=",")
    return xgb.DMatrix(table[:, 1:], table[:, 0])


def train(prepared: Prepared) -> tuple[xgb.Booster, dict[str, Any]]:
    """What the built-in algorithm does with the use case's hyperparameters."""
    parameters = dict(CHURN.hyperparameters)
    rounds = int(parameters.pop("num_round"))
    channels = [(matrix(prepared.lines(f"{name}/{name}.csv")), name) for name in ("train", "validation")]
    errors: dict[str, Any] = {}
    booster = xgb.train(
        parameters, channels[0][0], rounds, evals=channels, evals_result=errors, verbose_eval=False
    )
    return booster, errors


@pytest.fixture(scope="module")
def evaluation(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """`evaluation.json`, and the errors of the last training round under `errors`."""
    folder = tmp_path_factory.mktemp("recipe")
    with tarfile.open(prepared.folder / "model/model.tar.gz") as packed:
        packed.extractall(folder / "model", filter="data")
    booster, errors = train(prepared)

    def scores(features: str) -> str:
        rows = [[float(value) for value in line.split(",")] for line in features.splitlines()]
        return "\n".join(map(str, booster.predict(xgb.DMatrix(np.array(rows)))))

    body = "\n".join(prepared.lines("test/batch_transform_test.csv"))
    answers = container(
        "inverse-label-transform", folder, scores(container("feature-transform", folder, body))
    )
    (folder / "predictions").mkdir()
    (folder / "predictions/batch_transform_test.csv.out").write_text(answers)
    evaluate_at(folder, prepared)
    result: dict[str, Any] = json.loads((folder / "evaluation/evaluation.json").read_text())
    return {**result, "errors": {name: values["error"][-1] for name, values in errors.items()}}


def container(mode: str, folder: Path, body: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRANSFORM_MODE", mode)
        model = inference.model_fn(str(folder / "model"))
        answer: tuple[str, str] = inference.output_fn(
            inference.predict_fn(inference.input_fn(body, "text/csv"), model), "text/csv"
        )
        return answer[0]


def evaluate_at(folder: Path, prepared: Prepared) -> None:
    places = [
        "--labelled",
        str(prepared.folder / "labelled/test.csv"),
        "--predictions",
        str(folder / "predictions"),
    ]
    outputs = ["--output", str(folder / "evaluation"), "--message", str(folder / "message")]
    assert evaluate.main([*CHURN.evaluation_arguments, *places, *outputs]) == 0


def test_it_learns(evaluation: dict[str, Any]) -> None:
    metrics = evaluation["binary_classification_metrics"]
    assert evaluation["item_count"] == 334
    assert metrics["auc"]["value"] > 0.85
    assert metrics["f1"]["value"] > 0.7


def test_on_the_real_data_it_reaches_its_gates(evaluation: dict[str, Any], prepared: Prepared) -> None:
    """CH-5: F1 ≥ 0.81, accuracy ≥ 0.95, ROC AUC ≥ 0.92 on the 334 held-out rows, 48 of them positive."""
    if not prepared.real:
        pytest.skip("ML_DATASETS_DIR does not hold the real churn data")
    metrics = evaluation["binary_classification_metrics"]
    assert evaluation["positives"] == 48
    reached = {name: metrics[name]["value"] for name in CHURN.gates}
    assert all(reached[name] >= least for name, least in CHURN.gates.items()), reached


def test_on_the_real_data_the_training_errors_are_the_published_ones(
    evaluation: dict[str, Any], prepared: Prepared
) -> None:
    """CH-2: 0.0283 and 0.0661 in the last round; the histogram method would end at 0.0347 in training."""
    if not prepared.real:
        pytest.skip("ML_DATASETS_DIR does not hold the real churn data")
    assert {name: round(value, 4) for name, value in evaluation["errors"].items()} == {
        "train": 0.0283,
        "validation": 0.0661,
    }
