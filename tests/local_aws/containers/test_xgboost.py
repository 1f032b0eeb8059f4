"""The XGBoost image's built-in algorithm: data, training, serving."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from include.local_aws.containers.xgboost import data
from include.local_aws.containers.xgboost.hyperparameters import UserError, read
from tests.local_aws.containers.box import Box

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.local_aws.containers.box import Serving

BINARY = {"num_round": "5", "objective": "binary:logistic", "eval_metric": "auc,accuracy"}
CSV = {"ContentType": "text/csv"}
ROWS = "".join(f"{int(x > 20)},{x},{x * 7 % 5}\n" for x in range(40))


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path, "xgboost")


# ---- hyperparameters


def test_hyperparameters_get_their_types_and_names() -> None:
    texts = {
        "num_round": "10",
        "learning_rate": "0.2",
        "objective": '"binary:logistic"',
        "eval_metric": "auc,f1",
    }
    assert read(texts) == {
        "num_round": 10,
        "eta": 0.2,
        "objective": "binary:logistic",
        "eval_metric": ["auc", "f1"],
    }


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ({"foo": "1"}, "Extraneous hyperparameter found: foo"),
        ({"num_round": None}, "Missing required hyperparameter: num_round"),
        ({"num_round": "0"}, "num_round: 0 is not in [1, inf)"),
        ({"num_round": "ten"}, "num_round: 'ten' is not of type int"),
        ({"eta": "1.5"}, "eta: 1.5 is not in [0, 1]"),
        ({"subsample": "0"}, "subsample: 0 is not in (0, 1]"),
        ({"objective": "binary:magic"}, "objective: 'binary:magic' is not one of"),
        ({"eval_metric": "auc,beauty"}, "eval_metric: 'beauty' is not one of"),
        ({"eval_metric": "auc"}, "'auc' can only be used with objectives binary:"),
        ({"objective": "multi:softmax"}, "num_class is required for the objective multi:softmax"),
        ({"num_class": "3"}, "num_class is for the objectives multi:softmax"),
        ({"eta": "0.1", "learning_rate": "0.2"}, "eta is given twice, as learning_rate too"),
    ],
)
def test_a_wrong_hyperparameter_is_named(texts: dict[str, str | None], reason: str) -> None:
    hyperparameters = {
        name: value for name, value in {"num_round": "5", **texts}.items() if value is not None
    }
    with pytest.raises(UserError, match=re.escape(reason)):
        read(hyperparameters)


# ---- data


def test_a_channel_is_all_its_files(tmp_path: Path) -> None:
    (tmp_path / "train/sub").mkdir(parents=True)
    (tmp_path / "train/a.csv").write_text("1,2,3\n0,,5\n")
    (tmp_path / "train/sub/b.csv").write_text("1,6,7\n")
    (tmp_path / "train/.hidden").write_text("no data")
    matrix = data.load(tmp_path / "train", "text/csv")
    assert matrix.get_label().tolist() == [1, 0, 1]
    assert matrix.get_data().toarray().tolist() == [[2, 3], [0, 5], [6, 7]]
    assert matrix.num_nonmissing() == 5


def test_weights_are_the_second_column(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train/a.csv").write_text("1,0.5,3\n0,2,5\n")
    matrix = data.load(tmp_path / "train", "text/csv", weights=True)
    assert matrix.get_weight().tolist() == [0.5, 2]
    assert matrix.num_col() == 1


def test_libsvm_rows_are_sparse(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train/a").write_text("1 0:2.5 3:1 # note\n0 1:4\n")
    matrix = data.load(tmp_path / "train", "")
    assert (matrix.num_row(), matrix.num_col(), matrix.num_nonmissing()) == (2, 4, 3)


GOOD = "1,2,3\n" * 9_999
BROKEN: dict[str, tuple[str, bytes, str]] = {
    "one row in 10,000": ("text/csv", (GOOD + "1,x,3\n").encode(), "train/a.csv line 10000, column 2: 'x'"),
    "a missing column": ("text/csv", (GOOD + "1,2\n").encode(), "line 10000: expected 3 columns, found 2"),
    "an extra column": ("text/csv", (GOOD + "1,2,3,4\n").encode(), "line 10000: expected 3 columns, found 4"),
    "a header": ("text/csv", b"y,a,b\n1,2,3\n", "line 1: 'y' is not a number. The label comes first"),
    "no label": ("text/csv", b"1,2,3\n,2,3\n", "row 2: the label (first column) is missing"),
    "an endless label": (
        "text/csv",
        b"inf,2,3\n",
        "row 1: the label (first column) is missing or not finite",
    ),
    "only labels": ("text/csv", b"1\n0\n", "Channel train has 1 columns: no feature"),
    "an empty file": ("text/csv", b"", "Channel train holds no data"),
    "UTF-16": ("text/csv", "1,2,3\n".encode("utf-16"), "line 1: not UTF-8 text"),
    "not UTF-8 further down": ("text/csv", b"1,2,3\n1,\xe9,3\n", "line 2, column 2"),
    "a line of 200 MB": ("text/csv", b"1,2,3\n" + b"1" * 200_000_000, "line 2: longer than 16777216 bytes"),
    "no libsvm": ("text/libsvm", b"1 0:1\n1 a:b\n", "train/a.csv line 2: '1 a:b' is not `label index:value"),
    "no Parquet": ("application/x-parquet", b"PAR0", "train/a.csv is not Parquet of numbers"),
    "an unknown type": ("image/png", b"1", "Content type 'image/png' of channel train is not one of"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_data_that_cannot_be_used_is_named_by_its_place(tmp_path: Path, kind: str) -> None:
    content_type, content, reason = BROKEN[kind]
    (tmp_path / "train").mkdir()
    (tmp_path / "train/a.csv").write_bytes(content)
    with pytest.raises(UserError, match=re.escape(reason)):
        data.load(tmp_path / "train", content_type)


# ---- training


def test_training_logs_every_round_and_leaves_the_model(box: Box) -> None:
    box.write("input/data/train/a.csv", ROWS)
    box.write("input/data/validation/a.csv", ROWS)
    outcome = box.train(BINARY, {"train": CSV, "validation": CSV})
    assert outcome.code == 0, outcome.log
    rounds = re.findall(
        r"^\[(\d)\]\ttrain-auc:[\d.]+\ttrain-accuracy:[\d.]+\tvalidation-auc:[\d.]+\tvalidation-accuracy:([\d.]+)$",
        outcome.log,
        re.MULTILINE,
    )
    assert [number for number, _ in rounds] == ["0", "1", "2", "3", "4"]
    assert rounds[-1][1] == "1.00000"
    assert [path.name for path in (box.folder / "model").iterdir()] == ["xgboost-model"]


def test_the_same_seed_gives_the_same_model(box: Box) -> None:
    box.write("input/data/train/a.csv", ROWS)
    models = []
    for _ in range(2):
        assert box.train({**BINARY, "subsample": "0.5", "seed": "7"}, {"train": CSV}).code == 0
        models.append((box.folder / "model/xgboost-model").read_bytes())
    assert models[0] == models[1]


def test_training_goes_on_from_a_checkpoint(box: Box) -> None:
    box.write("input/data/train/a.csv", ROWS)
    (box.folder / "checkpoints").mkdir()
    assert box.train({**BINARY, "num_round": "3"}, {"train": CSV}).code == 0
    assert "xgboost-checkpoint.2" in {path.name for path in (box.folder / "checkpoints").iterdir()}
    again = box.train(BINARY, {"train": CSV})
    assert re.findall(r"^\[(\d)\]", again.log, re.MULTILINE) == ["3", "4"]


@pytest.mark.parametrize(
    ("hyperparameters", "channels", "reason"),
    [
        ({"foo": "1"}, {"train": CSV}, "Extraneous hyperparameter found: foo"),
        ({}, {}, "Channel train is missing."),
        ({}, {"train": CSV, "validation": CSV}, "The channels differ in their features: 2 in train and 1 in"),
        ({"monotone_constraints": "(9,9,9)"}, {"train": CSV}, "XGBoost refuses: "),
        ({"_kfold": "3"}, {"train": CSV}, "does not cross-validate"),
    ],
)
def test_the_reason_of_a_failed_training_is_in_the_failure_file(
    box: Box, hyperparameters: dict[str, str], channels: dict[str, dict[str, str]], reason: str
) -> None:
    box.write("input/data/train/a.csv", ROWS)
    box.write("input/data/validation/a.csv", "1,2\n")
    outcome = box.train({**BINARY, **hyperparameters}, channels)
    assert outcome.code == 1
    assert reason in outcome.failure
    assert not (box.folder / "model").exists()


# ---- serving


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Box:
    box = Box(tmp_path_factory.mktemp("ml"), "xgboost")
    box.write("input/data/train/a.csv", ROWS)
    assert box.train(BINARY, {"train": CSV}).code == 0
    return box


@pytest.fixture(scope="module")
def serving(trained: Box) -> Iterator[Serving]:
    with trained.serve() as running:
        yield running


def test_each_row_gets_a_score_in_the_accepted_type(serving: Serving) -> None:
    status, scores, kind = serving.ask("39,0\n0,1\n", "text/csv; charset=utf-8")
    assert (status, kind) == (200, "text/csv")
    high, low = map(float, scores.split())
    assert high > 0.5 > low
    as_json = json.loads(serving.ask("39,0\n0,1\n", "text/csv", "application/json")[1])
    assert np.allclose([row["score"] for row in as_json["predictions"]], [high, low])
    lines = serving.ask("39,0\n0,1\n", "text/csv", "application/jsonlines")[1].splitlines()
    assert [json.loads(line)["score"] for line in lines] == [row["score"] for row in as_json["predictions"]]
    assert serving.ask("0 0:39 1:0\n0 0:0 1:1\n", "text/libsvm")[1] == scores


@pytest.mark.parametrize(
    ("body", "content_type", "accept", "status", "reason"),
    [
        ("1\n", "text/csv", "", 400, "The rows have 1 features, the model was trained on 2."),
        ("1,2\n1\n", "text/csv", "", 415, "row 2 has 1 values, the first has 2"),
        ("1,x\n", "text/csv", "", 415, "Loading text/csv data failed"),
        (b"\xff,1\n", "text/csv", "", 415, "Loading text/csv data failed"),
        ("0 7:1\n", "text/libsvm", "", 400, "row 1 has feature 7, the model has 2."),
        ("1,2", "image/png", "", 415, "Content type 'image/png' is not supported"),
        ("1,2", "text/csv", "image/png", 406, "Accept type 'image/png' is not supported"),
    ],
)
def test_rows_that_cannot_be_scored_are_refused(
    serving: Serving, body: str | bytes, content_type: str, accept: str, status: int, reason: str
) -> None:
    actual, answer, _ = serving.ask(body, content_type, accept)
    assert actual == status
    assert reason in json.loads(answer)["error"]


def test_an_empty_body_is_an_empty_answer(serving: Serving) -> None:
    assert serving.ask("")[0] == 204


def test_selectable_inference_returns_the_requested_values(trained: Box) -> None:
    with trained.serve(SAGEMAKER_INFERENCE_OUTPUT="predicted_label,probabilities") as serving:
        row = json.loads(serving.ask("39,0\n", "text/csv", "application/json")[1])["predictions"][0]
        assert row["predicted_label"] == 1
        assert sum(row["probabilities"]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "model.tar.gz holds 0 model files, expected xgboost-model"),
        ({"a": "x", "b": "x"}, "model.tar.gz holds 2 model files"),
        ({"xgboost-model": "no model"}, "xgboost-model is not a model of XGBoost"),
    ],
)
def test_a_model_that_cannot_be_served_ends_the_container(
    box: Box, files: dict[str, str], reason: str
) -> None:
    (box.folder / "model").mkdir()
    for name, content in files.items():
        box.write(f"model/{name}", content)
    with box.serve() as serving:
        assert serving.process.wait(30) == 1
        assert reason in serving.log
