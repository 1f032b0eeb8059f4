"""Sends an object's records to a model.

How many at a time, how large, and which part of an answer is written.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from include.local_aws.protocol.errors import ValidationException
from include.local_aws.sagemaker.jobs.job import POLL_SECONDS, JobFailed
from include.local_aws.sagemaker.transform.capture import InferenceIds
from include.local_aws.sagemaker.transform.filters import BadPath, DataProcessing, Path
from include.local_aws.sagemaker.transform.records import BadRecord, assemble, batches, split

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    from include.local_aws.sagemaker.hosting.serving import Answer, ModelServer
    from include.local_aws.sagemaker.jobs.job import Job
    from include.local_aws.state import Document

INVOCATION_SECONDS = 600
DEFAULT_PAYLOAD_MB = 6


@dataclass(frozen=True)
class Plan:
    """How a job sends records.

    Each value comes from the request, else from the container, else the default.
    """

    split_type: str
    strategy: str
    limit: int  # bytes of a request
    concurrency: int
    content_type: str
    accept: str | None
    assemble_with: str
    timeout: float
    retries: int
    processing: DataProcessing
    identifiers: InferenceIds | None

    @classmethod
    def of(cls, job: Document, container: dict[str, Any], started: float) -> Plan:
        """The plan of a job.

        :param container: what the container answered to /execution-parameters.
        :param started: when the job started, epoch seconds.
        :raises ValidationException: for a path that is not supported, or a join whose types do not fit.
        """
        adds_identifiers = job.get("DataCaptureConfig", {}).get("GenerateInferenceId", False)
        transform_input, transform_output = job["TransformInput"], job["TransformOutput"]
        payload = job.get("MaxPayloadInMB", container.get("MaxPayloadInMB", DEFAULT_PAYLOAD_MB))
        strategy = job.get("BatchStrategy") or container.get("BatchStrategy", "MULTI_RECORD")
        client = job.get("ModelClientConfig", {})
        return cls(
            split_type=transform_input.get("SplitType", "None"),
            strategy="SingleRecord" if strategy.replace("_", "").lower() == "singlerecord" else "MultiRecord",
            limit=(payload or 100) * 1024**2,  # 0 means the service's maximum
            concurrency=job.get("MaxConcurrentTransforms") or container.get("MaxConcurrentTransforms", 1),
            content_type=transform_input.get("ContentType", "application/octet-stream"),
            accept=transform_output.get("Accept"),
            assemble_with=transform_output.get("AssembleWith", "None"),
            timeout=client.get("InvocationsTimeoutInSeconds", INVOCATION_SECONDS),
            retries=client.get("InvocationsMaxRetries", 0),
            processing=data_processing(job),
            identifiers=InferenceIds(started) if adds_identifiers else None,
        )


def data_processing(job: Document) -> DataProcessing:
    """The job's filters.

    :raises ValidationException: for a path that is not supported, or a join whose types do not fit.
    """
    filters = job.get("DataProcessing", {})
    content_type = job["TransformInput"].get("ContentType", "")
    style = "csv" if content_type.partition(";")[0].strip() == "text/csv" else "json"
    paths = {}
    for member in ("InputFilter", "OutputFilter"):
        try:
            paths[member] = Path.parse(filters.get(member, "$"))
        except BadPath as error:
            raise ValidationException(f"DataProcessing.{member}: {error}") from error
        if style == "csv" and not paths[member].suits_csv:
            raise ValidationException(f"DataProcessing.{member}: CSV records have positions, no names.")
    join = filters.get("JoinSource", "None") == "Input"
    return DataProcessing(style, paths["InputFilter"], paths["OutputFilter"], join)


class Sender:
    """Sends one object's records, several requests at a time, and returns the answers in order."""

    def __init__(self, job: Job, plan: Plan, server: ModelServer, where: str) -> None:
        self._job, self._plan, self._server, self._where = job, plan, server, where

    def answers(self, stream: IO[bytes]) -> Iterator[bytes]:
        """The output, one piece for each request.

        :raises JobFailed: naming the records that the model refused.
        :raises BadRecord: naming the records that cannot be read, filtered or joined.
        """
        plan, first = self._plan, 1
        pending: deque[Future[bytes]] = deque()
        senders = ThreadPoolExecutor(plan.concurrency)
        try:
            for batch in batches(split(stream, plan.split_type, plan.limit), plan.strategy, plan.limit):
                pending.append(senders.submit(self._send, batch, first))
                first += len(batch)
                if len(pending) > plan.concurrency:
                    yield self._result(pending.popleft())
            while pending:
                yield self._result(pending.popleft())
        finally:
            # requests in progress end with the containers
            senders.shutdown(wait=False, cancel_futures=True)

    def _result(self, future: Future[bytes]) -> bytes:
        """The answer; raises at once if the job is stopped meanwhile."""
        while True:
            self._job.check()
            if wait([future], POLL_SECONDS).done:
                return future.result()

    def _send(self, batch: list[bytes], first: int) -> bytes:
        plan = self._plan
        try:
            payload = (
                [plan.processing.select(record) for record in batch]
                if plan.processing.changes_input
                else batch
            )
            answer = self._ask(b"".join(payload), f"records {first} to {first + len(batch) - 1}")
            output = self._output(batch, answer)
        except (BadPath, BadRecord) as error:
            raise BadRecord(f"records {first} to {first + len(batch) - 1}: {error}") from error
        return assemble(output, plan.assemble_with)

    def _output(self, batch: list[bytes], answer: Answer) -> bytes:
        processing, identifiers = self._plan.processing, self._plan.identifiers
        output = processing.combine(batch, answer.body) if processing.changes_output else answer.body
        return identifiers.on(output, answer.content_type) if identifiers else output

    def _ask(self, body: bytes, records: str) -> Answer:
        plan = self._plan
        for attempt in range(plan.retries + 1):
            answer = self._server.invoke(body, plan.content_type, plan.accept, timeout=plan.timeout)
            if answer.status < 400:
                return answer
            if answer.status < 500 or attempt == plan.retries:
                break
        text = answer.body.decode("utf-8", "replace")[:400]
        cause = "ClientError" if answer.status < 500 else "AlgorithmError"
        raise JobFailed(
            f"{cause}: {self._where}, {records}: {answer.container} answered {answer.status}: {text} "
            f"(logs: {self._job.kind.log_group}, stream {self._job.name}/...)"
        )
