"""Records of batch transform: objects are split into records, records are gathered into requests.

All functions work on streams: memory is limited by the payload limit, whatever the size of an object.
"""

from __future__ import annotations

import struct
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

RECORD_IO_MAGIC = 0xCED7230A


class BadRecord(ValueError):
    """A record that cannot be read or sent; the text says which and why."""


def split(stream: IO[bytes], kind: str, limit: int) -> Iterator[bytes]:
    """The records of one object, each as it is sent (lines with their line end).

    :param kind: the request's SplitType: None, Line, RecordIO or TFRecord.
    :param limit: bytes that one request may have.
    :raises BadRecord: for a record above the limit, or one that is cut off.
    """
    return SPLITTERS[kind](stream, limit)


def _whole(stream: IO[bytes], limit: int) -> Iterator[bytes]:
    content = stream.read(limit + 1)
    if len(content) > limit:
        raise BadRecord(f"the object is larger than MaxPayloadInMB allows ({limit} bytes)")
    if content:
        yield content


def _lines(stream: IO[bytes], limit: int) -> Iterator[bytes]:
    for number, line in enumerate(iter(lambda: stream.readline(limit + 1), b""), start=1):
        if len(line) > limit:
            raise BadRecord(f"line {number} is longer than MaxPayloadInMB allows ({limit} bytes)")
        if line.strip(b"\r\n"):
            yield line if line.endswith(b"\n") else line + b"\n"


def _record_io(stream: IO[bytes], limit: int) -> Iterator[bytes]:
    """`magic, length, data, padding to 4 bytes`, sent with its frame."""
    for number, header in enumerate(iter(lambda: stream.read(8), b""), start=1):
        magic, length = struct.unpack("<II", _complete(header, 8, number))
        if magic != RECORD_IO_MAGIC:
            raise BadRecord(f"record {number} does not begin as RecordIO does")
        length &= 0x1FFFFFFF  # the upper bits say whether the record is continued
        yield header + _frame(stream, (length + 3) // 4 * 4, limit, number)


def _tf_record(stream: IO[bytes], limit: int) -> Iterator[bytes]:
    """`length, its CRC, data, its CRC`, sent with its frame."""
    for number, header in enumerate(iter(lambda: stream.read(12), b""), start=1):
        (length,) = struct.unpack("<Q", _complete(header, 12, number)[:8])
        yield header + _frame(stream, length + 4, limit, number)


def _frame(stream: IO[bytes], size: int, limit: int, number: int) -> bytes:
    if size > limit:
        raise BadRecord(f"record {number} is larger than MaxPayloadInMB allows ({limit} bytes)")
    return _complete(stream.read(size), size, number)


def _complete(data: bytes, size: int, number: int) -> bytes:
    if len(data) < size:
        raise BadRecord(f"record {number} is cut off")
    return data


SPLITTERS: dict[str, Callable[[IO[bytes], int], Iterator[bytes]]] = {
    "None": _whole,
    "Line": _lines,
    "RecordIO": _record_io,
    "TFRecord": _tf_record,
}


def batches(records: Iterable[bytes], strategy: str, limit: int) -> Iterator[list[bytes]]:
    """Records gathered into requests: one each (SingleRecord), or as many as fit (MultiRecord)."""
    batch: list[bytes] = []
    size = 0
    for record in records:
        if batch and (strategy == "SingleRecord" or size + len(record) > limit):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += len(record)
    if batch:
        yield batch


def assemble(answer: bytes, kind: str) -> bytes:
    """An answer as it is written: unchanged (None), or ending with a line end (Line)."""
    return answer + b"\n" if kind == "Line" and answer and not answer.endswith(b"\n") else answer
