"""Files of recommendation workflows: what users did, and what they were recommended.

The log of interactions is a tree of `*.csv` files with a header, `USER_ID`, `ITEM_ID` and `TIMESTAMP`
(seconds) in it, perhaps `EVENT_TYPE` and `EVENT_VALUE`. Recommendations are what a batch inference job
leaves: `*.out`, one JSON object a line.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from data.capture import BadLine, Line
from job import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NEEDED = ("USER_ID", "ITEM_ID", "TIMESTAMP")
LATEST = 100_000_000_000  # seconds: larger numbers are milliseconds


@dataclass(frozen=True)
class Event:
    """A user did something with an item."""

    user: str
    item: str
    seconds: int  # since 1970
    kind: str = ""
    value: str = ""


def read_log(folder: Path) -> Iterator[Line[Event]]:
    """All events of all files below a folder; what cannot be used comes as a bad line."""
    for path in sorted(path for path in folder.rglob("*.csv") if path.is_file()):
        yield from read_events(path, str(path.relative_to(folder)))


def read_events(path: Path, name: str) -> Iterator[Line[Event]]:
    """The events of one file.

    :param name: the file's name in its lines.
    """
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        rows = csv.reader(file)
        head = next(rows, [])
        if missing := [name for name in NEEDED if name not in head]:
            yield Line(name, 1, BadLine(f"the header lacks {', '.join(missing)}"))
            return
        try:
            for row in rows:
                if row:
                    yield Line(name, rows.line_num, _event(head, row))
        except csv.Error as error:
            yield Line(name, rows.line_num, BadLine(str(error)))


def _event(head: list[str], row: list[str]) -> Event | BadLine:
    if len(row) != len(head):
        return BadLine(f"{len(row)} values, the header has {len(head)}")
    values = dict(zip(head, row, strict=True))
    if not (values["USER_ID"] and values["ITEM_ID"]):
        return BadLine("USER_ID or ITEM_ID is empty")
    try:
        seconds = int(float(values["TIMESTAMP"]))
    except (ValueError, OverflowError):
        return BadLine(f"TIMESTAMP {values['TIMESTAMP'][:40]!r} is no number")
    if seconds > LATEST:
        return BadLine(f"TIMESTAMP {seconds}: expected seconds, not milliseconds")
    kind, value = values.get("EVENT_TYPE", ""), values.get("EVENT_VALUE", "")
    return Event(values["USER_ID"], values["ITEM_ID"], seconds, kind, value)


def read_pairs(folder: Path) -> dict[str, set[str]]:
    """Items by user, of all CSV files of a folder (columns USER_ID and ITEM_ID).

    :raises DataError: when there is no file, or one lacks the columns.
    """
    pairs: dict[str, set[str]] = defaultdict(set)
    files = sorted(folder.rglob("*.csv"))
    if not files:
        raise DataError(f"no CSV file in {folder}")
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
    for path in sorted(folder.rglob("*.out")):
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
