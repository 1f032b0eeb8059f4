"""Tables in CSV files, read strictly: what is wrong is named by file, line and column.

The same checks guard the training data and the rows that are sent to a served model.
"""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from input_files import files_below
from job import DataError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

MAX_LINE_BYTES = 1024 * 1024  # longer is no row of a table: most likely line ends are missing
SUFFIXES = (".csv", ".txt")
LARGEST_NUMBER = 3.4e38  # scikit-learn and XGBoost compute with 32 bits; no comparison holds for NaN


@dataclass(frozen=True)
class Schema:
    """The columns of a table in file order, each of a kind: number, category, ignore or label.

    Schema.parse(["category:State", "number:Day Mins", "label:Churn?"], ("False.", "True."))
    """

    columns: tuple[tuple[str, str], ...]  # (name, kind)
    labels: tuple[str, str]  # negative, positive

    @classmethod
    def parse(cls, columns: Iterable[str], labels: Sequence[str]) -> Schema:
        """Build from `kind:name` texts.

        :raises DataError: for an unknown kind, or when there is not exactly one label column.
        """
        pairs = [column.partition(":") for column in columns]
        unknown = [kind for kind, _, _ in pairs if kind not in ("number", "category", "ignore", "label")]
        if unknown:
            raise DataError(f"column kind {unknown[0]!r} is unknown: use number, category, ignore or label")
        if sum(kind == "label" for kind, _, _ in pairs) != 1:
            raise DataError("exactly one column must be of the kind label")
        return cls(tuple((name, kind) for kind, _, name in pairs), (labels[0], labels[1]))

    @classmethod
    def from_json(cls, text: str) -> Schema:
        content = json.loads(text)
        return cls.parse(content["columns"], content["labels"])

    def to_json(self, **others: Any) -> str:
        columns = [f"{kind}:{name}" for name, kind in self.columns]
        return json.dumps({"columns": columns, "labels": self.labels, **others}, indent=2)

    def named(self, *kinds: str) -> list[str]:
        """Names of the columns of some kinds, in file order."""
        return [name for name, kind in self.columns if kind in kinds]

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.columns]

    @property
    def label(self) -> str:
        return self.named("label")[0]

    @property
    def inputs(self) -> list[str]:
        return self.named("number", "category", "ignore")


def add_table_arguments(parser: argparse.ArgumentParser) -> None:
    """What a table looks like: `Schema.parse(options.columns, options.labels)`."""
    parser.add_argument("--columns", nargs="+", required=True, metavar="KIND:NAME", help="in file order")
    parser.add_argument("--labels", nargs=2, required=True, metavar=("NEGATIVE", "POSITIVE"))


def read_folder(folder: Path, schema: Schema) -> pd.DataFrame:
    """Read all CSV and TXT files below a folder, in the order of their names.

    :return: every value as text, as it stands in the files; columns as in the schema.
    :raises DataError: naming file, line and column.
    """
    return pd.concat([read_file(path, schema) for path in table_files(folder)], ignore_index=True)


def table_files(folder: Path) -> list[Path]:
    """All CSV and TXT files below a folder, in the order of their names.

    :raises DataError: when there is none, or naming a file that is neither.
    """
    files = files_below(folder)
    for path, name in files:
        if path.suffix.lower() not in SUFFIXES:
            raise DataError(f"{name} is no .csv or .txt file, so nothing of the folder is read")
    if not files:
        raise DataError(f"no CSV or TXT file in {folder}")
    return [path for path, _ in files]


def read_file(path: Path, schema: Schema) -> pd.DataFrame:
    """Read a CSV file with a header line: UTF-8, one row per line. Checked in full before it is loaded.

    :return: every value as text; columns as in the schema.
    :raises DataError: naming line and column.
    """
    check_file(path, schema)
    return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")


def check_file(path: Path, schema: Schema) -> int:
    """Check every line of a file in constant memory and return the number of rows.

    :raises DataError: at the first error, naming line and column.
    """
    rows = _rows(path)
    header = next(rows, None)
    if header is None:
        raise DataError(
            f"{path.name} is empty: expected a header line and rows of {len(schema.names)} columns"
        )
    _check_header(header[1], schema.names, f"{path.name}, line {header[0]}")
    count = 0
    for line, values in rows:
        check_row(values, schema, schema.names, f"{path.name}, line {line}")
        count += 1
    if not count:
        raise DataError(f"{path.name} has a header line but no rows")
    return count


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and values of each line that is not blank."""
    with path.open("rb") as file:
        number = 0
        while raw := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            place = f"{path.name}, line {number}"
            if len(raw) > MAX_LINE_BYTES:
                raise DataError(f"{place} is longer than {MAX_LINE_BYTES:,} bytes: expected one row a line")
            values = _parse_line(_decode(raw, place, bom=number == 1), place)
            if values:
                yield number, values


def _decode(raw: bytes, place: str, *, bom: bool) -> str:
    try:
        return raw.decode("utf-8-sig" if bom else "utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{place}, byte {error.start + 1}: 0x{raw[error.start]:02x} is not UTF-8") from error


def _parse_line(text: str, place: str) -> list[str]:
    try:
        return next(csv.reader([text.rstrip("\r\n")], strict=True), [])
    except csv.Error as error:
        raise DataError(f"{place} is not a line of CSV: {error}") from error


def _check_header(header: list[str], expected: list[str], place: str) -> None:
    problems = {
        "missing": [name for name in expected if name not in header],
        "not expected": [name for name in header if name not in expected],
        "there twice": sorted({name for name in header if header.count(name) > 1}),
    }
    phrases = [f"{', '.join(map(repr, names))} {problem}" for problem, names in problems.items() if names]
    if phrases:
        raise DataError(f"{place}: column {'; column '.join(phrases)}")
    if header != expected:
        first = next(n for n, pair in enumerate(zip(header, expected, strict=True)) if pair[0] != pair[1])
        raise DataError(f"{place}: column {first + 1} is {header[first]!r}, expected {expected[first]!r}")


def check_row(values: Sequence[str], schema: Schema, names: Sequence[str], place: str) -> None:
    """Check one row's number of values, its numbers and its label.

    :param names: the columns that the row should have, in order.
    :raises DataError: naming the place and the column.
    """
    if len(values) != len(names):
        raise DataError(f"{place} has {len(values)} values, expected {len(names)}")
    kinds = dict(schema.columns)
    for name, value in zip(names, values, strict=True):
        if kinds[name] == "number" and not _is_number(value):
            raise DataError(f"{place}, column {name!r}: {value[:40]!r} is not a number")
        if kinds[name] == "label" and value not in schema.labels:
            expected = " or ".join(map(repr, schema.labels))
            raise DataError(f"{place}, column {name!r}: label {value[:40]!r} is unknown, expected {expected}")


def _is_number(text: str) -> bool:
    if not text:  # missing, to be imputed
        return True
    if "_" in text or not text.isascii():  # float() accepts 1_000 and the digits of every script
        return False
    try:
        return abs(float(text)) <= LARGEST_NUMBER
    except ValueError:
        return False


def typed(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """The columns to learn from: numbers as float64 (blank is NaN), categories as text.

    A category that looks like a number (an area code) stays text, in training and in serving alike.
    """
    columns: dict[str, Any] = {}
    for name in schema.named("number", "category"):
        if dict(schema.columns)[name] == "number":
            columns[name] = np.array([float(text) if text else math.nan for text in frame[name]], dtype=float)
        else:
            columns[name] = frame[name].to_numpy(dtype=object)
    return pd.DataFrame(columns, index=frame.index)
