"""One pass over all rows: what each column holds, and a sample. Memory does not grow with the file."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Literal

from include.use_cases.definition import UseCase
from scripts.new_use_case.errors import WrongInput
from scripts.new_use_case.reading import Rows, is_number

if TYPE_CHECKING:
    from pathlib import Path

    from scripts.new_use_case.reading import Layout

Content = Literal["blank", "whole", "number", "missing", "text"]

# texts that stand for "no value" where a column's other values are numbers (any case)
MISSING = frozenset(
    {"?", "-", "--", ".", "na", "n/a", "#n/a", "nan", "null", "nil", "none", "missing", "unknown"}
)
MOST_DISTINCT = 10_000  # values per column that are counted one by one
SAMPLE_ROWS = 100_000


@dataclass
class Tally:
    """What a column holds in all rows.

    :param values: rows by value, of the first `MOST_DISTINCT` values.
    :param beyond: rows by content, of all other values.
    :param missing: all texts that stand for "no value".
    :param first: line and text of the first value of each content.
    :param code: line and text of the first whole number that begins with a zero.
    """

    name: str
    values: Counter[str] = field(default_factory=Counter)
    beyond: Counter[Content] = field(default_factory=Counter)
    missing: set[str] = field(default_factory=set)
    first: dict[Content, tuple[int, str]] = field(default_factory=dict)
    code: tuple[int, str] | None = None

    def add(self, value: str, line: int) -> None:
        """Count one more value."""
        if value not in self.values:
            content = content_of(value)
            self.first.setdefault(content, (line, value))
            if content == "missing":
                self.missing.add(value)
            if content == "whole" and self.code is None and _is_code(value):
                self.code = line, value
            if len(self.values) >= MOST_DISTINCT:
                self.beyond[content] += 1
                return
        self.values[value] += 1

    @property
    def contents(self) -> Counter[Content]:
        """Rows by content."""
        counts = Counter(self.beyond)
        for value, number in self.values.items():
            counts[content_of(value)] += number
        return counts

    @property
    def distinct(self) -> str:
        """How many different values there are, for people."""
        return f"over {MOST_DISTINCT:,}" if self.beyond else f"{len(self.values):,}"


@dataclass(frozen=True)
class Scan:
    """All rows, summed up.

    :param sample: a uniform sample of at most `SAMPLE_ROWS` rows in file order.
    :param padded: whether there were blanks around values.
    """

    rows: int
    columns: dict[str, Tally]
    sample: list[list[str]]
    padded: bool

    @property
    def complete(self) -> bool:
        """Whether the sample holds every row."""
        return len(self.sample) == self.rows


def content_of(value: str) -> Content:
    """What a text stands for."""
    if not value:
        return "blank"
    if value.casefold() in MISSING:
        return "missing"
    if not is_number(value):
        return "text"
    return "whole" if value.lstrip("+-").isdigit() else "number"


def _is_code(value: str) -> bool:
    digits = value.lstrip("+-")
    return len(digits) > 1 and digits.startswith("0")


def scan(path: Path, layout: Layout) -> Scan:
    """Read every row once.

    :raises WrongInput: for a line that is not a row of the table, or when there are no rows.
    """
    tallies = [Tally(name) for name in layout.names]
    reservoir = Reservoir(SAMPLE_ROWS, UseCase.split_seed)
    table = Rows(path, layout.separator)
    lines = islice(table, int(layout.header), None)
    for line, values in lines:
        if len(values) != len(tallies):
            raise WrongInput(f"{path.name}, line {line} has {len(values)} values, expected {len(tallies)}")
        for tally, value in zip(tallies, values, strict=True):
            tally.add(value, line)
        reservoir.add(values)
    if not reservoir.count:
        raise WrongInput(f"{path.name} has a header line but no rows")
    columns = {tally.name: tally for tally in tallies}
    return Scan(reservoir.count, columns, reservoir.rows, table.padded)


class Reservoir:
    """A uniform sample of a stream: Vitter 1985, "Random sampling with a reservoir", algorithm R."""

    def __init__(self, size: int, seed: int) -> None:
        self.count = 0
        self._size, self._random = size, random.Random(seed)  # noqa: S311 - a sample is no secret
        self._sample: list[tuple[int, list[str]]] = []

    def add(self, values: list[str]) -> None:
        """Offer one more row."""
        if self.count < self._size:
            self._sample.append((self.count, values))
        elif (place := self._random.randrange(self.count + 1)) < self._size:
            self._sample[place] = (self.count, values)
        self.count += 1

    @property
    def rows(self) -> list[list[str]]:
        """The sample in the order of the stream."""
        return [values for _, values in sorted(self._sample)]
