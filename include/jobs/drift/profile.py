"""What a set of rows looks like, column by column, in memory that does not grow with the rows.

Numbers are counted on a grid that needs no range to be known beforehand: the distance of a value from a
centre (a median of the first rows), cut to its upper 16 bits as a float32, which are sign, exponent and 7
bits of mantissa (bfloat16). A cell is as wide as 1/128 of its distance from the centre or less: fine where
the rows are, coarse far away, as in the histograms of DDSketch (Masson, Rim, Lee, VLDB 2019). The centre
has a cell of its own, and so have small whole numbers.

A number that went through a float32, or through a text of seven digits, is the same measurement: what
differs by a millionth is counted in the same cell, also at the cell's edge; unless a millionth is much in
that column, as of time stamps.
"""

from __future__ import annotations

import hashlib
import math
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

CELLS = 1 << 16
SIGN = 0x8000  # from here on cells lie below the centre
INFINITE = 0x7F80  # the cell of what a float32 cannot hold
LIMIT = 1e150  # a greater number is no measurement, and its square would be infinite
SAME = 2.0**-20  # relative difference of numbers that are equal: 16 times what a float32 rounds off
TINY = 2.0**-30  # of a column's scale: by so much they may differ near 0, which has no digits of its own
FINE = 2.0**-10  # of a column's scale: by so much equal numbers may differ at most
BLOCK_ROWS = 1 << 17  # temporaries of a block stay in the processor's cache
MAX_VALUES = 10_000  # distinct categories that are counted one by one
MAX_TEXT = 256  # characters of a category that tell it from others
BUCKETS = 64  # among which the names that are not counted one by one are spread


class Scratch(threading.local):
    """Arrays for the temporaries of a block, used again and again: fresh ones cost more than the counting."""

    def __init__(self) -> None:
        self.distances = np.empty(BLOCK_ROWS)
        self.rounded = np.empty(BLOCK_ROWS, dtype=np.float32)
        self.cells = np.empty(BLOCK_ROWS, dtype=np.intp)

    def of(self, rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Distances (float64), the same rounded (float32) and cells (intp), each of shape (rows,)."""
        return self.distances[:rows], self.rounded[:rows], self.cells[:rows]


SCRATCH = Scratch()


def magnitude(ordinals: np.ndarray) -> np.ndarray:
    """Distance from the centre at which a cell begins, shape as given; for infinity the greatest float32."""
    bits = np.minimum(np.abs(ordinals), INFINITE).astype(np.uint32) << 16
    distances = bits.view(np.float32).astype(float)
    return np.asarray(np.minimum(distances, float(np.finfo(np.float32).max)))


@dataclass
class NumberColumn:
    """Counts, moments and extremes of a column of numbers.

    Mean and deviation come from sums of distances from the centre (Chan, Golub, LeVeque 1983), so that a
    great offset costs no digits.
    """

    centre: float | None = None
    counts: np.ndarray = field(default_factory=lambda: np.zeros(CELLS, dtype=np.int64))
    total: float = 0.0  # sum of the distances
    squares: float = 0.0  # sum of their squares
    minimum: float = math.inf
    maximum: float = -math.inf
    slack: float = 0.0  # by which numbers near the centre may differ and still be equal
    integral: bool = True  # all numbers so far are whole
    rows: int = 0
    missing: int = 0
    _ordinals: tuple[np.ndarray, np.ndarray] | None = field(default=None, init=False, repr=False)

    def update(self, values: np.ndarray) -> None:
        """Count values, shape (rows,), of any numeric type; what is not finite is missing."""
        self.rows += len(values)
        self._ordinals = None
        for start in range(0, len(values), BLOCK_ROWS):
            self._block(values[start : start + BLOCK_ROWS])

    def _block(self, values: np.ndarray) -> None:
        low, high = float(values.min()), float(values.max())
        if not -LIMIT < low <= high < LIMIT:  # no comparison with NaN is true
            usable = values[np.abs(values) < LIMIT]
            self.missing += len(values) - len(usable)
            if len(usable):
                self._block(usable)
            return
        self.minimum, self.maximum = min(self.minimum, low), max(self.maximum, high)
        if self.centre is None:
            self.centre = _median(values)
            self.slack = _slack(values, self.centre)
        self._count(values, self.centre)

    def _count(self, values: np.ndarray, centre: float) -> None:
        """Count a block of finite values; the scratch arrays are overwritten in turn."""
        distances, rounded, cells = SCRATCH.of(len(values))
        np.subtract(values, centre, out=distances, dtype=np.float64)
        self.total += float(distances.sum())
        self.squares += float(np.dot(distances, distances))
        _round_up(distances, self.slack)
        with np.errstate(over="ignore"):
            rounded[:] = distances
        cells[:] = rounded.view(np.uint16)[1::2]
        self.counts += np.bincount(cells, minlength=CELLS)
        if self.integral:
            self.integral = bool((values == np.rint(values, out=distances)).all())

    @property
    def ordinals(self) -> tuple[np.ndarray, np.ndarray]:
        """Cells that hold values, and their counts: int arrays of shape (cells,).

        Cells are named by their order: 0 at the centre, above it 1, 2, ..., below it -1, -2, ...
        """
        if self._ordinals is None:
            below, above = self.counts[SIGN + INFINITE : SIGN : -1], self.counts[1 : INFINITE + 1]
            ascending = np.concatenate([below, self.counts[:1] + self.counts[SIGN : SIGN + 1], above])
            used = np.flatnonzero(ascending > 0)
            self._ordinals = used - INFINITE, ascending[used]
        return self._ordinals

    @property
    def present(self) -> int:
        return self.rows - self.missing

    @property
    def mean(self) -> float:
        return (self.centre or 0.0) + self.total / self.present

    @property
    def deviation(self) -> float:
        """Standard deviation of the rows themselves (divisor n)."""
        mean = self.total / self.present
        return math.sqrt(max(self.squares / self.present - mean * mean, 0.0))

    def values(self, ordinals: np.ndarray, *, middle: bool = False) -> np.ndarray:
        """Where cells begin, seen from the centre, or their middles; within the range of the values.

        :return: floats, shape (cells,).
        """
        near = magnitude(ordinals)
        if middle:
            near = np.where(ordinals == 0, 0.0, (near + magnitude(np.abs(ordinals) + 1)) / 2)
        places = (self.centre or 0.0) + np.sign(ordinals) * near
        return np.asarray(np.clip(places, self.minimum, self.maximum))

    def empty(self) -> NumberColumn:
        """A column on the same grid that has counted nothing."""
        return NumberColumn(self.centre, slack=self.slack)

    def to_json(self) -> dict[str, Any]:
        used = np.flatnonzero(self.counts)
        return {
            "kind": "number",
            "rows": self.rows,
            "missing": self.missing,
            "centre": self.centre,
            "slack": self.slack,
            "cells": used.tolist(),
            "counts": self.counts[used].tolist(),
            "total": self.total,
            "squares": self.squares,
            "minimum": self.minimum if self.present else None,
            "maximum": self.maximum if self.present else None,
            "integral": self.integral,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> NumberColumn:
        slack = content.get("slack", 0.0)  # a baseline of before the slack was counted without any
        column = cls(content["centre"], total=content["total"], squares=content["squares"], slack=slack)
        column.counts[content["cells"]] = content["counts"]
        column.rows, column.missing = content["rows"], content["missing"]
        if content["minimum"] is not None:
            column.minimum, column.maximum = content["minimum"], content["maximum"]
        column.integral = content["integral"]
        return column


def _slack(values: np.ndarray, centre: float) -> float:
    """By how much numbers near the centre may differ and still be equal.

    A millionth of the centre, within bounds of the column's own scale: the lower quartile of the distances
    from the centre of the numbers that are not on it, which neither a heavy value nor wild ones move.
    """
    distances = np.abs(np.subtract(values, centre, dtype=np.float64))
    distances = distances[distances > 0]
    same = SAME * abs(centre)
    if not len(distances):
        return same
    scale = float(np.quantile(distances, 0.25))
    return max(min(same, FINE * scale), TINY * scale)


def _round_up(distances: np.ndarray, slack: float) -> None:
    """Move distances away from the centre by what numbers may differ by and still be equal, in place.

    A cell begins at a number with few digits, which is where heavy values lie; a number a little below it,
    as rounding leaves it, comes into the same cell. What is as near as that to the centre lies on it.

    :param distances: shape (rows,).
    :param slack: the allowance of the centre itself, whose digits a distance has lost.
    """
    central = np.abs(distances) <= slack
    distances *= 1 + SAME
    distances += np.copysign(slack, distances)
    distances[central] = 0.0


def _median(values: np.ndarray) -> float:
    """The lower median: one of the values, so that it has a cell of its own."""
    middle = (len(values) - 1) // 2
    return float(np.partition(values, middle)[middle])


def bucket_of(name: str) -> int:
    """The bucket of a name, 0 to 63; how frequent a name is has nothing to do with it."""
    return hashlib.blake2b(name.encode(), digest_size=1).digest()[0] % BUCKETS


@dataclass
class CategoryColumn:
    """Counts of the values of a column of text; blank is missing."""

    counts: dict[str, int] = field(default_factory=dict)
    missing: int = 0
    other: int = 0  # rows of values beyond the distinct ones that are counted one by one
    other_buckets: np.ndarray = field(default_factory=lambda: np.zeros(BUCKETS, dtype=np.int64))  # of `other`
    room: int = MAX_VALUES  # for values not met before

    def update(self, values: Any) -> None:
        """Count texts, shape (rows,): an array of objects or strings, or a pandas Categorical."""
        if isinstance(values, pd.Categorical):
            codes, names = np.asarray(values.codes), values.categories
        else:
            codes, names = pd.factorize(values)
        numbers = np.bincount(np.asarray(codes, dtype=np.int64) + 1, minlength=len(names) + 1)
        self.missing += int(numbers[0])
        for name, number in zip(names.tolist(), numbers[1:].tolist(), strict=True):
            if number:
                self._add(str(name)[:MAX_TEXT], number)

    def _add(self, name: str, number: int) -> None:
        if name == "":
            self.missing += number
        elif name in self.counts:
            self.counts[name] += number
        elif self.room:
            self.counts[name] = number
            self.room -= 1
        else:
            self.other += number
            self.other_buckets[bucket_of(name)] += number

    @property
    def present(self) -> int:
        return sum(self.counts.values()) + self.other

    @property
    def rows(self) -> int:
        return self.present + self.missing

    def empty(self) -> CategoryColumn:
        """A column that has counted nothing, but has room for the same values and some new ones."""
        return CategoryColumn(dict.fromkeys(self.counts, 0), room=MAX_VALUES // 10)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "category",
            "counts": self.counts,
            "missing": self.missing,
            "other": self.other,
            "other_buckets": self.other_buckets.tolist(),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> CategoryColumn:
        column = cls(dict(content["counts"]), content["missing"], content["other"])
        # a baseline of before the buckets: spread evenly is the best that is known
        even = np.full(BUCKETS, column.other // BUCKETS)
        column.other_buckets = np.array(content.get("other_buckets", even), dtype=np.int64)
        return column


Column = NumberColumn | CategoryColumn
KINDS: dict[str, type[Column]] = {"number": NumberColumn, "category": CategoryColumn}


@dataclass
class Profile:
    """The columns of a table, counted chunk by chunk.

    >>> profile = Profile.of({"Day Mins": "number", "State": "category"})
    >>> profile.update({"Day Mins": np.array([265.1, np.nan]), "State": np.array(["KS", "OH"], dtype=object)})
    >>> window = profile.empty()
    """

    columns: dict[str, Column]

    @classmethod
    def of(cls, kinds: Mapping[str, str]) -> Profile:
        """Nothing counted yet; kinds are number or category, by column name."""
        return cls({name: KINDS[kind]() for name, kind in kinds.items()})

    def update(self, columns: Mapping[str, Any]) -> None:
        """Count a chunk: for each column an array of shape (rows,), floats of numbers, texts of categories.

        :raises KeyError: when a column is not there.
        """
        for name, column in self.columns.items():
            column.update(columns[name])

    @property
    def rows(self) -> int:
        return max((column.rows for column in self.columns.values()), default=0)

    def empty(self) -> Profile:
        """A profile to compare with this one: same columns, same grids, nothing counted."""
        return Profile({name: column.empty() for name, column in self.columns.items()})

    def to_json(self) -> dict[str, Any]:
        return {name: column.to_json() for name, column in self.columns.items()}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Profile:
        return cls({name: KINDS[column["kind"]].from_json(column) for name, column in content.items()})
