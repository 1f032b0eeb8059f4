"""Processing job: validate films, users and ratings; split them; write what Personalize imports.

Reads `input/ratings`, `input/items` and `input/users`: MovieLens 100K's `u.data`, `u.item`, `u.user`, or CSV
files with a header (USER_ID, ITEM_ID, TIMESTAMP and perhaps EVENT_VALUE; ITEM_ID and GENRE; USER_ID and AGE,
GENDER, OCCUPATION). Writes, below `output`:

    interactions/interactions.csv   warm films only, without each user's newest events
    items/items.csv, users/users.csv
    truth/holdout.csv               each user's newest events of warm films
    truth/cold.csv                  all events of cold films: nobody's training sees them
    truth/newest.csv                each user's newest film in the training data
    batch/users.json                a line for each user of the hold-out
    summary/summary.json            counts, the seed, the cold films
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from job import FOLDER, DataError, arguments, run, staged

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

GENRES = (
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary"),
    *("Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller"),
    *("War", "Western"),
)
LATEST = 100_000_000_000  # seconds: larger numbers are milliseconds
FEWEST_EVENTS, FEWEST_USERS = 1000, 25  # Personalize's minimums
LONGEST_ID = 256
NO_DATE = 0  # seconds since 1970, where a film has no date


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job and return its exit code."""
    options = parse(argv)
    return run(lambda: prepare(options), options.message)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = arguments("Validate and split interactions.")
    parser.add_argument("--seed", type=int, required=True, help="of the choice of cold films")
    parser.add_argument("--cold-share", type=float, default=0.5, help="of the films")
    parser.add_argument("--holdout-share", type=float, default=0.1, help="of each user's events")
    parser.add_argument("--event-type", default="RATING")
    parser.add_argument("--input", type=Path, default=FOLDER / "input")
    parser.add_argument("--output", type=Path, default=FOLDER / "output")
    return parser.parse_args(argv)


def prepare(options: argparse.Namespace) -> None:
    """Read, check, split, write.

    :raises DataError: naming file, row and column; nothing is written then.
    """
    ratings = read_ratings(only_file(options.input / "ratings"))
    items = read_items(only_file(options.input / "items"))
    users = read_users(only_file(options.input / "users"))
    cold, training, holdout = split(ratings, options.seed, options.cold_share, options.holdout_share)
    check_enough(training)
    with staged(options.output) as folder:
        events = training.assign(EVENT_TYPE=options.event_type)
        columns = ["USER_ID", "ITEM_ID", "EVENT_VALUE", "TIMESTAMP", "EVENT_TYPE"]
        write(folder / "interactions/interactions.csv", events[columns])
        write(folder / "items/items.csv", items)
        write(folder / "users/users.csv", users)
        write(folder / "truth/holdout.csv", holdout[["USER_ID", "ITEM_ID"]])
        write(folder / "truth/cold.csv", ratings[ratings.ITEM_ID.isin(cold)][["USER_ID", "ITEM_ID"]])
        newest = training.groupby("USER_ID", sort=False).tail(1)
        write(folder / "truth/newest.csv", newest[["USER_ID", "ITEM_ID"]])
        lines = [json.dumps({"userId": user}) for user in sorted(holdout.USER_ID.unique())]
        write_text(folder / "batch/users.json", "\n".join(lines) + "\n")
        summary = summarize(ratings, training, holdout, cold, options.seed)
        write_text(folder / "summary/summary.json", json.dumps(summary, indent=1))


def split(
    ratings: pd.DataFrame, seed: int, cold_share: float, holdout_share: float
) -> tuple[list[str], pd.DataFrame, pd.DataFrame]:
    """Cold films, and the training and hold-out events of the others.

    A user's events are in the order of their times, equal times in the order of the file; the newest
    `holdout_share` of them are held out.
    """
    films = np.sort(ratings.ITEM_ID.unique())
    order = np.random.default_rng(seed).permutation(films)
    cold = sorted(order[: round(len(films) * cold_share)])
    warm = ratings[~ratings.ITEM_ID.isin(cold)]
    warm = warm.sort_values(["USER_ID", "TIMESTAMP"], kind="stable")
    place = warm.groupby("USER_ID").cumcount() + 1
    share = place / warm.groupby("USER_ID").USER_ID.transform("size")
    newest = share > 1 - holdout_share
    return cold, warm[~newest], warm[newest]


def summarize(
    ratings: pd.DataFrame, training: pd.DataFrame, holdout: pd.DataFrame, cold: list[str], seed: int
) -> dict[str, object]:
    """What the split did, for the report."""
    counts = ratings.groupby("USER_ID").size()
    return {
        "seed": seed,
        "interactions": len(ratings),
        "users": int(ratings.USER_ID.nunique()),
        "items": int(ratings.ITEM_ID.nunique()),
        "training": len(training),
        "holdout": len(holdout),
        "cold_items": cold,
        "interactions_per_user": {str(q): float(counts.quantile(q)) for q in (0, 0.25, 0.5, 0.75, 1)},
    }


def check_enough(training: pd.DataFrame) -> None:
    """Raises DataError where Personalize would refuse to train."""
    if len(training) < FEWEST_EVENTS:
        raise DataError(f"only {len(training)} interactions are left to train on, {FEWEST_EVENTS} are needed")
    active = int((training.groupby("USER_ID").size() >= 2).sum())
    if active < FEWEST_USERS:
        raise DataError(f"only {active} users have two interactions or more, {FEWEST_USERS} are needed")


# ---- reading


def only_file(folder: Path) -> Path:
    """The one file of an input. Raises DataError."""
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
        own = needed[0] in first
    except UnicodeDecodeError:
        own, first = False, "?"  # MovieLens's titles are Latin-1
    if not first.strip():
        raise DataError(f"{path.name} is empty")
    if own and len(set(first.strip().split(","))) != len(first.strip().split(",")):
        raise DataError(f"{path.name}: the header names a column twice: {first.strip()[:200]}")
    options = {"encoding": "utf-8-sig"} if own else {"sep": separator, "names": names, "encoding": "latin-1"}
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, index_col=False, **options)
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} cannot be read: {error}") from error
    if missing := [name for name in needed if name not in frame.columns]:
        raise DataError(f"{path.name} lacks the columns {', '.join(missing)}")
    if frame.empty:
        raise DataError(f"{path.name} has no rows")
    frame.attrs["first"] = 2 if own else 1  # number of the first row, as an editor shows it
    frame.attrs["name"] = path.name
    return frame


def read_ratings(path: Path) -> pd.DataFrame:
    """USER_ID, ITEM_ID, EVENT_VALUE, TIMESTAMP in the order of the file."""
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
    """ITEM_ID, GENRE (several with | between), CREATION_TIMESTAMP."""
    names = ["ITEM_ID", "TITLE", "DATE", "VIDEO_DATE", "ADDRESS", *GENRES]
    frame = table(path, "|", names, ["ITEM_ID"])
    check_ids(frame, "ITEM_ID")
    if "GENRE" not in frame.columns:
        flags = frame[[genre for genre in GENRES if genre in frame.columns]]
        frame["GENRE"] = ["|".join(flags.columns[row == "1"]) for row in flags.to_numpy()]
    if "CREATION_TIMESTAMP" not in frame.columns:
        dates = frame.get("DATE", pd.Series("", index=frame.index))
        known = pd.to_datetime(dates, format="%d-%b-%Y", errors="coerce")
        seconds = (known - pd.Timestamp(0)).dt.total_seconds()
        frame["CREATION_TIMESTAMP"] = seconds.fillna(NO_DATE).astype(np.int64)
    return frame[["ITEM_ID", "GENRE", "CREATION_TIMESTAMP"]].drop_duplicates("ITEM_ID", keep="last")


def read_users(path: Path) -> pd.DataFrame:
    """USER_ID, AGE, GENDER, OCCUPATION."""
    frame = table(path, "|", ["USER_ID", "AGE", "GENDER", "OCCUPATION", "ZIP"], ["USER_ID"])
    check_ids(frame, "USER_ID")
    for column, default in (("AGE", "0"), ("GENDER", ""), ("OCCUPATION", "")):
        if column not in frame.columns:
            frame[column] = default
    frame["AGE"] = numbers(frame, "AGE").astype(np.int64)
    return frame[["USER_ID", "AGE", "GENDER", "OCCUPATION"]].drop_duplicates("USER_ID", keep="last")


def check_ids(frame: pd.DataFrame, column: str) -> None:
    texts = frame[column]
    refuse(frame, texts == "", column, "it is empty")
    refuse(frame, texts.str.len() > LONGEST_ID, column, f"at most {LONGEST_ID} characters are possible")
    refuse(frame, texts.str.contains(",", regex=False), column, "an identifier with a comma")


def numbers(frame: pd.DataFrame, column: str) -> pd.Series:
    """A column as numbers. Raises DataError naming the first row that has none."""
    values = pd.to_numeric(frame[column], errors="coerce")
    refuse(frame, values.isna(), column, "expected a number")
    return values


def refuse(frame: pd.DataFrame, bad: pd.Series, column: str, why: str) -> None:
    """Raise DataError with the first row that is marked."""
    if bad.any():
        place = int(np.flatnonzero(bad)[0])
        shown = str(frame[column].iloc[place])[:100]
        row = place + frame.attrs["first"]
        raise DataError(f"{frame.attrs['name']}, row {row}, column {column}: {shown!r}; {why}")


def write(path: Path, frame: pd.DataFrame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False)


def write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


if __name__ == "__main__":
    sys.exit(main())
