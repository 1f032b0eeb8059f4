"""Training jobs: an algorithm or a script in a container, data channels in, model.tar.gz out."""

from __future__ import annotations

import math
import shutil
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from include.local_aws.containers import images
from include.local_aws.runner import Container
from include.local_aws.sagemaker.jobs import archives, opt_ml, transfer
from include.local_aws.sagemaker.jobs import training_request as request
from include.local_aws.sagemaker.jobs.job import JobFailed, JobStopped
from include.local_aws.sagemaker.jobs.kind import JobKind
from include.local_aws.sagemaker.jobs.metrics import MetricReader
from include.local_aws.sagemaker.jobs.output import Console
from include.local_aws.sagemaker.jobs.transfer import Source

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.s3.store import ObjectStore
    from include.local_aws.sagemaker.jobs.engine import JobEngine
    from include.local_aws.sagemaker.jobs.job import Job
    from include.local_aws.state import Document

SUMMARY = (
    "TrainingJobName",
    "TrainingJobArn",
    "CreationTime",
    "TrainingEndTime",
    "LastModifiedTime",
    "TrainingJobStatus",
    "SecondaryStatus",
)
FAILURE_CHARACTERS = 1024  # of /opt/ml/output/failure


def enter_phase(document: Document, phase: str, message: str) -> None:
    """Set the SecondaryStatus and record it in SecondaryStatusTransitions."""
    now, transitions = time.time(), document.setdefault("SecondaryStatusTransitions", [])
    if transitions and transitions[-1]["Status"] == phase:
        transitions[-1]["StatusMessage"] = message
        return
    if transitions:
        transitions[-1]["EndTime"] = now
    transitions.append({"Status": phase, "StartTime": now, "StatusMessage": message})
    document["SecondaryStatus"] = phase
    if "TrainingEndTime" in document:
        transitions[-1]["EndTime"] = now
        _record_duration(document)


def _record_duration(document: Document) -> None:
    if "TrainingStartTime" in document:
        seconds = math.ceil(document["TrainingEndTime"] - document["TrainingStartTime"])
        document["TrainingTimeInSeconds"] = document["BillableTimeInSeconds"] = max(1, seconds)


TRAINING = JobKind(
    word="Training",
    noun="training job",
    name_in_use="Training job names must be unique within an AWS account and region, "
    "and a training job with this name already exists ({arn})",
    not_described="Requested resource not found.",
    not_stopped="Requested resource not found.",
    order="Ascending",
    on_status=enter_phase,
)


class TrainingJobs:
    """The operations on training jobs."""

    def __init__(self, engine: JobEngine, store: ObjectStore) -> None:
        self._engine, self._store = engine, store
        self._jobs = engine.of_kind(TRAINING)

    def create_training_job(self, params: Params, caller: Caller) -> Output:
        return {"TrainingJobArn": self.start(params, caller, {})}

    def describe_training_job(self, params: Params, caller: Caller) -> Output:
        return self._jobs.describe(params["TrainingJobName"])

    def list_training_jobs(self, params: Params, caller: Caller) -> Output:
        return self._jobs.page(params, SUMMARY)

    def stop_training_job(self, params: Params, caller: Caller) -> Output:
        self._jobs.stop(params["TrainingJobName"])
        return None

    def delete_training_job(self, params: Params, caller: Caller) -> Output:
        self._jobs.delete(params["TrainingJobName"])
        return None

    def check(self, params: Params) -> Document:
        """The job of a request, as Describe shows it.

        :raises ValidationException: naming the member that is wrong or that this server does not support.
        """
        document = request.document(params)
        request.check(document, self._store)
        return document

    def start(self, params: Params, caller: Caller, extra_members: Document) -> str:
        """Start a training job with extra members, such as its tuning job's ARN; returns the job's ARN.

        :raises ValidationException: naming the member that is wrong.
        :raises ResourceInUse: for a name that exists.
        """
        return self._jobs.create(self.check(params) | extra_members, params.get("Tags"), caller, self._work)

    def find(self, name: str) -> Document:
        """The job as it is now.

        :raises ValidationException: for a job that does not exist.
        """
        return self._jobs.describe(name)

    def beginning(self, prefix: str) -> Iterable[Document]:
        """The jobs whose names begin with a prefix, ordered by name."""
        return self._jobs.documents.beginning(prefix)

    def _work(self, job: Job) -> None:
        job.limit(job.document["StoppingCondition"]["MaxRuntimeInSeconds"])
        job.change(lambda document: document.update(TrainingStartTime=time.time()))
        _enter(job, "Starting", "Preparing the instances for training")
        hosts = opt_ml.hosts(job.document["ResourceConfig"]["InstanceCount"])
        roots = {host: job.folder / host for host in hosts}
        _enter(job, "Downloading", "Downloading input data")
        for number, root in enumerate(roots.values()):
            self._prepare(job, root, number, hosts)
        _enter(job, "Training", "Training image download completed. Training in progress.")
        try:
            self._train(job, roots)
        except JobStopped:
            self._upload(job, roots)  # a stopped job keeps the model that it saved
            raise
        _enter(job, "Uploading", "Uploading generated training model")
        self._upload(job, roots)

    def _prepare(self, job: Job, root: Path, number: int, hosts: list[str]) -> None:
        """Lay out /opt/ml for one host: configuration, data channels, checkpoints, empty output folders."""
        _write_configuration(job.document, root / "input" / "config", hosts[number], hosts)
        for folder in ("model", "output/data", "input/data"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        for channel, source in request.channels(job.document).items():
            job.check()
            transfer.download(self._store, source, root / "input" / "data" / channel, number, len(hosts))
        if checkpoints := request.checkpoints(job.document):
            self._restore(checkpoints.uri, opt_ml.on_host(root, checkpoints.folder))

    def _restore(self, uri: str, folder: Path) -> None:
        """Put back the checkpoints of an earlier job, if there are any."""
        folder.mkdir(parents=True, exist_ok=True)
        source = Source(f"{uri.rstrip('/')}/")
        if source.exists(self._store):
            transfer.download(self._store, source, folder)

    def _train(self, job: Job, roots: dict[str, Path]) -> None:
        """Run the containers.

        :raises JobFailed: with the algorithm's own reason when one fails.
        """
        reader = MetricReader(job.document["AlgorithmSpecification"].get("MetricDefinitions", []))
        containers = {host: self._container(job, root) for host, root in roots.items()}
        console = Console(self._jobs, job, roots)

        def on_line(host: str, line: str) -> None:
            line = line.replace("\t", "#011")  # as SageMaker's log agent writes it, and metrics expect it
            console(host, line)
            reader.read(line)

        try:
            with console, self._checkpointing(job, roots):
                codes = job.run(containers, on_line)
        finally:
            job.change(lambda document: document.update(FinalMetricDataList=reader.final()))
        for host, code in codes.items():
            if code:
                raise JobFailed(console.reason(host, code, _failure(roots[host])))

    def _container(self, job: Job, root: Path) -> Container:
        algorithm = job.document["AlgorithmSpecification"]
        image = images.find(algorithm["TrainingImage"])
        command = image.train_command()
        if "ContainerEntrypoint" in algorithm:
            arguments = algorithm.get("ContainerArguments", [])
            command = image.script_command(algorithm["ContainerEntrypoint"], arguments)
        environment = {"TRAINING_JOB_NAME": job.name, "TRAINING_JOB_ARN": job.arn}
        return Container(
            command=command,
            root=root,
            environment=self._engine.environment(job.region)
            | environment
            | job.document.get("Environment", {}),
            network=not job.document["EnableNetworkIsolation"],
        )

    def _checkpointing(self, job: Job, roots: dict[str, Path]) -> ExitStack:
        uploads = ExitStack()
        if checkpoints := request.checkpoints(job.document):
            for root in roots.values():
                folder = opt_ml.on_host(root, checkpoints.folder)
                uploads.enter_context(transfer.ContinuousUpload(self._store, folder, checkpoints.uri))
        return uploads

    def _upload(self, job: Job, roots: dict[str, Path]) -> None:
        """`<S3OutputPath>/<job>/output/model.tar.gz`, and output.tar.gz where there is more output."""
        config = job.document["OutputDataConfig"]
        target = f"{config['S3OutputPath'].rstrip('/')}/{job.name}/output"
        model = self._publish(job, roots, "model", f"{target}/model")
        if any(next(archives.files(root / "output/data"), None) for root in roots.values()):
            self._publish(job, roots, "output/data", f"{target}/output")
        job.change(lambda document: document.update(ModelArtifacts={"S3ModelArtifacts": model}))

    def _publish(self, job: Job, roots: dict[str, Path], folder: str, uri: str) -> str:
        """Upload a folder of all hosts as one archive, or as files without compression; returns the URI."""
        first, *others = (root / folder for root in roots.values())
        for other in others:
            shutil.copytree(other, first, symlinks=True, dirs_exist_ok=True)
        if job.document["OutputDataConfig"].get("CompressionType") == "NONE":
            transfer.upload(self._store, first, uri)
            return f"{uri}/"
        archive = job.folder / "archive.tar.gz"
        archives.pack(first, archive)
        transfer.upload_file(self._store, archive, f"{uri}.tar.gz")
        return f"{uri}.tar.gz"


def _enter(job: Job, phase: str, message: str) -> None:
    job.check()
    job.change(lambda document: _advance(document, phase, message))


def _advance(document: Document, phase: str, message: str) -> None:
    if document[TRAINING.status] == "InProgress":  # a stop in between takes precedence
        enter_phase(document, phase, message)


def _write_configuration(document: Document, folder: Path, host: str, hosts: list[str]) -> None:
    instance = document["ResourceConfig"].get("InstanceType", "local")
    group = {"instance_group_name": "homogeneousCluster", "instance_type": instance, "hosts": hosts}
    opt_ml.write_config(folder, "hyperparameters.json", document.get("HyperParameters", {}))
    opt_ml.write_config(folder, "inputdataconfig.json", request.input_data_config(document))
    opt_ml.write_config(
        folder,
        "resourceconfig.json",
        {
            "current_host": host,
            "hosts": hosts,
            "current_instance_type": instance,
            "current_group_name": "homogeneousCluster",
            "instance_groups": [group],
            "network_interface_name": "lo",
        },
    )
    if checkpoints := request.checkpoints(document):
        config = {"S3Uri": checkpoints.uri, "LocalPath": checkpoints.folder}
        opt_ml.write_config(folder, "checkpointconfig.json", config)


def _failure(root: Path) -> str:
    """What the algorithm wrote to /opt/ml/output/failure; empty if it wrote nothing."""
    path = root / "output" / "failure"
    if not path.is_file():
        return ""
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(FAILURE_CHARACTERS)
