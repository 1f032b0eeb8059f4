"""The arrays of a model, computed from interactions and items."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from include.local_aws.personalize.models.interactions import Interactions

HISTORY = 200  # events of a user that a model stores
TREND_SHARE = 0.1  # of the time span of the data: the period of trends
BINS = 10  # of a numeric metadata column
MOST_VALUES = 2000  # metadata values: the most frequent ones


def features(
    file: str, item_columns: Sequence[str], item_numbers: Sequence[str]
) -> tuple[list[str], sparse.csr_array]:
    """Identifiers of the items dataset, and a matrix of shape (identifiers, metadata values) of 0 and 1.

    A category may have several values, separated by |. Numbers become one of ten bins with equally many
    items.

    :param file: Parquet file of items; empty: none.
    """
    if not file:
        return [], sparse.csr_array((0, 1))
    table = pq.read_table(file)
    names = table.column("ITEM_ID").to_pylist()
    rows, values = list[int](), list[tuple[str, str]]()
    for column in item_columns:
        for row, text in enumerate(table.column(column).to_pylist()):
            for value in text.split("|") if text else ():
                rows.append(row)
                values.append((column, value))
    for column in item_numbers:
        numbers = np.array([np.nan if x is None else float(x) for x in table.column(column).to_pylist()])
        rows_with_number = np.flatnonzero(~np.isnan(numbers))
        inner = np.linspace(0, 1, BINS + 1)[1:-1]
        edges: NDArray[np.float64] = np.unique(np.quantile(numbers[rows_with_number], inner))
        rows += rows_with_number.tolist()
        values += [
            (column, str(place)) for place in np.searchsorted(edges, numbers[rows_with_number], side="right")
        ]
    return names, _matrix(rows, values, len(names))


def _matrix(rows: list[int], values: list[tuple[str, str]], height: int) -> sparse.csr_array:
    """Shape (height, values): 1 where the row has the value; only the most frequent values have a column.

    :param rows: shape (pairs,): row numbers.
    :param values: shape (pairs,): (column, value) of the same pairs.
    """
    codes = {value: code for code, (value, _) in enumerate(Counter(values).most_common(MOST_VALUES))}
    pairs = {(row, codes[value]) for row, value in zip(rows, values, strict=True) if value in codes}
    places = np.array(sorted(pairs), dtype=int).reshape(-1, 2).T
    shape = (height, max(1, len(codes)))
    return sparse.coo_array((np.ones(len(pairs)), (places[0], places[1])), shape=shape).tocsr()


def histories(data: Interactions) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
    """Each user's newest events, newest first.

    :return: index of each user's first event, shape (users + 1,); item codes and type codes, both (events,).
    """
    starts = data.starts
    lengths = np.minimum(np.diff(starts), HISTORY)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    places = np.repeat(starts[1:] - 1, lengths) - (np.arange(ends[-1]) - np.repeat(ends[:-1], lengths))
    return ends, data.items[places], data.types[places]


def repeats(data: Interactions) -> float:
    """Share of the events with an item that their user had before, 0 to 1."""
    pairs = data.users.astype(np.int64) * len(data.item_ids) + data.items
    pairs.sort()
    return 1 - (1 + int((np.diff(pairs) != 0).sum())) / len(pairs) if len(pairs) else 0.0


def trend(data: Interactions) -> NDArray[np.float64]:
    """Growth of each item's popularity, shape (items,): (now - before) / √(before + 10).

    `now` and `before` are the interactions in the newest period and in the one before. For Poisson counts
    this is about the difference in standard deviations; the 10, our own choice, damps items with few
    interactions.
    """
    number, newest = len(data.item_ids), int(data.times.max())
    period = max(1, int((newest - int(data.times.min())) * TREND_SHARE))
    age = (newest - data.times) // period
    now = np.bincount(data.items[age == 0], minlength=number)
    before = np.bincount(data.items[age == 1], minlength=number)
    return np.asarray((now - before) / np.sqrt(before + 10.0) + now * 1e-9)


def lifts(data: Interactions, codes: NDArray[np.int32], values: int) -> sparse.csr_array:
    """Number of interactions of each item with each context value, shape (items, values).

    :param codes: shape (rows,): code of each row's value, -1: none.
    """
    valid = codes >= 0
    ones, shape = np.ones(int(valid.sum())), (len(data.item_ids), max(1, values))
    return sparse.coo_array((ones, (data.items[valid], codes[valid])), shape=shape).tocsr()
