"""Training data of the built-in algorithm: CSV with the label first, libsvm, Parquet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xgboost

from include.local_aws.containers.toolkit.serving import media_type
from include.local_aws.containers.xgboost.hyperparameters import UserError

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_LINE = 16 * 1024**2  # bytes; a longer line means a file without line ends
CSV, LIBSVM, PARQUET = "text/csv", "text/libsvm", "application/x-parquet"
TYPES = {CSV: CSV, "csv": CSV, LIBSVM: LIBSVM, "text/x-libsvm": LIBSVM, "libsvm": LIBSVM, PARQUET: PARQUET}


def load(folder: Path, content_type: str, *, weights: bool = False) -> xgboost.DMatrix:
    """All files of a channel as one matrix of shape (rows, features) with labels.

    :param content_type: of the channel; empty means libsvm, as on AWS.
    :param weights: whether the second CSV column holds the rows' weights.
    :raises UserError: naming the file, line and column that cannot be used.
    """
    kind = TYPES.get(media_type(content_type or LIBSVM))
    if kind is None:
        raise UserError(
            f"Content type {content_type!r} of channel {folder.name} is not one of {', '.join(TYPES)}."
        )
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    if not any(path.stat().st_size for path in files):
        raise UserError(f"Channel {folder.name} holds no data.")
    if kind == LIBSVM:
        return _libsvm(files)
    table = np.concatenate([_parquet(path) if kind == PARQUET else read_csv(path) for path in files])
    return _matrix(table, folder.name, weights=weights)


def _matrix(table: np.ndarray, channel: str, *, weights: bool) -> xgboost.DMatrix:
    """A matrix from a table of shape (rows, columns): label, weight if `weights`, features."""
    first = 2 if weights else 1
    if table.shape[1] <= first:
        raise UserError(f"Channel {channel} has {table.shape[1]} columns: no feature after label and weight.")
    if not np.isfinite(table[:, 0]).all():
        row = int(np.flatnonzero(~np.isfinite(table[:, 0]))[0]) + 1
        raise UserError(f"Channel {channel}, row {row}: the label (first column) is missing or not finite.")
    return xgboost.DMatrix(table[:, first:], table[:, 0], weight=table[:, 1] if weights else None)


def read_csv(path: Path) -> np.ndarray:
    """A CSV file of numbers without header as float32 of shape (rows, columns); empty values become NaN.

    :raises UserError: naming file, line and column of a value that is not a number.
    """
    import pandas as pd

    check_lines(path)
    try:
        return np.asarray(pd.read_csv(path, header=None, dtype=np.float32))
    except ValueError as error:
        raise UserError(_first_bad_value(path)) from error


def check_lines(path: Path) -> None:
    """Check that every line has as many values as the first; a too long line is never read whole.

    :raises UserError: naming file and line.
    """
    where, expected = f"{path.parent.name}/{path.name}", 0
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE + 1), b""), start=1):
            if len(line) > LONGEST_LINE:
                raise UserError(
                    f"{where} line {number}: longer than {LONGEST_LINE} bytes; are there line ends?"
                )
            if number == 1:
                _check_text(line, where)
            columns = line.count(b",") + 1
            expected = expected or columns
            if columns != expected:
                raise UserError(f"{where} line {number}: expected {expected} columns, found {columns}.")


def _check_text(line: bytes, where: str) -> None:
    try:
        first = line.decode("utf-8").split(",")[0].strip()
    except UnicodeDecodeError as error:
        raise UserError(f"{where} line 1: not UTF-8 text ({error.reason}).") from error
    if not _is_number(first):
        raise UserError(
            f"{where} line 1: {first[:60]!r} is not a number. The label comes first, without a header line."
        )


def _first_bad_value(path: Path) -> str:
    where = f"{path.parent.name}/{path.name}"
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            for column, value in enumerate(line.rstrip("\n").split(","), start=1):
                if value.strip() and not _is_number(value):
                    return f"{where} line {number}, column {column}: {value[:60]!r} is not a number."
    return f"{where}: not a table of numbers."


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _parquet(path: Path) -> np.ndarray:
    """A Parquet file of numbers as float32 of shape (rows, columns)."""
    import pandas as pd

    try:
        return np.asarray(pd.read_parquet(path), dtype=np.float32)
    except (ValueError, OSError) as error:
        raise UserError(f"{path.parent.name}/{path.name} is not Parquet of numbers: {error}") from error


def _libsvm(files: list[Path]) -> xgboost.DMatrix:
    """A sparse matrix of shape (rows, largest index + 1) from lines `label index:value ...`."""
    from scipy import sparse

    labels: list[float] = []
    rows: list[tuple[list[int], list[float]]] = []
    for path in files:
        for number, line in enumerate(
            path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1
        ):
            label, values = parse_libsvm(line, f"{path.parent.name}/{path.name} line {number}")
            labels.append(label)
            rows.append(values)
    width = max((max(indices, default=-1) for indices, _ in rows), default=-1) + 1
    starts = np.cumsum([0, *(len(indices) for indices, _ in rows)])
    columns = np.concatenate([np.asarray(indices, dtype=np.int64) for indices, _ in rows])
    data = np.concatenate([np.asarray(row_values, dtype=np.float32) for _, row_values in rows])
    matrix = sparse.csr_matrix((data, columns, starts), shape=(len(rows), width))
    return xgboost.DMatrix(matrix, labels)


def parse_libsvm(line: str, where: str) -> tuple[float, tuple[list[int], list[float]]]:
    """The label of a line, and its indices and values, both of the same length.

    :param where: file and line, for the error message.
    :raises UserError: for a line that is not `label index:value ...`.
    """
    words = line.partition("#")[0].split()
    pairs = [word.split(":", 1) for word in words[1:]]
    try:
        label = float(words[0])
        return label, ([int(pair[0]) for pair in pairs], [float(pair[1]) for pair in pairs])
    except (ValueError, IndexError) as error:
        raise UserError(f"{where}: {line[:80]!r} is not `label index:value ...`.") from error
