"""Interactions as arrays: identifiers as integer codes, rows ordered by user and time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Codes = NDArray[np.int32]

FEWEST_INTERACTIONS, FEWEST_USERS = 1000, 25
TEXT = pa.dictionary(pa.int32(), pa.string())
NO_TYPE = ""


class NotEnoughData(Exception):
    """Too few interactions to train; the text is that of the service."""


@dataclass(frozen=True)
class Interactions:
    """Rows ordered by user, then time, then their order in the files.

    :param users: shape (rows,): code of each row's user, an index of `user_ids`.
    :param items: shape (rows,): code of each row's item, an index of `item_ids`.
    :param times: shape (rows,): seconds since 1970.
    :param types: shape (rows,): code of each row's event type, an index of `type_names`; -1: none.
    :param user_ids: shape (users,): identifiers in string order.
    :param item_ids: shape (items,): identifiers in string order.
    :param contexts: for each metadata column the code of each row's value, shape (rows,), -1: none; and the
        values.
    """

    users: Codes
    items: Codes
    times: NDArray[np.int64]
    types: Codes
    user_ids: NDArray[np.str_]
    item_ids: NDArray[np.str_]
    type_names: list[str]
    contexts: dict[str, tuple[Codes, list[str]]]

    def __len__(self) -> int:
        return len(self.users)

    @property
    def starts(self) -> NDArray[np.int64]:
        """Index of each user's first row, shape (users + 1,); the last entry is the number of rows."""
        return np.searchsorted(self.users, np.arange(len(self.user_ids) + 1)).astype(np.int64)

    def take(self, rows: NDArray[np.bool_]) -> Interactions:
        """The rows of a mask of shape (rows,); codes and identifiers stay the same."""
        contexts = {name: (codes[rows], values) for name, (codes, values) in self.contexts.items()}
        return replace(
            self,
            users=self.users[rows],
            items=self.items[rows],
            times=self.times[rows],
            types=self.types[rows],
            contexts=contexts,
        )


@dataclass(frozen=True)
class Selection:
    """The events that a solution learns from.

    :param thresholds: for each event type ("": every type) the smallest EVENT_VALUE; None: any value.
        Empty: all events.
    :param columns: metadata columns of the schema.
    """

    thresholds: Mapping[str, float | None]
    columns: tuple[str, ...] = ()


def load(files: Iterable[Path], selection: Selection, extra_items: Iterable[str] = ()) -> Interactions:
    """Read Parquet files of interactions.

    :param extra_items: items of the items dataset, which may have no interactions.
    :raises NotEnoughData: for fewer than 1,000 interactions, or fewer than 25 users with two or more each.
    """
    columns = ("EVENT_TYPE", *selection.columns)
    table = pa.concat_tables([_read(file, columns, selection) for file in files]).unify_dictionaries()
    _check(table)
    users, user_ids = _encode(table, "USER_ID")
    items, item_ids = _encode(table, "ITEM_ID", extra_items)
    times = table.column("TIMESTAMP").to_numpy()
    order = np.lexsort((times, users))
    types, names = _values(table, "EVENT_TYPE")
    contexts = {}
    for column in selection.columns:
        codes, values = _values(table, column)
        contexts[column] = codes[order], values
    return Interactions(
        users[order], items[order], times[order], types[order], user_ids, item_ids, names, contexts
    )


def _read(file: Path, columns: tuple[str, ...], selection: Selection) -> pa.Table:
    """The selected rows of a file; texts are dictionary-encoded, missing columns are null."""
    available = set(pq.read_schema(file).names)
    texts = [name for name in ("USER_ID", "ITEM_ID", "EVENT_TYPE") if name in available]
    names = [*texts, "TIMESTAMP", "EVENT_VALUE", *selection.columns]
    table = pq.read_table(file, columns=[name for name in names if name in available], read_dictionary=texts)
    table = _select(table, selection)
    rows = table.num_rows
    encoded: dict[str, Any] = {"TIMESTAMP": table.column("TIMESTAMP")}
    for name in ("USER_ID", "ITEM_ID", *columns):
        column = table.column(name) if name in table.column_names else pa.nulls(rows, pa.string())
        encoded[name] = column.cast(pa.string()).dictionary_encode() if column.type != TEXT else column
    return pa.table({name: _chunked(column) for name, column in encoded.items()})


def _chunked(column: Any) -> pa.ChunkedArray:
    return column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])


def _select(table: pa.Table, selection: Selection) -> pa.Table:
    """The rows with a selected event type and a value of at least its threshold."""
    if not selection.thresholds:
        return table
    mask = None
    for name, threshold in selection.thresholds.items():
        fits = _of_type(table, name)
        if threshold is not None and "EVENT_VALUE" in table.column_names:
            fits = pc.and_(
                fits, pc.fill_null(pc.greater_equal(table.column("EVENT_VALUE"), threshold), False)
            )
        mask = fits if mask is None else pc.or_(mask, fits)
    return table.filter(mask)


def _of_type(table: pa.Table, name: str) -> Any:
    """Mask of the rows of an event type, shape (rows,); case does not matter, as in the service."""
    if not name:
        return pa.chunked_array([pa.repeat(True, table.num_rows)])
    if "EVENT_TYPE" not in table.column_names:
        return pa.chunked_array([pa.repeat(False, table.num_rows)])
    types = pc.utf8_lower(table.column("EVENT_TYPE").cast(pa.string()))
    return pc.fill_null(pc.equal(types, name.lower()), False)


def _check(table: pa.Table) -> None:
    if table.num_rows < FEWEST_INTERACTIONS:
        raise NotEnoughData(
            f"Create failed. Dataset has fewer than {FEWEST_INTERACTIONS} interactions after filtering by "
            f"event type and event value threshold (it has {table.num_rows})."
        )
    counts = pc.value_counts(table.column("USER_ID").combine_chunks()).field("counts").to_numpy()
    if (counts >= 2).sum() < FEWEST_USERS:
        raise NotEnoughData(
            f"Create failed. Dataset has fewer than {FEWEST_USERS} users with at least 2 interactions each."
        )


def _encode(table: pa.Table, name: str, extra: Iterable[str] = ()) -> tuple[Codes, NDArray[np.str_]]:
    """Codes of a column, shape (rows,), and all identifiers in string order, shape (identifiers,)."""
    column = table.column(name)
    dictionary = column.chunk(0).dictionary.to_numpy(zero_copy_only=False).astype(str)
    extras = np.array(list(extra), dtype=str)
    identifiers = np.unique(np.concatenate([dictionary, extras]) if len(extras) else dictionary)
    ranks = np.searchsorted(identifiers, dictionary).astype(np.int32)
    codes = np.concatenate([chunk.indices.to_numpy() for chunk in column.chunks])
    return ranks[codes], identifiers


def _values(table: pa.Table, name: str) -> tuple[Codes, list[str]]:
    """Codes of a column, shape (rows,), -1 for null; and its values."""
    column = table.column(name)
    values = [str(value) for value in column.chunk(0).dictionary.to_pylist()]
    codes = [pc.fill_null(chunk.indices, -1).to_numpy(zero_copy_only=False) for chunk in column.chunks]
    return np.concatenate(codes).astype(np.int32), values
