"""Processing job: champion and challenger recommend to the same users; what did these really do?

Reads `input/holdout/*.csv` (the challenger's hold-out: USER_ID, ITEM_ID), `input/learned_by_champion` and
`input/learned_by_challenger` (their training interactions), `input/champion/*.out` and
`input/challenger/*.out` (batch inference). What either has learned of a user counts neither as true nor as
recommended. Writes, below `output/comparison`: `comparison.json` and `report.html`.

How sure a gain is comes from the paired bootstrap over users (Efron and Tibshirani, An Introduction to the
Bootstrap, 1993, chapter 16).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from compare import SIDES, gain, tile
from data.events import read_lists, read_pairs, without
from job import FOLDER, DataError, arguments, run, staged
from quality.ranking import CUTOFFS, measure, ndcg_by_user
from reports.evaluation import page
from reports.plots import Axis, Plot, Series

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

SAMPLES = 500
FEWEST_USERS = 25
CUTOFF = 10
SHOWN = {
    "ndcg_10": "NDCG at 10",
    "mrr_25": "Reciprocal rank at 25",
    "precision_10": "Precision at 10",
    "coverage": "Share of the items that anybody is shown",
}
LINES = {"ndcg": "NDCG", "precision": "Precision"}
Lists = dict[str, list[str]]
Pairs = dict[str, set[str]]


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
    truth = new_to_both(read_pairs(options.input / "holdout"), learned)
    if len(truth) < FEWEST_USERS:
        raise DataError(
            f"only {len(truth)} users did something new to both recommenders, {FEWEST_USERS} are needed"
        )
    watched = {user: set().union(*(one.get(user, set()) for one in learned)) for user in truth}
    lists = {side: without(read_lists(options.input / side), watched) for side in SIDES}
    items = {item for one in learned for known in one.values() for item in known}
    found = document(truth, lists, len(items))
    with staged(options.output) as folder:
        (folder / "comparison.json").write_text(json.dumps(found, indent=2, allow_nan=False))
        html = report(options.title, truth, lists, found)
        (folder / "report.html").write_text(html, encoding="utf-8")
    told = ", ".join(f"{side} {found[side][found['metric']]:.4f}" for side in SIDES)
    print(f"{found['metric']} of {len(truth)} users: {told}; better in {found['better_share']:.0%}")


def new_to_both(holdout: Pairs, learned: Sequence[Pairs]) -> Pairs:
    """Held-out items by user that stand in neither training; users without any are left out."""
    left = {
        user: items.difference(*(one.get(user, set()) for one in learned)) for user, items in holdout.items()
    }
    return {user: items for user, items in sorted(left.items()) if items}


def document(truth: Pairs, lists: Mapping[str, Lists], items: int) -> dict[str, Any]:
    """`comparison.json`, as `compare.py` writes it; `rows` are users."""
    measured = {side: measure(lists[side], truth, items) for side in SIDES}
    worth = {side: ndcg_by_user(lists[side], truth, CUTOFF) for side in SIDES}
    return {
        "version": "1.0",
        "rows": len(truth),
        "compared_on": f"{sum(map(len, truth.values())):,} events of {len(truth):,} users, new to both",
        "metric": f"ndcg_{CUTOFF}",
        "shown": list(SHOWN),
        **measured,
        **gain(bootstrap(worth["challenger"] - worth["champion"])),
    }


def bootstrap(gains: np.ndarray) -> np.ndarray:
    """Mean gain of each sample of users, shape (samples,)."""
    random = np.random.default_rng(0)
    drawn = random.integers(0, len(gains), (SAMPLES, len(gains)))
    return np.asarray(gains[drawn].mean(axis=1))


def report(title: str, truth: Pairs, lists: Mapping[str, Lists], found: dict[str, Any]) -> str:
    """The comparison as one HTML document."""
    tiles = "".join(tile(name, text, found) for name, text in SHOWN.items())
    facts = {
        "Compared on": found["compared_on"],
        "Better": f"in {found['better_share']:.0%} of {found['gain']['samples']} samples of users",
    }
    sections = [(text, _by_length(text, metric, found)) for metric, text in LINES.items()]
    heading = f"{title}: champion and challenger"
    return page(heading, "On events that neither has learned from", facts, tiles, sections)


def _by_length(title: str, metric: str, found: dict[str, Any]) -> str:
    """A metric of both sides, the longer the list the further to the right."""
    lines = [Series(side, [(float(k), found[side][f"{metric}_{k}"]) for k in CUTOFFS]) for side in SIDES]
    top = max(y for line in lines for _, y in line.points) or 1.0
    return Plot(title, Axis("length of the list", 0, max(CUTOFFS)), Axis(title, 0, top), tuple(lines)).svg()


if __name__ == "__main__":
    sys.exit(main())
