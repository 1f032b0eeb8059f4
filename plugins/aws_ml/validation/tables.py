"""Checks CSV files against a schema, as a stream: every fault with its file, line and column."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING

from aws_ml.errors import InvalidData
from aws_ml.validation.values import check_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_ml.validation.counts import Counts
    from aws_ml.validation.faults import Faults
    from aws_ml.validation.schemas import Schema

BLOCK = 500  # rows checked together; more would keep Python's garbage collector busy
LONGEST_LINE = 1024**2  # bytes; a hundred columns of a thousand characters fit


class Table:
    """Checks files one after the other, until the list of faults is full.

    table.check("items.csv", pieces_of_bytes)
    """

    def __init__(self, schema: Schema, counts: Counts, faults: Faults) -> None:
        self.counts, self.faults = counts, faults
        self._names = [column.name for column in schema.columns]
        self._checks = [check_of(schema, column) for column in schema.columns]

    def check(self, name: str, pieces: Iterable[bytes]) -> None:
        """Check a file; the check ends at the first line that cannot be read at all.

        :param name: of the file, for the faults.
        :param pieces: its bytes, cut anywhere.
        """
        lines = _lines(pieces)
        try:
            first = next(lines, "").removeprefix("\ufeff").rstrip("\r\n")
            if self._header(name, first):
                self._rows(name, lines)
        except InvalidData as error:
            self.faults.add(f"{name}, {error}")

    def _header(self, name: str, line: str) -> bool:
        """Whether the rows can be compared with the schema."""
        where = f"{name}, line 1"
        if not line.strip():
            self.faults.add(f"{where}: it is empty; expected the header {','.join(self._names)}")
            return False
        if '"' in line:
            self.faults.add_value(where, line, "a header without quotes")
            return False
        columns = line.split(",")
        before = len(self.faults.texts)
        for column in dict.fromkeys(columns):
            if columns.count(column) > 1:
                self.faults.add(f"{where}, column {column}: it is there twice")
            if column not in self._names:
                self.faults.add_value(where, column, "no column that the schema does not have")
        for column in self._names:
            if column not in columns:
                self.faults.add(f"{where}, column {column}: it is missing")
        if before == len(self.faults.texts) and columns != self._names:
            self.faults.add_value(where, line, f"the order of the schema, {','.join(self._names)}")
        return before == len(self.faults.texts)

    def _rows(self, name: str, lines: Iterator[str]) -> None:
        for numbers, rows, unreadable in _blocks(lines):
            if not self._fit(rows):
                for number, row in zip(numbers, rows, strict=True):
                    self._row(f"{name}, line {number}", row)
            self.counts.add([row for row in rows if len(row) == len(self._names)])
            if unreadable:
                self.faults.add(f"{name}, {unreadable}")
            if self.faults.full:
                return

    def _fit(self, rows: list[list[str]]) -> bool:
        """Whether no row has a fault; column by column, so that each different value is checked once."""
        if {len(row) for row in rows} != {len(self._names)}:
            return False
        columns = zip(self._checks, zip(*rows, strict=True), strict=True)
        return not any(check(text) for check, values in columns for text in set(values))

    def _row(self, where: str, row: list[str]) -> None:
        if len(row) != len(self._names):
            count = f"{len(row)} values; expected {len(self._names)}"
            self.faults.add(f"{where}: {count} (a value with a comma needs quotes around it)")
            return
        for column, check, text in zip(self._names, self._checks, row, strict=True):
            if expected := check(text):
                self.faults.add_value(f"{where}, column {column}", text, expected)


def _blocks(lines: Iterator[str]) -> Iterator[tuple[list[int], list[list[str]], str]]:
    """Blocks of rows after the header.

    A row may have several lines; empty lines are skipped.

    :return: the number of the line where each row begins, the rows, and why reading ended ("" if it did not).
    """
    reader = csv.reader(lines, strict=True)
    begins, numbers, rows, unreadable = 2, [], [], ""
    while not unreadable:
        try:
            row = next(reader, None)
        except csv.Error as error:
            row, unreadable = None, f"line {begins}: it cannot be read ({error})"
        except InvalidData as error:
            row, unreadable = None, str(error)
        if row:
            numbers.append(begins)
            rows.append(row)
        if row is None or len(rows) == BLOCK:
            yield numbers, rows, unreadable
            numbers, rows = [], []
        if row is None:
            return
        begins = reader.line_num + 2


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    """Lines with their ends. Raises InvalidData for one that is too long or not UTF-8."""
    before, rest = 0, b""
    for piece in pieces:
        whole, end, rest = (rest + piece).rpartition(b"\n")
        text = _text(whole + end, before)
        yield from StringIO(text, newline="\n")
        before += text.count("\n")
        if len(rest) > LONGEST_LINE:
            raise InvalidData(f"line {before + 1}: it has more than {LONGEST_LINE} bytes")
    if rest:
        yield _text(rest, before)


def _text(lines: bytes, before: int) -> str:
    try:
        return lines.decode()
    except UnicodeDecodeError as error:
        number = before + lines.count(b"\n", 0, error.start) + 1
        raise InvalidData(f"line {number}: byte {lines[error.start]:#04x} is not UTF-8") from error
