"""Reads films and users: MovieLens 100K's `u.item` and `u.user`, 1M's `.dat`, or CSV files with a header.

Wrong data is a DataError that names file, row and column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from data.interactions import check_ids, numbers, table
from job import DataError

if TYPE_CHECKING:
    from pathlib import Path

GENRES = (
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary"),
    *("Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller"),
    *("War", "Western"),
)
NO_DATE = 0  # seconds since 1970, where a film has no date


def read_items(path: Path) -> pd.DataFrame:
    """ITEM_ID, GENRE (several with | between), CREATION_TIMESTAMP.

    :raises DataError: naming file, row and column.
    """
    flags = ("ITEM_ID", "TITLE", "DATE", "VIDEO_DATE", "ADDRESS", *GENRES)
    frame = table(path, {"|": flags, "::": ("ITEM_ID", "TITLE", "GENRE")}, ("ITEM_ID",), ("GENRE",))
    check_ids(frame, "ITEM_ID")
    if "GENRE" not in frame.columns:
        frame["GENRE"] = _genres(path.name, frame)
    if "CREATION_TIMESTAMP" not in frame.columns:
        dates = frame.get("DATE", pd.Series("", index=frame.index))
        moments = pd.to_datetime(dates, format="%d-%b-%Y", errors="coerce")
        seconds = (moments - pd.Timestamp(0)).dt.total_seconds()
        frame["CREATION_TIMESTAMP"] = seconds.fillna(NO_DATE).astype(np.int64)
    return frame[["ITEM_ID", "GENRE", "CREATION_TIMESTAMP"]].drop_duplicates("ITEM_ID", keep="last")


def _genres(name: str, frame: pd.DataFrame) -> list[str]:
    """The genres of each film, from a column of 0 and 1 for each.

    :raises DataError: when there is no such column.
    """
    flags = frame[[genre for genre in GENRES if genre in frame.columns]]
    if flags.empty:
        raise DataError(f"{name} lacks the column GENRE; it has {', '.join(frame.columns)}")
    return ["|".join(flags.columns[row == "1"]) for row in flags.to_numpy()]


def read_users(path: Path) -> pd.DataFrame:
    """USER_ID, AGE, GENDER, OCCUPATION.

    :raises DataError: naming file, row and column.
    """
    layouts = {
        "|": ("USER_ID", "AGE", "GENDER", "OCCUPATION", "ZIP"),
        "::": ("USER_ID", "GENDER", "AGE", "OCCUPATION", "ZIP"),
    }
    frame = table(path, layouts, ("USER_ID",), ("AGE", "GENDER", "OCCUPATION"))
    check_ids(frame, "USER_ID")
    for column, default in (("AGE", "0"), ("GENDER", ""), ("OCCUPATION", "")):
        if column not in frame.columns:
            frame[column] = default
    frame["AGE"] = numbers(frame, "AGE").astype(np.int64)
    return frame[["USER_ID", "AGE", "GENDER", "OCCUPATION"]].drop_duplicates("USER_ID", keep="last")
