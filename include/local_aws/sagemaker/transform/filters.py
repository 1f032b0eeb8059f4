"""DataProcessing of batch transform: which part of a record goes to the model, and which part is written.

The JSONPath subset that SageMaker documents: `$`, `.name`, `.*`, `['a','b']`, `[n]`, `[n,m]`, negative
indices, slices. A slice includes its end: `$[1:4]` is the second to fifth column, as in the developer guide's
examples. (Standard JSONPath excludes the end.)
"""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from typing import Any

STEP = re.compile(
    r"""\.(?P<name>[A-Za-z_][\w-]*)|(?P<every>\.\*|\[\*\])
    |\[(?P<names>'[^']*'(?:\s*,\s*'[^']*')*)\]
    |\[(?P<indices>-?\d+(?:\s*,\s*-?\d+)*)\]
    |\[(?P<slice>-?\d*:-?\d*)\]""",
    re.VERBOSE,
)


class BadPath(ValueError):
    """A path that is not in the supported subset, or does not fit the data."""


@dataclass(frozen=True)
class Step:
    """One step of a path: names, indices, a slice, or everything."""

    kind: str
    values: tuple[Any, ...] = ()

    def of_list(self, row: list[Any]) -> list[Any]:
        """The chosen values of a list.

        :raises BadPath: for a name, or an index out of range.
        """
        if self.kind == "every":
            return row
        if self.kind == "slice":
            start, end = self.values
            end = len(row) - 1 if end is None else end + len(row) if end < 0 else end
            start = 0 if start is None else start + len(row) if start < 0 else start
            if end >= len(row):
                raise BadPath(f"the slice ends at {end}, the record has {len(row)} values")
            return row[start : end + 1]
        if self.kind != "indices":
            raise BadPath("a name cannot be looked up in a list of values")
        for index in self.values:
            if not -len(row) <= index < len(row):
                raise BadPath(f"index {index} is out of range, the record has {len(row)} values")
        return [row[index] for index in self.values]

    def of(self, value: Any) -> Any:
        """The chosen part of a JSON value; a single name or index gives the value itself.

        :raises BadPath: for a name or index that the value does not have.
        """
        if isinstance(value, list):
            chosen = self.of_list(value)
            return chosen[0] if self.kind == "indices" and len(chosen) == 1 else chosen
        if self.kind == "every" and isinstance(value, dict):
            return list(value.values())
        if self.kind != "names" or not isinstance(value, dict):
            raise BadPath("an index cannot be looked up in an object")
        missing = [name for name in self.values if name not in value]
        if missing:
            raise BadPath(f"the record has no {missing[0]!r}")
        return value[self.values[0]] if len(self.values) == 1 else {name: value[name] for name in self.values}


@dataclass(frozen=True)
class Path:
    """A parsed path; `Path.parse("$[1:]").of_row(["a", "b", "c"])` is `["b", "c"]`."""

    text: str
    steps: tuple[Step, ...]

    @classmethod
    def parse(cls, text: str) -> Path:
        """Read a path.

        :raises BadPath: naming the part that is not supported.
        """
        if not text.startswith("$"):
            raise BadPath(f"{text!r} does not begin with $")
        steps, position = [], 1
        while position < len(text):
            match = STEP.match(text, position)
            if match is None:
                raise BadPath(f"{text!r}: {text[position:]!r} is not supported")
            steps.append(_step(match))
            position = match.end()
        return cls(text, tuple(steps))

    @property
    def is_everything(self) -> bool:
        return not self.steps

    @property
    def suits_csv(self) -> bool:
        """CSV has positions only."""
        return len(self.steps) <= 1 and all(step.kind != "names" for step in self.steps)

    def of_row(self, row: list[str]) -> list[str]:
        """The chosen columns of a CSV row.

        :raises BadPath: for an index out of range.
        """
        return row if not self.steps else self.steps[0].of_list(row)

    def of_json(self, value: Any) -> Any:
        """The chosen part of a JSON value.

        :raises BadPath: for a name or index that the value does not have.
        """
        for step in self.steps:
            value = step.of(value)
        return value


def _step(match: re.Match[str]) -> Step:
    if match["every"]:
        return Step("every")
    if match["name"]:
        return Step("names", (match["name"],))
    if match["names"]:
        return Step("names", tuple(re.findall(r"'([^']*)'", match["names"])))
    if match["indices"]:
        return Step("indices", tuple(int(number) for number in match["indices"].split(",")))
    start, _, end = match["slice"].partition(":")
    return Step("slice", (int(start) if start else None, int(end) if end else None))


@dataclass(frozen=True)
class DataProcessing:
    """The three filters, for records of one format ("csv" or "json")."""

    format: str
    input_filter: Path
    output_filter: Path
    join: bool

    @property
    def changes_input(self) -> bool:
        return not self.input_filter.is_everything

    @property
    def changes_output(self) -> bool:
        return self.join or not self.output_filter.is_everything

    def select(self, record: bytes) -> bytes:
        """The part of a record that goes to the model.

        :raises BadPath: when the filter does not fit the record.
        """
        if self.format == "csv":
            return _write_csv([self.input_filter.of_row(row) for row in _read_csv(record)])
        return _write_json(self.input_filter.of_json(_read_json(record)))

    def combine(self, records: list[bytes], answer: bytes) -> bytes:
        """The output of a request: the answer, joined with its input records and filtered.

        :raises BadPath: when the number of answers differs from the number of records, or the filter does not
            fit.
        """
        if self.format == "csv":
            return self._combine_csv(records, answer)
        answers = answer.splitlines(keepends=True) if len(records) > 1 else [answer]
        _check_count(records, answers)
        outputs = [self._combine_json(record, part) for record, part in zip(records, answers, strict=True)]
        return b"".join(outputs)

    def _combine_csv(self, records: list[bytes], answer: bytes) -> bytes:
        rows = _read_csv(answer)
        if self.join:
            input_rows = _read_csv(b"".join(records))
            _check_count(input_rows, rows)
            rows = [input_row + answer_row for input_row, answer_row in zip(input_rows, rows, strict=True)]
        return _write_csv([self.output_filter.of_row(row) for row in rows])

    def _combine_json(self, record: bytes, answer: bytes) -> bytes:
        output = _read_json(answer)
        if self.join:
            input_record = _read_json(record)
            base = input_record if isinstance(input_record, dict) else {"SageMakerInput": input_record}
            output = {**base, "SageMakerOutput": output}
        return _write_json(self.output_filter.of_json(output))


def _check_count(records: list[Any], answers: list[Any]) -> None:
    if len(records) != len(answers):
        raise BadPath(f"{len(answers)} answers for {len(records)} records cannot be joined")


def _read_csv(data: bytes) -> list[list[str]]:
    try:
        return [row for row in csv.reader(io.StringIO(data.decode("utf-8"))) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadPath(f"not CSV in UTF-8: {error}") from error


def _write_csv(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _read_json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError as error:
        raise BadPath(f"not JSON: {error}") from error


def _write_json(value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"
