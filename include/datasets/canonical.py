"""Raw tables made canonical: UTF-8, commas, a header line, the columns of the use case in their order.

Text stays as it is: only the format says what is missing. Errors name file and line. The memory does not grow
with the rows of the first table.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.datasets.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from include.use_cases.definition import Join, Kind, RawFormat

Row = dict[str, str]


@dataclass(frozen=True)
class Lookup:
    """A joined table in memory: its rows by their key."""

    key: str
    columns: frozenset[str]
    rows: Mapping[str, Row]


def write_canonical(
    files: Sequence[Path],
    target: Path,
    *,
    columns: Mapping[str, Kind],
    raw: RawFormat,
    joined: Mapping[str, Sequence[Path]] | None = None,
) -> int:
    """Write one canonical table of all files, and return its number of rows.

    :param columns: of the use case; what else a raw table holds is left out.
    :param joined: the files of the format's joins, by data set.
    :raises DatasetError: naming file, line and column.
    """
    lookups = [_lookup(join, (joined or {})[join.dataset], raw) for join in raw.joins]
    count = 0
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for path in files:
            _check_columns(path, _names(path, raw, list(columns)), columns, lookups)
            for _, row in read_rows(path, raw, list(columns)):
                writer.writerow(_values(_joined(row, lookups), columns, raw))
                count += 1
    if not count:
        raise DatasetError(f"{', '.join(path.name for path in files)}: no rows")
    return count


def is_canonical(path: Path, columns: Iterable[str]) -> bool:
    """Whether a file has the canonical header: it has commas, and nothing is left to join."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        return next(csv.reader(file), []) == list(columns)


def read_rows(path: Path, raw: RawFormat, columns: Sequence[str]) -> Iterator[tuple[int, Row]]:
    """Line number and values by column of each line that is not blank.

    :param columns: the names, where the file has no header.
    :raises DatasetError: when text is not UTF-8, a line has too few or too many values, a name occurs twice.
    """
    names = None if raw.header else list(columns)
    for line, cells in _lines(path, raw):
        if names is None:
            names = _header(cells, path)
        elif len(cells) != len(names):
            raise DatasetError(f"{path.name}, line {line}: {len(cells)} values, expected {len(names)}")
        else:
            yield line, dict(zip(names, cells, strict=True))


def _lines(path: Path, raw: RawFormat) -> Iterator[tuple[int, list[str]]]:
    """Line number and values of each line that is not blank."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=raw.separator, skipinitialspace=raw.strip, strict=True)
        try:
            for values in reader:
                cells = [value.strip() for value in values] if raw.strip else values
                if len(cells) > 1 or any(cells):
                    yield reader.line_num, cells
        except csv.Error as error:
            raise DatasetError(
                f"{path.name}, line {reader.line_num} is not a line of CSV: {error}"
            ) from error
        except UnicodeDecodeError as error:
            raise DatasetError(f"{path.name} is not UTF-8, after line {reader.line_num}: {error}") from error


def _names(path: Path, raw: RawFormat, columns: list[str]) -> list[str]:
    """The columns of a raw file."""
    return _header(next(_lines(path, raw), (1, list[str]()))[1], path) if raw.header else columns


def _header(cells: list[str], path: Path) -> list[str]:
    if repeated := sorted({name for name in cells if cells.count(name) > 1}):
        raise DatasetError(f"{path.name}, line 1: the column {', '.join(map(repr, repeated))} occurs twice")
    return cells


def _lookup(join: Join, files: Sequence[Path], raw: RawFormat) -> Lookup:
    """The rows of a joined table by their key."""
    rows: dict[str, Row] = {}
    columns: set[str] = set()
    for path in files:
        names = _names(path, raw, [])
        if join.key not in names:
            raise DatasetError(f"{path.name}: there is no column {join.key!r} to join by")
        columns |= set(names)
        for line, row in read_rows(path, raw, []):
            if row[join.key] in rows:
                raise DatasetError(f"{path.name}, line {line}: {join.key} {row[join.key]!r} occurs twice")
            rows[row[join.key]] = row
    return Lookup(join.key, frozenset(columns), rows)


def _check_columns(
    path: Path, names: Sequence[str], columns: Iterable[str], lookups: Sequence[Lookup]
) -> None:
    """Raise DatasetError unless each column of the use case is in exactly one table, and the keys in all."""
    for lookup in lookups:
        if lookup.key not in names:
            raise DatasetError(f"{path.name}: there is no column {lookup.key!r} to join by")
    keys = {lookup.key for lookup in lookups}
    for name in columns:
        tables = (name in names) + sum(name in lookup.columns for lookup in lookups)
        if not tables:
            raise DatasetError(f"{path.name}: there is no column {name!r}")
        if tables > 1 and name not in keys:
            raise DatasetError(f"{path.name}: the column {name!r} is in a joined table, too")


def _joined(row: Row, lookups: Sequence[Lookup]) -> Row:
    """A row with the columns of the joined tables, without those where they have no row of its key."""
    for lookup in lookups:
        row = {**row, **lookup.rows.get(row[lookup.key], {})}
    return row


def _values(row: Row, columns: Mapping[str, Kind], raw: RawFormat) -> list[str]:
    """A row's values in the order of the canonical table; blank where a join matched nothing."""
    missing = set(raw.missing)
    return [
        "" if kind == "number" and row.get(name, "") in missing else row.get(name, "")
        for name, kind in columns.items()
    ]
