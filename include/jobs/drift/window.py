"""A window of traffic, counted row by row: profiles of inputs and predictions, and what was wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from data.capture import Answer, BadLine, BrokenFile, Record, Repeats, parse_time
from data.ground_truth import Judged, read_truth
from job import DataError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

    from data.capture import Line, Row
    from drift.profile import Profile
    from tabular import Schema

CHUNK_ROWS = 10_000
MAX_BAD_LINES = 20  # that are shown; all are counted


def add_window_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of every comparison of a window with a baseline."""
    parser.add_argument("--start", help="first moment of the window, ISO 8601; UTC without a zone")
    parser.add_argument("--end", help="first moment after the window")
    parser.add_argument("--minimum-rows", type=int, default=200)
    parser.add_argument("--watch", type=float, default=0.1, help="PSI from which a column is watched")
    parser.add_argument("--drift", type=float, default=0.2, help="PSI from which a column has drifted")


@dataclass(frozen=True)
class Choice:
    """Which records belong to the window."""

    start: datetime | None = None
    end: datetime | None = None  # the first moment after it
    ignored_prefix: str = ""

    @classmethod
    def read(cls, start: str | None, end: str | None, ignored_prefix: str) -> Choice:
        """From two times in ISO 8601, either of which may be left open.

        :raises DataError: when one is no time.
        """
        try:
            moments = [parse_time(text) if text else None for text in (start, end)]
        except BadLine as error:
            raise DataError(f"the span of the traffic: {error}") from error
        return cls(moments[0], moments[1], ignored_prefix)

    def ignores(self, record: Record) -> bool:
        """Requests that the workflow itself sent."""
        return bool(self.ignored_prefix) and record.inference_id.startswith(self.ignored_prefix)

    def holds(self, record: Record) -> bool:
        """Whether the record came in the window; rows of a batch have no time and always belong to it.

        :raises BadLine: when a captured record lacks its time.
        """
        if (self.start is None and self.end is None) or not (record.event_id or record.moment):
            return True
        if record.moment is None:
            raise BadLine("no inferenceTime")
        return (self.start is None or record.moment >= self.start) and (
            self.end is None or record.moment < self.end
        )


@dataclass
class Faults:
    """Lines that were left out, or whose truth was: the first ones, and how many."""

    examples: list[dict[str, Any]] = field(default_factory=list)
    count: int = 0
    broken: int = 0  # files that break off

    def add(self, line: Line[Any], reason: BadLine) -> None:
        self.count += 1
        self.broken += isinstance(reason, BrokenFile)
        if len(self.examples) < MAX_BAD_LINES:
            self.examples.append({"file": line.file, "line": line.number, "reason": str(reason)})


def mostly_unreadable(
    what: str, left_out: int, used: int, faults: Faults | None = None, files: int = 0
) -> str | None:
    """The reason why what was read says nothing; None where it does.

    More of it was left out than used, or most files break off.

    :param what: the name of what was read, such as "requests".
    :param faults: the lines that were left out.
    :param files: the number of all files.
    """
    if faults and 2 * faults.broken > files > 0:
        return f"{faults.broken:,} of {files:,} files break off, {faults.examples[0]['file']} for example"
    if left_out <= used:
        return None
    first = faults.examples[0] if faults and faults.examples else None
    example = f": {first['file']}, line {first['line']}, {first['reason']}" if first else ""
    return f"{left_out:,} of {left_out + used:,} {what} cannot be read{example}"


@dataclass
class Labels:
    """Labels that became known, by the ids of their requests, and what of them cannot be read.

    :param lines: that can be used.
    """

    truths: dict[str, bytes] = field(default_factory=dict)
    lines: int = 0
    faults: Faults = field(default_factory=Faults)
    files: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, folder: Path, classes: tuple[str, str]) -> Labels:
        """From all files below a folder.

        :param classes: negative, positive.
        """
        labels = cls()
        for line in read_truth(folder, classes):
            labels.files.add(line.file)
            if isinstance(line.content, BadLine):
                labels.faults.add(line, line.content)
            else:
                labels.lines += 1
                labels.truths.update(line.content)
        return labels

    @property
    def unreadable(self) -> str | None:
        """Why the labels say nothing; None where they do, or there is none."""
        return mostly_unreadable("labels", self.faults.count, self.lines, self.faults, len(self.files))


@dataclass
class Misfits:
    """Rows left out of the profiles because they have other columns than the baseline.

    :param lacking, exceeding: rows by the number of columns, or by the name of the column where rows have
        names.
    """

    lacking: dict[str | int, int] = field(default_factory=dict)
    exceeding: dict[str | int, int] = field(default_factory=dict)

    def add(self, row: Row, inputs: list[str]) -> None:
        if isinstance(row, list):
            kind = self.lacking if len(row) < len(inputs) else self.exceeding
            kind[len(row)] = kind.get(len(row), 0) + 1
            return
        for kind, names in (
            (self.lacking, [name for name in inputs if name not in row]),
            (self.exceeding, [name for name in row if name not in inputs]),
        ):
            for name in names[:MAX_BAD_LINES]:
                kind[name] = kind.get(name, 0) + 1


class Shape:
    """The columns of a captured row: the inputs in their order, and perhaps the label among them."""

    def __init__(self, schema: Schema) -> None:
        self.inputs = schema.inputs
        self.label, self.place = schema.label, schema.names.index(schema.label)

    def fit(self, row: Row) -> list[str] | None:
        """The values in the order of the inputs, without the label; None when there are other columns."""
        if isinstance(row, dict):
            values = {name: value for name, value in row.items() if name != self.label}
            return [values[name] for name in self.inputs] if values.keys() == set(self.inputs) else None
        if len(row) == len(self.inputs) + 1:
            return [*row[: self.place], *row[self.place + 1 :]]
        return row if len(row) == len(self.inputs) else None


@dataclass
class Window:
    """Counts the records of a window.

    >>> window = Window(schema, baseline.inputs.empty(), baseline.predictions.empty())
    >>> window.read(read_capture(folder))
    """

    schema: Schema
    inputs: Profile
    predictions: Profile  # columns predicted and score
    choice: Choice = field(default_factory=Choice)
    judged: Judged = field(default_factory=lambda: Judged({}, ""))
    labels: Labels = field(default_factory=Labels)
    faults: Faults = field(default_factory=Faults)
    misfits: Misfits = field(default_factory=Misfits)
    misfit_rows: int = 0
    records: int = 0
    ignored: int = 0
    outside: int = 0
    repeated: int = 0  # captured twice
    files: int = 0
    untyped: dict[str, int] = field(default_factory=dict)  # values that are no number, by column
    examples: dict[str, str] = field(default_factory=dict)  # the first of them
    _rows: list[list[str]] = field(default_factory=list, init=False)
    _answers: list[Answer] = field(default_factory=list, init=False)
    _repeats: Repeats = field(default_factory=Repeats, init=False)

    def __post_init__(self) -> None:
        self.shape = Shape(self.schema)
        self._numbers = set(self.schema.named("number"))

    def read(self, lines: Iterable[Line[Record]]) -> None:
        """Count all records; a line that cannot be used is left out and counted among the faults."""
        names: set[str] = set()
        for line in lines:
            names.add(line.file)
            try:
                if isinstance(line.content, BadLine):
                    raise line.content
                self.add(line.content)
            except BadLine as reason:
                self.faults.add(line, reason)
        self.files = len(names)
        self.flush()

    @property
    def unreadable(self) -> str | None:
        """Why the window says nothing: most requests, or their rows, cannot be read; None where they can."""
        read = self.records + self.ignored + self.outside + self.repeated
        misfits = "rows have other columns than the model learned from"
        return mostly_unreadable("requests", self.faults.count, read, self.faults, self.files) or (
            f"{self.misfit_rows:,} of {self.misfit_rows + self.inputs.rows:,} {misfits}"
            if self.misfit_rows > self.inputs.rows
            else None
        )

    def to_json(self) -> dict[str, Any]:
        """What was read and what was left out."""
        return {
            "rows": self.inputs.rows,
            "records": self.records,
            "files": self.files,
            "ignored_records": self.ignored,
            "records_outside": self.outside,
            "repeated_records": self.repeated,
            "labels": self.labels.lines,
            "labelled_records": self.judged.records,
            "misfit_rows": self.misfit_rows,
            "bad_lines": [*self.labels.faults.examples, *self.faults.examples][:MAX_BAD_LINES],
            "bad_line_count": self.faults.count + self.labels.faults.count,
        }

    def add(self, record: Record) -> None:
        """Count one record, if it belongs to the window."""
        if self.choice.ignores(record):
            self.ignored += 1
        elif not self.choice.holds(record):
            self.outside += 1
        elif self._repeats.has(record):
            self.repeated += 1
        else:
            self.records += 1
            self._answers += record.answers or []
            for row in record.rows:
                self._add_row(row)
            if max(len(self._rows), len(self._answers)) >= CHUNK_ROWS:
                self.flush()
            self.judged.add(record, record.answers or [])

    def _add_row(self, row: Row) -> None:
        fitting = self.shape.fit(row)
        if fitting is None:
            self.misfit_rows += 1
            self.misfits.add(row, self.shape.inputs)
        else:
            self._rows.append(fitting)

    def flush(self) -> None:
        """Move what waits into the profiles."""
        if self._rows:
            texts = dict(zip(self.shape.inputs, zip(*self._rows, strict=True), strict=True))
            self.inputs.update({name: self._values(name, texts[name]) for name in self.inputs.columns})
        if self._answers:
            labels = [answer.label for answer in self._answers if answer.label]  # or the model gives none
            self.predictions.columns["predicted"].update(np.array(labels, dtype=object))
            self.predictions.columns["score"].update(np.array([answer.score for answer in self._answers]))
        self._rows, self._answers = [], []

    def _values(self, name: str, texts: tuple[str, ...]) -> np.ndarray:
        if name not in self._numbers:
            return np.array(texts, dtype=object)
        values, wrong = numbers(texts)
        if wrong:
            self.untyped[name] = self.untyped.get(name, 0) + len(wrong)
            self.examples.setdefault(name, wrong[0][:40])
        return values


def numbers(texts: tuple[str, ...]) -> tuple[np.ndarray, list[str]]:
    """Texts as floats, shape (rows,), blank as NaN; and those that are no finite number, NaN as well."""
    try:
        values = np.array([float(text) if text else math.nan for text in texts])
    except ValueError:
        values = np.array([_number(text) for text in texts])
    strange = np.flatnonzero(~np.isfinite(values))
    wrong = [texts[place] for place in strange.tolist() if texts[place].strip()]
    values[strange] = math.nan
    return values, wrong


def _number(text: str) -> float:
    try:
        return float(text) if text else math.nan
    except ValueError:
        return math.nan
