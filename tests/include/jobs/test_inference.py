"""The serving script at both ends of the inference pipeline."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING, Any

import flask
import numpy as np
import pytest

import inference
from inference import Refusal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.include.conftest import Prepared

ROW = "KS,128,415,382-4657,no,yes,25,265.1,110,45.07,197.4,99,16.78,244.7,91,11.01,10.0,3,2.7,1"


@pytest.fixture(scope="module")
def model_folder(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    with tarfile.open(prepared.folder / "model/model.tar.gz") as model:
        model.extractall(folder, filter="data")
    return folder


@pytest.fixture
def features(model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> inference.Model:
    """The first container of the pipeline."""
    monkeypatch.setenv("TRANSFORM_MODE", "feature-transform")
    return inference.model_fn(str(model_folder))


@pytest.fixture
def labels(model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> inference.Model:
    """The last container of the pipeline."""
    monkeypatch.setenv("TRANSFORM_MODE", "inverse-label-transform")
    monkeypatch.delenv("DECISION_THRESHOLD", raising=False)
    return inference.model_fn(str(model_folder))


def invoke(
    model: inference.Model, body: str | bytes, content_type: str = "text/csv", accept: str = ""
) -> Any:
    """What the scikit-learn container does with a request."""
    rows = inference.input_fn(body, content_type)
    return inference.output_fn(inference.predict_fn(rows, model), accept)


def table(answer: Any) -> np.ndarray:
    body, content_type = answer
    assert content_type == "text/csv"
    return np.array([[float(value) for value in line.split(",")] for line in body.splitlines()])


def test_raw_rows_become_the_features_that_the_model_was_trained_on(
    features: inference.Model, prepared: Prepared
) -> None:
    """CH-3: serving and training see the same numbers, to the last digit."""
    baseline = "\n".join(prepared.lines("training_rows/train.csv")[1:])
    trained_on = np.loadtxt(prepared.lines("train/train.csv"), delimiter=",")[:, 1:]
    assert np.array_equal(table(invoke(features, baseline)), trained_on)


def test_a_label_column_is_dropped(features: inference.Model) -> None:
    assert np.array_equal(table(invoke(features, ROW + ",True.")), table(invoke(features, ROW)))


def test_the_area_code_reaches_the_model(features: inference.Model) -> None:
    """CH-1, defect of the original: served as a number, the area code never matched a fitted category."""
    columns = [str(name) for name in features.transformer.get_feature_names_out()]
    for code in ("408", "415", "510"):
        served = table(invoke(features, ROW.replace(",415,", f",{code},")))[0]
        hot = [
            name for name, value in zip(columns, served, strict=True) if "Area Code" in name and value == 1
        ]
        assert hot == [f"category__Area Code_{code}"]


def test_an_unknown_category_is_all_zeros(features: inference.Model) -> None:
    known_state, unknown_state = (table(invoke(features, row))[0] for row in (ROW, ROW.replace("KS", "XX")))
    assert known_state.sum() - unknown_state.sum() == pytest.approx(1)


@pytest.mark.parametrize("content_type", ["text/csv", "text/csv; charset=utf-8", "Text/CSV;charset=UTF-8"])
@pytest.mark.parametrize("body", [ROW, ROW.encode(), ROW + "\r\n", ROW + "\n\n"])
def test_content_type_parameters_bytes_and_line_ends_are_understood(
    features: inference.Model, body: str | bytes, content_type: str
) -> None:
    assert table(invoke(features, body, content_type)).shape == (1, 69)


def test_features_are_csv_whatever_the_caller_accepts(features: inference.Model) -> None:
    for accept in ("", "*/*", "application/json", "text/csv"):
        assert table(invoke(features, ROW, accept=accept)).shape == (1, 69)


REFUSED = {
    "19 values": ("row 2 has 19 values, expected 20, or 21 with the label", f"{ROW}\n{ROW[3:]}"),
    "22 values": ("row 1 has 22 values, expected 20, or 21 with the label", f"{ROW},False.,1"),
    "no number": ("row 1, column 'Day Mins': 'long' is not a number", ROW.replace("265.1", "long")),
    "no rows": ("the body holds no row", "\n"),
    "open quote": ("the body is not CSV in UTF-8: unexpected end of data", '"KS,1'),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_row_that_cannot_be_used_is_refused_with_its_place(features: inference.Model, case: str) -> None:
    reason, body = REFUSED[case]
    assert invoke(features, body) == Refusal("400 Bad Request", reason)


def test_other_content_types_are_refused(features: inference.Model) -> None:
    refused = invoke(features, "{}", "application/json")
    reason = "content type 'application/json': expected text/csv"
    assert refused == Refusal("415 Unsupported Media Type", reason)


def test_a_refusal_reaches_the_client_as_aws_container_passes_it_on() -> None:
    """AWS's container is a Flask application whose view returns what output_fn returned."""
    app = flask.Flask("container")
    app.add_url_rule("/invocations", view_func=lambda: Refusal("400 Bad Request", "row 1"), methods=["POST"])
    answer = app.test_client().post("/invocations")
    assert (answer.status_code, answer.content_type) == (400, "application/json")
    assert answer.get_json() == {"error": "row 1"}


@pytest.mark.parametrize("accept", ["", "*/*", "text/csv", "text/csv; charset=utf-8", "text/html, */*;q=0.8"])
def test_scores_become_labels_and_scores(labels: inference.Model, accept: str) -> None:
    answer = invoke(labels, "0.012\n0.97\n0.5\n", "text/csv; charset=utf-8", accept)
    assert answer == ("False.,0.012\nTrue.,0.97\nFalse.,0.5\n", "text/csv")


def test_scores_on_one_line_are_understood_too(labels: inference.Model) -> None:
    assert invoke(labels, "0.1,0.9")[0] == "False.,0.1\nTrue.,0.9\n"


def test_json_is_answered_where_it_is_asked_for(labels: inference.Model) -> None:
    body, content_type = invoke(labels, "0.25\n0.75", accept="application/json")
    assert content_type == "application/json"
    assert json.loads(body) == {
        "predictions": [
            {"predicted_label": "False.", "score": 0.25},
            {"predicted_label": "True.", "score": 0.75},
        ]
    }


def test_another_accept_is_refused(labels: inference.Model) -> None:
    reason = "accept 'image/png': expected text/csv or application/json"
    assert invoke(labels, "0.5", accept="image/png") == Refusal("406 Not Acceptable", reason)


@pytest.mark.parametrize("value", ["high", "1.2", "nan"])
def test_what_is_no_score_is_refused(labels: inference.Model, value: str) -> None:
    reason = f"score 2 is '{value}', expected a number from 0 to 1"
    assert invoke(labels, f"0.5\n{value}") == Refusal("400 Bad Request", reason)


def test_the_threshold_comes_from_the_environment(
    labels: inference.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DECISION_THRESHOLD", "0.2")
    assert invoke(labels, "0.3")[0] == "True.,0.3\n"


@pytest.mark.parametrize(("name", "value"), [("TRANSFORM_MODE", "both"), ("DECISION_THRESHOLD", "half")])
def test_a_container_with_a_wrong_setting_does_not_start(
    labels: inference.Model, model_folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(inference.ConfigurationError, match=f"{name} is '{value}': expected"):
        inference.model_fn(str(model_folder))
