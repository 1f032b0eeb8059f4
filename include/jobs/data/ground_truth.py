"""Labels that became known after the predictions.

Amazon SageMaker developer guide, "Ingest ground truth labels". One JSON object a line, or an array of them:
{"groundTruthData": {"data": "1", "encoding": "CSV"}, "eventMetadata": {"eventId": "..."}}.
A record of k rows has k lines of labels in `data`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from data.capture import BadLine, Line, member, parse_csv, parse_json, read_lines
from input_files import files_below

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from data.capture import Answer, Record

NAMES = ("eventId", "inferenceId")


def read_truth(folder: Path, labels: tuple[str, str]) -> Iterator[Line[dict[str, bytes]]]:
    """Truths by key, object by object, from all files below a folder.

    What cannot be used comes as a bad line.

    :param labels: negative, positive; `0` and `1` are understood as well.
    """
    for path, name in files_below(folder):
        for line in read_lines(path, name, parse_json):
            for content in line.content if isinstance(line.content, list) else [line.content]:
                yield Line(name, line.number, _truths(content, labels))


def _truths(content: Any, labels: tuple[str, str]) -> dict[str, bytes] | BadLine:
    """The truths of an object, by key."""
    if isinstance(content, BadLine):
        return content
    try:
        data, event = member(content, "groundTruthData"), member(content, "eventMetadata")
        truths = parse_labels(str(data.get("data", "")), labels)
    except BadLine as error:
        return error
    keys = {str(event[name]) for name in NAMES if event.get(name)}
    return dict.fromkeys(keys, truths) if keys else BadLine("neither eventId nor inferenceId")


def parse_labels(text: str, labels: tuple[str, str]) -> bytes:
    """A byte for each line: 1 is positive.

    :raises BadLine: for an unknown label, or when there is no label.
    """
    classes = {"0": 0, "1": 1, labels[0]: 0, labels[1]: 1}
    texts = [values[0].strip() for values in parse_csv(text) if values]
    unknown = [label for label in texts if label not in classes]
    if unknown or not texts:
        problem = repr(unknown[0][:40]) if unknown else "no label"
        raise BadLine(f"{problem}: expected {labels[0]!r} or {labels[1]!r}")
    return bytes(classes[label] for label in texts)


@dataclass
class Judged:
    """Predictions whose truth is known; memory grows with the rows of ground truth, 11 bytes a row."""

    truths: dict[str, bytes]
    positive: str  # the positive label, as the model answers it
    actual: bytearray = field(default_factory=bytearray)
    predicted: bytearray = field(default_factory=bytearray)
    labelled: bytearray = field(default_factory=bytearray)  # 0 where the answer is a score only
    scores: list[np.ndarray] = field(default_factory=list)
    records: int = 0

    def add(self, record: Record, answers: Sequence[Answer]) -> None:
        """Keep the answers of a record that ground truth knows, by inference id, else by event id.

        :raises BadLine: when it has another number of labels than the record has answers.
        """
        truth = self.truths.get(record.inference_id) or self.truths.get(record.event_id)
        if truth is None:
            return
        if len(truth) != len(answers):
            raise BadLine(f"{len(answers)} answers but {len(truth)} labels in the ground truth")
        self.records += 1
        self.actual += truth
        self.predicted += bytes(answer.label == self.positive for answer in answers)
        self.labelled += bytes(bool(answer.label) for answer in answers)
        self.scores.append(np.array([answer.score for answer in answers]))

    @property
    def rows(self) -> int:
        return len(self.actual)

    def arrays(self) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
        """Actual and predicted classes (bool) and scores, each of shape (rows,).

        Of the answers that have a label; where none has, of all, and without predicted classes.
        """
        actual, predicted, labelled = (
            np.frombuffer(part, dtype=bool) for part in (self.actual, self.predicted, self.labelled)
        )
        scores: Any = np.concatenate(self.scores) if self.scores else np.empty(0)
        if not labelled.any():
            return actual, None, scores
        return actual[labelled], predicted[labelled], scores[labelled]
