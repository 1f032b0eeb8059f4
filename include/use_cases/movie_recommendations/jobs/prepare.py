"""Processing job: validate films, users and ratings; split them; write what Personalize imports.

Reads `input/ratings`, `input/items` and `input/users`: MovieLens 100K's `u.data`, `u.item`, `u.user`, 1M's
`.dat`, or CSV files with a header (USER_ID, ITEM_ID, TIMESTAMP and perhaps EVENT_VALUE; ITEM_ID and GENRE;
USER_ID and AGE, GENDER, OCCUPATION). Writes, below `output`:

    interactions/interactions.csv   warm films only, without each user's newest events
    items/items.csv, users/users.csv
    truth/holdout.csv               each user's newest events of warm films
    truth/cold.csv                  all events of cold films, which are in no training data
    truth/newest.csv                each user's newest film in the training data
    batch/users.json                a line per user of the hold-out
    summary/summary.json            counts, the seed, the cold films
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from data.interactions import only_file, read_ratings
from job import FOLDER, DataError, arguments, run, staged
from movielens import read_items, read_users

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    import pandas as pd

MOST_ABSENT = 0.5  # of the ratings: of films, or users, that are in no table
FEWEST_EVENTS, FEWEST_USERS = 1000, 25  # Personalize's minimums


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
    absent = {
        "items": absent_share(ratings.ITEM_ID, items.ITEM_ID),
        "users": absent_share(ratings.USER_ID, users.USER_ID),
    }
    check_tables_belong_together(absent)
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
        new = len({*ratings.ITEM_ID, *items.ITEM_ID} - set(training.ITEM_ID))
        summary = {
            **summarize(ratings, training, holdout, cold, options.seed),
            "new_items": new,
            "absent": absent,
        }
        write_text(folder / "summary/summary.json", json.dumps(summary, indent=1))


def split(
    ratings: pd.DataFrame, seed: int, cold_share: float, holdout_share: float
) -> tuple[list[str], pd.DataFrame, pd.DataFrame]:
    """Cold films, and the training and hold-out events of the others.

    Whether a film is cold depends on its identifier and the seed alone: later data leave it as it was. A
    user's events are in the order of their times, equal times in the order of the file; the newest
    `holdout_share` of them are held out.
    """
    films = sorted(ratings.ITEM_ID.unique())
    cold = [film for film in films if place_of(film, seed) < cold_share]
    warm = ratings[~ratings.ITEM_ID.isin(cold)]
    warm = warm.sort_values(["USER_ID", "TIMESTAMP"], kind="stable")
    place = warm.groupby("USER_ID").cumcount() + 1
    share = place / warm.groupby("USER_ID").USER_ID.transform("size")
    newest = share > 1 - holdout_share
    return cold, warm[~newest], warm[newest]


def place_of(film: str, seed: int) -> float:
    """A number from 0 to 1 that belongs to a film."""
    digest = hashlib.sha256(f"{seed} {film}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


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


def absent_share(mentioned: pd.Series, listed: pd.Series) -> float:
    """The share of the ratings whose film, or user, is in no row of its own table."""
    return float((~mentioned.isin(set(listed))).mean())


def check_tables_belong_together(absent: Mapping[str, float]) -> None:
    """Say how many ratings are of films, or users, that their own table does not have.

    :raises DataError: when these are most of them: the tables are of different catalogues.
    """
    for name, share in absent.items():
        if share > MOST_ABSENT:
            raise DataError(
                f"{share:.1%} of the ratings are of {name} that the table of {name} does not have"
            )
        if share:
            print(f"{share:.1%} of the ratings are of {name} that the table of {name} does not have")


def check_enough(training: pd.DataFrame) -> None:
    """Check Personalize's minimums.

    :raises DataError: when it would refuse to train.
    """
    if len(training) < FEWEST_EVENTS:
        raise DataError(f"only {len(training)} interactions are left to train on, {FEWEST_EVENTS} are needed")
    active = int((training.groupby("USER_ID").size() >= 2).sum())
    if active < FEWEST_USERS:
        raise DataError(f"only {active} users have two interactions or more, {FEWEST_USERS} are needed")


def write(path: Path, frame: pd.DataFrame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False)


def write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


if __name__ == "__main__":
    sys.exit(main())
