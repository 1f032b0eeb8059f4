"""The test of a model: which users, what it recommends to them, what they really did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from include.local_aws.personalize.models.metrics import CUTOFFS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from include.local_aws.personalize.models.interactions import Interactions
    from include.local_aws.personalize.models.model import Model

TEST_SHARE, TRUTH_SHARE = 0.1, 0.1  # of users; of a test user's events, the newest
SEGMENT_TRUTH = 0.2  # of a test user's events, for segments
MOST_TEST_USERS = 2000
RANKED = 50  # most popular items, which the test of a ranking orders
SEED = 1729


def test_users(data: Interactions) -> NDArray[np.int64]:
    """Codes of the users of the test, shape (test users,): a tenth of the users with two events or more."""
    candidates = np.flatnonzero(np.diff(data.starts) >= 2)
    number = min(MOST_TEST_USERS, max(1, round(len(candidates) * TEST_SHARE)))
    return np.sort(np.random.default_rng(SEED).choice(candidates, number, replace=False))


def answers(
    task: str, model: Model, data: Interactions, users: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], set[int]]]:
    """For each test user the items recommended after the older events, best first, and the newer items.

    :param users: shape (test users,): user codes.
    """
    share, starts = SEGMENT_TRUTH if task == "segments" else TRUTH_SHARE, data.starts
    for user in users:
        items = data.items[starts[user] : starts[user + 1]]
        split = len(items) - max(1, round(len(items) * share))
        scores = scores_of(task, model, items[:split][::-1])
        yield np.argsort(-scores, kind="stable")[: max(CUTOFFS)], set(items[split:].tolist())


def scores_of(task: str, model: Model, newest_first: NDArray[np.int32]) -> NDArray[np.float64]:
    """Scores of a recipe's model for a history, shape (items,), larger is better.

    :param newest_first: shape (events,): item codes of the user's events.
    """
    if task == "popular":
        return model.popular()
    if task == "trending":
        return model.trend
    if task == "items":
        return model.like(int(newest_first[0]))
    scores = model.for_user(newest_first)
    if task == "cold":
        return model.new_items(scores)
    if task == "ranking":
        most_popular = np.argsort(-model.popularity, kind="stable")[:RANKED]
        return np.where(np.isin(np.arange(len(scores)), most_popular), scores, -1.0)
    return scores
