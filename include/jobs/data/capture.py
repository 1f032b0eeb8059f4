"""What an endpoint captured, or what a batch transform was sent: rows and answers, record by record.

Capture files hold one JSON object a line: Amazon SageMaker developer guide, "Data capture".
A line that cannot be used is a `BadLine`; the rest of its file is read on.
"""

from __future__ import annotations

import base64
import binascii
import csv
import gzip
import io
import json
import zlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, BinaryIO, Generic, TypeVar, cast

from input_files import files_below

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

GZIP = b"\x1f\x8b"  # the first bytes of such a file
MAX_LINE_BYTES = 64 * 1024 * 1024  # a request is 6 MB at most, base64 and its answer included far less

Content = TypeVar("Content")
Row = list[str] | dict[str, str]  # values in order, or by column name


class BadLine(ValueError):
    """A line that cannot be used; the text says why."""


class BrokenFile(BadLine):
    """A file that breaks off: how many lines are lost is not known."""


@dataclass(frozen=True)
class Answer:
    """The model's answer to one row; the label is empty where the model gives a score only."""

    label: str
    score: float


@dataclass(frozen=True)
class Record:
    """One captured request with its answer."""

    rows: list[Row]
    answers: list[Answer] | None
    event_id: str = ""
    inference_id: str = ""
    moment: datetime | None = None


@dataclass
class Repeats:
    """Event ids that were met: a request that was captured twice is one. Each takes about 70 bytes."""

    _met: set[int] = field(default_factory=set)

    def has(self, record: Record) -> bool:
        """Whether the record was met before; from now on it is. Rows of a batch have no id."""
        if not record.event_id:
            return False
        before = len(self._met)
        self._met.add(hash(record.event_id))
        return len(self._met) == before


@dataclass(frozen=True)
class Line(Generic[Content]):
    """A line's file, number and content."""

    file: str
    number: int
    content: Content | BadLine


def read_capture(folder: Path) -> Iterator[Line[Record]]:
    """All records below a folder: `*.csv` (rows, no header), `*.out` (answers to rows), else JSON lines."""
    for path, name in files_below(folder):
        suffix = PurePath(name.removesuffix(".gz")).suffix
        yield from read_lines(path, name, READERS.get(suffix, parse_record))


def label_scores(
    lines: Iterator[Line[Record]], labels: tuple[str, str], threshold: float | None
) -> Iterator[Line[Record]]:
    """The same lines, where an answer that is a score only has the label that the threshold gives it.

    :param labels: negative, positive.
    :param threshold: a score above it is positive; None leaves all as it is.
    """
    for line in lines:
        if threshold is None or isinstance(line.content, BadLine) or not line.content.answers:
            yield line
            continue
        answers = [
            answer if answer.label else Answer(labels[answer.score > threshold], answer.score)
            for answer in line.content.answers
        ]
        yield replace(line, content=replace(line.content, answers=answers))


def read_lines(path: Path, name: str, parse: Callable[[str], Content]) -> Iterator[Line[Content]]:
    """Every line that is not blank, in memory for one line; a file that is gzip's is decompressed."""
    number = 0
    with _open(path) as file:
        try:
            while raw := file.readline(MAX_LINE_BYTES):
                number += 1
                if raw.strip():
                    yield Line(name, number, _attempt(parse, raw))
        except (EOFError, OSError, zlib.error) as error:  # of a file that was cut, or is damaged
            yield Line(name, number + 1, BrokenFile(f"the file cannot be decompressed: {error}"))


def _open(path: Path) -> BinaryIO:
    """A file, decompressed where its first bytes are gzip's."""
    with path.open("rb") as file:
        compressed = file.read(len(GZIP)) == GZIP
    return cast("BinaryIO", gzip.open(path)) if compressed else path.open("rb")


def _attempt(parse: Callable[[str], Content], raw: bytes) -> Content | BadLine:
    try:
        return parse(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return BadLine(f"byte {error.start + 1} is not UTF-8")
    except BadLine as error:
        return error


def parse_record(text: str) -> Record:
    """One line of a capture file.

    :raises BadLine: when it is no capture record, or its data is not what its content type says.
    """
    content = parse_json(text)
    data, event = member(content, "captureData"), member(content, "eventMetadata")
    source, reply = data.get("endpointInput"), data.get("endpointOutput")
    rows = read_rows(_payload(source)) if source else []
    answers = read_answers(_payload(reply)) if reply else None
    if source and answers is not None and len(answers) != len(rows):
        raise BadLine(f"{len(rows)} rows but {len(answers)} answers")
    moment = event.get("inferenceTime")
    return Record(
        rows=rows,
        answers=answers,
        event_id=str(event.get("eventId", "")),
        inference_id=str(event.get("inferenceId", "")),
        moment=parse_time(str(moment)) if moment else None,
    )


def parse_json(text: str) -> Any:
    """Any JSON value.

    :raises BadLine: when it is none.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadLine(f"not JSON: {error}") from error


def member(content: Any, name: str) -> Mapping[str, Any]:
    """A member that is an object.

    :raises BadLine: when there is none.
    """
    inner = content.get(name) if isinstance(content, dict) else None
    if not isinstance(inner, dict):
        raise BadLine(f"no object {name!r}")
    return inner


def parse_time(text: str) -> datetime:
    """ISO 8601; without a zone it is UTC.

    :raises BadLine: when it is none.
    """
    try:
        moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError as error:
        raise BadLine(f"{text[:40]!r} is not a time in ISO 8601") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _payload(side: Any) -> tuple[str, str]:
    """Text and media type of a request or an answer."""
    if not isinstance(side, dict) or not isinstance(side.get("data"), str):
        raise BadLine("captured data is not text")
    kind, _, parameters = str(side.get("observedContentType", "")).lower().partition(";")
    if side.get("encoding") != "BASE64":
        return side["data"], kind.strip()
    try:
        return base64.b64decode(side["data"], validate=True).decode(_charset(parameters)), kind.strip()
    except (binascii.Error, UnicodeDecodeError, LookupError) as error:
        raise BadLine(f"captured data cannot be decoded: {error}") from error


def _charset(parameters: str) -> str:
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name == "charset":
            return value.strip("\"' ")
    return "utf-8"


def read_rows(payload: tuple[str, str]) -> list[Row]:
    """Rows of a request: CSV, JSON or JSON Lines.

    JSON is a row, a list of rows, or an object with such a list as `instances`; a row is a list of values, an
    object of values by column, or an object with a list of values as `features`.

    :raises BadLine: when the text is none of these.
    """
    text, kind = payload
    if not _is_json(text, kind):
        return [row for row in parse_csv(text) if row]
    values = [parse_json(line) for line in text.split("\n") if line.strip()] if "lines" in kind else None
    content = parse_json(text) if values is None else values
    if isinstance(content, dict):
        content = content.get("instances", [content])
    if not isinstance(content, list):
        raise BadLine("the request is JSON, but neither a row nor a list of rows")
    if content and not isinstance(content[0], list | dict):
        content = [content]
    return [_json_row(row) for row in content]


def _is_json(text: str, kind: str) -> bool:
    return "json" in kind or (kind != "text/csv" and text.lstrip()[:1] in ("{", "["))


def _json_row(row: Any) -> Row:
    if isinstance(row, dict) and isinstance(row.get("features"), list):
        row = row["features"]
    if isinstance(row, list):
        return [_text(value) for value in row]
    if isinstance(row, dict):
        return {name: _text(value) for name, value in row.items()}
    raise BadLine(f"a row is {json.dumps(row)[:40]}, expected a list or an object")


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def parse_csv(text: str) -> list[list[str]]:
    """Rows of texts.

    :raises BadLine: when it is not CSV.
    """
    try:
        return list(csv.reader(io.StringIO(text), strict=True))
    except csv.Error as error:
        raise BadLine(f"not CSV: {error}") from error


def read_answers(payload: tuple[str, str]) -> list[Answer]:
    """Answers of the model: lines of `label,score` or of `score`, or JSON `{"predictions": [{...}]}`.

    :raises BadLine: when the text is none of these, or a score is not a number from 0 to 1.
    """
    text, kind = payload
    if not _is_json(text, kind):
        return [_answer(values) for values in parse_csv(text) if values]
    content = parse_json(text)
    predictions = content.get("predictions") if isinstance(content, dict) else content
    if not isinstance(predictions, list):
        raise BadLine("the answer is JSON without a list of predictions")
    return [_json_answer(prediction) for prediction in predictions]


def _json_answer(prediction: Any) -> Answer:
    if not isinstance(prediction, dict):
        return _answer([_text(prediction)])
    label = [_text(prediction["predicted_label"])] if "predicted_label" in prediction else []
    return _answer([*label, _text(prediction.get("score"))])


def _answer(values: list[str]) -> Answer:
    try:
        score = float(values[-1])
    except ValueError:
        score = -1.0
    if len(values) > 2 or not 0.0 <= score <= 1.0:
        text = ",".join(values)[:40]
        raise BadLine(f"answer {text!r}: expected a label and a score from 0 to 1, or a score")
    return Answer(values[0] if len(values) == 2 else "", score)


def _csv_row(text: str) -> Record:
    return Record(list(parse_csv(text)), None)


def _answer_row(text: str) -> Record:
    return Record([], read_answers((text, "text/csv")))


READERS: dict[str, Callable[[str], Record]] = {
    ".jsonl": parse_record,
    ".csv": _csv_row,
    ".out": _answer_row,
}
