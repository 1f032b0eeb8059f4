"""The monitor job: what is captured in whatever way, what is wrong with it, and what it concludes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from include.use_cases.churn.use_case import CHURN
from tests.include.jobs.traffic import NOON, SCHEMA, as_base64, csv_lines, record

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from tests.include.jobs.traffic import Monitored

NEGATIVE, POSITIVE = CHURN.labels


def shifted(rows: pd.DataFrame, column: str, deviations: float) -> pd.DataFrame:
    values = rows[column].astype(float)
    return rows.assign(**{column: (values + deviations * values.std()).map(str)})


def column(document: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (one for one in document["columns"] if one["name"] == name)
    return dict(found)


def test_traffic_as_in_training_is_no_drift(monitored: Monitored) -> None:
    monitored.capture(monitored.records(monitored.sample(2000)))
    assert monitored.run() == 0
    found = monitored.read()
    assert found["verdict"] == "ok"
    assert found["window"]["rows"] == 2000
    assert (found["window"]["records"], found["window"]["files"]) == (40, 1)
    assert [one["band"] for one in found["columns"]] == ["ok"] * len(found["columns"])
    assert found["predictions"]["band"] == "ok"
    assert found["model_quality"] is None
    assert monitored.violations() == []
    assert not (monitored.folder / "report/constraint_violations.json").exists()


def test_a_shift_of_the_most_important_column_is_drift(monitored: Monitored) -> None:
    monitored.capture(monitored.records(shifted(monitored.sample(2000), "Day Mins", 1.0)))
    assert monitored.run() == 0
    found = monitored.read()
    assert found["verdict"] == "drift"
    assert "Day Mins (PSI" in found["reason"]
    first = found["columns"][0]
    assert (first["name"], first["band"]) == ("Day Mins", "drift")
    assert first["wasserstein"] == pytest.approx(1.0, abs=0.1)
    assert found["share"] == pytest.approx(first["weight"])
    assert ("Day Mins", "baseline_drift_check") in monitored.violations()
    (violation,) = monitored.read("constraint_violations.json")["violations"][:1]
    assert f"distance: {first['l_infinity']:.4g} exceeds threshold: 0.1" in violation["description"]


def test_a_column_that_the_model_hardly_uses_does_not_make_a_window_drift(monitored: Monitored) -> None:
    weights = json.loads((monitored.folder / "input/baseline/importance.json").read_text())
    least = min((weights[name], name) for name in SCHEMA.named("number"))[1]
    monitored.capture(monitored.records(shifted(monitored.sample(2000), least, 2.0)))
    assert monitored.run() == 0
    found = monitored.read()
    assert column(found, least)["band"] == "drift"
    assert found["verdict"] != "drift"


def test_too_few_rows_are_not_enough_data(monitored: Monitored) -> None:
    monitored.capture(monitored.records(shifted(monitored.sample(199), "Day Mins", 3.0)))
    assert monitored.run() == 0
    found = monitored.read()
    assert found["verdict"] == "not enough data"
    assert found["reason"] == "199 rows in the window, 200 are needed to tell drift from chance."
    assert monitored.read("statistics.json")["dataset"]["item_count"] == 199


def test_no_capture_at_all_is_not_enough_data(monitored: Monitored) -> None:
    assert monitored.run() == 0
    found = monitored.read()
    assert (found["verdict"], found["window"]["rows"], found["columns"]) == ("not enough data", 0, [])
    features = monitored.read("statistics.json")["features"]
    assert {feature["inferred_type"] for feature in features} == {"Unknown"}


def test_a_line_that_cannot_be_used_is_named_and_the_rest_counts(monitored: Monitored) -> None:
    lines: list[Any] = list(monitored.records(monitored.sample(500)))
    lines[3:3] = ["{not json", json.dumps({"eventMetadata": {}})]
    path = monitored.capture(lines)
    path.write_bytes(path.read_bytes()[:-200])  # the last record is cut
    assert monitored.run() == 0
    found = monitored.read()["window"]
    assert (found["rows"], found["bad_line_count"]) == (450, 3)
    assert [(bad["line"], bad["reason"].partition(":")[0]) for bad in found["bad_lines"]] == [
        (4, "not JSON"),
        (5, "no object 'captureData'"),
        (12, "not JSON"),
    ]
    assert {bad["file"] for bad in found["bad_lines"]} == {"churn/AllTraffic/2026/03/01/12/a.jsonl"}


def test_bytes_that_are_no_text_are_a_bad_line(monitored: Monitored) -> None:
    path = monitored.capture(monitored.records(monitored.sample(300)))
    path.write_bytes(path.read_bytes() + b'{"captureData": "\xff\xfe"}\n')
    assert monitored.run() == 0
    assert monitored.read()["window"]["bad_lines"][0]["reason"] == "byte 18 is not UTF-8"


def test_more_than_twenty_bad_lines_are_counted_but_not_all_named(monitored: Monitored) -> None:
    monitored.capture([*monitored.records(monitored.sample(300)), *["[]"] * 50])
    assert monitored.run() == 0
    found = monitored.read()["window"]
    assert (len(found["bad_lines"]), found["bad_line_count"]) == (20, 50)


def test_rows_of_other_width_are_column_violations(monitored: Monitored) -> None:
    rows = monitored.sample(400)
    lines, answers = csv_lines(rows), monitored.model.answers(rows)
    lines[7], lines[8] = f"{lines[7]},one,two,three", lines[8].rpartition(",")[0]
    monitored.capture([record(lines, answers)])
    assert monitored.run() == 0
    found = monitored.read()
    assert (found["window"]["rows"], found["window"]["misfit_rows"]) == (398, 2)
    assert monitored.violations() == [
        ("Missing columns", "missing_column_check"),
        ("Extra columns", "extra_column_check"),
    ]
    texts = [one["description"] for one in monitored.read("constraint_violations.json")["violations"]]
    assert "Number of columns in current dataset: 23, Number of columns in baseline" in texts[1]


def test_the_label_may_stand_in_captured_rows(monitored: Monitored) -> None:
    rows = monitored.rows.sample(300, replace=True, random_state=1)
    monitored.capture([record(csv_lines(rows), monitored.model.answers(rows))])
    assert monitored.run() == 0
    assert monitored.read()["window"]["rows"] == 300
    assert monitored.violations() == []


def in_base64(one: dict[str, Any]) -> None:
    for side in one["captureData"].values():
        as_base64(side)


def in_latin_1(one: dict[str, Any]) -> None:
    as_base64(one["captureData"]["endpointInput"], "iso-8859-1")


def in_base64_of_no_known_type(one: dict[str, Any]) -> None:
    side = one["captureData"]["endpointInput"]
    as_base64(side)
    side["observedContentType"] = "text/html"


def in_json_lists(one: dict[str, Any]) -> None:
    source, reply = one["captureData"]["endpointInput"], one["captureData"]["endpointOutput"]
    rows = [{"features": line.split(",")} for line in source["data"].splitlines()]
    answers = [line.split(",") for line in reply["data"].splitlines()]
    predictions = [{"predicted_label": label, "score": float(score)} for label, score in answers]
    source |= {
        "data": json.dumps({"instances": rows}),
        "encoding": "JSON",
        "observedContentType": "application/json",
    }
    reply |= {
        "data": json.dumps({"predictions": predictions}),
        "encoding": "JSON",
        "observedContentType": "application/json",
    }


def in_json_objects(one: dict[str, Any]) -> None:
    source = one["captureData"]["endpointInput"]
    rows = [dict(zip(SCHEMA.inputs, line.split(","), strict=True)) for line in source["data"].splitlines()]
    data = "\n".join(json.dumps({name: as_number(value) for name, value in row.items()}) for row in rows)
    source |= {"data": data, "encoding": "JSON", "observedContentType": "application/jsonlines"}


def as_number(text: str) -> float | str:
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text


WAYS = {
    "base64": in_base64,
    "another charset": in_latin_1,
    "base64 of no known type": in_base64_of_no_known_type,
    "JSON": in_json_lists,
    "JSON Lines of objects": in_json_objects,
}


@pytest.mark.parametrize("way", WAYS)
def test_the_same_rows_give_the_same_result_however_they_were_captured(
    way: str, monitored: Monitored
) -> None:
    lines = monitored.records(monitored.sample(400))
    path = monitored.capture(lines)
    assert monitored.run() == 0
    expected = monitored.read()
    assert expected["window"]["rows"] == 400
    change: Callable[[dict[str, Any]], None] = WAYS[way]
    for line in lines:
        change(line)
    assert monitored.capture(lines) == path
    assert monitored.run() == 0
    assert monitored.read() == expected
    assert monitored.violations() == []


def test_rows_of_a_batch_transform_have_no_header_and_no_answers(monitored: Monitored) -> None:
    folder = monitored.folder / "input/capture/batch"
    folder.mkdir(parents=True)
    rows = shifted(monitored.sample(1500), "Day Mins", 1.0)
    (folder / "rows.csv").write_text("\n".join(csv_lines(rows)))
    assert monitored.run() == 0
    found = monitored.read()
    assert (found["window"]["rows"], found["verdict"], found["predictions"]) == (1500, "drift", None)
    (folder / "rows.csv.out").write_text("\n".join(monitored.model.answers(rows)))
    assert monitored.run() == 0
    assert monitored.read()["predictions"]["rows"] == 1500


def test_a_model_that_answers_scores_only_has_no_rate_of_positives(monitored: Monitored) -> None:
    rows = monitored.sample(400)
    scores = [answer.partition(",")[2] for answer in monitored.model.answers(rows)]
    monitored.capture([record(csv_lines(rows), scores)])
    assert monitored.run() == 0
    found = monitored.read()["predictions"]
    assert (found["rows"], found["positive_rate"], found["rate_ratio"]) == (400, None, None)
    assert found["band"] == "ok"
    assert monitored.violations() == []


def test_only_records_of_the_window_count(monitored: Monitored) -> None:
    rows = monitored.sample(3)
    lines, answers = csv_lines(rows), monitored.model.answers(rows)
    times = ["2026-03-01T11:59:59Z", NOON, "2026-03-01T13:00:00Z"]
    monitored.capture([record([a], [b], time=t) for a, b, t in zip(lines, answers, times, strict=True)])
    assert monitored.run("--start", NOON, "--end", "2026-03-01T14:00:00+01:00") == 0
    found = monitored.read()["window"]
    assert (found["rows"], found["records_outside"]) == (1, 2)


def test_the_workflows_own_requests_are_left_out(monitored: Monitored) -> None:
    lines, answers = csv_lines(monitored.sample(2)), monitored.model.answers(monitored.sample(2))
    monitored.capture(
        [
            record(lines, answers, inference="verify-all"),
            record(lines, answers, inference="customer-1"),
            record(lines, answers),
        ]
    )
    assert monitored.run() == 0
    found = monitored.read()["window"]
    assert (found["rows"], found["records"], found["ignored_records"]) == (4, 2, 1)
    assert monitored.run("--ignore-inference-prefix", "") == 0
    assert monitored.read()["window"]["rows"] == 6


def test_text_in_a_column_of_numbers_is_a_type_violation(monitored: Monitored) -> None:
    rows = monitored.sample(400)
    lines, answers = (
        csv_lines(rows.assign(**{"Eve Mins": ["much", *rows["Eve Mins"][1:]]})),
        monitored.model.answers(rows),
    )
    monitored.capture([record(lines, answers)])
    assert monitored.run() == 0
    assert ("Eve Mins", "data_type_check") in monitored.violations()
    texts = [one["description"] for one in monitored.read("constraint_violations.json")["violations"]]
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


def test_a_threshold_of_ones_own_for_a_column(monitored: Monitored) -> None:
    monitored.capture(monitored.records(shifted(monitored.sample(2000), "Day Mins", 1.0)))
    assert monitored.run("--column", "Day Mins:drift=99", "--column", "Day Mins:watch=98") == 0
    found = column(monitored.read(), "Day Mins")
    assert (found["drift"], found["watch"], found["band"]) == (99.0, 98.0, "ok")


@pytest.mark.parametrize("place", ["guide", "service"])
def test_overrides_in_the_constraints_are_honoured(place: str, monitored: Monitored) -> None:
    path = monitored.folder / "input/baseline/constraints.json"
    content = json.loads(path.read_text())
    (feature,) = (one for one in content["features"] if one["name"] == "Day Mins")
    override = {"distribution_constraints": {"comparison_threshold": 50}}
    if place == "guide":
        feature["monitoringConfigOverrides"] = override
    else:
        feature["num_constraints"]["monitoring_config_overrides"] = override
    path.write_text(json.dumps(content))
    monitored.capture(monitored.records(shifted(monitored.sample(2000), "Day Mins", 1.0)))
    assert monitored.run() == 0
    found = column(monitored.read(), "Day Mins")
    assert (found["drift"], found["band"]) == (50, "ok")
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
    found = monitored.read()
    judged = 10 * (len(lines) - 1)
    right = (monitored.model.scores(rows) > 0.5) == (rows[SCHEMA.label] == POSITIVE)
    assert found["model_quality"]["rows"] == judged
    assert found["model_quality"]["coverage"] == pytest.approx(judged / len(rows))
    assert found["model_quality"]["metrics"]["accuracy"] == pytest.approx(right[:judged].mean())
    assert (found["model_quality"]["violated"], found["model_quality"]["band"]) == ([], "ok")

    path.write_text("\n".join(truths).replace("1\\n", "?\\n").replace("0\\n", "1\\n").replace("?\\n", "0\\n"))
    assert monitored.run() == 0  # now most truths are turned round
    found = monitored.read()
    assert "accuracy" in found["model_quality"]["violated"]
    assert (found["model_quality"]["band"], found["verdict"]) == ("drift", "drift")


def test_ground_truth_that_does_not_fit_is_named(monitored: Monitored) -> None:
    monitored.capture(monitored.records(monitored.sample(300)))
    truth = {"eventMetadata": {"eventId": "e0"}, "groundTruthData": {"data": "1\n0", "encoding": "CSV"}}
    other = {"eventMetadata": {"eventId": "e1"}, "groundTruthData": {"data": "maybe", "encoding": "CSV"}}
    (monitored.folder / "input/ground_truth").mkdir()
    path = monitored.folder / "input/ground_truth/a.jsonl"
    path.write_text(f"{json.dumps(truth)}\n{json.dumps(other)}\n")
    assert monitored.run() == 0
    found = monitored.read()
    assert (found["window"]["rows"], found["model_quality"]) == (300, None)
    assert [bad["reason"] for bad in found["window"]["bad_lines"]] == [
        "'maybe': expected 'False.' or 'True.'",
        "50 answers but 2 labels in the ground truth",
    ]


def test_twice_as_many_positive_predictions_are_drift(monitored: Monitored) -> None:
    """Rows as in training, but answered by a model that says yes twice as often."""
    rows = monitored.sample(3000)
    answers = monitored.model.answers(rows)
    many = 2 * sum(answer.startswith(POSITIVE) for answer in answers)
    flipped = [f"{POSITIVE},0.9" if n < many else f"{NEGATIVE},0.02" for n in range(len(rows))]
    monitored.capture([record(csv_lines(rows), flipped)])
    assert monitored.run() == 0
    found = monitored.read()
    assert found["predictions"]["rate_band"] == "drift"
    assert found["predictions"]["rate_ratio"] == pytest.approx(2.0, rel=0.2)
    assert (found["verdict"], found["share"]) == ("drift", 0.0)
    assert "positive predictions went from" in found["reason"]


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
    "no time": (["--start", "noon"], "--start or --end: 'noon' is not a time in ISO 8601"),
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
