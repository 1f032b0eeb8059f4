"""Reads tables of a recommendation use case: CSV with a header, or text of another separator without one.

Wrong data is a DataError that names file, row and column.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from data.events import LATEST, LONGEST_ID, NO_VALUE
from input_files import files_below
from job import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

UNIT = "\x1f"  # ASCII's own separator, which no text contains


def only_file(folder: Path) -> Path:
    """The only file of an input.

    :raises DataError: when there is none, or more than one.
    """
    files = files_below(folder)
    if len(files) != 1:
        raise DataError(f"the input {folder.name} has {len(files)} files, expected one")
    return files[0][0]


def table(
    path: Path, layouts: Mapping[str, Sequence[str]], needed: Sequence[str], others: Sequence[str] = ()
) -> pd.DataFrame:
    """All columns as text, from a CSV file with a header, or from a file without one in a known layout.

    Names in a header may be written in another way: `userId` is USER_ID, `genres` is GENRE.

    :param layouts: the columns of a file without a header, by its separator.
    :param needed: columns that there must be; the first one tells a header from a row.
    :param others: columns that there may be.
    :raises DataError: naming the file, and the row or column that is wrong.
    """
    text, encoding = _text(path)
    first = io.StringIO(text).readline().rstrip("\r\n")
    if not first.strip():
        raise DataError(f"{path.name} is empty")
    head = [_known_name(name.strip().strip('"'), (*needed, *others)) for name in first.split(",")]
    has_header = needed[0] in head
    if has_header:
        _check_header(path.name, head, needed, encoding)
        frame = _parsed(path.name, text, ",", head).iloc[1:].reset_index(drop=True)
    else:
        separator = _separator(path.name, first, layouts)
        names = list(layouts[separator])
        if len(separator) > 1:  # to pandas, that is a regular expression, and slow
            text, separator = text.replace(separator, UNIT), UNIT
        frame = _parsed(path.name, text, separator, names, quoting=csv.QUOTE_NONE)
    if frame.empty:
        raise DataError(f"{path.name} has no rows")
    frame.attrs["first"] = 2 if has_header else 1  # number of the first row, as an editor shows it
    frame.attrs["name"] = path.name
    return frame


def _text(path: Path) -> tuple[str, str]:
    """A file's text and its encoding: UTF-8, else Latin-1, in which old tables are written."""
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError:
        return content.decode("latin-1"), "Latin-1"


def _plain(name: str) -> str:
    """A name without what its spellings differ in: `userId` and `USER_ID` are `userid`."""
    return name.lower().replace("_", "").strip()


def _known_name(name: str, columns: Sequence[str]) -> str:
    """The name that is expected for a spelling of it, also in the plural; else the name itself."""
    spellings = {
        spelling: column for column in columns for spelling in (_plain(column), f"{_plain(column)}s")
    }
    return spellings.get(_plain(name), name)


def _check_header(name: str, head: list[str], needed: Sequence[str], encoding: str) -> None:
    if encoding != "UTF-8":
        raise DataError(f"{name} has a header, but is not UTF-8")
    if len(set(head)) < len(head):
        raise DataError(f"{name}: the header names a column twice: {', '.join(head)[:200]}")
    if missing := [column for column in needed if column not in head]:
        raise DataError(f"{name} lacks the columns {', '.join(missing)}; it has {', '.join(head)[:200]}")


def _separator(name: str, first: str, layouts: Mapping[str, Sequence[str]]) -> str:
    """The separator of a file without a header: the one that cuts its first line into the layout's columns.

    Else the longest one in it, so that the line is named with what was expected.
    """
    fitting = [mark for mark, names in layouts.items() if len(first.split(mark)) == len(names)]
    separator = next(iter(fitting), max((mark for mark in layouts if mark in first), key=len, default=""))
    if not separator:
        layouts_in_words = "; or ".join(
            f"{', '.join(names)[:99]} with {mark!r} between" for mark, names in layouts.items()
        )
        raise DataError(
            f"{name} has neither a header with the columns nor {layouts_in_words}: {first[:200]!r}"
        )
    return separator


def _parsed(name: str, text: str, separator: str, columns: list[str], **options: Any) -> pd.DataFrame:
    """The table, each row of which has a value for each column; pandas would cut, or fill, what does not."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True, **options)
    expected = f"expected {len(columns)}: {', '.join(columns)[:200]}"
    try:
        for row in rows:
            if row and len(row) != len(columns):
                raise DataError(f"{name}, line {rows.line_num}: {len(row)} values, {expected}")
    except csv.Error as error:
        raise DataError(f"{name}, line {rows.line_num}: {error}") from error
    source = io.StringIO(text, newline="")
    return pd.read_csv(source, sep=separator, names=columns, dtype=str, keep_default_na=False, **options)


def read_ratings(path: Path) -> pd.DataFrame:
    """USER_ID, ITEM_ID, EVENT_VALUE, TIMESTAMP of each interaction.

    The file is CSV with a header, or has these columns without one, with tabs or `::` between them.

    :raises DataError: naming file, row and column.
    """
    columns = ("USER_ID", "ITEM_ID", "EVENT_VALUE", "TIMESTAMP")
    frame = table(path, {"\t": columns, "::": columns}, ("USER_ID", "ITEM_ID", "TIMESTAMP"), columns)
    if unused := [name for name in frame.columns if name not in (*columns, "EVENT_TYPE")]:
        print(f"{path.name}: columns that are not used: {', '.join(unused)}")
    if "EVENT_VALUE" not in frame.columns:
        frame["EVENT_VALUE"] = str(NO_VALUE)
    check_ids(frame, "USER_ID")
    check_ids(frame, "ITEM_ID")
    frame["TIMESTAMP"] = numbers(frame, "TIMESTAMP").astype(np.int64)
    frame["EVENT_VALUE"] = numbers(frame, "EVENT_VALUE")
    refuse(frame, frame.TIMESTAMP < 0, "TIMESTAMP", "expected seconds since 1970")
    refuse(frame, frame.TIMESTAMP > LATEST, "TIMESTAMP", "expected seconds, not milliseconds")
    return frame[list(columns)]


def check_ids(frame: pd.DataFrame, column: str) -> None:
    """Check identifiers against Personalize's rules.

    :raises DataError: naming the first row that breaks one.
    """
    texts = frame[column]
    refuse(frame, texts == "", column, "it is empty")
    refuse(frame, texts.str.len() > LONGEST_ID, column, f"at most {LONGEST_ID} characters are possible")
    refuse(frame, texts.str.contains(",", regex=False), column, "an identifier with a comma")


def numbers(frame: pd.DataFrame, column: str) -> pd.Series:
    """A column as numbers.

    :raises DataError: naming the first row without a number.
    """
    values = pd.to_numeric(frame[column], errors="coerce")
    refuse(frame, ~np.isfinite(values), column, "expected a number")
    return values


def refuse(frame: pd.DataFrame, bad: pd.Series, column: str, why: str) -> None:
    """Refuse a table with bad rows.

    :param bad: True in each row that is wrong, shape (rows,).
    :raises DataError: naming the first of them.
    """
    if bad.any():
        place = int(np.flatnonzero(bad)[0])
        text = str(frame[column].iloc[place])[:100]
        row = place + frame.attrs["first"]
        raise DataError(f"{frame.attrs['name']}, row {row}, column {column}: {text!r}; {why}")
