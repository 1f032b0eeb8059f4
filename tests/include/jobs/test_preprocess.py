"""The preprocessing job: the seed's split, 69 features, and nothing written when the data is wrong."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING

import joblib
import numpy as np
import pandas as pd
import pytest

from include.datasets import generate
from tests.include.conftest import Prepared, run_preprocess

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILES = {
    *("train/train.csv", "validation/validation.csv", "test/batch_transform_test.csv", "labelled/test.csv"),
    *("training_rows/train.csv", "model/model.tar.gz", "summary/summary.json"),
}


def files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return generate("churn", tmp_path / "raw/churn.txt", rows=400, seed=3).path


def test_the_split_is_the_seeds(prepared: Prepared) -> None:
    summary = json.loads((prepared.folder / "summary/summary.json").read_text())
    assert summary["rows"] == {"train": 2333, "validation": 666, "test": 334}
    if prepared.real:
        assert summary["positives"] == {"train": 325, "validation": 110, "test": 48}
    frame = pd.read_csv(next(prepared.raw.glob("*.txt")), dtype=str)
    expected = frame.sample(frac=1, random_state=1729)["Phone"].tolist()
    parts = ("training_rows/train.csv", "labelled/test.csv")
    train, test = (pd.read_csv(prepared.folder / part, dtype=str)["Phone"].tolist() for part in parts)
    assert (train, test) == (expected[:2333], expected[2999:])


def test_it_writes_what_the_next_steps_read(prepared: Prepared) -> None:
    assert set(files(prepared.folder)) == FILES
    for part, rows in (("train", 2333), ("validation", 666)):
        table = np.loadtxt(prepared.lines(f"{part}/{part}.csv"), delimiter=",")
        assert table.shape == (rows, 1 + 69)
        assert set(table[:, 0]) == {0.0, 1.0}
        assert np.isfinite(table).all()


def test_numbers_are_scaled_on_the_training_rows_only(prepared: Prepared) -> None:
    train, validation = (
        np.loadtxt(prepared.lines(f"{part}/{part}.csv"), delimiter=",")[:, 1:12]
        for part in ("train", "validation")
    )
    assert np.allclose(train.mean(axis=0), 0)
    assert np.allclose(train.std(axis=0), 1)
    assert not np.allclose(validation.mean(axis=0), 0, atol=1e-4)


def test_the_test_rows_are_the_raw_lines_of_the_file(prepared: Prepared) -> None:
    """CH-4: headerless and unlabelled for the batch transform, and the same rows with label and header."""
    lines = set(next(prepared.raw.glob("*.txt")).read_text().splitlines())
    labelled = prepared.lines("labelled/test.csv")
    assert set(labelled) <= lines
    unlabelled = prepared.lines("test/batch_transform_test.csv")
    assert unlabelled == [line.rpartition(",")[0] for line in labelled[1:]]
    assert all(line.count(",") == 19 for line in unlabelled)


def test_the_area_code_is_fitted_as_text(prepared: Prepared, tmp_path: Path) -> None:
    """CH-1, defect of the original: fitted as text, served as a number, its columns were always zero."""
    with tarfile.open(prepared.folder / "model/model.tar.gz") as model:
        model.extractall(tmp_path, filter="data")
    transformer = joblib.load(tmp_path / "transformer.joblib")
    one_hot = transformer.named_transformers_["category"]
    assert [list(values) for values in one_hot.categories_][1] == ["408", "415", "510"]
    features = json.loads((tmp_path / "schema.json").read_text())["features"]
    assert len(features) == 69
    assert "category__Area Code_415" in features


def test_the_same_input_gives_the_same_bytes(raw: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert run_preprocess(raw.parent, tmp_path / name / "output") == 0
    assert files(tmp_path / "one/output") == files(tmp_path / "two/output")


def test_another_seed_gives_another_split(raw: Path, tmp_path: Path) -> None:
    for seed in ("1", "2"):
        assert run_preprocess(raw.parent, tmp_path / seed / "output", seed) == 0
    assert (tmp_path / "1/output/labelled/test.csv").read_bytes() != (
        tmp_path / "2/output/labelled/test.csv"
    ).read_bytes()


def test_several_files_are_one_table(raw: Path, tmp_path: Path) -> None:
    header, *rows = raw.read_text().splitlines(keepends=True)
    split = tmp_path / "split"
    split.mkdir()
    (split / "a.csv").write_text(header + "".join(rows[:150]))
    (split / "b.csv").write_text(header + "".join(rows[150:]))
    assert run_preprocess(raw.parent, tmp_path / "one/output") == 0
    assert run_preprocess(split, tmp_path / "two/output") == 0
    assert files(tmp_path / "one/output") == files(tmp_path / "two/output")


def test_missing_numbers_are_imputed(raw: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(raw, dtype=str)
    frame.loc[::3, "Day Mins"] = ""
    frame.to_csv(raw, index=False)
    assert run_preprocess(raw.parent, tmp_path / "output") == 0
    assert np.isfinite(np.loadtxt(tmp_path / "output/train/train.csv", delimiter=",")).all()


def test_a_byte_order_mark_and_windows_line_ends_are_understood(raw: Path, tmp_path: Path) -> None:
    assert run_preprocess(raw.parent, tmp_path / "one/output") == 0
    raw.write_bytes(b"\xef\xbb\xbf" + raw.read_bytes().replace(b"\n", b"\r\n"))
    assert run_preprocess(raw.parent, tmp_path / "two/output") == 0
    assert files(tmp_path / "one/output") == files(tmp_path / "two/output")


def column(position: int, value: str) -> Callable[[str], str]:
    """A change of one value in a line."""

    def change(line: str) -> str:
        values = line.split(",")
        values[position] = value
        return ",".join(values)

    return change


def line(number: int, change: Callable[[str], str]) -> Callable[[str], str]:
    """A change of one line of a file, counted from 1."""

    def apply(text: str) -> str:
        lines = text.splitlines()
        lines[number - 1] = change(lines[number - 1])
        return "\n".join(lines) + "\n"

    return apply


def all_lines(change: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: "".join(f"{change(line)}\n" for line in text.splitlines())


BROKEN: dict[str, tuple[Callable[[str], str], str]] = {
    "missing column": (
        all_lines(lambda text: ",".join(text.split(",")[1:])),
        "churn.txt, line 1: column 'State' missing",
    ),
    "extra column": (
        all_lines(lambda text: f"{text},7"),
        "churn.txt, line 1: column '7' not expected",
    ),
    "renamed column": (
        line(1, column(20, "Churn")),
        "churn.txt, line 1: column 'Churn?' missing; column 'Churn' not expected",
    ),
    "column twice": (
        line(1, column(3, "State")),
        "churn.txt, line 1: column 'Phone' missing; column 'State' there twice",
    ),
    "columns in another order": (
        line(1, lambda text: text.replace("State,Account Length", "Account Length,State")),
        "churn.txt, line 1: column 1 is 'Account Length', expected 'State'",
    ),
    "unknown label": (
        line(17, column(20, "True")),
        "churn.txt, line 17, column 'Churn?': label 'True' is unknown, expected 'False.' or 'True.'",
    ),
    "no number": (line(9, column(7, "many")), "churn.txt, line 9, column 'Day Mins': 'many' is not a number"),
    "infinite": (line(9, column(7, "inf")), "churn.txt, line 9, column 'Day Mins': 'inf' is not a number"),
    "empty file": (lambda _: "", "churn.txt is empty: expected a header line and rows of 21 columns"),
    "header only": (lambda text: text.splitlines()[0], "churn.txt has a header line but no rows"),
    "short row": (
        line(5, lambda text: text.rpartition(",")[0]),
        "churn.txt, line 5 has 20 values, expected 21",
    ),
    "open quote": (
        line(6, column(3, '"382')),
        "churn.txt, line 6 is not a line of CSV: unexpected end of data",
    ),
    "one label only": (
        lambda text: text.replace("True.", "False."),
        "the train part, 280 of 400 rows, has none labelled 'True.': too few rows, or too rare a label",
    ),
    "too few rows": (
        lambda text: "\n".join(text.splitlines()[:5]),
        "the validation part, 1 of 4 rows, has none labelled 'True.': too few rows, or too rare a label",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_data_is_named_and_nothing_is_written(
    case: str, raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, expected = BROKEN[case]
    raw.write_text(change(raw.read_text()))
    assert run_preprocess(raw.parent, tmp_path / "output") == 1
    assert (tmp_path / "message").read_text() == expected
    assert expected in capsys.readouterr().err
    assert not (tmp_path / "output").exists()


def test_one_broken_row_in_ten_thousand_is_found(tmp_path: Path) -> None:
    raw = generate("churn", tmp_path / "raw/churn.txt", rows=10_000, seed=3).path
    raw.write_text(line(8_643, column(13, "1O3.2"))(raw.read_text()))
    assert run_preprocess(raw.parent, tmp_path / "output") == 1
    message = (tmp_path / "message").read_text()
    assert message == "churn.txt, line 8643, column 'Night Mins': '1O3.2' is not a number"
    assert not (tmp_path / "output").exists()


def test_text_that_is_not_utf8_is_named_by_line_and_byte(raw: Path, tmp_path: Path) -> None:
    lines = raw.read_bytes().splitlines(keepends=True)
    lines[2] = "Z\xfcrich".encode("latin-1") + lines[2]
    raw.write_bytes(b"".join(lines))
    assert run_preprocess(raw.parent, tmp_path / "output") == 1
    assert (tmp_path / "message").read_text() == "churn.txt, line 3, byte 2: 0xfc is not UTF-8"


def test_a_line_of_200_megabytes_is_refused_before_it_is_read(raw: Path, tmp_path: Path) -> None:
    with raw.open("ab") as file:
        file.truncate(raw.stat().st_size + 200 * 1024 * 1024)  # sparse: no disk is used
    assert run_preprocess(raw.parent, tmp_path / "output") == 1
    message = (tmp_path / "message").read_text()
    assert message == "churn.txt, line 402 is longer than 1,048,576 bytes: expected one row a line"


def test_a_folder_without_a_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/churn.parquet").touch()
    assert run_preprocess(tmp_path / "raw", tmp_path / "output") == 1
    message = "churn.parquet is no .csv or .txt file, so nothing of the folder is read"
    assert (tmp_path / "message").read_text() == message
    (tmp_path / "raw/churn.parquet").rename(tmp_path / "raw/_SUCCESS")
    assert run_preprocess(tmp_path / "raw", tmp_path / "output") == 1
    assert (tmp_path / "message").read_text() == f"no CSV or TXT file in {tmp_path / 'raw'}"


def test_a_folder_is_read_with_the_folders_in_it(raw: Path, tmp_path: Path) -> None:
    """As the manifest lists it; nothing of it is left out without a word."""
    (tmp_path / "own/2024").mkdir(parents=True)
    head, *rows = raw.read_text().splitlines(keepends=True)
    (tmp_path / "own/a.csv").write_text("".join([head, *rows[:100]]))
    (tmp_path / "own/2024/b.csv").write_text("".join([head, *rows[100:]]))
    assert run_preprocess(tmp_path / "own", tmp_path / "output") == 0
    parts = [tmp_path / f"output/{name}/{name}.csv" for name in ("train", "validation")]
    held_out = tmp_path / "output/labelled/test.csv"
    lines = sum(len(part.read_text().splitlines()) for part in parts)
    assert lines + len(held_out.read_text().splitlines()) - 1 == len(rows)


def test_what_other_programs_left_in_a_folder_is_not_read_and_named(
    raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A notebook's copies are old rows, twice in the data; a job's drafts are rows that it took back."""
    assert run_preprocess(raw.parent, tmp_path / "clean") == 0
    for name in (".ipynb_checkpoints/churn-checkpoint.csv", "_temporary/0/part-0.csv", "2024/.b/c.csv"):
        (raw.parent / name).parent.mkdir(parents=True)
        (raw.parent / name).write_bytes(raw.read_bytes())
    for name in ("_SUCCESS", "_committed_123", "2024/._a.csv"):
        (raw.parent / name).touch()
    capsys.readouterr()
    assert run_preprocess(raw.parent, tmp_path / "output") == 0
    assert files(tmp_path / "output") == files(tmp_path / "clean")
    line = "not read, as hidden or a mark of another program: "
    names = ".ipynb_checkpoints, 2024/._a.csv, 2024/.b, _SUCCESS, _committed_123, _temporary"
    assert f"{line}{names}\n" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["_2025.csv", "2025/_a.TXT", "_2025.csv.gz"])
def test_data_that_is_called_like_a_mark_is_refused(raw: Path, tmp_path: Path, name: str) -> None:
    """Left out without a word, a year would be missing."""
    (raw.parent / name).parent.mkdir(exist_ok=True)
    (raw.parent / name).write_bytes(raw.read_bytes())
    assert run_preprocess(raw.parent, tmp_path / "output") == 1
    message = (tmp_path / "message").read_text()
    assert message.startswith(f"{name} begins with an underscore")
    assert message.endswith("rename it so that it is read, or remove it")


def test_a_failed_run_leaves_earlier_outputs_as_they_were(raw: Path, tmp_path: Path) -> None:
    assert run_preprocess(raw.parent, tmp_path / "output") == 0
    before = files(tmp_path / "output")
    raw.write_text("nonsense\n")
    assert run_preprocess(raw.parent, tmp_path / "output") == 1
    assert files(tmp_path / "output") == before
