"""The jobs of a retraining: data for the challenger, rows that both are measured on, who is better."""

from __future__ import annotations

import csv
import gzip
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import assemble
import compare
import holdout
from include.use_cases.churn.use_case import CHURN
from tabular import Schema, read_file
from tests.include.jobs.traffic import ARGUMENTS, COLUMNS, record

if TYPE_CHECKING:
    from pathlib import Path

    from tests.include.conftest import Prepared

SCHEMA = Schema.parse(COLUMNS, CHURN.labels)


@pytest.fixture
def rows(prepared: Prepared) -> list[list[str]]:
    """A few raw rows with their label."""
    with (prepared.folder / "labelled/test.csv").open(newline="") as file:
        return list(csv.reader(file))[1:41]


def without_label(row: list[str]) -> str:
    return ",".join(row[:-1])


def write(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def truth(event: str, *labels: str) -> str:
    data = {"data": "\n".join(labels), "encoding": "CSV"}
    return json.dumps({"groundTruthData": data, "eventMetadata": {"eventId": event}, "eventVersion": "0"})


def run_assemble(folder: Path, *arguments: str) -> int:
    return assemble.main(
        [
            *ARGUMENTS,
            *arguments,
            *("--raw", str(folder / "raw"), "--output", str(folder / "output")),
            *("--capture", str(folder / "capture"), "--ground-truth", str(folder / "truth")),
            *("--message", str(folder / "message")),
        ]
    )


def test_labelled_traffic_joins_the_old_rows(tmp_path: Path, rows: list[list[str]]) -> None:
    write(tmp_path / "raw/old.csv", [",".join(SCHEMA.names), *(",".join(row) for row in rows[:10])])
    with_truth, without_truth = [
        record([without_label(row) for row in part], [], event)
        for part, event in ((rows[10:12], "known"), (rows[12:13], "unknown"))
    ]
    for captured in (with_truth, without_truth):
        del captured["captureData"]["endpointOutput"]
    write(
        tmp_path / "capture/churn/AllTraffic/2026/11/21/04/a.jsonl",
        [json.dumps(with_truth), json.dumps(without_truth), '{"cut'],
    )
    write(
        tmp_path / "truth/2026/11/21/05/b.jsonl", [truth("known", "True.", "False."), truth("other", "True.")]
    )

    assert run_assemble(tmp_path) == 0

    assembled = read_file(tmp_path / "output/data.csv", SCHEMA)
    assert len(assembled) == 12
    assert list(assembled[SCHEMA.label][10:]) == ["True.", "False."]
    assert list(assembled["Phone"][10:]) == [row[3] for row in rows[10:12]]


def test_a_request_that_was_captured_twice_is_learned_from_once(
    tmp_path: Path, rows: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Its event id is its own; an inference id is the client's, who may use it again."""
    write(tmp_path / "raw/old.csv", [",".join(SCHEMA.names), *(",".join(row) for row in rows[:10])])
    records = [
        record([without_label(row)], ["False.,0.1"], event)
        for row, event in zip(rows[10:12], ("e0", "e1"), strict=True)
    ]
    for captured in records:
        captured["eventMetadata"]["inferenceId"] = "customer"
    for name in ("a", "copy-of-a"):
        write(tmp_path / f"capture/{name}.jsonl", [json.dumps(each) for each in records])
    write(tmp_path / "truth/a.jsonl", [truth("customer", "True."), truth("of-nobody", "True.")])
    assert run_assemble(tmp_path) == 0
    assert len(read_file(tmp_path / "output/data.csv", SCHEMA)) == 12
    assert "1 labels are of no captured request, 'of-nobody' for example" in capsys.readouterr().out


def test_labels_of_no_captured_request_end_the_retraining(tmp_path: Path, rows: list[list[str]]) -> None:
    """They have ids of another form: nothing would ever be learned from them, and nobody told."""
    write(tmp_path / "raw/old.csv", [",".join(SCHEMA.names), *(",".join(row) for row in rows[:10])])
    write(
        tmp_path / "capture/a.jsonl", [json.dumps(record([without_label(rows[10])], ["False.,0.1"], "e-1"))]
    )
    write(tmp_path / "truth/a.jsonl", [truth("order 1", "True."), truth("order 2", "True.")])
    assert run_assemble(tmp_path) == 1
    message = (tmp_path / "message").read_text()
    assert "none of the labels is of one of the 1 captured requests" in message
    assert "'order 1' for example, requests have ids like 'e-1'" in message
    assert not (tmp_path / "output/data.csv").exists()


def test_label_files_that_break_off_are_named_and_most_of_them_end_the_retraining(
    tmp_path: Path, rows: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "raw/old.csv", [",".join(SCHEMA.names), *(",".join(row) for row in rows[:10])])
    captured = without_label(rows[10])
    records = [record([captured], ["False.,0.1"], f"e{n}") for n in range(10, 400)]
    write(tmp_path / "capture/a.jsonl", [json.dumps(each) for each in records])
    content = gzip.compress("".join(f"{truth(f'e{n}', 'True.')}\n" for n in range(10, 400)).encode())
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth/cut.jsonl.gz").write_bytes(content[: len(content) // 2])
    assert run_assemble(tmp_path) == 1
    assert "1 of 1 files break off, cut.jsonl.gz for example" in (tmp_path / "message").read_text()
    write(tmp_path / "truth/whole.jsonl", [truth("e10", "True.")])
    assert run_assemble(tmp_path) == 0
    assert "WARNING: cut.jsonl.gz, line" in capsys.readouterr().out


def test_without_traffic_the_old_rows_are_all(tmp_path: Path, rows: list[list[str]]) -> None:
    write(tmp_path / "raw/old.csv", [",".join(SCHEMA.names), *(",".join(row) for row in rows)])
    assert run_assemble(tmp_path) == 0
    assert len(read_file(tmp_path / "output/data.csv", SCHEMA)) == len(rows)


def test_rows_that_training_would_refuse_are_left_out(
    tmp_path: Path, rows: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "raw/old.csv", [",".join(SCHEMA.names), *(",".join(row) for row in rows[:10])])
    bad = [*rows[0]]
    bad[SCHEMA.names.index("Day Mins")] = "many"
    good = [without_label(row) for row in rows[1:4]]
    captured = record([without_label(bad), "too,short", *good], ["False.,0.1"] * 5, "e")
    write(tmp_path / "capture/a.jsonl", [json.dumps(captured)])
    write(tmp_path / "truth/a.jsonl", [truth("e", *["True."] * 5)])
    assert run_assemble(tmp_path) == 0
    assert len(read_file(tmp_path / "output/data.csv", SCHEMA)) == 13
    assert "2 captured records or rows were left out" in capsys.readouterr().out


def test_bad_old_rows_are_named_and_nothing_is_written(tmp_path: Path, rows: list[list[str]]) -> None:
    write(tmp_path / "raw/old.csv", [",".join(SCHEMA.names), "1,2,3"])
    assert run_assemble(tmp_path) == 1
    assert "old.csv, line 2" in (tmp_path / "message").read_text()
    assert not (tmp_path / "output/data.csv").exists()


def run_holdout(folder: Path, *arguments: str) -> int:
    return holdout.main(
        [
            *ARGUMENTS,
            *("--candidates", str(folder / "test.csv"), "--output", str(folder / "output")),
            *("--learned", str(folder / "champion.csv"), str(folder / "challenger.csv")),
            *("--message", str(folder / "message"), *arguments),
        ]
    )


def test_rows_that_either_model_learned_from_are_left_out(tmp_path: Path, rows: list[list[str]]) -> None:
    lines = [",".join(row) for row in rows]
    for name, part in (("test", lines), ("champion", lines[:5]), ("challenger", lines[3:8])):
        write(tmp_path / f"{name}.csv", [",".join(SCHEMA.names), *part])
    assert run_holdout(tmp_path, "--minimum-rows", "10") == 0
    remaining = (tmp_path / "output/labelled/test.csv").read_text().splitlines()[1:]
    assert remaining == lines[8:]
    assert (tmp_path / "output/rows/rows.csv").read_text().splitlines() == [
        without_label(row) for row in rows[8:]
    ]


def test_a_row_is_the_same_with_its_numbers_in_another_precision(
    tmp_path: Path, rows: list[list[str]]
) -> None:
    """A captured row has been through a client's float32: it is no new row that could tell models apart."""
    place = SCHEMA.names.index("Day Mins")
    rounded = [[*row[:place], repr(float(np.float32(row[place]))), *row[place + 1 :]] for row in rows]
    assert rounded != rows
    for name, part in (("test", rows), ("champion", rounded[:5]), ("challenger", rounded[:1])):
        write(tmp_path / f"{name}.csv", [",".join(SCHEMA.names), *(",".join(row) for row in part)])
    assert run_holdout(tmp_path, "--minimum-rows", "10") == 0
    remaining = (tmp_path / "output/labelled/test.csv").read_text().splitlines()[1:]
    assert remaining == [",".join(row) for row in rows[5:]]


@pytest.mark.parametrize("name", ["Phone", "Day Charge", "Churn?"])
def test_a_row_is_the_same_when_it_differs_in_what_no_model_sees(
    tmp_path: Path, rows: list[list[str]], name: str
) -> None:
    """A customer whom a model learned by heart, with a new number, would count in its favour."""
    place = SCHEMA.names.index(name)
    other = {"True.": "False.", "False.": "True."}
    changed = [[*row[:place], other.get(row[place], f"{row[place]}0"), *row[place + 1 :]] for row in rows]
    for part_name, part in (("test", rows), ("champion", changed[:5]), ("challenger", changed[3:8])):
        write(tmp_path / f"{part_name}.csv", [",".join(SCHEMA.names), *(",".join(row) for row in part)])
    assert run_holdout(tmp_path, "--minimum-rows", "10") == 0
    remaining = (tmp_path / "output/labelled/test.csv").read_text().splitlines()[1:]
    assert remaining == [",".join(row) for row in rows[8:]]


def test_too_few_new_rows_end_the_comparison_with_the_reason(tmp_path: Path, rows: list[list[str]]) -> None:
    lines = [",".join(row) for row in rows]
    for name, part in (("test", lines), ("champion", lines), ("challenger", lines[:1])):
        write(tmp_path / f"{name}.csv", [",".join(SCHEMA.names), *part])
    assert run_holdout(tmp_path) == 1
    assert "0 of 40 test rows are new" in (tmp_path / "message").read_text()


def run_compare(
    folder: Path, actual: np.ndarray, champion: np.ndarray, challenger: np.ndarray, *arguments: str
) -> dict[str, Any]:
    """Run the job on scores of shape (rows,); the content of comparison.json, empty where the job fails."""
    labels = [CHURN.labels[int(positive)] for positive in actual]
    write(folder / "test.csv", ["x,Churn?", *(f"1,{label}" for label in labels)])
    for side, scores in (("champion", champion), ("challenger", challenger)):
        write(folder / side / "rows.csv.out", [f"{CHURN.labels[int(s > 0.5)]},{s}" for s in scores])
    places = [part for side in ("champion", "challenger") for part in (f"--{side}", str(folder / side))]
    outputs = ["--output", str(folder / "output"), "--message", str(folder / "message")]
    table = ["--label-column", "Churn?", "--labels", *CHURN.labels, "--labelled", str(folder / "test.csv")]
    code = compare.main([*table, *places, *outputs, *arguments])
    return json.loads((folder / "output/comparison.json").read_text()) if code == 0 else {}


@pytest.fixture
def scored() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, good scores, poor scores."""
    random = np.random.default_rng(3)
    actual = random.random(300) < 0.3
    good, poor = (np.clip(0.5 * actual + random.normal(0.25, width, 300), 0, 1) for width in (0.15, 0.6))
    return actual, good, poor


def test_the_better_model_is_better_in_nearly_all_samples(tmp_path: Path, scored: Any) -> None:
    actual, good, poor = scored
    document = run_compare(tmp_path, actual, poor, good)
    assert document["better_share"] > 0.95
    assert document["gain"]["low"] > 0
    assert document["challenger"]["auc"] > document["champion"]["auc"]
    back = run_compare(tmp_path / "back", actual, good, poor)
    assert back["better_share"] < 0.05


def test_the_same_model_is_not_better_than_itself(tmp_path: Path, scored: Any) -> None:
    actual, good, _ = scored
    document = run_compare(tmp_path, actual, good, good)
    assert (document["better_share"], document["gain"]["mean"]) == (0.0, 0.0)
    html = (tmp_path / "output/report.html").read_text()
    assert "champion and challenger" in html
    assert "<script" not in html


def test_the_comparison_speaks_in_the_words_for_the_classes(tmp_path: Path, scored: Any) -> None:
    actual, good, poor = scored
    assert run_compare(tmp_path, actual, poor, good, "--classes", "stays", "<leaves>")
    html = (tmp_path / "output/report.html").read_text()
    assert "<h2>Scores of actual &lt;leaves&gt;</h2>" in html
    assert 'aria-label="Scores of actual &lt;leaves&gt;"' in html
    assert " · decides</span>" in html


def test_answers_for_other_rows_are_refused(tmp_path: Path, scored: Any) -> None:
    actual, good, poor = scored
    assert run_compare(tmp_path, actual, poor[:-1], good) == {}
    assert "299 answers of the champion for 300 rows" in (tmp_path / "message").read_text()


def test_old_rows_keep_their_text(tmp_path: Path, rows: list[list[str]]) -> None:
    """Numbers and categories pass through as they stand: a code 007 is no 7."""
    odd = [*rows[0]]
    odd[SCHEMA.names.index("Area Code")] = "007"
    write(tmp_path / "raw/old.csv", [",".join(SCHEMA.names), ",".join(odd)])
    assert run_assemble(tmp_path) == 0
    assert pd.read_csv(tmp_path / "output/data.csv", dtype=str)["Area Code"][0] == "007"
