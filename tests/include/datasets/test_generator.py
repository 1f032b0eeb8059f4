"""Generated customers: the public file's schema, a seed, and something to learn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import xgboost as xgb
from sklearn.metrics import roc_auc_score

from include.datasets import generate
from include.datasets.__main__ import main
from include.datasets.churn import CHUNK_ROWS, HEADER
from include.datasets.churn import generate as chunks
from include.use_cases.churn.use_case import CHURN
from job import DataError
from tabular import Schema, check_file
from tests.include.conftest import REAL

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = Schema.parse([f"{kind}:{name}" for name, kind in CHURN.columns.items()], CHURN.labels)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    path = generate("churn", tmp_path_factory.mktemp("generated") / "churn.txt", rows=5000, seed=11).path
    return pd.read_csv(path, dtype={"Area Code": str})


def test_equal_seeds_give_equal_bytes(tmp_path: Path) -> None:
    first, second, other = (
        generate("churn", tmp_path / name, rows=500, seed=seed)
        for name, seed in (("1", 5), ("2", 5), ("3", 6))
    )
    assert first.sha256 == second.sha256 != other.sha256


def test_rows_have_the_schema_of_the_public_file(tmp_path: Path) -> None:
    path = generate("churn", tmp_path / "churn.txt", rows=300, seed=5).path
    assert check_file(path, SCHEMA) == 300
    if REAL.is_file():
        with REAL.open() as real:
            assert next(real) == HEADER
        assert check_file(REAL, SCHEMA) == 3333


def test_labels_and_numbers_look_like_those_of_the_public_file(tmp_path: Path) -> None:
    row = generate("churn", tmp_path / "churn.txt", rows=1, seed=5).path.read_text().splitlines()[1]
    pattern = r"[A-Z]{2},\d+,\d{3},\d{3}-\d{4},(yes|no),(yes|no),\d+"
    pattern += r",\d+\.\d{6},\d+,\d+\.\d{6}" * 4 + r",\d,(True|False)\."
    assert pd.Series([row]).str.fullmatch(pattern).all(), row


def test_marginals_are_those_of_the_public_file(sample: pd.DataFrame) -> None:
    """Means and shares of the 3,333 public rows, within a few standard errors."""
    assert sample["Day Mins"].mean() == pytest.approx(179.8, abs=3)
    assert sample["CustServ Calls"].mean() == pytest.approx(1.56, abs=0.1)
    assert (sample["Int'l Plan"] == "yes").mean() == pytest.approx(0.097, abs=0.02)
    assert (sample["VMail Plan"] == "yes").mean() == pytest.approx(0.277, abs=0.03)
    assert (sample["Churn?"] == "True.").mean() == pytest.approx(0.145, abs=0.03)
    assert set(sample["Area Code"]) == {"408", "415", "510"}
    assert sample["State"].nunique() == 51
    assert sample["Phone"].is_unique


def test_the_signal_can_be_learned(sample: pd.DataFrame) -> None:
    features = sample[SCHEMA.named("number")].assign(plan=sample["Int'l Plan"] == "yes")
    label = (sample["Churn?"] == "True.").to_numpy()
    train, test = np.arange(5000) < 3500, np.arange(5000) >= 3500
    booster = xgb.train({"objective": "binary:logistic"}, xgb.DMatrix(features[train], label[train]), 30)
    assert roc_auc_score(label[test], booster.predict(xgb.DMatrix(features[test]))) > 0.85


def test_rows_come_in_chunks_so_that_any_number_fits_in_memory() -> None:
    pieces = list(chunks(CHUNK_ROWS + 5, 1))
    assert [piece.count("\n") for piece in pieces] == [1, CHUNK_ROWS, 5]


def test_the_command_line_writes_the_rows_it_was_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "some.csv"
    assert main(["churn", "--rows", "20", "--seed", "3", "--out", str(out)]) == 0
    assert len(out.read_text().splitlines()) == 21
    assert "20 rows, generated data, 20 rows, seed 3" in capsys.readouterr().out


def test_the_command_line_copies_what_it_fetches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = generate("churn", tmp_path / "data/churn/churn.txt", rows=20, seed=3)
    monkeypatch.setenv("ML_DATASETS_DIR", str(tmp_path / "data"))
    assert main(["churn", "--out", str(tmp_path / "copy.csv")]) == 0
    assert (tmp_path / "copy.csv").read_bytes() == source.path.read_bytes()


@pytest.mark.parametrize("arguments", [["chrun"], ["churn", "--rows", "0"], ["churn", "--rows", "many"]])
def test_the_command_line_refuses_what_makes_no_sense(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2


def test_an_error_is_one_line_and_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ML_DATASETS_DIR", str(tmp_path))
    assert main(["churn", "--out", str(tmp_path / "copy.csv")]) == 1
    assert capsys.readouterr().err == f"ERROR: ML_DATASETS_DIR is {tmp_path}, which has no churn/churn.txt\n"
    assert not (tmp_path / "copy.csv").exists()


def test_a_table_of_another_kind_does_not_pass_for_this_one(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="column 'State', 'Account Length'"):
        check_file(tmp_path / "other.csv", SCHEMA)
