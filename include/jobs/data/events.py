"""Files of recommendation workflows: what users did, and what they were recommended.

The log of interactions is a tree of files, however they are called, compressed by gzip or not: lines of CSV,
with or without a header, or JSON objects, also in arrays. `USER_ID`, `ITEM_ID` and `TIMESTAMP` (seconds) are
in it, perhaps `EVENT_TYPE` and `EVENT_VALUE`. Recommendations are what a batch inference job leaves: `*.out`,
one JSON object a line.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from data.capture import BadLine, Line, read_lines
from input_files import files_below
from job import DataError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

NEEDED = ("USER_ID", "ITEM_ID", "TIMESTAMP")
# of a log without a header: the order in which the workflow writes interactions (`prepare.py`)
COLUMNS = ("USER_ID", "ITEM_ID", "EVENT_VALUE", "TIMESTAMP", "EVENT_TYPE")
BETWEEN = re.compile(r"[\s,\[\]]*")  # what is around objects, in arrays and behind each other
OBJECTS = re.compile(r"[\s,\[\]]*\{|\s*[\[\]][\s,\[\]]*$")  # a line of them, or where an array begins or ends
SURROGATE = re.compile(r"[\ud800-\udfff]")  # half a character: JSON can name it, no file can hold it
LONGEST_ID = 256  # characters, as in Personalize
NO_VALUE = 1.0  # of an event without EVENT_VALUE, in training and monitoring
LATEST = 100_000_000_000  # seconds: larger numbers are milliseconds


@dataclass(frozen=True)
class Event:
    """A user did something with an item."""

    user: str
    item: str
    seconds: int  # since 1970
    kind: str = ""
    value: str = ""


def add_log_argument(parser: argparse.ArgumentParser) -> None:
    """What the columns of a log without a header are."""
    parser.add_argument(
        "--log-columns",
        nargs="+",
        default=COLUMNS,
        metavar="NAME",
        help="of a log without a header, in order",
    )


def read_log(folder: Path, columns: Sequence[str] = COLUMNS) -> Iterator[Line[Event]]:
    """All events of all files below a folder; what cannot be used comes as a bad line.

    :param columns: of lines of CSV in files without a header.
    """
    for path, name in files_below(folder):
        yield from read_events(path, name, columns)


def read_events(path: Path, name: str, columns: Sequence[str] = COLUMNS) -> Iterator[Line[Event]]:
    """The events of one file, line by line: one bad line hides no other.

    :param name: the file's name in its lines.
    """
    head, first = tuple(columns), True
    for line in read_lines(path, name, str):
        if isinstance(line.content, BadLine):
            yield Line(name, line.number, line.content)
        elif OBJECTS.match(line.content):
            yield from (Line(name, line.number, event) for event in _json_events(line.content))
        else:
            row = _row(line.content)
            if isinstance(row, BadLine):
                yield Line(name, line.number, row)
            elif _is_header(row, first=first):
                head = row
            else:
                yield Line(name, line.number, _row_event(head, row))
            first = False


def _row(text: str) -> tuple[str, ...] | BadLine:
    """The values of a line of CSV."""
    try:
        return tuple(value.strip() for value in next(csv.reader([text.rstrip("\r\n")], strict=True)))
    except csv.Error as error:
        return BadLine(f"not CSV: {error}")


def _is_header(row: tuple[str, ...], *, first: bool) -> bool:
    """Whether a row names columns, also in the middle, where files were put together.

    The first row of a file may name other columns than those that are needed: an event has a time, and names
    are different ones.
    """
    foreign = len(row) >= len(NEEDED) and all(row) and len(set(row)) == len(row)
    return bool(set(row) & set(NEEDED)) or (first and foreign and not any(map(_is_number, row)))


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _row_event(head: tuple[str, ...], row: tuple[str, ...]) -> Event | BadLine:
    if missing := [name for name in NEEDED if name not in head]:
        return BadLine(f"the header lacks {', '.join(missing)}")
    if len(row) != len(head):
        return BadLine(f"{len(row)} values, expected {len(head)}: {', '.join(head)}")
    return _event(dict(zip(head, row, strict=True)))


def _json_events(text: str) -> Iterator[Event | BadLine]:
    """The events of a line of JSON objects, in an array or one behind the other, as Firehose joins them.

    After an object that is cut the next one is looked for.
    """
    decoder, place = json.JSONDecoder(), text.find("{")
    while 0 <= place < len(text):
        try:
            content, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            yield BadLine(f"not JSON: {error}")
            place = text.find("{", place + 1)
            continue
        yield _object_event(content)
        end = BETWEEN.match(text, place)
        place = end.end() if end else place
        if place < len(text) and text[place] != "{":
            yield BadLine("not JSON: between two objects there is something else")
            place = text.find("{", place)


def _object_event(content: dict[str, Any]) -> Event | BadLine:
    if missing := [name for name in NEEDED if name not in content]:
        return BadLine(f"the object lacks {', '.join(missing)}")
    return _event({name: "" if value is None else str(value) for name, value in content.items()})


def _event(values: Mapping[str, str]) -> Event | BadLine:
    for name in ("USER_ID", "ITEM_ID"):
        if not 1 <= len(values[name]) <= LONGEST_ID or "," in values[name] or SURROGATE.search(values[name]):
            return BadLine(f"{name} {values[name][:40]!r}: expected 1 to {LONGEST_ID} characters, no comma")
    try:
        seconds = int(float(values["TIMESTAMP"]))
    except (ValueError, OverflowError):
        return BadLine(f"TIMESTAMP {values['TIMESTAMP'][:40]!r} is no number")
    if not 0 <= seconds <= LATEST:
        return BadLine(f"TIMESTAMP {seconds}: expected seconds since 1970, not milliseconds")
    kind, value = values.get("EVENT_TYPE", ""), values.get("EVENT_VALUE", "")
    if value and not _is_number(value):
        return BadLine(f"EVENT_VALUE {value[:40]!r} is no number")
    return Event(values["USER_ID"], values["ITEM_ID"], seconds, kind, value)


def read_pairs(place: Path) -> dict[str, set[str]]:
    """Items by user, of a CSV file, or of all of a folder (columns USER_ID and ITEM_ID).

    :raises DataError: when there is no file, or one lacks the columns.
    """
    pairs: dict[str, set[str]] = defaultdict(set)
    files = [place] if place.is_file() else [path for path, _ in files_below(place) if path.suffix == ".csv"]
    if not files:
        raise DataError(f"no CSV file in {place}")
    for path in files:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.reader(file)
            head = next(rows, [])
            if not {"USER_ID", "ITEM_ID"} <= set(head):
                raise DataError(f"{path.name}: the header lacks USER_ID or ITEM_ID")
            user, item = head.index("USER_ID"), head.index("ITEM_ID")
            for row in rows:
                pairs[row[user]].add(row[item])
    return dict(pairs)


def read_lists(folder: Path) -> dict[str, list[str]]:
    """Recommended items by user, best first; users whose line carries an error are left out.

    :raises DataError: naming the file and line that is no answer of a batch inference job.
    """
    lists: dict[str, list[str]] = {}
    for path in (path for path, _ in files_below(folder) if path.suffix == ".out"):
        with path.open(encoding="utf-8") as file:
            for number, text in enumerate(file, 1):
                try:
                    line = json.loads(text)
                    if not line.get("error"):
                        lists[line["input"]["userId"]] = line["output"]["recommendedItems"]
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    raise DataError(f"{path.name}, line {number} is no recommendation: {error}") from error
    return lists


def without(lists: dict[str, list[str]], watched: dict[str, set[str]]) -> dict[str, list[str]]:
    """The lists without the items that each user has dealt with already."""
    return {
        user: [item for item in items if item not in watched.get(user, ())] for user, items in lists.items()
    }
