"""Records and filters of batch transform: pure functions."""

from __future__ import annotations

import io
import random
import struct
from typing import Any

import pytest

from include.local_aws.sagemaker.transform.filters import BadPath, DataProcessing, Path
from include.local_aws.sagemaker.transform.records import RECORD_IO_MAGIC, BadRecord, assemble, batches, split

MIB = 1024**2


def lines(content: bytes, limit: int = MIB) -> list[bytes]:
    return list(split(io.BytesIO(content), "Line", limit))


def test_lines_end_as_lines_do_however_the_object_ended() -> None:
    assert lines(b"a\nb") == [b"a\n", b"b\n"]
    assert lines(b"a\r\nb\r\n") == [b"a\r\n", b"b\r\n"]
    assert lines(b"\n\na\n\n") == [b"a\n"]
    assert lines(b"") == []


@pytest.mark.parametrize("seed", range(5))
def test_splitting_gathering_and_assembling_gives_the_object_back(seed: int) -> None:
    draw = random.Random(seed)
    content = b"".join(b"%d,%d\n" % (draw.randrange(10**9), n) for n in range(draw.randrange(1, 500)))
    gathered = list(batches(lines(content), "MultiRecord", 200))
    assert all(sum(map(len, batch)) <= 200 for batch in gathered)
    assert b"".join(assemble(b"".join(batch), "Line") for batch in gathered) == content


def test_single_records_are_not_gathered() -> None:
    assert list(batches([b"a\n", b"b\n"], "SingleRecord", MIB)) == [[b"a\n"], [b"b\n"]]


def test_a_line_above_the_limit_is_refused_by_its_number() -> None:
    with pytest.raises(BadRecord, match=r"line 2 is longer than MaxPayloadInMB allows \(10 bytes\)"):
        lines(b"short\n" + b"x" * 11, limit=10)


def test_framed_records_keep_their_frames_and_are_checked() -> None:
    record = struct.pack("<II", RECORD_IO_MAGIC, 5) + b"hello\0\0\0"
    assert list(split(io.BytesIO(record * 2), "RecordIO", MIB)) == [record, record]
    tf_record = struct.pack("<QI", 5, 0) + b"hello" + b"\0" * 4
    assert list(split(io.BytesIO(tf_record * 2), "TFRecord", MIB)) == [tf_record, tf_record]
    with pytest.raises(BadRecord, match="record 2 is cut off"):
        list(split(io.BytesIO(record + record[:-1]), "RecordIO", MIB))
    with pytest.raises(BadRecord, match="does not begin as RecordIO"):
        list(split(io.BytesIO(b"12345678"), "RecordIO", MIB))


ROW = ["a", "b", "c", "d", "e", "f"]
PATHS: list[tuple[str, list[str]]] = [
    ("$", ROW),
    ("$[1:4]", ["b", "c", "d", "e"]),  # slices include their end
    ("$[:2]", ["a", "b", "c"]),
    ("$[1:]", ["b", "c", "d", "e", "f"]),
    ("$[-1]", ["f"]),
    ("$[0,-1]", ["a", "f"]),
    ("$[2,0]", ["c", "a"]),
    ("$[*]", ROW),
]


@pytest.mark.parametrize(("path", "chosen"), PATHS)
def test_positions_are_chosen_from_a_row(path: str, chosen: list[str]) -> None:
    assert Path.parse(path).of_row(ROW) == chosen


@pytest.mark.parametrize("path", ["$[6]", "$[-7]", "$[0:6]"])
def test_a_position_out_of_range_is_an_error(path: str) -> None:
    with pytest.raises(BadPath, match="6"):
        Path.parse(path).of_row(ROW)


@pytest.mark.parametrize("path", ["a", "$..a", "$[?(@.x)]", "$[", "$['a'", "$[1:2:3]"])
def test_a_path_outside_the_subset_is_refused(path: str) -> None:
    with pytest.raises(BadPath):
        Path.parse(path)


JSON: list[tuple[str, Any]] = [
    ("$.a", 1),
    ("$['a','b']", {"a": 1, "b": [10, 20, 30]}),
    ("$.b[1]", 20),
    ("$.b[0:1]", [10, 20]),
    ("$.c.d", "x"),
]


@pytest.mark.parametrize(("path", "chosen"), JSON)
def test_names_are_chosen_from_an_object(path: str, chosen: Any) -> None:
    assert Path.parse(path).of_json({"a": 1, "b": [10, 20, 30], "c": {"d": "x"}}) == chosen


def processing(style: str, output: str = "$", *, join: bool = True) -> DataProcessing:
    return DataProcessing(style, Path.parse("$"), Path.parse(output), join)


def test_csv_is_joined_as_input_columns_then_prediction() -> None:
    joined = processing("csv").combine([b'"a,b",1\n', b"c,2\n"], b"0.5\n0.7\n")
    assert joined == b'"a,b",1,0.5\nc,2,0.7\n'


def test_json_gets_the_answer_as_a_member() -> None:
    assert processing("json").combine([b'{"id": 7}\n'], b"0.5") == b'{"id": 7, "SageMakerOutput": 0.5}\n'
    joined = processing("json").combine([b"[1, 2]\n"], b"0.5")
    assert joined == b'{"SageMakerInput": [1, 2], "SageMakerOutput": 0.5}\n'


def test_answers_that_are_not_as_many_as_the_records_cannot_be_joined() -> None:
    with pytest.raises(BadPath, match="1 answers for 2 records cannot be joined"):
        processing("csv").combine([b"a\n", b"b\n"], b"0.5\n")
