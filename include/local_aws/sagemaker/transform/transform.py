"""Batch transform: every object below a prefix goes through a model, record by record, order kept."""

from __future__ import annotations

import gzip
import time
import uuid
from typing import IO, TYPE_CHECKING

from include.local_aws.protocol.errors import ValidationException
from include.local_aws.sagemaker import checks
from include.local_aws.sagemaker.hosting.serving import ModelServer, ServingError
from include.local_aws.sagemaker.jobs import transfer
from include.local_aws.sagemaker.jobs.job import JobFailed
from include.local_aws.sagemaker.jobs.kind import JobKind
from include.local_aws.sagemaker.jobs.transfer import Source
from include.local_aws.sagemaker.transform.capture import write_manifests
from include.local_aws.sagemaker.transform.records import BadRecord
from include.local_aws.sagemaker.transform.sending import Plan, Sender, data_processing

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.s3.info import ObjectInfo
    from include.local_aws.s3.store import ObjectStore
    from include.local_aws.sagemaker.hosting.models import Models
    from include.local_aws.sagemaker.jobs.engine import JobEngine
    from include.local_aws.sagemaker.jobs.job import Job
    from include.local_aws.state import Document

TRANSFORM = JobKind(
    word="Transform",
    noun="transform job",
    name_in_use="Transform job names must be unique within an AWS account and region, "
    "and a transform job with this name already exists ({arn})",
    not_described="Could not find requested job with name: {name}",
    not_stopped="Could not find job to update with name: {name}",
)
SUMMARY = (
    *("TransformJobName", "TransformJobArn", "CreationTime", "TransformEndTime", "LastModifiedTime"),
    *("TransformJobStatus", "FailureReason"),
)


class TransformJobs:
    """The operations on transform jobs.

    A single set of containers serves a job, whatever its instance count.
    """

    def __init__(self, engine: JobEngine, store: ObjectStore, models: Models) -> None:
        self._engine, self._store, self._models = engine, store, models
        self._jobs = engine.of_kind(TRANSFORM)

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
        transform_input, transform_output = params["TransformInput"], params["TransformOutput"]
        checks.s3_uri(transform_input["DataSource"]["S3DataSource"]["S3Uri"], "TransformInput")
        checks.s3_uri(transform_output["S3OutputPath"], "TransformOutput.S3OutputPath")
        processing = data_processing(params)
        if "BatchStrategy" in params and transform_input.get("SplitType", "None") == "None":
            raise ValidationException("BatchStrategy needs a TransformInput.SplitType other than None.")
        if processing.join:
            if transform_output.get("Accept", transform_input.get("ContentType")) != transform_input.get(
                "ContentType"
            ):
                raise ValidationException("JoinSource Input needs equal ContentType and Accept.")
            if transform_output.get("AssembleWith", "None") != transform_input.get("SplitType", "None"):
                raise ValidationException("JoinSource Input needs equal SplitType and AssembleWith.")
        if capture := params.get("DataCaptureConfig"):
            checks.s3_uri(capture["DestinationS3Uri"], "DataCaptureConfig.DestinationS3Uri")

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
            started = time.time()
            job.change(lambda document: document.update(TransformStartTime=started))
            plan = Plan.of(job.document, server.execution_parameters(), started)
            for path, info in objects:
                self._transform(job, plan, server, path, info)
        if capture := job.document.get("DataCaptureConfig"):
            output = job.document["TransformOutput"]["S3OutputPath"]
            write_manifests(self._store, capture["DestinationS3Uri"], objects, output, started)

    def _transform(self, job: Job, plan: Plan, server: ModelServer, path: str, info: ObjectInfo) -> None:
        """Transform one object.

        Its output is uploaded when all its records are done; if one fails, nothing is.
        """
        target = transfer.inside(job.folder / "out", f"{path}.out")
        target.parent.mkdir(parents=True, exist_ok=True)
        where = f"s3://{info.bucket}/{info.key}"
        gzipped = job.document["TransformInput"].get("CompressionType") == "Gzip"
        try:
            with self._open(info, gzipped=gzipped) as stream, target.open("wb") as output_file:
                for answer in Sender(job, plan, server, where).answers(stream):
                    output_file.write(answer)
        except BadRecord as error:
            raise JobFailed(f"ClientError: {where}: {error}") from error
        except (gzip.BadGzipFile, EOFError) as error:
            raise JobFailed(f"ClientError: {where} is not a complete gzip file: {error}") from error
        output = job.document["TransformOutput"]["S3OutputPath"].rstrip("/")
        transfer.upload_file(self._store, target, f"{output}/{path}.out")
        target.unlink()

    def _open(self, info: ObjectInfo, *, gzipped: bool) -> AbstractContextManager[IO[bytes]]:
        path = self._store.path(info.bucket, info.key)
        return gzip.open(path) if gzipped else path.open("rb")  # type: ignore[return-value]


def _source(job: Document) -> Source:
    data_source = job["TransformInput"]["DataSource"]["S3DataSource"]
    return Source(data_source["S3Uri"], data_source["S3DataType"])


def _environment(job: Document) -> dict[str, str]:
    """The variables of a batch container: only those limits that the user set."""
    variables = {"SAGEMAKER_BATCH": "true"}
    if "MaxPayloadInMB" in job:
        variables["SAGEMAKER_MAX_PAYLOAD_IN_MB"] = str(job["MaxPayloadInMB"])
    if "BatchStrategy" in job:
        single = job["BatchStrategy"] == "SingleRecord"
        variables["SAGEMAKER_BATCH_STRATEGY"] = "SINGLE_RECORD" if single else "MULTI_RECORD"
    if "MaxConcurrentTransforms" in job:
        variables["SAGEMAKER_MAX_CONCURRENT_TRANSFORMS"] = str(job["MaxConcurrentTransforms"])
    return {**variables, **job.get("Environment", {})}
