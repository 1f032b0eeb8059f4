"""The monitor job: what it concludes, and settings and baselines that it refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from include.use_cases.churn.use_case import CHURN
from tests.include.jobs.traffic import SCHEMA, column, csv_lines, record, shifted

if TYPE_CHECKING:
    from tests.include.jobs.traffic import Monitored

NEGATIVE, POSITIVE = CHURN.labels


def test_traffic_as_in_training_is_no_drift(monitored: Monitored) -> None:
    monitored.capture(monitored.records(monitored.sample(2000)))
    assert monitored.run() == 0
    document = monitored.read()
    assert document["verdict"] == "ok"
    assert document["window"]["rows"] == 2000
    assert (document["window"]["records"], document["window"]["files"]) == (40, 1)
    assert [column_drift["band"] for column_drift in document["columns"]] == ["ok"] * len(document["columns"])
    assert document["predictions"]["band"] == "ok"
    assert document["model_quality"] is None
    assert monitored.violations() == []
    assert not (monitored.folder / "report/constraint_violations.json").exists()


def test_a_shift_of_the_most_important_column_is_drift(monitored: Monitored) -> None:
    monitored.capture(monitored.records(shifted(monitored.sample(2000), "Day Mins", 1.0)))
    assert monitored.run() == 0
    document = monitored.read()
    assert document["verdict"] == "drift"
    assert document["reason"].startswith("Day Mins (")
    first = document["columns"][0]
    assert (first["name"], first["band"]) == ("Day Mins", "drift")
    assert first["wasserstein"] == pytest.approx(1.0, abs=0.1)
    assert document["share"] == pytest.approx(first["weight"])
    assert ("Day Mins", "baseline_drift_check") in monitored.violations()
    (violation,) = monitored.read("constraint_violations.json")["violations"][:1]
    assert f"distance: {first['l_infinity']:.4g} exceeds threshold: 0.1" in violation["description"]


def test_a_column_that_the_model_hardly_uses_does_not_make_a_window_drift(monitored: Monitored) -> None:
    weights = json.loads((monitored.folder / "input/baseline/importance.json").read_text())
    least = min((weights[name], name) for name in SCHEMA.named("number"))[1]
    monitored.capture(monitored.records(shifted(monitored.sample(2000), least, 2.0)))
    assert monitored.run() == 0
    document = monitored.read()
    assert column(document, least)["band"] == "drift"
    assert document["verdict"] != "drift"


def test_rows_without_answers_say_that_scores_are_not_measured(monitored: Monitored) -> None:
    captured = monitored.records(monitored.sample(1000))
    for entry in captured:
        del entry["captureData"]["endpointOutput"]
    monitored.capture(captured)
    assert monitored.run() == 0
    document = monitored.read()
    assert (document["verdict"], document["predictions"]) == ("ok", None)
    assert document["reason"].endswith("; not measured: scores (no captured answers can be read).")
    assert document["reason"] in (monitored.folder / "report/report.html").read_text().replace("&#39;", "'")


@pytest.mark.parametrize(("score", "verdict"), [(None, "ok"), ("True.,0.99", "drift")])
def test_answers_without_rows_are_judged_by_their_own_number(
    score: str | None, verdict: str, monitored: Monitored
) -> None:
    captured = monitored.records(monitored.sample(1000))
    for entry in captured:
        del entry["captureData"]["endpointInput"]
        answer = entry["captureData"]["endpointOutput"]
        if score:
            answer["data"] = "\n".join(score for _ in answer["data"].splitlines())
    monitored.capture(captured)
    assert monitored.run() == 0
    document = monitored.read()
    assert (document["verdict"], document["window"]["rows"], document["columns"]) == (verdict, 0, [])
    assert document["predictions"]["rows"] == 1000
    assert document["reason"].endswith("; not measured: columns (no captured rows can be read).")


def test_too_few_answers_and_labels_are_named(monitored: Monitored) -> None:
    captured = monitored.records(monitored.sample(1000))
    for entry in captured[2:]:
        del entry["captureData"]["endpointOutput"]
    monitored.capture(captured)
    (monitored.folder / "input/ground_truth").mkdir()
    truth = monitored.folder / "input/ground_truth/a.jsonl"
    data = {"data": "0\n" * 50, "encoding": "CSV"}
    few, nobody = "truth known of 50 answers, 200 are needed", "no label belongs to an answer of the window"
    for event, reason in (("e0", few), ("another", nobody)):
        truth.write_text(json.dumps({"groundTruthData": data, "eventMetadata": {"eventId": event}}))
        assert monitored.run() == 0
        omissions = f"not measured: scores (100 answers, 200 are needed), quality ({reason})."
        assert monitored.read()["reason"].endswith(omissions)


def test_too_few_rows_are_not_enough_data(monitored: Monitored) -> None:
    monitored.capture(monitored.records(shifted(monitored.sample(199), "Day Mins", 3.0)))
    assert monitored.run() == 0
    document = monitored.read()
    assert document["verdict"] == "not enough data"
    assert document["reason"] == "199 rows in the window, 200 are needed to tell drift from chance."
    assert monitored.read("statistics.json")["dataset"]["item_count"] == 199


def test_no_capture_at_all_is_not_enough_data(monitored: Monitored) -> None:
    assert monitored.run() == 0
    document = monitored.read()
    assert (document["verdict"], document["window"]["rows"], document["columns"]) == (
        "not enough data",
        0,
        [],
    )
    features = monitored.read("statistics.json")["features"]
    assert {feature["inferred_type"] for feature in features} == {"Unknown"}


def test_a_threshold_of_ones_own_for_a_column(monitored: Monitored) -> None:
    monitored.capture(monitored.records(shifted(monitored.sample(2000), "Day Mins", 1.0)))
    assert monitored.run("--column", "Day Mins:drift=99", "--column", "Day Mins:watch=98") == 0
    document = column(monitored.read(), "Day Mins")
    assert (document["drift"], document["watch"], document["band"]) == (99.0, 98.0, "ok")


def test_twice_as_many_positive_predictions_are_drift(monitored: Monitored) -> None:
    """Rows as in training, but answered by a model that says yes twice as often."""
    rows = monitored.sample(3000)
    answers = monitored.model.answers(rows)
    many = 2 * sum(answer.startswith(POSITIVE) for answer in answers)
    flipped = [f"{POSITIVE},0.9" if n < many else f"{NEGATIVE},0.02" for n in range(len(rows))]
    monitored.capture([record(csv_lines(rows), flipped)])
    assert monitored.run() == 0
    document = monitored.read()
    assert document["predictions"]["rate_band"] == "drift"
    assert document["predictions"]["rate_ratio"] == pytest.approx(2.0, rel=0.2)
    assert (document["verdict"], document["share"]) == ("drift", 0.0)
    assert "positive predictions went from" in document["reason"]


MISSING = ["profile.json", "constraints.json", "importance.json", "model_quality_constraints.json"]


@pytest.mark.parametrize("name", MISSING)
def test_without_a_baseline_nothing_is_written(name: str, monitored: Monitored) -> None:
    (monitored.folder / "input/baseline" / name).unlink()
    assert monitored.run() == 1
    assert f"the baseline cannot be read: {name} is not in" in (monitored.folder / "message").read_text()
    assert not (monitored.folder / "report").exists()


SETTINGS = {
    "unknown column": (["--column", "Day:drift=1"], "--column 'Day' is no column of the baseline"),
    "no setting": (["--column", "Day Mins"], "--column 'Day Mins': expected NAME:watch=NUMBER or NAME"),
    "no number": (["--column", "Day Mins:drift=x"], "expected NAME:watch=NUMBER or NAME:drift=NUMBER"),
    "no time": (["--start", "noon"], "the span of the traffic: 'noon' is not a time in ISO 8601"),
    "no factor": (["--rate-factor", "1"], "--rate-factor 1: expected a number above 1"),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_settings_that_make_no_sense_are_refused(case: str, monitored: Monitored) -> None:
    arguments, expected = SETTINGS[case]
    assert monitored.run(*arguments) == 1
    assert expected in (monitored.folder / "message").read_text()


def test_a_baseline_of_other_columns_is_refused(monitored: Monitored) -> None:
    path = monitored.folder / "input/baseline/profile.json"
    content = json.loads(path.read_text())
    content["columns"]["Day Hours"] = content["columns"].pop("Day Mins")
    path.write_text(json.dumps(content))
    assert monitored.run() == 1
    message = (monitored.folder / "message").read_text()
    assert message == "the baseline does not fit --columns: 'Day Mins', 'Day Hours' differ"
