"""Batch transform: every object below a prefix goes through a model, record by record, order kept."""

from __future__ import annotations

import gzip
import time
import uuid
from collections import deque
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from include.local_aws.protocol.errors import ValidationException
from include.local_aws.sagemaker import checks, transfer
from include.local_aws.sagemaker.filters import BadPath, DataProcessing, Path
from include.local_aws.sagemaker.job import POLL_SECONDS, JobFailed
from include.local_aws.sagemaker.job_kind import JobKind
from include.local_aws.sagemaker.records import BadRecord, assemble, batches, split
from include.local_aws.sagemaker.serving import ModelServer, ServingError
from include.local_aws.sagemaker.transfer import Source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from contextlib import AbstractContextManager

    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.s3.info import ObjectInfo
    from include.local_aws.s3.store import ObjectStore
    from include.local_aws.sagemaker.job import Job
    from include.local_aws.sagemaker.jobs import JobEngine
    from include.local_aws.sagemaker.models import Models
    from include.local_aws.state import Document

TRANSFORM = JobKind(
    word="Transform",
    noun="transform job",
    taken="Transform job names must be unique within an AWS account and region, "
    "and a transform job with this name already exists ({arn})",
    missing="Could not find requested job with name: {name}",
    unknown="Could not find job to update with name: {name}",
)
SUMMARY = (
    *("TransformJobName", "TransformJobArn", "CreationTime", "TransformEndTime", "LastModifiedTime"),
    *("TransformJobStatus", "FailureReason"),
)
INVOCATION_SECONDS = 600
DEFAULT_PAYLOAD_MB = 6


@dataclass(frozen=True)
class Plan:
    """How a job sends records: the request's word, else the container's, else the service's default."""

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

    @classmethod
    def of(cls, job: Document, container: dict[str, Any]) -> Plan:
        given, written = job["TransformInput"], job["TransformOutput"]
        payload = job.get("MaxPayloadInMB", container.get("MaxPayloadInMB", DEFAULT_PAYLOAD_MB))
        strategy = job.get("BatchStrategy") or container.get("BatchStrategy", "MULTI_RECORD")
        client = job.get("ModelClientConfig", {})
        return cls(
            split_type=given.get("SplitType", "None"),
            strategy="SingleRecord" if strategy.replace("_", "").lower() == "singlerecord" else "MultiRecord",
            limit=(payload or 100) * 1024**2,  # 0: as large as the service takes
            concurrency=job.get("MaxConcurrentTransforms") or container.get("MaxConcurrentTransforms", 1),
            content_type=given.get("ContentType", "application/octet-stream"),
            accept=written.get("Accept"),
            assemble_with=written.get("AssembleWith", "None"),
            timeout=client.get("InvocationsTimeoutInSeconds", INVOCATION_SECONDS),
            retries=client.get("InvocationsMaxRetries", 0),
            processing=data_processing(job),
        )


def data_processing(job: Document) -> DataProcessing:
    """The job's filters.

    :raises ValidationException: for a path that is not supported, or a join whose types do not fit.
    """
    given = job.get("DataProcessing", {})
    content_type = job["TransformInput"].get("ContentType", "")
    style = "csv" if content_type.partition(";")[0].strip() == "text/csv" else "json"
    paths = {}
    for member in ("InputFilter", "OutputFilter"):
        try:
            paths[member] = Path.parse(given.get(member, "$"))
        except BadPath as error:
            raise ValidationException(f"DataProcessing.{member}: {error}") from error
        if style == "csv" and not paths[member].suits_csv:
            raise ValidationException(f"DataProcessing.{member}: CSV records have positions, no names.")
    join = given.get("JoinSource", "None") == "Input"
    return DataProcessing(style, paths["InputFilter"], paths["OutputFilter"], join)


class TransformJobs:
    """The operations on transform jobs. One set of containers serves a job, whatever its instance count."""

    def __init__(self, engine: JobEngine, store: ObjectStore, models: Models) -> None:
        self._engine, self._store, self._models = engine, store, models
        self._jobs = engine.jobs(TRANSFORM)

    def create_transform_job(self, params: Params, caller: Caller) -> Output:
        model = self._models.find(params["ModelName"], caller)
        self._check(params)
        document = {name: value for name, value in params.items() if name != "Tags"}

        def work(job: Job) -> None:
            self._work(job, model)

        return {"TransformJobArn": self._jobs.create(document, params.get("Tags"), caller, work)}

    def describe_transform_job(self, params: Params, caller: Caller) -> Output:
        return self._jobs.describe(params["TransformJobName"])

    def list_transform_jobs(self, params: Params, caller: Caller) -> Output:
        return self._jobs.page(params, SUMMARY)

    def stop_transform_job(self, params: Params, caller: Caller) -> Output:
        self._jobs.stop(params["TransformJobName"])
        return None

    def _check(self, params: Params) -> None:
        given, written = params["TransformInput"], params["TransformOutput"]
        checks.s3_uri(given["DataSource"]["S3DataSource"]["S3Uri"], "TransformInput")
        checks.s3_uri(written["S3OutputPath"], "TransformOutput.S3OutputPath")
        processing = data_processing(params)
        if "BatchStrategy" in params and given.get("SplitType", "None") == "None":
            raise ValidationException("BatchStrategy needs a TransformInput.SplitType other than None.")
        if processing.join:
            if written.get("Accept", given.get("ContentType")) != given.get("ContentType"):
                raise ValidationException("JoinSource Input needs equal ContentType and Accept.")
            if written.get("AssembleWith", "None") != given.get("SplitType", "None"):
                raise ValidationException("JoinSource Input needs equal SplitType and AssembleWith.")
        if params.get("DataCaptureConfig", {}).get("GenerateInferenceId"):
            raise ValidationException("DataCaptureConfig.GenerateInferenceId is not supported locally.")

    def _work(self, job: Job, model: Document) -> None:
        source = _source(job.document)
        objects = source.objects(self._store)
        stream = f"{job.name}/i-{uuid.uuid4().hex[:17]}"

        def log(container: str, line: str) -> None:
            self._engine.logs.append(TRANSFORM.log_group, f"{stream}/{container}", line)

        environment = self._engine.environment(job.region) | _environment(job.document)
        folder = job.folder / "model"
        with ModelServer(model, folder, self._engine.runner, self._store, log, environment) as server:
            try:
                server.start(check=job.check)
            except ServingError as error:
                raise JobFailed(f"AlgorithmError: {error}") from error
            job.change(lambda document: document.update(TransformStartTime=time.time()))
            plan = Plan.of(job.document, server.execution_parameters())
            for path, info in objects:
                self._transform(job, plan, server, path, info)

    def _transform(self, job: Job, plan: Plan, server: ModelServer, path: str, info: ObjectInfo) -> None:
        """One object. Its output appears when all its records are done, and not at all when one fails."""
        target = transfer.inside(job.folder / "out", f"{path}.out")
        target.parent.mkdir(parents=True, exist_ok=True)
        where = f"s3://{info.bucket}/{info.key}"
        gzipped = job.document["TransformInput"].get("CompressionType") == "Gzip"
        try:
            with self._open(info, gzipped=gzipped) as stream, target.open("wb") as written:
                for answer in Sender(job, plan, server, where).answers(stream):
                    written.write(answer)
        except (BadRecord, BadPath) as error:
            raise JobFailed(f"ClientError: {where}: {error}") from error
        except (gzip.BadGzipFile, EOFError) as error:
            raise JobFailed(f"ClientError: {where} is not a complete gzip file: {error}") from error
        output = job.document["TransformOutput"]["S3OutputPath"].rstrip("/")
        transfer.upload_file(self._store, target, f"{output}/{path}.out")
        target.unlink()

    def _open(self, info: ObjectInfo, *, gzipped: bool) -> AbstractContextManager[IO[bytes]]:
        path = self._store.path(info.bucket, info.key)
        return gzip.open(path) if gzipped else path.open("rb")  # type: ignore[return-value]


class Sender:
    """Sends one object's records, some requests at a time, and gives the answers in order."""

    def __init__(self, job: Job, plan: Plan, server: ModelServer, where: str) -> None:
        self._job, self._plan, self._server, self._where = job, plan, server, where

    def answers(self, stream: IO[bytes]) -> Iterator[bytes]:
        """What is to be written, a piece for each request.

        :raises JobFailed: naming the records that the model refused.
        """
        plan, first = self._plan, 1
        waiting: deque[Future[bytes]] = deque()
        senders = ThreadPoolExecutor(plan.concurrency)
        try:
            for batch in batches(split(stream, plan.split_type, plan.limit), plan.strategy, plan.limit):
                waiting.append(senders.submit(self._send, batch, first))
                first += len(batch)
                if len(waiting) > plan.concurrency:
                    yield self._result(waiting.popleft())
            while waiting:
                yield self._result(waiting.popleft())
        finally:
            # requests under way end with the containers
            senders.shutdown(wait=False, cancel_futures=True)

    def _result(self, future: Future[bytes]) -> bytes:
        """The answer; a job that is stopped meanwhile does not wait for it."""
        while True:
            self._job.check()
            if wait([future], POLL_SECONDS).done:
                return future.result()

    def _send(self, batch: list[bytes], first: int) -> bytes:
        plan = self._plan
        try:
            sent = (
                [plan.processing.select(record) for record in batch]
                if plan.processing.changes_input
                else batch
            )
            answer = self._ask(b"".join(sent), f"records {first} to {first + len(batch) - 1}")
            written = plan.processing.combine(batch, answer) if plan.processing.changes_output else answer
        except BadPath as error:
            raise BadPath(f"records {first} to {first + len(batch) - 1}: {error}") from error
        return assemble(written, plan.assemble_with)

    def _ask(self, body: bytes, records: str) -> bytes:
        plan = self._plan
        for attempt in range(plan.retries + 1):
            answer = self._server.invoke(body, plan.content_type, plan.accept, timeout=plan.timeout)
            if answer.status < 400:
                return answer.body
            if answer.status < 500 or attempt == plan.retries:
                break
        text = answer.body.decode("utf-8", "replace")[:400]
        cause = "ClientError" if answer.status < 500 else "AlgorithmError"
        raise JobFailed(
            f"{cause}: {self._where}, {records}: {answer.container} answered {answer.status}: {text} "
            f"(logs: {TRANSFORM.log_group}, stream {self._job.name}/...)"
        )


def _source(job: Document) -> Source:
    given = job["TransformInput"]["DataSource"]["S3DataSource"]
    return Source(given["S3Uri"], given["S3DataType"])


def _environment(job: Document) -> dict[str, str]:
    """What a batch container is told: of the limits only those that the user set."""
    told = {"SAGEMAKER_BATCH": "true"}
    if "MaxPayloadInMB" in job:
        told["SAGEMAKER_MAX_PAYLOAD_IN_MB"] = str(job["MaxPayloadInMB"])
    if "BatchStrategy" in job:
        single = job["BatchStrategy"] == "SingleRecord"
        told["SAGEMAKER_BATCH_STRATEGY"] = "SINGLE_RECORD" if single else "MULTI_RECORD"
    if "MaxConcurrentTransforms" in job:
        told["SAGEMAKER_MAX_CONCURRENT_TRANSFORMS"] = str(job["MaxConcurrentTransforms"])
    return {**told, **job.get("Environment", {})}
