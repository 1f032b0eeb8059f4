"""Raw tables made canonical: UTF-8, commas, a header line, the columns of the use case in their order.

Text stays as it is: only the format says what is missing. Errors name file and line. The memory does not grow
with the rows of the first table.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from include.datasets.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from include.use_cases.definition import Join, Kind, RawFormat

Row = dict[str, str]


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
            for line, row in read_rows(path, raw, list(columns)):
                whole = _joined(row, lookups, f"{path.name}, line {line}")
                writer.writerow(_values(whole, columns, raw, f"{path.name}, line {line}"))
                count += 1
    return count


def is_canonical(path: Path, columns: Iterable[str]) -> bool:
    """Whether a file has the canonical header; it needs no conversion then."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        return next(csv.reader(file), []) == list(columns)


def read_rows(path: Path, raw: RawFormat, columns: Sequence[str]) -> Iterator[tuple[int, Row]]:
    """Line number and values by column of each line that is not blank.

    :param columns: the names, where the file has no header.
    :raises DatasetError: when text is not UTF-8, a line has too few or too many values, a name occurs twice.
    """
    names = None if raw.header else list(columns)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=raw.separator, skipinitialspace=raw.strip, strict=True)
        try:
            for values in reader:
                cells = [value.strip() for value in values] if raw.strip else values
                if not any(cells):
                    continue
                if names is None:
                    names = _header(cells, path)
                    continue
                if len(cells) != len(names):
                    raise DatasetError(
                        f"{path.name}, line {reader.line_num}: {len(cells)} values, expected {len(names)}"
                    )
                yield reader.line_num, dict(zip(names, cells, strict=True))
        except (csv.Error, UnicodeDecodeError) as error:
            raise DatasetError(
                f"{path.name}, line {reader.line_num + 1} is not CSV in UTF-8: {error}"
            ) from error


def _header(cells: list[str], path: Path) -> list[str]:
    if repeated := sorted({name for name in cells if cells.count(name) > 1}):
        raise DatasetError(f"{path.name}, line 1: the column {', '.join(map(repr, repeated))} occurs twice")
    return cells


def _lookup(join: Join, files: Sequence[Path], raw: RawFormat) -> tuple[str, dict[str, Row]]:
    """The rows of a joined table by their key."""
    rows: dict[str, Row] = {}
    for path in files:
        for line, row in read_rows(path, raw, []):
            if join.key not in row:
                raise DatasetError(f"{path.name}: there is no column {join.key!r} to join by")
            if row[join.key] in rows:
                raise DatasetError(f"{path.name}, line {line}: {join.key} {row[join.key]!r} occurs twice")
            rows[row[join.key]] = row
    return join.key, rows


def _joined(row: Row, lookups: Sequence[tuple[str, dict[str, Row]]], place: str) -> Row:
    """A row with the columns of the joined tables, blank where they have no row of its key."""
    for key, rows in lookups:
        if key not in row:
            raise DatasetError(f"{place}: there is no column {key!r} to join by")
        row = {**row, **rows.get(row[key], {})}
    return row


def _values(row: Row, columns: Mapping[str, Kind], raw: RawFormat, place: str) -> list[str]:
    """A row's values in the order of the canonical table; blank where a join found nothing."""
    if absent := [name for name in columns if name not in row and not raw.joins]:
        raise DatasetError(f"{place}: there is no column {', '.join(map(repr, absent))}")
    missing = set(raw.missing)
    return [
        "" if kind == "number" and row.get(name, "") in missing else row.get(name, "")
        for name, kind in columns.items()
    ]
