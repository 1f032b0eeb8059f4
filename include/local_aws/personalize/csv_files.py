"""From CSV to Parquet by a schema, in constant memory; an error names the row and the column.

The same rules as the service's (developer guide, "Data format guidelines"): a header without quotes, UTF-8,
timestamps in seconds, identifiers of at most 256 and categories of at most 1000 characters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv
import pyarrow.parquet as pq

from include.local_aws.personalize.checks import CATEGORY_CHARACTERS, ID_CHARACTERS, IDS, LATEST, TIMES
from include.local_aws.personalize.errors import WorkFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from include.local_aws.personalize.schemas import Column, Schema

BLOCK = 8 * 1024**2  # bytes read at once; a longer row is refused
HEADER = 64 * 1024
LONG_TEXTS = ("IMPRESSION",)
TYPES = {
    "string": pa.string(),
    "long": pa.int64(),
    "int": pa.int32(),
    "float": pa.float32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "null": pa.string(),
}
CASTS = {"boolean": "true or false", "long": "a whole number", "int": "a whole number"}


def convert(source: Path, name: str, schema: Schema, target: Path) -> int:
    """Write the rows of a CSV file to Parquet; returns their number.

    :param name: of the S3 object, for error messages.
    :raises WorkFailed: for a file that breaks a rule, with the row (the header is row 1) and the column.
    """
    header = _header(source, name, schema)
    rows = 0
    arrow = pa.schema([(column.name, TYPES[column.type]) for column in schema.columns])
    with pq.ParquetWriter(target, arrow, compression="zstd") as writer:
        for batch in _batches(source, name, header):
            writer.write_batch(_checked(batch, schema, name, rows + 2))
            rows += batch.num_rows
    if not rows:
        raise WorkFailed(f"The file {name} has a header but no rows.")
    return rows


def _header(source: Path, name: str, schema: Schema) -> list[str]:
    """The columns in the order of the file."""
    with source.open("rb") as file:
        raw = file.readline(HEADER)
    if not raw.strip():
        raise WorkFailed(f"The file {name} is empty.")
    try:
        line = raw.decode("utf-8-sig").strip("\r\n")
    except UnicodeDecodeError as error:
        raise WorkFailed(f"The file {name} is not UTF-8: row 1, byte {error.start}.") from error
    if '"' in line:
        raise WorkFailed(f"The header of {name} has quotes: {line[:200]}")
    columns = line.split(",")
    if repeated := sorted({column for column in columns if columns.count(column) > 1}):
        raise WorkFailed(f"The header of {name} names columns twice: {', '.join(repeated)}")
    if missing := [column.name for column in schema.columns if column.name not in columns]:
        raise WorkFailed(f"Input CSV is missing the following columns: [{', '.join(missing)}] ({name})")
    return columns


def _batches(source: Path, name: str, header: list[str]) -> Iterator[pa.RecordBatch]:
    """Blocks of rows; all columns are text."""
    read = pv.ReadOptions(block_size=BLOCK, column_names=header, skip_rows=1)
    convert = pv.ConvertOptions(
        column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=True, null_values=[""]
    )
    try:
        yield from pv.open_csv(source, read_options=read, convert_options=convert)
    except pa.ArrowInvalid as error:
        raise WorkFailed(_reading_error(str(error), name, len(header))) from error


def _reading_error(error: str, name: str, columns: int) -> str:
    if "straddling" in error:
        return f"The file {name} has a row of more than {BLOCK // 1024**2} MiB."
    if "UTF8" in error:
        return f"The file {name} is not UTF-8: {error}"
    if "Empty CSV" in error:
        return f"The file {name} has a header but no rows."
    return f"The file {name} cannot be read; its header has {columns} columns. {error}"


def _checked(batch: pa.RecordBatch, schema: Schema, name: str, first: int) -> pa.RecordBatch:
    columns = [_column(batch.column(column.name), column, name, first) for column in schema.columns]
    return pa.RecordBatch.from_arrays(columns, names=[column.name for column in schema.columns])


def _column(texts: pa.StringArray, column: Column, name: str, first: int) -> pa.Array:
    """The values of a column, shape (rows,), checked and cast to its type.

    :param first: row number of the block's first row in the file.
    """
    if not column.nullable:
        _refuse(pc.is_null(texts), texts, f"{column.name} is empty", name, first)
    if column.type == "string":
        longest = ID_CHARACTERS if column.name in IDS else CATEGORY_CHARACTERS
        if column.categorical or column.name in (*IDS, *LONG_TEXTS):
            too_long = pc.greater(pc.utf8_length(texts), longest)
            _refuse(too_long, None, f"{column.name} has more than {longest} characters", name, first)
        return texts
    values = _cast(texts, column, name, first)
    if column.type in ("float", "double"):
        _refuse(pc.invert(pc.is_finite(values)), texts, f"{column.name} is no finite number", name, first)
    if column.name in TIMES:
        _refuse(pc.greater(values, LATEST), values, f"{column.name} is not in seconds", name, first)
    return values


def _cast(texts: pa.StringArray, column: Column, name: str, first: int) -> pa.Array:
    try:
        return pc.cast(texts, TYPES[column.type])
    except pa.ArrowInvalid:
        bad = next(row for row, text in enumerate(texts) if text.is_valid and not _fits(text, column))
        expected = CASTS.get(column.type, "a number")
        raise WorkFailed(
            f"{name}, row {first + bad}: {column.name} is {texts[bad].as_py()[:100]!r}; expected {expected}."
        ) from None


def _fits(text: pa.StringScalar, column: Column) -> bool:
    try:
        pc.cast(text, TYPES[column.type])
    except pa.ArrowInvalid:
        return False
    return True


def _refuse(bad: pa.BooleanArray, values: pa.Array | None, text: str, name: str, first: int) -> None:
    """Fail with the first row that is marked in `bad`, a mask of shape (rows,)."""
    position = pc.index(bad, True).as_py()
    if position >= 0:
        value = values[position].as_py() if values is not None else None
        example = f" ({value})" if value is not None else ""
        raise WorkFailed(f"{name}, row {first + position}: {text}{example}.")
