"""Processing job: champion and challenger recommend to the same users; what did these really do?

Reads `input/holdout/*.csv` (the challenger's hold-out: USER_ID, ITEM_ID), `input/learned_by_champion` and
`input/learned_by_challenger` (their training interactions), `input/champion/*.out` and
`input/challenger/*.out` (batch inference). What either has learned of a user counts neither as true nor as
recommended. Writes, below `output/comparison`: `comparison.json` and `report.html`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data.events import read_lists, read_pairs, without
from job import FOLDER, DataError, arguments, run, staged
from quality.comparison import SIDES, comparison_document, resamples, summary_line
from quality.ranking import CUTOFFS, measure, ndcg_by_user
from reports.comparison import comparison_page, recommender_sections

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

FEWEST_USERS = 25
CUTOFF = 10
HOLDOUT = "holdout/holdout.csv"
SUBTITLE = "On events that neither has learned from"
METRIC_TITLES = {
    "ndcg_10": "NDCG at 10",
    "mrr_25": "Reciprocal rank at 25",
    "precision_10": "Precision at 10",
    "coverage": "Share of the items that were recommended to anyone",
}
CURVE_TITLES = {"ndcg": "NDCG", "precision": "Precision"}
Lists = dict[str, list[str]]  # recommended items by user, best first
Pairs = dict[str, set[str]]  # items by user


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job and return its exit code."""
    options = parse(argv)
    return run(lambda: compare(options), options.message)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = arguments("Compare two recommenders on the same held-out events.")
    parser.add_argument("--title", default="Comparison")
    parser.add_argument("--input", type=Path, default=FOLDER / "input")
    parser.add_argument("--output", type=Path, default=FOLDER / "output/comparison")
    return parser.parse_args(argv)


def compare(options: argparse.Namespace) -> None:
    """Read, measure, write.

    :raises DataError: when too few users are left to compare on; nothing is written then.
    """
    learned = [read_pairs(options.input / f"learned_by_{side}") for side in SIDES]
    truth = new_to_both(read_pairs(options.input / HOLDOUT), learned)
    if len(truth) < FEWEST_USERS:
        raise DataError(
            f"only {len(truth)} users did something new to both recommenders, {FEWEST_USERS} are needed"
        )
    learned_items = {user: set().union(*(pairs.get(user, set()) for pairs in learned)) for user in truth}
    lists = {side: without(read_lists(options.input / side), learned_items) for side in SIDES}
    truth = answered_by_both(truth, lists)
    catalogue = {item for pairs in learned for items in pairs.values() for item in items}
    document = describe(truth, lists, len(catalogue))
    with staged(options.output) as folder:
        (folder / "comparison.json").write_text(json.dumps(document, indent=2, allow_nan=False))
        (folder / "report.html").write_text(report(options.title, document), encoding="utf-8")
    print(f"{document['metric']} of {len(truth)} users: {summary_line(document)}")


def new_to_both(holdout: Pairs, learned: Sequence[Pairs]) -> Pairs:
    """Held-out items by user that are in neither training data; users without any are left out."""
    remaining = {
        user: items.difference(*(pairs.get(user, set()) for pairs in learned))
        for user, items in holdout.items()
    }
    return {user: items for user, items in sorted(remaining.items()) if items}


def answered_by_both(truth: Pairs, lists: Mapping[str, Lists]) -> Pairs:
    """The held-out items of the users whom both sides answered: an error is no poor recommendation.

    :raises DataError: when these are too few, or fewer than the others.
    """
    remaining = {user: items for user, items in truth.items() if all(user in lists[side] for side in SIDES)}
    counts = ", ".join(f"{side} {sum(user in lists[side] for user in truth)}" for side in SIDES)
    if len(remaining) < max(FEWEST_USERS, len(truth) / 2):
        raise DataError(f"only {len(remaining)} of {len(truth)} users were answered by both ({counts})")
    if len(remaining) < len(truth):
        print(f"{len(truth) - len(remaining)} of {len(truth)} users are left out: not answered ({counts})")
    return remaining


def describe(truth: Pairs, lists: Mapping[str, Lists], catalogue: int) -> dict[str, Any]:
    """`comparison.json`, as `compare.py` writes it; `rows` are users.

    :param catalogue: the number of items that could be recommended.
    """
    ndcg = {side: ndcg_by_user(lists[side], truth, CUTOFF) for side in SIDES}
    return comparison_document(
        {side: measure(lists[side], truth, catalogue) for side in SIDES},
        bootstrap(ndcg["challenger"] - ndcg["champion"]),
        f"ndcg_{CUTOFF}",
        list(METRIC_TITLES),
        rows=len(truth),
        compared_on=f"{sum(map(len, truth.values())):,} events of {len(truth):,} users, new to both",
    )


def bootstrap(gains: np.ndarray) -> np.ndarray:
    """Mean gain of each sample of users, shape (samples,).

    :param gains: the challenger's gain for each user, shape (users,).
    """
    return np.array([gains[users].mean() for users in resamples(len(gains))])


def report(title: str, document: Mapping[str, Any]) -> Markup:
    """The comparison as one HTML document."""
    facts = {
        "Compared on": document["compared_on"],
        "Better": f"in {document['better_share']:.0%} of {document['gain']['samples']} samples of users",
    }
    sections = recommender_sections(document, CURVE_TITLES, CUTOFFS)
    return comparison_page(title, SUBTITLE, document, METRIC_TITLES, facts, sections)


if __name__ == "__main__":
    sys.exit(main())
