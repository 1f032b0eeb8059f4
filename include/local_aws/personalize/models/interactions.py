"""Interactions as arrays: identifiers become codes, rows are ordered by user and time."""

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
    """Too few interactions to train; the text is the service's."""


@dataclass(frozen=True)
class Interactions:
    """Rows ordered by user, then time, then as they came.

    :param users: code of each row's user; `user_ids[code]`, in string order.
    :param items: code of each row's item; `item_ids[code]`, in string order.
    :param times: seconds since 1970.
    :param types: code of each row's event type; `type_names[code]`.
    :param contexts: by column of the user's own: code of each row's value, and the values (code -1: none).
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
        """Where each user's rows begin; one entry more than users."""
        return np.searchsorted(self.users, np.arange(len(self.user_ids) + 1)).astype(np.int64)

    def take(self, rows: NDArray[np.bool_]) -> Interactions:
        """The marked rows; codes keep their meaning."""
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
    """Which events a solution learns from.

    :param thresholds: by event type (empty: every type) the smallest EVENT_VALUE; None: any.
    :param columns: the schema's own columns.
    """

    thresholds: Mapping[str, float | None]
    columns: tuple[str, ...] = ()


def load(files: Iterable[Path], selection: Selection, more_items: Iterable[str] = ()) -> Interactions:
    """Read Parquet files of interactions.

    :param more_items: items that may have no interactions, from the items dataset.
    :raises NotEnoughData: fewer than 1,000 interactions, or than 25 users with two each.
    """
    columns = ("EVENT_TYPE", *selection.columns)
    table = pa.concat_tables([_read(file, columns, selection) for file in files]).unify_dictionaries()
    _check(table)
    users, user_ids = _encode(table, "USER_ID")
    items, item_ids = _encode(table, "ITEM_ID", more_items)
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
    there = set(pq.read_schema(file).names)
    texts = [name for name in ("USER_ID", "ITEM_ID", "EVENT_TYPE") if name in there]
    wanted = [*texts, "TIMESTAMP", "EVENT_VALUE", *selection.columns]
    table = pq.read_table(file, columns=[name for name in wanted if name in there], read_dictionary=texts)
    table = _select(table, selection)
    rows = table.num_rows
    result: dict[str, Any] = {"TIMESTAMP": table.column("TIMESTAMP")}
    for name in ("USER_ID", "ITEM_ID", *columns):
        given = table.column(name) if name in table.column_names else pa.nulls(rows, pa.string())
        result[name] = given.cast(pa.string()).dictionary_encode() if given.type != TEXT else given
    return pa.table({name: _chunked(column) for name, column in result.items()})


def _chunked(column: Any) -> pa.ChunkedArray:
    return column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])


def _select(table: pa.Table, selection: Selection) -> pa.Table:
    if not selection.thresholds:
        return table
    kept = None
    for name, threshold in selection.thresholds.items():
        fits = _of_type(table, name)
        if threshold is not None and "EVENT_VALUE" in table.column_names:
            fits = pc.and_(
                fits, pc.fill_null(pc.greater_equal(table.column("EVENT_VALUE"), threshold), False)
            )
        kept = fits if kept is None else pc.or_(kept, fits)
    return table.filter(kept)


def _of_type(table: pa.Table, name: str) -> Any:
    """Rows of an event type; as in the service, case does not matter."""
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


def _encode(table: pa.Table, name: str, more: Iterable[str] = ()) -> tuple[Codes, NDArray[np.str_]]:
    """Codes in the string order of all identifiers, and the identifiers."""
    column = table.column(name)
    known = column.chunk(0).dictionary.to_numpy(zero_copy_only=False).astype(str)
    extra = np.array(list(more), dtype=str)
    identifiers = np.unique(np.concatenate([known, extra]) if len(extra) else known)
    ranks = np.searchsorted(identifiers, known).astype(np.int32)
    codes = np.concatenate([chunk.indices.to_numpy() for chunk in column.chunks])
    return ranks[codes], identifiers


def _values(table: pa.Table, name: str) -> tuple[Codes, list[str]]:
    column = table.column(name)
    values = [str(value) for value in column.chunk(0).dictionary.to_pylist()]
    codes = [pc.fill_null(chunk.indices, -1).to_numpy(zero_copy_only=False) for chunk in column.chunks]
    return np.concatenate(codes).astype(np.int32), values
