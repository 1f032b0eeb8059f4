"""Processing jobs: a script in a container, its inputs from S3 and its outputs to S3."""

from __future__ import annotations

import codecs
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from include.local_aws.containers import images
from include.local_aws.runner import Container
from include.local_aws.sagemaker.jobs import opt_ml, transfer
from include.local_aws.sagemaker.jobs import processing_request as request
from include.local_aws.sagemaker.jobs.job import JobFailed
from include.local_aws.sagemaker.jobs.kind import JobKind
from include.local_aws.sagemaker.jobs.output import Console
from include.local_aws.sagemaker.jobs.transfer import Source

if TYPE_CHECKING:
    from pathlib import Path

    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.s3.store import ObjectStore
    from include.local_aws.sagemaker.jobs.engine import JobEngine
    from include.local_aws.sagemaker.jobs.job import Job

PROCESSING = JobKind(
    word="Processing",
    noun="processing job",
    name_in_use="Job name must be unique within an AWS account and region, "
    "and a job with this name already exists ({arn})",
    not_described="Could not find requested job with name: {name}",
    not_stopped="Could not find job to update with name: {name}",
    order="Ascending",
)
SUMMARY = (
    "ProcessingJobName",
    "ProcessingJobArn",
    "CreationTime",
    "ProcessingEndTime",
    "LastModifiedTime",
    "ProcessingJobStatus",
    "FailureReason",
    "ExitMessage",
)
MESSAGE_BYTES = 1024  # of /opt/ml/output/message


class ProcessingJobs:
    """The operations on processing jobs."""

    def __init__(self, engine: JobEngine, store: ObjectStore) -> None:
        self._engine, self._store = engine, store
        self._jobs = engine.of_kind(PROCESSING)

    def create_processing_job(self, params: Params, caller: Caller) -> Output:
        document = request.document(params)
        request.check(document)
        return {"ProcessingJobArn": self._jobs.create(document, params.get("Tags"), caller, self._work)}

    def describe_processing_job(self, params: Params, caller: Caller) -> Output:
        return self._jobs.describe(params["ProcessingJobName"])

    def list_processing_jobs(self, params: Params, caller: Caller) -> Output:
        return self._jobs.page(params, SUMMARY)

    def stop_processing_job(self, params: Params, caller: Caller) -> Output:
        self._jobs.stop(params["ProcessingJobName"])
        return None

    def delete_processing_job(self, params: Params, caller: Caller) -> Output:
        self._jobs.delete(params["ProcessingJobName"])
        return None

    def _work(self, job: Job) -> None:
        job.limit(job.document["StoppingCondition"]["MaxRuntimeInSeconds"])
        hosts = opt_ml.hosts(job.document["ProcessingResources"]["ClusterConfig"]["InstanceCount"])
        roots = {host: job.folder / host for host in hosts}
        for number, root in enumerate(roots.values()):
            self._prepare(job, root, number, hosts)
        job.change(lambda document: document.update(ProcessingStartTime=time.time()))
        containers = {host: self._container(job, root) for host, root in roots.items()}
        with Console(self._jobs, job, hosts) as console, self._continuous_uploads(job, roots):
            codes = job.run(containers, console)
        self._exit_message(job, roots)
        for host, code in codes.items():
            if code:
                raise JobFailed(console.reason(host, code))
        self._upload(job, roots)

    def _prepare(self, job: Job, root: Path, number: int, hosts: list[str]) -> None:
        """Lay out /opt/ml for one host: configuration, inputs, empty output folders."""
        config = root / "config"
        opt_ml.write_config(config, "processingjobconfig.json", request.job_config(job.document))
        opt_ml.write_config(config, "resourceconfig.json", {"current_host": hosts[number], "hosts": hosts})
        (root / "output").mkdir()
        for s3_input in request.inputs(job.document):
            job.check()
            source = Source(s3_input["S3Uri"], s3_input["S3DataType"], s3_input["S3DataDistributionType"])
            folder = opt_ml.on_host(root, s3_input["LocalPath"])
            transfer.download(self._store, source, folder, number, len(hosts))
        for output in request.outputs(job.document):
            opt_ml.on_host(root, output["LocalPath"]).mkdir(parents=True, exist_ok=True)

    def _container(self, job: Job, root: Path) -> Container:
        application, network = job.document["AppSpecification"], job.document.get("NetworkConfig", {})
        image = images.find(application["ImageUri"])
        return Container(
            command=image.script_command(
                application.get("ContainerEntrypoint", []), application.get("ContainerArguments", [])
            ),
            root=root,
            environment=self._engine.environment(job.region) | job.document.get("Environment", {}),
            network=not network.get("EnableNetworkIsolation", False),
        )

    def _continuous_uploads(self, job: Job, roots: dict[str, Path]) -> ExitStack:
        uploads = ExitStack()
        for output in request.outputs(job.document):
            if output["S3UploadMode"] == "Continuous":
                for root in roots.values():
                    folder = opt_ml.on_host(root, output["LocalPath"])
                    uploads.enter_context(transfer.ContinuousUpload(self._store, folder, output["S3Uri"]))
        return uploads

    def _upload(self, job: Job, roots: dict[str, Path]) -> None:
        for output in request.outputs(job.document):
            if output["S3UploadMode"] == "EndOfJob":
                for root in roots.values():
                    transfer.upload(self._store, opt_ml.on_host(root, output["LocalPath"]), output["S3Uri"])

    def _exit_message(self, job: Job, roots: dict[str, Path]) -> None:
        """Show what the script wrote to /opt/ml/output/message; with several hosts, the first message."""
        message_files = [root / "output" / "message" for root in roots.values()]
        if path := next((path for path in message_files if path.is_file()), None):
            message = _decoded(path)
            job.change(lambda document: document.update(ExitMessage=message))


def _decoded(path: Path) -> str:
    """The first kilobyte, without a character that this limit cuts in two.

    :raises JobFailed: for a message that is not UTF-8.
    """
    with path.open("rb") as file:
        content = file.read(MESSAGE_BYTES)
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(content)
    except UnicodeDecodeError as error:
        raise JobFailed(f"ClientError: /opt/ml/output/message is not UTF-8: {error}") from error
