"""The evaluation job: rows and answers must fit, the matrix has the right axes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import evaluate
from include.use_cases.churn.use_case import CHURN

if TYPE_CHECKING:
    from pathlib import Path

TRUTH = ["True.", "True.", "True.", "False.", "False.", "False.", "False.", "False."]
ANSWERS = [
    *("True.,0.9", "False.,0.4", "False.,0.2"),  # of three who left, one is found
    *("True.,0.8", "False.,0.3", "False.,0.1", "False.,0.1", "False.,0.05"),
]

BARE = replace(CHURN, classes=None, gates={})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "predictions").mkdir()
    pd.DataFrame({"Phone": range(8), "Churn?": TRUTH}).to_csv(tmp_path / "test.csv", index=False)
    (tmp_path / "predictions/test.csv.out").write_text("\n".join(ANSWERS) + "\n")
    return tmp_path


def run(folder: Path, *arguments: str) -> int:
    return evaluate.main(
        [
            *BARE.evaluation_arguments,
            *("--data-source", "eight <rows>"),
            *("--labelled", str(folder / "test.csv"), "--predictions", str(folder / "predictions")),
            *("--output", str(folder / "evaluation"), "--message", str(folder / "message")),
            *("--job-config", str(folder / "job.json"), *arguments),
        ]
    )


def document(folder: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((folder / "evaluation/evaluation.json").read_text())
    return result


def test_the_outer_key_of_the_matrix_is_the_actual_class(folder: Path) -> None:
    """CH-5, defect of the original: the matrix was transposed, precision and recall swapped."""
    assert run(folder) == 0
    metrics = document(folder)["binary_classification_metrics"]
    assert metrics["confusion_matrix"] == {"0": {"0": 4, "1": 1}, "1": {"0": 2, "1": 1}}
    assert metrics["precision"]["value"] == 1 / 2
    assert metrics["recall"]["value"] == 1 / 3


def test_the_document_says_how_it_is_to_be_read(folder: Path) -> None:
    (folder / "job.json").write_text(json.dumps({"ProcessingJobName": "churn-evaluate-1"}))
    assert run(folder) == 0
    content = document(folder)
    assert {name: content[name] for name in ("item_count", "positives", "positive_label", "threshold")} == {
        "item_count": 8,
        "positives": 3,
        "positive_label": "True.",
        "threshold": 0.5,
    }
    assert (content["run"], content["data_source"]) == ("churn-evaluate-1", "eight <rows>")
    assert content["published"]["metrics"] == dict(CHURN.published.metrics)


def test_predictions_stand_beside_the_raw_rows(folder: Path) -> None:
    """CH-8: a table for dashboards."""
    assert run(folder) == 0
    rows = pd.read_csv(folder / "evaluation/predictions.csv", dtype=str)
    assert list(rows) == ["Phone", "Churn?", "predicted", "score"]
    assert list(rows["predicted"]) == [answer.split(",")[0] for answer in ANSWERS]


def test_answers_in_several_files_are_read_in_the_order_of_their_names(folder: Path) -> None:
    (folder / "predictions/test.csv.out").unlink()
    (folder / "predictions/b.out").write_text("\n".join(ANSWERS[3:]))
    (folder / "predictions/a.out").write_text("\n".join(ANSWERS[:3]))
    assert run(folder) == 0
    assert document(folder)["binary_classification_metrics"]["recall"]["value"] == 1 / 3


BROKEN = {
    "too few answers": (ANSWERS[:-1], "7 predictions for 8 rows of test.csv"),
    "unknown label": (
        ["yes,0.9", *ANSWERS[1:]],
        "a.out, line 1: 'yes,0.9', expected a label ('False.' or 'True.') and a score",
    ),
    "score missing": (
        ["True."],
        "a.out, line 1: 'True.', expected a label ('False.' or 'True.') and a score",
    ),
    "no number": (["True.,high"], "a.out, line 1: score 'high' is not a number from 0 to 1"),
    "not finite": (["True.,nan"], "a.out, line 1: score 'nan' is not a number from 0 to 1"),
    "another threshold": (
        [ANSWERS[0], "True.,0.4"],
        "a.out, line 2: label 'True.' contradicts score 0.4 at threshold 0.5",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_answers_that_do_not_fit_are_named_and_nothing_is_written(case: str, folder: Path) -> None:
    lines, expected = BROKEN[case]
    (folder / "predictions/test.csv.out").unlink()
    (folder / "predictions/a.out").write_text("\n".join(lines))
    assert run(folder) == 1
    assert (folder / "message").read_text() == expected
    assert not (folder / "evaluation").exists()


def test_a_folder_without_answers_is_named(folder: Path) -> None:
    (folder / "predictions/test.csv.out").unlink()
    assert run(folder) == 1
    assert (folder / "message").read_text() == f"no *.out file in {folder / 'predictions'}"


def test_a_missing_label_column_is_named(folder: Path) -> None:
    assert run(folder, "--label-column", "Left") == 1
    expected = "the labelled rows have no column 'Left', but 'Phone', 'Churn?'"
    assert (folder / "message").read_text() == expected


def test_rows_of_one_class_cannot_be_evaluated(folder: Path) -> None:
    (folder / "test.csv").write_text("Churn?\n" + "False.\n" * 8)
    assert run(folder) == 1
    message = (folder / "message").read_text()
    assert message == "all 8 rows are of one class: ROC and precision-recall are not defined"


# ---- words for the classes, and gates


def test_the_report_speaks_in_the_words_for_the_classes_and_the_documents_in_labels(folder: Path) -> None:
    assert run(folder, "--classes", "stays", "leaves") == 0
    content, html = document(folder), (folder / "evaluation/report.html").read_text()
    assert content["classes"] == ["stays", "leaves"]
    assert content["positive_label"] == "True."
    assert set(pd.read_csv(folder / "evaluation/predictions.csv", dtype=str)["predicted"]) == {
        *("True.", "False.")
    }
    assert '<th scope="col">stays</th><th scope="col">leaves</th>' in html
    assert "of actual leaves</small>" in html
    assert ">actual stays</text>" in html  # legend of the scores
    assert "“leaves” (label “True.”)" in html
    assert "actual False." not in html


def test_without_words_the_labels_are_the_words(folder: Path) -> None:
    assert run(folder) == 0
    assert document(folder)["classes"] == ["False.", "True."]
    assert "actual True." in (folder / "evaluation/report.html").read_text()


def test_gates_are_checked_and_shown_on_their_metrics(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gates = {"accuracy": 0.6, "recall": 0.5, "f2": 0.9}  # measured: 0.625, 0.3333, 0.3571
    assert run(folder, "--gates", json.dumps(gates)) == 0
    content, html = document(folder), (folder / "evaluation/report.html").read_text()
    assert content["gates"]["accuracy"] == {"least": 0.6, "value": 0.625, "passed": True}
    assert content["gates"]["recall"] == {"least": 0.5, "value": pytest.approx(1 / 3), "passed": False}
    assert content["gates_passed"] is False
    assert '<span class="up">gate 0.6, passed</span>' in html
    assert '<span class="down">gate 0.5, missed</span>' in html
    assert "<span>F2</span><b>0.3571</b>" in html  # a tile of its own: no other report has it
    assert "missed gates: recall 0.3333 < 0.5, f2 0.3571 < 0.9" in capsys.readouterr().out


def test_a_value_that_reaches_its_gate_passes(folder: Path) -> None:
    assert run(folder, "--gates", '{"accuracy": 0.625}') == 0
    assert document(folder)["gates_passed"] is True


def test_without_gates_all_have_passed(folder: Path) -> None:
    assert run(folder) == 0
    assert (document(folder)["gates"], document(folder)["gates_passed"]) == ({}, True)


WRONG_GATES = {
    "unknown metric": ('{"f3": 0.5}', "unknown metric 'f3'"),
    "a metric that is no number": ('{"confusion_matrix": 0.5}', "unknown metric 'confusion_matrix'"),
    "text": ('{"f1": "high"}', "f1: 'high' is not a finite number"),
    "NaN": ('{"f1": NaN}', "f1: nan is not a finite number"),
    "true": ('{"f1": true}', "f1: True is not a finite number"),
    "no object": ("[0.5]", "expected an object of metrics and least values"),
    "no JSON": ("f1=0.5", "not JSON"),
}


@pytest.mark.parametrize("case", WRONG_GATES)
def test_wrong_gates_are_an_error_of_usage_before_anything_is_read(
    case: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, expected = WRONG_GATES[case]
    (folder / "test.csv").unlink()
    with pytest.raises(SystemExit, match="2"):
        run(folder, "--gates", text)
    assert expected in capsys.readouterr().err
