"""Data capture of batch transform: manifests of input and output, and an identifier for each record.

The formats are those of the developer guide's page "Capture data from batch transform job". The names of the
manifests themselves are not documented.
"""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.local_aws.sagemaker.jobs import transfer
from include.local_aws.sagemaker.transform.records import BadRecord

if TYPE_CHECKING:
    from include.local_aws.s3.info import ObjectInfo
    from include.local_aws.s3.store import ObjectStore

JSON_TYPES = ("application/json", "application/jsonlines", "application/x-jsonlines")


@dataclass(frozen=True)
class InferenceIds:
    r"""What GenerateInferenceId adds to every record: a random UUID, and when the job started.

    `InferenceIds(moment).on(b"0.7\n", "text/csv")` is `b"0.7,<uuid>,2022-08-30T00:49:15Z\n"`.

    :param moment: the start of the job, epoch seconds.
    """

    moment: float

    def on(self, answer: bytes, content_type: str) -> bytes:
        """The records of an answer with their identifiers, each on a line of its own.

        :raises BadRecord: for an answer that is neither CSV nor made of JSON objects.
        """
        kind = content_type.partition(";")[0].strip().lower()
        if kind == "text/csv":
            return b"".join(map(self._on_row, _lines(answer)))
        if kind in JSON_TYPES:
            return b"".join(map(self._on_object, _objects(answer)))
        raise BadRecord(f"GenerateInferenceId needs an answer in CSV or JSON, not in {content_type!r}")

    def _on_row(self, row: bytes) -> bytes:
        return row + f",{uuid.uuid4()},{self._time()}\n".encode()

    def _on_object(self, record: dict[str, Any]) -> bytes:
        identifiers = {"SageMakerInferenceId": str(uuid.uuid4()), "SageMakerInferenceTime": self._time()}
        return json.dumps(record | identifiers).encode() + b"\n"

    def _time(self) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.moment))


def _lines(answer: bytes) -> list[bytes]:
    return [line for line in answer.splitlines() if line.strip()]


def _objects(answer: bytes) -> list[dict[str, Any]]:
    """The JSON objects of an answer: a single one, which may span lines, or one on each line."""
    try:
        records = [json.loads(answer)]
    except ValueError:
        records = [_read(line) for line in _lines(answer)]
    if not all(isinstance(record, dict) for record in records):
        raise BadRecord("GenerateInferenceId needs JSON objects: other JSON has no place for an identifier")
    return records


def _read(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise BadRecord(f"the answer is not JSON: {error}") from error


def write_manifests(
    store: ObjectStore, destination: str, objects: list[tuple[str, ObjectInfo]], output: str, moment: float
) -> None:
    """Write the manifests of a job below `{destination}/input/yyyy/mm/dd/hh/` and `.../output/...`.

    :param objects: path below the input's prefix, and object.
    :param output: S3OutputPath: every path has an object `{output}/{path}.out`.
    :param moment: the start of the job, epoch seconds; it gives the hour (UTC).
    :raises TransferError: for a bucket that does not exist.
    """
    base = min((info.key.removesuffix(path) for path, info in objects), key=len)
    bucket = objects[0][1].bucket
    input_manifest = [{"prefix": f"s3://{bucket}/{base}"}, *(info.key[len(base) :] for _, info in objects)]
    output_manifest = [{"prefix": f"{output.rstrip('/')}/"}, *(f"{path}.out" for path, _ in objects)]
    hour = time.strftime("%Y/%m/%d/%H", time.gmtime(moment))
    for side, manifest in (("input", input_manifest), ("output", output_manifest)):
        uri = f"{destination.rstrip('/')}/{side}/{hour}/{uuid.uuid4()}.jsonl"
        transfer.upload_bytes(store, json.dumps(manifest).encode(), uri)
