"""Reads tables of a recommendation use case: CSV with a header, or text of another separator without one.

Wrong data is a DataError that names file, row and column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from data.events import LATEST
from job import DataError

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_ID = 256  # characters


def only_file(folder: Path) -> Path:
    """The only file of an input.

    :raises DataError: when there is none, or more than one.
    """
    files = sorted(path for path in folder.glob("*") if path.is_file())
    if len(files) != 1:
        raise DataError(f"the input {folder.name} has {len(files)} files, expected one")
    return files[0]


def table(path: Path, separator: str, names: list[str], needed: list[str]) -> pd.DataFrame:
    """All columns as text, from a CSV file with a header or a Latin-1 file without one.

    :param separator, names: of a file without a header.
    :param needed: columns that a file with a header must have.

    :raises DataError: naming the file and what is wrong with it.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            first = file.readline()
        has_header = needed[0] in first
    except UnicodeDecodeError:
        has_header, first = False, "?"  # not UTF-8: a file without a header
    if not first.strip():
        raise DataError(f"{path.name} is empty")
    if has_header and len(set(first.strip().split(","))) != len(first.strip().split(",")):
        raise DataError(f"{path.name}: the header names a column twice: {first.strip()[:200]}")
    options = (
        {"encoding": "utf-8-sig"} if has_header else {"sep": separator, "names": names, "encoding": "latin-1"}
    )
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, index_col=False, **options)
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} cannot be read: {error}") from error
    if missing := [name for name in needed if name not in frame.columns]:
        raise DataError(f"{path.name} lacks the columns {', '.join(missing)}")
    if frame.empty:
        raise DataError(f"{path.name} has no rows")
    frame.attrs["first"] = 2 if has_header else 1  # number of the first row, as an editor shows it
    frame.attrs["name"] = path.name
    return frame


def read_ratings(path: Path) -> pd.DataFrame:
    """USER_ID, ITEM_ID, EVENT_VALUE, TIMESTAMP as in the file, which is tab-separated without a header.

    :raises DataError: naming file, row and column.
    """
    needed = ["USER_ID", "ITEM_ID", "TIMESTAMP"]
    frame = table(path, "\t", ["USER_ID", "ITEM_ID", "EVENT_VALUE", "TIMESTAMP"], needed)
    if "EVENT_VALUE" not in frame.columns:
        frame["EVENT_VALUE"] = "1"
    check_ids(frame, "USER_ID")
    check_ids(frame, "ITEM_ID")
    frame["TIMESTAMP"] = numbers(frame, "TIMESTAMP").astype(np.int64)
    frame["EVENT_VALUE"] = numbers(frame, "EVENT_VALUE")
    refuse(frame, frame.TIMESTAMP > LATEST, "TIMESTAMP", "expected seconds, not milliseconds")
    return frame[["USER_ID", "ITEM_ID", "EVENT_VALUE", "TIMESTAMP"]]


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
    refuse(frame, values.isna(), column, "expected a number")
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
