"""Logs and captures as they really lie in S3: compressed, without a name or a header, damaged."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

import assemble
import assemble_interactions
from data.capture import BadLine
from data.events import read_log
from tests.include.jobs.test_interactions import HEAD, NOW, Town, lines, write
from tests.include.jobs.traffic import ARGUMENTS, SCHEMA
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
    assert "lines of the log cannot be read: 2023/11/14/22/log, line" in document["reason"]
    write(tmp_path / "in/ratings/ratings.csv", lines(town.training))
    assert run(assemble_interactions, tmp_path) == 1
    assert "lines of the log cannot be read" in (tmp_path / "why").read_text()


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
    for record in records:
        request = record["captureData"]["endpointInput"]
        request["data"] = "\n".join(f"{row},more,and more" for row in request["data"].splitlines())
    monitored.capture(records)
    assert monitored.run() == 0
    document = monitored.read()
    assert document["verdict"] == "unreadable"
    assert "400 of 400 rows have other columns" in document["reason"]


def test_labels_that_cannot_be_read_are_a_verdict(monitored: Monitored) -> None:
    monitored.capture(monitored.records(monitored.sample(2000)))
    path = monitored.folder / "input/ground_truth/labels"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"eventId,label\n1,True.\n")
    assert monitored.run() == 0
    document = monitored.read()
    assert document["verdict"] == "unreadable"
    assert document["reason"].startswith("2 of 2 labels cannot be read: labels, line 1, not JSON")


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
