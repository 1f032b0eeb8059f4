"""Logs and captures as they really lie in S3: compressed, without a name or a header, damaged."""

from __future__ import annotations

import gzip
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

import assemble
import assemble_interactions
from data.capture import BadLine
from data.events import read_log
from data.interactions import read_ratings
from tests.include.jobs.test_interactions import HEAD, NOW, Town, lines, write
from tests.include.jobs.traffic import ARGUMENTS, SCHEMA, record
from tests.include.movie_recommendations.places import run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.include.jobs.traffic import Monitored


def text(rows: list[str]) -> bytes:
    return "".join(f"{row}\n" for row in rows).encode()


def objects(rows: list[str]) -> list[str]:
    """The rows as JSON, numbers and all."""
    events = [dict(zip(HEAD.split(","), row.split(","), strict=True)) for row in rows]
    return [json.dumps({**event, "TIMESTAMP": int(event["TIMESTAMP"])}) for event in events]


def turned(row: str) -> str:
    user, item, _, moment, _ = row.split(",")
    return f"{item},{user},{moment}"


WAYS: dict[str, tuple[str, Any]] = {
    "as the project writes it": ("log.csv", lambda rows: text([HEAD, *rows])),
    "no extension": ("ml-log-1-2023-11-14-22-13-20-0a1b", lambda rows: text([HEAD, *rows])),
    "no header": ("ml-log-1", text),
    "compressed": ("ml-log-1.gz", lambda rows: gzip.compress(text([HEAD, *rows]))),
    "compressed, without a name or a header": ("ml-log-1", lambda rows: gzip.compress(text(rows))),
    "a header in each part": ("parts", lambda rows: text([HEAD, *rows[:100], HEAD, *rows[100:]])),
    "other order of columns": (
        "log.csv",
        lambda rows: text(["ITEM_ID,USER_ID,TIMESTAMP", *map(turned, rows)]),
    ),
    "Windows": ("log.txt", lambda rows: text([HEAD, *rows]).replace(b"\n", b"\r\n")),
    "JSON lines": ("log.json", lambda rows: text(objects(rows))),
    "an array in one line": ("log.json", lambda rows: f"[{', '.join(objects(rows))}]".encode()),
    "an array in lines": ("log.json", lambda rows: ("[\n" + ",\n".join(objects(rows)) + "\n]\n").encode()),
    "an array in each line": ("log", lambda rows: text([f"[{row}]" for row in objects(rows)] + ["[]"])),
    "JSON without line ends, as Firehose joins it": ("log", lambda rows: "".join(objects(rows)).encode()),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_log_is_read_however_it_lies_there(tmp_path: Path, way: str) -> None:
    name, encode = WAYS[way]
    town = Town(tmp_path)
    path = tmp_path / "in/interactions/2023/11/14/22" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(encode(lines(town.next[:400])))
    document = town.judged()
    assert (document["window"]["rows"], document["window"]["bad_line_count"]) == (400, 0), way
    users = {user for user, _ in town.next[:400]}
    assert document["window"]["users"] == len(users)


def test_one_bad_first_line_hides_no_other(tmp_path: Path) -> None:
    """It names columns neither by their number nor by their names."""
    rows = lines([(f"u{n}", f"a{n}") for n in range(9)])
    for first in ("alice,fil", "u1,i1,,,watch"):
        (tmp_path / "log").write_bytes(text([first, *rows]))
        events = [line.content for line in read_log(tmp_path)]
        assert [isinstance(event, BadLine) for event in events] == [True, *[False] * 9]


@pytest.mark.parametrize("layout", ["{}", "[{}]"])
@pytest.mark.parametrize("separator", ["", ", "])
def test_an_object_that_is_cut_hides_no_other(tmp_path: Path, layout: str, separator: str) -> None:
    whole = objects(lines([(f"u{n}", f"a{n}") for n in range(9)]))
    cut = separator.join([*whole[:4], whole[4][:30], *whole[4:]])
    (tmp_path / "log").write_text(layout.replace("{}", cut))
    events = [line.content for line in read_log(tmp_path)]
    assert sum(isinstance(event, BadLine) for event in events) >= 1
    assert sum(not isinstance(event, BadLine) for event in events) == 9


@pytest.mark.parametrize("line", ["[1, 2, 3]", ",,,,", ",[],", '["a,b"]', "[{", '[{"USER_ID": "u1"}]'])
def test_brackets_without_events_are_a_bad_line(tmp_path: Path, line: str) -> None:
    write(tmp_path / "log", [line, *lines([("u1", "a1")])])
    events = [event.content for event in read_log(tmp_path)]
    assert [isinstance(event, BadLine) for event in events] == [True, False]


def test_a_buffer_of_firehose_is_read_in_a_second(tmp_path: Path) -> None:
    """Five megabytes in one line: the work must not grow with the square of its length."""
    (tmp_path / "log").write_text("".join(objects(lines([("u1", "a1")] * 50_000))))
    start = time.process_time()
    assert sum(1 for _ in read_log(tmp_path)) == 50_000
    assert time.process_time() - start < 5


REFUSED = {
    "a comma": f'u1,"a,b",3,{NOW},RATING',
    "too long": f"u1,{'a' * 257},3,{NOW},RATING",
    "before 1970": "u1,a1,3,-1,RATING",
    "far before 1970": "u1,a1,3,-1e300,RATING",
    "an infinite value": f"u1,a1,inf,{NOW},RATING",
    "half a character": json.dumps({"USER_ID": "u1", "ITEM_ID": "\ud800", "TIMESTAMP": NOW}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_next_training_would_refuse_is_left_out_of_it(tmp_path: Path, name: str) -> None:
    """One such line in the log must not stop every retraining from then on."""
    town = Town(tmp_path)
    write(tmp_path / "in/ratings/ratings.csv", lines(town.training))
    town.log([*lines(town.next[:40]), REFUSED[name]])
    assert run(assemble_interactions, tmp_path) == 0
    ratings = read_ratings(tmp_path / "out/interactions.csv")
    assert len(ratings) == len({*town.training, *town.next[:40]})


def test_files_that_break_off_are_no_readable_log(tmp_path: Path) -> None:
    """Nobody knows how many lines are lost with them."""
    town = Town(tmp_path)
    town.log(lines(town.next[:300]))
    for number in range(5):
        path = tmp_path / f"in/interactions/2023/11/14/22/{number}.gz"
        path.write_bytes(gzip.compress(text(lines(town.visits(900))))[:900])
    document = town.judged()
    assert document["verdict"] == "unreadable"
    assert "5 of 6 files break off" in document["reason"]


def test_what_other_programs_left_beside_a_log_is_not_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    town = Town(tmp_path)
    write(tmp_path / "in/ratings/ratings.csv", lines(town.training))
    town.log(lines(town.next[:300]))
    for place in ("interactions/2023/11/14/22", "ratings", "recommendations"):
        for name in ("_SUCCESS", ".ipynb_checkpoints/log.csv", "_temporary/0/users.json.out"):
            write(tmp_path / "in" / place / name, lines([(f"other {n}", "a1") for n in range(400)]))
    document = town.judged()
    assert (document["window"]["rows"], document["window"]["bad_line_count"]) == (300, 0)
    assert "interactions: not read, as hidden or a mark of another program: " in capsys.readouterr().out
    assert run(assemble_interactions, tmp_path) == 0
    assert not read_ratings(tmp_path / "out/interactions.csv").USER_ID.str.startswith("other").any()
    write(tmp_path / "in/interactions/_more.json", objects(lines(town.next[300:400])))
    assert run(assemble_interactions, tmp_path) == 1
    assert "_more.json begins with an underscore" in (tmp_path / "why").read_text()


def test_a_stray_quote_hides_no_other_line(tmp_path: Path) -> None:
    rows = lines([(f"u{n}", f"a{n}") for n in range(9)])
    write(tmp_path / "log", [*rows[:4], f'"u9,a9,3,{NOW},RATING', *rows[4:]])
    events = [line.content for line in read_log(tmp_path)]
    bad = [event for event in events if isinstance(event, BadLine)]
    assert (len(events), len(bad)) == (10, 1)
    assert "not CSV" in str(bad[0])


DAMAGED = {
    "a damaged file": gzip.compress(text(lines([("u1", "a1")] * 900)))[:20],
    "another format": b"PAR1" + bytes(range(256)) * 20,
    "other columns": text(["who,what,when", *("u1,a1,soon" for _ in range(300))]),
    "no rows of this log": text(["a,b", "c,d"] * 50),
}


@pytest.mark.parametrize("way", DAMAGED)
def test_a_log_that_cannot_be_read_is_no_quiet_window(tmp_path: Path, way: str) -> None:
    """Neither "not enough data" nor a training without it."""
    town = Town(tmp_path)
    path = tmp_path / "in/interactions/2023/11/14/22/log"
    path.parent.mkdir(parents=True)
    path.write_bytes(DAMAGED[way])
    document = town.judged()
    assert document["verdict"] == "unreadable"
    assert ": 2023/11/14/22/log, line" in document["reason"] or "1 of 1 files break off" in document["reason"]
    write(tmp_path / "in/ratings/ratings.csv", lines(town.training))
    assert run(assemble_interactions, tmp_path) == 1
    why = (tmp_path / "why").read_text()
    assert "lines of the log cannot be read" in why or "1 of 1 files break off" in why


def test_a_few_bad_lines_do_not_stop_a_training(tmp_path: Path) -> None:
    town = Town(tmp_path)
    write(tmp_path / "in/ratings/ratings.csv", lines(town.training))
    town.log([*lines(town.next[:40]), "u1,a"])
    assert run(assemble_interactions, tmp_path) == 0


# ---- captures


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a", "a.json"])
def test_captures_are_read_whatever_they_are_called(monitored: Monitored, name: str) -> None:
    content = text([json.dumps(record) for record in monitored.records(monitored.sample(2000))])
    path = monitored.folder / "input/capture/churn/AllTraffic/2026/03/01/12" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert monitored.run() == 0
    assert (monitored.read()["verdict"], monitored.read()["window"]["rows"]) == ("ok", 2000)


def test_what_other_programs_left_beside_captures_and_labels_is_not_read(monitored: Monitored) -> None:
    monitored.capture(monitored.records(monitored.sample(1000)))
    monitored.capture(monitored.records(monitored.sample(1000, 1)), ".ipynb_checkpoints/a.jsonl")
    for name in ("capture/_SUCCESS", "ground_truth/_temporary/0/labels.json"):
        (monitored.folder / "input" / name).parent.mkdir(parents=True, exist_ok=True)
        (monitored.folder / "input" / name).write_bytes(b'{"cut\n' * 2000)
    assert monitored.run() == 0
    document = monitored.read()
    assert (document["verdict"], document["window"]["rows"]) == ("ok", 1000)


def test_captures_that_mostly_cannot_be_read_are_a_verdict(monitored: Monitored) -> None:
    records = monitored.records(monitored.sample(2000))
    monitored.capture(records)
    path = monitored.folder / "input/capture/churn/AllTraffic/2026/03/01/12/b.jsonl"
    path.write_bytes(b'{"cut\n' * (len(records) + 1))
    assert monitored.run() == 0
    document = monitored.read()
    assert document["verdict"] == "unreadable"
    assert document["reason"].startswith("41 of 81 requests cannot be read: churn/AllTraffic")
    assert "Unreadable" in (monitored.folder / "report/report.html").read_text()


def test_rows_of_other_columns_are_a_verdict(monitored: Monitored) -> None:
    """The client has sent another table since its last release: no row of it is measured."""
    records = monitored.records(monitored.sample(400))
    for each in records:
        request = each["captureData"]["endpointInput"]
        request["data"] = "\n".join(f"{row},more,and more" for row in request["data"].splitlines())
    monitored.capture(records)
    assert monitored.run() == 0
    document = monitored.read()
    assert document["verdict"] == "unreadable"
    assert "400 of 400 rows have other columns" in document["reason"]


def test_labels_in_an_array_are_labels(monitored: Monitored) -> None:
    """Counted as one bad line, hundreds of them would be missing without a word."""
    rows = monitored.rows.sample(400, random_state=1)
    monitored.capture(monitored.records(rows[SCHEMA.inputs].reset_index(drop=True), 1))
    truths = [
        {"groundTruthData": {"data": label, "encoding": "CSV"}, "eventMetadata": {"eventId": f"e{n}"}}
        for n, label in enumerate(rows[SCHEMA.label])
    ]
    path = monitored.folder / "input/ground_truth/labels.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(text([*map(json.dumps, truths[:100]), json.dumps([*truths[100:], {"no": "label"}, 7])]))
    assert monitored.run() == 0
    document = monitored.read()
    assert document["model_quality"]["rows"] == 400
    assert document["window"]["bad_line_count"] == 2
    assert {line["reason"] for line in document["window"]["bad_lines"]} == {"no object 'groundTruthData'"}


def test_labels_that_cannot_be_read_are_a_verdict(monitored: Monitored) -> None:
    monitored.capture(monitored.records(monitored.sample(2000)))
    path = monitored.folder / "input/ground_truth/labels"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"eventId,label\n1,True.\n")
    assert monitored.run() == 0
    document = monitored.read()
    assert document["verdict"] == "unreadable"
    assert document["reason"].startswith("2 of 2 labels cannot be read: labels, line 1, not JSON")


def test_a_training_does_not_go_on_when_no_labelled_row_fits(tmp_path: Path, prepared: Any) -> None:
    """The client sends two more columns since its last release."""
    rows = prepared.lines("labelled/test.csv")
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/old.csv").write_bytes(text([",".join(SCHEMA.names), *rows[1:20]]))
    captured = [
        record([f"{row.rpartition(',')[0]},more,and more"], ["False.,0.1"], f"e{n}")
        for n, row in enumerate(rows[1:60])
    ]
    truths = [
        {"groundTruthData": {"data": "True.", "encoding": "CSV"}, "eventMetadata": {"eventId": f"e{n}"}}
        for n in range(59)
    ]
    for place, content in (("capture", captured), ("truth", truths)):
        (tmp_path / place).mkdir()
        (tmp_path / place / "a.jsonl").write_bytes(text([json.dumps(each) for each in content]))
    folders = {"raw": "raw", "capture": "capture", "ground-truth": "truth", "output": "out", "message": "why"}
    places = [f"--{name}={tmp_path / folder}" for name, folder in folders.items()]
    assert assemble.main([*ARGUMENTS, *places]) == 1
    assert "59 of 59 labelled requests and their rows cannot be read" in (tmp_path / "why").read_text()


def test_a_training_does_not_go_on_without_its_traffic(tmp_path: Path, prepared: Any) -> None:
    (tmp_path / "raw").mkdir()
    head = ",".join(SCHEMA.names)
    (tmp_path / "raw/old.csv").write_bytes(text([head, *prepared.lines("labelled/test.csv")[1:20]]))
    for place in ("capture", "truth"):
        (tmp_path / place).mkdir()
    (tmp_path / "capture/a.jsonl").write_bytes(b'{"cut\n' * 3)
    folders = {"raw": "raw", "capture": "capture", "ground-truth": "truth", "output": "out", "message": "why"}
    places = [f"--{name}={tmp_path / folder}" for name, folder in folders.items()]
    assert assemble.main([*ARGUMENTS, *places]) == 1
    assert "3 of 3 captured requests cannot be read: a.jsonl, line 1" in (tmp_path / "why").read_text()
    assert not list((tmp_path / "out").glob("*"))
