"""Reads interactions, items and users: MovieLens 100K's files or CSV files.

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

GENRES = (
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary"),
    *("Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller"),
    *("War", "Western"),
)
LONGEST_ID = 256  # characters
NO_DATE = 0  # seconds since 1970, where a film has no date


def only_file(folder: Path) -> Path:
    """The only file of an input.

    :raises DataError: when there is none, or more than one.
    """
    files = sorted(path for path in folder.glob("*") if path.is_file())
    if len(files) != 1:
        raise DataError(f"the input {folder.name} has {len(files)} files, expected one")
    return files[0]


def table(path: Path, separator: str, names: list[str], needed: list[str]) -> pd.DataFrame:
    """All columns as text, from a CSV file with a header or a file of MovieLens without one.

    :raises DataError: naming the file and what is wrong with it.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            first = file.readline()
        has_header = needed[0] in first
    except UnicodeDecodeError:
        has_header, first = False, "?"  # MovieLens's titles are Latin-1
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
    """USER_ID, ITEM_ID, EVENT_VALUE, TIMESTAMP in the order of the file.

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


def read_items(path: Path) -> pd.DataFrame:
    """ITEM_ID, GENRE (several with | between), CREATION_TIMESTAMP.

    :raises DataError: naming file, row and column.
    """
    names = ["ITEM_ID", "TITLE", "DATE", "VIDEO_DATE", "ADDRESS", *GENRES]
    frame = table(path, "|", names, ["ITEM_ID"])
    check_ids(frame, "ITEM_ID")
    if "GENRE" not in frame.columns:
        flags = frame[[genre for genre in GENRES if genre in frame.columns]]
        frame["GENRE"] = ["|".join(flags.columns[row == "1"]) for row in flags.to_numpy()]
    if "CREATION_TIMESTAMP" not in frame.columns:
        dates = frame.get("DATE", pd.Series("", index=frame.index))
        moments = pd.to_datetime(dates, format="%d-%b-%Y", errors="coerce")
        seconds = (moments - pd.Timestamp(0)).dt.total_seconds()
        frame["CREATION_TIMESTAMP"] = seconds.fillna(NO_DATE).astype(np.int64)
    return frame[["ITEM_ID", "GENRE", "CREATION_TIMESTAMP"]].drop_duplicates("ITEM_ID", keep="last")


def read_users(path: Path) -> pd.DataFrame:
    """USER_ID, AGE, GENDER, OCCUPATION.

    :raises DataError: naming file, row and column.
    """
    frame = table(path, "|", ["USER_ID", "AGE", "GENDER", "OCCUPATION", "ZIP"], ["USER_ID"])
    check_ids(frame, "USER_ID")
    for column, default in (("AGE", "0"), ("GENDER", ""), ("OCCUPATION", "")):
        if column not in frame.columns:
            frame[column] = default
    frame["AGE"] = numbers(frame, "AGE").astype(np.int64)
    return frame[["USER_ID", "AGE", "GENDER", "OCCUPATION"]].drop_duplicates("USER_ID", keep="last")


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
