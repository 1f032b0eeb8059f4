"""Processing job: the interactions of the next training, the champion's and those since.

Reads `input/ratings` (the champion's raw file) and `input/interactions` (the log since
its training). Of a user's several interactions with an item the newest one stays. Writes
`output/data/interactions.csv`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from data.capture import BadLine
from data.events import NO_VALUE, add_log_argument, read_log
from data.interactions import only_file, read_ratings
from drift.window import Faults, mostly_unreadable
from job import FOLDER, DataError, arguments, run, staged

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

COLUMNS = ["USER_ID", "ITEM_ID", "EVENT_VALUE", "TIMESTAMP"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job and return its exit code."""
    options = parse(argv)
    return run(lambda: join(options), options.message)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = arguments("The champion's interactions and those since.")
    add_log_argument(parser)
    parser.add_argument("--input", type=Path, default=FOLDER / "input")
    parser.add_argument("--output", type=Path, default=FOLDER / "output/data")
    return parser.parse_args(argv)


def join(options: argparse.Namespace) -> None:
    """Read and write.

    :raises DataError: when the champion's file cannot be used, or most of the log; nothing is written then.
    """
    old = read_ratings(only_file(options.input / "ratings"))
    new, faults, files = read_new(options.input / "interactions", options.log_columns)
    if reason := mostly_unreadable("lines of the log", faults.count, len(new), faults, files):
        raise DataError(reason)
    both = pd.concat([old, new], ignore_index=True).sort_values("TIMESTAMP", kind="stable")
    newest = both.drop_duplicates(["USER_ID", "ITEM_ID"], keep="last")
    with staged(options.output) as folder:
        newest[COLUMNS].to_csv(folder / "interactions.csv", index=False)
    print(f"{len(old)} old interactions, {len(new)} new ones, {len(newest)} of different users and items")
    if faults.count:
        print(f"{faults.count} lines of the log were left out: they cannot be read")


def read_new(folder: Path, columns: Sequence[str]) -> tuple[pd.DataFrame, Faults, int]:
    """The log as a table, the lines that cannot be used, and the number of files.

    :param columns: of a log without a header.
    """
    rows, faults, files = [], Faults(), set[str]()
    for line in read_log(folder, columns):
        files.add(line.file)
        if isinstance(line.content, BadLine):
            faults.add(line, line.content)
        else:
            event = line.content
            rows.append((event.user, event.item, event.value, event.seconds))
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["EVENT_VALUE"] = pd.to_numeric(table.EVENT_VALUE, errors="coerce").fillna(NO_VALUE).astype(float)
    return table.astype({"TIMESTAMP": "int64"}), faults, len(files)


if __name__ == "__main__":
    sys.exit(main())
