"""Processing job: the data of the next training, old rows and the labelled traffic since.

Reads `input/raw` (the champion's raw data), `input/capture` (captured requests) and `input/ground_truth`
(labels that arrived since); without labels the old rows are all. Writes `output/data/data.csv`, raw rows with
header.
"""

from __future__ import annotations

import csv
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from data.capture import BadLine, Repeats, read_capture
from drift.window import Faults, Labels, Shape, mostly_unreadable
from job import FOLDER, DataError, arguments, run, staged
from tabular import Schema, add_table_arguments, check_file, check_row, table_files

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from data.capture import Record, Row


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job and return its exit code."""
    options = parse(argv)
    return run(lambda: assemble(options), options.message)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = arguments("Old rows and the labelled traffic since.")
    add_table_arguments(parser)
    for name in ("raw", "capture", "ground_truth"):
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=Path, default=FOLDER / "input" / name, help="folder")
    parser.add_argument("--output", type=Path, default=FOLDER / "output/data")
    return parser.parse_args(argv)


def assemble(options: argparse.Namespace) -> None:
    """Read and write, row by row.

    :raises DataError: when the old rows, or most of the traffic, cannot be used; nothing is written then.
    """
    schema = Schema.parse(options.columns, options.labels)
    files = table_files(options.raw)
    old = sum(check_file(path, schema) for path in files)
    new = 0
    with staged(options.output) as folder, (folder / "data.csv").open("w", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(schema.names)
        for path in files:
            writer.writerows(old_rows(path))
        for row in labelled_rows(options.capture, options.ground_truth, schema):
            writer.writerow(row)
            new += 1
    print(f"{old} old rows, {new} labelled rows of traffic")


def old_rows(path: Path) -> Iterator[list[str]]:
    """The rows of a checked file, without its header."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.reader(file)
        next(rows)
        yield from (row for row in rows if row)


@dataclass
class Matching:
    """The captured requests whose labels are known."""

    truths: dict[str, bytes]  # labels by the id of a request
    records: int = 0  # that can be read
    files: set[str] = field(default_factory=set)
    faults: Faults = field(default_factory=Faults)
    joined: set[str] = field(default_factory=set)  # ids of requests with labels
    unlabelled: str = ""  # the id of a request without

    def requests(self, capture: Path) -> Iterator[tuple[Record, bytes]]:
        """Each request with its labels; one that was captured twice is one.

        :raises DataError: at the end, when most captured requests cannot be read, or no label is of any.
        """
        repeats = Repeats()
        for line in read_capture(capture):
            record = line.content
            self.files.add(line.file)
            if isinstance(record, BadLine):
                self.faults.add(line, record)
                continue
            self.records += 1
            truth = self.truths.get(record.inference_id) or self.truths.get(record.event_id)
            if truth is None:
                self.unlabelled = record.inference_id or record.event_id
            elif not repeats.has(record):
                self.joined |= {record.inference_id, record.event_id}
                yield record, truth
        self._check()

    def _check(self) -> None:
        files = len(self.files)
        if reason := mostly_unreadable(
            "captured requests", self.faults.count, self.records, self.faults, files
        ):
            raise DataError(reason)
        if self.truths and not self.joined:
            raise DataError(
                f"none of the labels is of one of the {self.records:,} captured requests: labels are of "
                f"{min(self.truths)!r} for example, requests have ids like {self.unlabelled!r}"
            )
        if strangers := self.truths.keys() - self.joined:
            print(f"{len(strangers)} labels are of no captured request, {min(strangers)!r} for example")


def labelled_rows(capture: Path, ground_truth: Path, schema: Schema) -> Iterator[list[str]]:
    """Captured rows whose label is known, as rows of raw data; what cannot be used is left out, counted.

    :raises DataError: when most of the captured requests, of their labelled rows, or of the labels cannot be
        used; when no label is of a captured request.
    """
    shape, matching = Shape(schema), Matching(read_labels(ground_truth, schema))
    left_out, used = 0, 0
    for record, truth in matching.requests(capture):
        rows = record.rows if len(truth) == len(record.rows) else []
        left_out += 0 if rows else 1
        for row, positive in zip(rows, truth, strict=False):
            if (usable := labelled(row, positive, shape, schema)) is None:
                left_out += 1
            else:
                used += 1
                yield usable
    if reason := mostly_unreadable("labelled requests and their rows", left_out, used):
        raise DataError(f"{reason}: they have other columns than the model learned from, or other labels")
    if left_out := left_out + matching.faults.count:
        print(f"{left_out} captured records or rows were left out: they cannot be read, or do not fit")


def read_labels(folder: Path, schema: Schema) -> dict[str, bytes]:
    """The labels of each captured request, by its id.

    :raises DataError: when most lines cannot be read, or most files break off.
    """
    labels = Labels.read(folder, schema.labels)
    if reason := labels.unreadable:
        raise DataError(reason)
    for fault in labels.faults.examples:
        print(f"WARNING: {fault['file']}, line {fault['line']} is left out: {fault['reason']}")
    return labels.truths


def labelled(row: Row, positive: int, shape: Shape, schema: Schema) -> list[str] | None:
    """A captured row with its label in place; None where training would not take it."""
    values = shape.fit(row)
    if values is None:
        return None
    try:
        check_row(values, schema, schema.inputs, "captured row")
    except DataError:
        return None
    place = schema.names.index(schema.label)
    return [*values[:place], schema.labels[positive], *values[place:]]


if __name__ == "__main__":
    sys.exit(main())
