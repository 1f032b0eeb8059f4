"""What the monitor finds wrong with the data and with the model's answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from include.use_cases.churn.use_case import CHURN
from tests.include.jobs.traffic import SCHEMA, column, csv_lines, record, shifted

if TYPE_CHECKING:
    from tests.include.jobs.traffic import Monitored

POSITIVE = CHURN.positive_label


def test_rows_of_other_width_are_column_violations(monitored: Monitored) -> None:
    rows = monitored.sample(400)
    lines, answers = csv_lines(rows), monitored.model.answers(rows)
    lines[7], lines[8] = f"{lines[7]},one,two,three", lines[8].rpartition(",")[0]
    monitored.capture([record(lines, answers)])
    assert monitored.run() == 0
    document = monitored.read()
    assert (document["window"]["rows"], document["window"]["misfit_rows"]) == (398, 2)
    assert monitored.violations() == [
        ("Missing columns", "missing_column_check"),
        ("Extra columns", "extra_column_check"),
    ]
    texts = [entry["description"] for entry in monitored.read("constraint_violations.json")["violations"]]
    assert "Number of columns in current dataset: 23, Number of columns in baseline" in texts[1]


def test_text_in_a_column_of_numbers_is_a_type_violation(monitored: Monitored) -> None:
    rows = monitored.sample(400)
    lines, answers = (
        csv_lines(rows.assign(**{"Eve Mins": ["much", *rows["Eve Mins"][1:]]})),
        monitored.model.answers(rows),
    )
    monitored.capture([record(lines, answers)])
    assert monitored.run() == 0
    assert ("Eve Mins", "data_type_check") in monitored.violations()
    texts = [entry["description"] for entry in monitored.read("constraint_violations.json")["violations"]]
    assert any("Observed: 99.75%; 'much' for example" in text for text in texts)


def test_fractions_where_whole_numbers_were_are_no_violation(monitored: Monitored) -> None:
    """SDK#2634 and others: types that flap between int and float."""
    rows = monitored.sample(400)
    calls = rows["Day Calls"].map(lambda text: f"{text}.0")
    calls[0] = "100.25"
    monitored.capture([record(csv_lines(rows.assign(**{"Day Calls": calls})), monitored.model.answers(rows))])
    assert monitored.run() == 0
    assert monitored.violations() == []


def test_missing_and_negative_and_unknown_values_are_violations(monitored: Monitored) -> None:
    rows = monitored.sample(400)
    changed = rows.assign(
        **{
            "Eve Mins": ["", *rows["Eve Mins"][1:]],
            "Day Mins": ["-3", *rows["Day Mins"][1:]],
            "Area Code": ["212", *rows["Area Code"][1:]],
        }
    )
    monitored.capture([record(csv_lines(changed), monitored.model.answers(rows))])
    assert monitored.run() == 0
    assert sorted(monitored.violations()) == [
        ("Area Code", "categorical_values_check"),
        ("Day Mins", "data_type_check"),
        ("Eve Mins", "completeness_check"),
    ]
    document = monitored.read()
    assert document["verdict"] == "ok"  # one row of 400 each
    assert document["data_quality"]["violations"] == 3
    assert column(document, "Eve Mins")["missing_share"] == 1 / 400
    assert column(document, "Area Code")["unknown_share"] == 1 / 400


@pytest.mark.parametrize("place", ["guide", "service"])
def test_overrides_in_the_constraints_are_honoured(place: str, monitored: Monitored) -> None:
    path = monitored.folder / "input/baseline/constraints.json"
    content = json.loads(path.read_text())
    (feature,) = (entry for entry in content["features"] if entry["name"] == "Day Mins")
    override = {"distribution_constraints": {"comparison_threshold": 50}}
    if place == "guide":
        feature["monitoringConfigOverrides"] = override
    else:
        feature["num_constraints"]["monitoring_config_overrides"] = override
    path.write_text(json.dumps(content))
    monitored.capture(monitored.records(shifted(monitored.sample(2000), "Day Mins", 1.0)))
    assert monitored.run() == 0
    document = column(monitored.read(), "Day Mins")
    assert (document["drift"], document["band"]) == (50, "ok")
    assert "Day Mins" not in dict(monitored.violations())


def test_ground_truth_gives_quality(monitored: Monitored) -> None:
    rows = monitored.rows[-334:].reset_index(drop=True)
    lines = monitored.records(rows[SCHEMA.inputs], size=10)
    lines[0]["eventMetadata"]["inferenceId"] = "customer-1"  # joined by that, others by their event id
    monitored.capture(lines)
    truths = []
    for n in range(len(lines) - 1):  # the last record's truth is not known yet
        labels = rows[SCHEMA.label][10 * n : 10 * n + 10]
        event = {"eventId": "customer-1" if n == 0 else f"e{n}"}
        data = {"data": "\n".join(str(int(label == POSITIVE)) for label in labels), "encoding": "CSV"}
        truths.append(json.dumps({"groundTruthData": data, "eventMetadata": event, "eventVersion": "0"}))
    (monitored.folder / "input/ground_truth/2026").mkdir(parents=True)
    path = monitored.folder / "input/ground_truth/2026/a.jsonl"
    path.write_text("\n".join(truths))
    assert monitored.run() == 0
    document = monitored.read()
    judged = 10 * (len(lines) - 1)
    right = (monitored.model.scores(rows) > 0.5) == (rows[SCHEMA.label] == POSITIVE)
    assert document["model_quality"]["rows"] == judged
    assert document["model_quality"]["coverage"] == pytest.approx(judged / len(rows))
    assert document["model_quality"]["metrics"]["accuracy"] == pytest.approx(right[:judged].mean())
    assert (document["model_quality"]["violated"], document["model_quality"]["band"]) == ([], "ok")

    path.write_text("\n".join(truths).replace("1\\n", "?\\n").replace("0\\n", "1\\n").replace("?\\n", "0\\n"))
    assert monitored.run() == 0  # now most truths are turned round
    document = monitored.read()
    assert "accuracy" in document["model_quality"]["violated"]
    assert (document["model_quality"]["band"], document["verdict"]) == ("drift", "drift")


@pytest.mark.parametrize("threshold", [0.5, None])
def test_scores_only_with_ground_truth_are_no_drift(threshold: float | None, monitored: Monitored) -> None:
    rows = monitored.rows[-400:].reset_index(drop=True)
    captured = monitored.records(rows[SCHEMA.inputs], size=400)
    answer = captured[0]["captureData"]["endpointOutput"]
    answer["data"] = "\n".join(line.partition(",")[2] for line in answer["data"].splitlines())
    monitored.capture(captured)
    data = {"data": "\n".join(rows[SCHEMA.label]), "encoding": "CSV"}
    (monitored.folder / "input/ground_truth").mkdir()
    truth = json.dumps({"groundTruthData": data, "eventMetadata": {"eventId": "e0"}})
    (monitored.folder / "input/ground_truth/a.jsonl").write_text(truth)
    monitored.set_threshold(threshold)
    assert monitored.run() == 0
    document = monitored.read()
    quality, areas = document["model_quality"], {"auc", "pr_auc"}
    assert (document["verdict"], quality["band"], quality["rows"]) == ("ok", "ok", 400)
    judged = quality["constraints"].keys() - quality["not_judged"].keys()
    assert judged == (areas if threshold is None else set(quality["constraints"]))
    if threshold is None:
        assert quality["not_judged"]["accuracy"] == "the answers have no labels"


def test_ground_truth_that_does_not_fit_is_named(monitored: Monitored) -> None:
    monitored.capture(monitored.records(monitored.sample(300)))
    truth = {"eventMetadata": {"eventId": "e0"}, "groundTruthData": {"data": "1\n0", "encoding": "CSV"}}
    other = {"eventMetadata": {"eventId": "e1"}, "groundTruthData": {"data": "maybe", "encoding": "CSV"}}
    (monitored.folder / "input/ground_truth").mkdir()
    path = monitored.folder / "input/ground_truth/a.jsonl"
    path.write_text(f"{json.dumps(truth)}\n{json.dumps(other)}\n")
    assert monitored.run() == 0
    document = monitored.read()
    assert (document["window"]["rows"], document["model_quality"]) == (300, None)
    assert [bad["reason"] for bad in document["window"]["bad_lines"]] == [
        "'maybe': expected 'False.' or 'True.'",
        "50 answers but 2 labels in the ground truth",
    ]
