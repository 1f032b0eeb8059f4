"""What the monitor reads: traffic captured in whatever way, and lines that cannot be used."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.include.jobs.traffic import NOON, SCHEMA, as_base64, csv_lines, record, shifted

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.include.jobs.traffic import Monitored


def test_a_line_that_cannot_be_used_is_named_and_the_rest_counts(monitored: Monitored) -> None:
    lines: list[Any] = list(monitored.records(monitored.sample(500)))
    lines[3:3] = ["{not json", json.dumps({"eventMetadata": {}})]
    path = monitored.capture(lines)
    path.write_bytes(path.read_bytes()[:-200])  # the last record is cut
    assert monitored.run() == 0
    document = monitored.read()["window"]
    assert (document["rows"], document["bad_line_count"]) == (450, 3)
    assert [(bad["line"], bad["reason"].partition(":")[0]) for bad in document["bad_lines"]] == [
        (4, "not JSON"),
        (5, "no object 'captureData'"),
        (12, "not JSON"),
    ]
    assert {bad["file"] for bad in document["bad_lines"]} == {"churn/AllTraffic/2026/03/01/12/a.jsonl"}


def test_bytes_that_are_no_text_are_a_bad_line(monitored: Monitored) -> None:
    path = monitored.capture(monitored.records(monitored.sample(300)))
    path.write_bytes(path.read_bytes() + b'{"captureData": "\xff\xfe"}\n')
    assert monitored.run() == 0
    assert monitored.read()["window"]["bad_lines"][0]["reason"] == "byte 18 is not UTF-8"


def test_more_than_twenty_bad_lines_are_counted_but_not_all_named(monitored: Monitored) -> None:
    monitored.capture([*monitored.records(monitored.sample(300)), *["[]"] * 50])
    assert monitored.run() == 0
    document = monitored.read()["window"]
    assert (len(document["bad_lines"]), document["bad_line_count"]) == (20, 50)


def test_the_label_may_stand_in_captured_rows(monitored: Monitored) -> None:
    rows = monitored.rows.sample(300, replace=True, random_state=1)
    monitored.capture([record(csv_lines(rows), monitored.model.answers(rows))])
    assert monitored.run() == 0
    assert monitored.read()["window"]["rows"] == 300
    assert monitored.violations() == []


def in_base64(captured: dict[str, Any]) -> None:
    for side in captured["captureData"].values():
        as_base64(side)


def in_latin_1(captured: dict[str, Any]) -> None:
    as_base64(captured["captureData"]["endpointInput"], "iso-8859-1")


def in_base64_of_no_known_type(captured: dict[str, Any]) -> None:
    side = captured["captureData"]["endpointInput"]
    as_base64(side)
    side["observedContentType"] = "text/html"


def in_json_lists(captured: dict[str, Any]) -> None:
    source, reply = captured["captureData"]["endpointInput"], captured["captureData"]["endpointOutput"]
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


def in_json_objects(captured: dict[str, Any]) -> None:
    source = captured["captureData"]["endpointInput"]
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
    document = monitored.read()
    assert (document["window"]["rows"], document["verdict"], document["predictions"]) == (1500, "drift", None)
    (folder / "rows.csv.out").write_text("\n".join(monitored.model.answers(rows)))
    assert monitored.run() == 0
    assert monitored.read()["predictions"]["rows"] == 1500


def test_answers_of_scores_only_are_read_by_the_threshold_of_the_baseline(monitored: Monitored) -> None:
    rows = monitored.sample(400)
    answers = monitored.model.answers(rows)
    monitored.capture([record(csv_lines(rows), answers)])
    assert monitored.run() == 0
    expected = monitored.read()["predictions"]
    scores = [answer.partition(",")[2] for answer in answers]
    monitored.capture([record(csv_lines(rows), scores)])
    assert monitored.run() == 0
    assert monitored.read()["predictions"] == expected
    monitored.set_threshold(0.9)
    assert monitored.run() == 0
    many = sum(float(score) > 0.9 for score in scores)
    assert monitored.read()["predictions"]["positive_rate"] == many / 400


def test_scores_only_have_no_rate_of_positives_without_a_threshold(monitored: Monitored) -> None:
    rows = monitored.sample(400)
    scores = [answer.partition(",")[2] for answer in monitored.model.answers(rows)]
    monitored.capture([record(csv_lines(rows), scores)])
    monitored.set_threshold(None)
    assert monitored.run() == 0
    document = monitored.read()["predictions"]
    assert (document["rows"], document["positive_rate"], document["rate_ratio"]) == (400, None, None)
    assert document["band"] == "ok"
    assert monitored.violations() == []


def test_only_records_of_the_window_count(monitored: Monitored) -> None:
    rows = monitored.sample(3)
    lines, answers = csv_lines(rows), monitored.model.answers(rows)
    times = ["2026-03-01T11:59:59Z", NOON, "2026-03-01T13:00:00Z"]
    monitored.capture([record([a], [b], time=t) for a, b, t in zip(lines, answers, times, strict=True)])
    assert monitored.run("--start", NOON, "--end", "2026-03-01T14:00:00+01:00") == 0
    document = monitored.read()["window"]
    assert (document["rows"], document["records_outside"]) == (1, 2)


def test_a_request_that_was_captured_twice_counts_once(monitored: Monitored) -> None:
    """Data capture delivers at least once."""
    records = monitored.records(monitored.sample(400))
    monitored.capture(records)
    truths = [truth_of(each["eventMetadata"]["eventId"], 50) for each in records]
    path = monitored.folder / "input/ground_truth/a.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("".join(f"{line}\n" for line in truths))
    assert monitored.run() == 0
    once = monitored.read()
    monitored.capture(records, "2026/03/01/12/copy-of-a.jsonl")
    assert monitored.run() == 0
    twice = monitored.read()
    window = twice["window"]
    assert (window["records"], window["rows"], window["repeated_records"]) == (8, 400, 8)
    assert (window["labels"], window["labelled_records"]) == (8, 8)
    assert twice["model_quality"] == once["model_quality"]
    assert twice["columns"] == once["columns"]


def truth_of(event: str, rows: int) -> str:
    """Ground truth of a request of which no row is positive but the first."""
    data = {"data": "\n".join(["True.", *["False."] * (rows - 1)]), "encoding": "CSV"}
    return json.dumps({"groundTruthData": data, "eventMetadata": {"eventId": event}})


def test_the_workflows_own_requests_are_left_out(monitored: Monitored) -> None:
    lines, answers = csv_lines(monitored.sample(2)), monitored.model.answers(monitored.sample(2))
    monitored.capture(
        [
            record(lines, answers, "e0", inference="own-verify-all"),
            record(lines, answers, "e1", inference="customer-1"),
            record(lines, answers, "e2"),
        ]
    )
    assert monitored.run("--ignore-inference-prefix", "own-verify-") == 0
    document = monitored.read()["window"]
    assert (document["rows"], document["records"], document["ignored_records"]) == (4, 2, 1)
    assert monitored.run() == 0
    assert monitored.read()["window"]["rows"] == 6
