"""The mechanism that runs every kind of SageMaker job.

Jobs wait for a free slot, run in a thread of their own, and update their stored document as they go, so that
Describe always shows the current state:

    InProgress → Completed | Failed
    InProgress → Stopping → Stopped

    jobs = engine.of_kind(PROCESSING)
    arn = jobs.create(document, tags, caller, work)      # work(job) runs later, in a thread of its own
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from include.local_aws.faults import Faults
from include.local_aws.protocol.errors import ResourceInUse, ValidationException
from include.local_aws.sagemaker import names
from include.local_aws.sagemaker.jobs.job import Job, JobEnd, JobFailed, JobStopped, ServerStopped
from include.local_aws.sagemaker.jobs.kind import ENDED, JobKind
from include.local_aws.sagemaker.jobs.transfer import TransferError
from include.local_aws.sagemaker.listing import Listing
from include.local_aws.state import NameTaken

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from include.local_aws.calls import Caller, Params
    from include.local_aws.logs import LogStore
    from include.local_aws.runner import Runner
    from include.local_aws.sagemaker.tags import Tag, TagStore
    from include.local_aws.state import Document, State

    Work = Callable[[Job], None]

logger = logging.getLogger(__name__)

MOST_TUNING_JOBS = 100  # at the same time; SageMaker's quota
STOP_SECONDS = 1.0  # after which an injected fault stops a job
REASON_CHARACTERS = 1024  # the model's limit of FailureReason


@dataclass(frozen=True)
class JobSettings:
    """How jobs run on this machine."""

    concurrent_jobs: int = field(default_factory=lambda: os.cpu_count() or 1)
    stop_grace: float = 120.0  # seconds between SIGTERM and SIGKILL
    observable_seconds: float = 1.0  # minimum time InProgress of a job that no client has described
    keep_job_folders: bool = False  # for debugging
    faults: Faults = field(default_factory=Faults)


class JobEngine:
    """Runs jobs of all kinds, a limited number at a time.

    `endpoint_url` is the address of this server; containers get it as AWS_ENDPOINT_URL. The server sets it as
    soon as it knows its port.
    """

    def __init__(
        self,
        state: State,
        runner: Runner,
        logs: LogStore,
        tags: TagStore,
        settings: JobSettings | None = None,
    ) -> None:
        self.state, self.runner, self.logs, self.tags = state, runner, logs, tags
        self.settings = settings or JobSettings()
        self.endpoint_url = ""
        self.folder = state.subfolder("jobs")
        self._live: dict[str, Job] = {}  # queued and running jobs by ARN
        self._pool = ThreadPoolExecutor(self.settings.concurrent_jobs, thread_name_prefix="job")
        self._tuning_pool = ThreadPoolExecutor(MOST_TUNING_JOBS, thread_name_prefix="tuning")

    def of_kind(self, kind: JobKind) -> JobsOfKind:
        """The jobs of one kind. Those that an earlier server left unfinished are marked as failed."""
        return JobsOfKind(self, kind)

    def live(self, arn: str) -> Job | None:
        """The job if it is queued or running now."""
        return self._live.get(arn)

    def submit(self, job: Job, work: Work, on_end: Callable[[JobEnd | None], None]) -> None:
        """Run `work(job)` when a slot is free, then call `on_end(None)`, or `on_end(reason)` if it did not
        complete.
        """

        def finish(future: Future[None]) -> None:
            on_end(_end(job, future))
            self._live.pop(job.arn, None)

        self._live[job.arn] = job
        pool = self._tuning_pool if job.kind.runs_jobs else self._pool
        job.future = pool.submit(self._run, job, work)
        job.future.add_done_callback(finish)

    def close(self) -> None:
        """Kill all running jobs; running and queued jobs are reported as failed, with the reason."""
        for job in list(self._live.values()):
            job.kill()
        for pool in (self._tuning_pool, self._pool):
            pool.shutdown(wait=True, cancel_futures=True)

    def environment(self, region: str) -> dict[str, str]:
        """The variables that every container gets, so that boto3 inside it calls this server."""
        return {
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_ENDPOINT_URL": self.endpoint_url,
        }

    def _run(self, job: Job, work: Work) -> None:
        job.check()
        started = time.monotonic()
        job.folder.mkdir(parents=True)
        try:
            work(job)
        finally:
            if not self.settings.keep_job_folders:
                shutil.rmtree(job.folder, ignore_errors=True)
            if not job.interrupted.is_set():
                job.seen.wait(max(0.0, started + self.settings.observable_seconds - time.monotonic()))


class JobsOfKind:
    """The jobs of one kind: what its Create, Describe, List, Stop and Delete operations do."""

    def __init__(self, engine: JobEngine, kind: JobKind) -> None:
        self.engine, self.kind = engine, kind
        self.documents = engine.state.collection(kind.collection)
        self._listing = Listing(name=kind.name, status=kind.status, order=kind.order)
        self._folder = engine.folder / kind.collection
        self._recover()

    def create(self, document: Document, tags: list[Tag] | None, caller: Caller, work: Work) -> str:
        """Store a new job and queue its work; returns its ARN.

        :param document: the members of the request as Describe shows them.
        :raises ResourceInUse: for a name that exists.
        :raises ValidationException: for wrong tags.
        """
        kind, name, now = self.kind, document[self.kind.name], time.time()
        arn = names.arn(caller, kind.resource, name)
        document = document | {kind.arn: arn, "CreationTime": now}
        kind.enter(document, "InProgress", "Starting", f"Starting the {kind.noun}")
        try:
            with self.engine.state.transaction():
                self.documents.insert(name, document)
                self.engine.tags.put(arn, tags)
        except NameTaken as error:
            raise ResourceInUse(kind.name_in_use.format(arn=arn)) from error
        settings = self.engine.settings
        job = Job(
            kind, self.documents, document, self._folder / name, self.engine.runner, settings.stop_grace
        )
        self.engine.submit(job, work, lambda end: self._record_end(name, end))
        if settings.faults.stops(name):
            threading.Timer(STOP_SECONDS, self._stop_by_fault, [name]).start()
        return arn

    def describe(self, name: str) -> Document:
        """The job as it is now.

        :raises ValidationException: for a job that does not exist, with SageMaker's text.
        """
        document = self.documents.get(name)
        if document is None:
            raise ValidationException(self.kind.not_described.format(name=name))
        if job := self.engine.live(document[self.kind.arn]):
            job.seen.set()
        return document

    def page(self, params: Params, members: tuple[str, ...]) -> dict[str, object]:
        """The output of the List operation; a summary has those of `members` that the job has.

        :raises ValidationException: for a token that belongs to another request.
        """
        documents, token = self._listing.page(self.documents, params)
        summaries = [{member: d[member] for member in members if member in d} for d in documents]
        return {f"{self.kind.word}JobSummaries": summaries} | ({"NextToken": token} if token else {})

    def stop(self, name: str) -> None:
        """Ask a job to stop; it is Stopping until its containers have ended. A second call changes nothing.

        :raises ValidationException: for a job that does not exist or has ended.
        """
        document = self.documents.update(name, self._stopping)
        if document is None:
            raise ValidationException(self.kind.not_stopped.format(name=name))
        if (job := self.engine.live(document[self.kind.arn])) and job.end is None:
            job.interrupt(JobStopped())

    def _stop_by_fault(self, name: str) -> None:
        with contextlib.suppress(ValidationException):  # it has ended already
            self.stop(name)

    def delete(self, name: str) -> None:
        """Delete a job that has ended.

        :raises ResourceInUse: for a job that has not ended.
        :raises ValidationException: for a job that does not exist.
        """
        document = self.describe(name)
        status = document[self.kind.status]
        if status not in ENDED:
            raise ResourceInUse(f"The {self.kind.noun} {name} cannot be deleted in status {status}.")
        self.documents.delete(name)
        self.engine.tags.delete(document[self.kind.arn])

    def stream(self, job: Job, host: str) -> str:
        """The name of the CloudWatch stream of one host that starts now, in the group `kind.log_group`."""
        return f"{job.name}/{host}-{int(time.time())}"

    def _stopping(self, document: Document) -> None:
        status = document[self.kind.status]
        if status in ENDED:
            raise ValidationException(
                f"The request was rejected because the {self.kind.noun} is in status {status}."
            )
        if status != "Stopping":
            self.kind.enter(document, "Stopping", "Stopping", f"Stopping the {self.kind.noun}")

    def _record_end(self, name: str, end: JobEnd | None) -> None:
        def change(document: Document) -> None:
            if end and str(end):
                document["FailureReason"] = str(end)[:REASON_CHARACTERS]
            status, detail = (end.status, end.detail) if end else ("Completed", "Completed")
            message = str(end or "") or f"{self.kind.noun.capitalize()} {status.lower()}"
            self.kind.enter(document, status, detail, message)

        self.documents.update(name, change)

    def _recover(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        for document in self.documents:
            if document[self.kind.status] not in ENDED:
                self._record_end(document[self.kind.name], ServerStopped())


def _end(job: Job, future: Future[None]) -> JobEnd | None:
    """How a job ended; None when it completed."""
    error = None if future.cancelled() else future.exception()
    if error is None or isinstance(error, JobEnd):
        return error or job.end
    if isinstance(error, TransferError):
        return JobFailed(f"ClientError: {error}")
    logger.error("%s %s failed by a fault of the server", job.kind.noun, job.name, exc_info=error)
    return JobFailed(f"InternalServerError: {type(error).__name__}: {error}")
