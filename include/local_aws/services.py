"""All services of the server, connected: the only module that knows every part."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
from typing import TYPE_CHECKING

from include.local_aws.app import App
from include.local_aws.logs import Logs, LogStore
from include.local_aws.runner import probe
from include.local_aws.s3 import service as s3
from include.local_aws.s3.store import ObjectStore
from include.local_aws.sagemaker.governance.graph import Lineage
from include.local_aws.sagemaker.governance.registry import Registry
from include.local_aws.sagemaker.hosting.capture import DataCapture
from include.local_aws.sagemaker.hosting.endpoint_configs import EndpointConfigs
from include.local_aws.sagemaker.hosting.endpoints import Endpoints
from include.local_aws.sagemaker.hosting.models import Models
from include.local_aws.sagemaker.hosting.runtime import Runtime
from include.local_aws.sagemaker.jobs.engine import JobEngine, JobSettings
from include.local_aws.sagemaker.jobs.processing import ProcessingJobs
from include.local_aws.sagemaker.jobs.training import TrainingJobs
from include.local_aws.sagemaker.jobs.tuning import TuningJobs
from include.local_aws.sagemaker.tags import Tags, TagStore
from include.local_aws.sagemaker.transform.transform import TransformJobs
from include.local_aws.server import Server
from include.local_aws.state import State
from include.local_aws.tagging import Tagging

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from include.local_aws.personalize.service import Personalize
    from include.local_aws.settings import Settings

logger = logging.getLogger(__name__)

PERSONALIZE = "personalize"  # the prefix of its services' names, and its folder


class StateInUse(RuntimeError):
    """Another server uses this state folder."""


class Services:
    """Every service with its dependencies."""

    def __init__(self, settings: Settings, state: State) -> None:
        self._settings, self._state = settings, state
        self._store = store = ObjectStore(state)
        logs, tags = LogStore(state), TagStore(state)
        job_settings = JobSettings(concurrent_jobs=settings.concurrent_jobs, faults=settings.faults)
        self._engine = JobEngine(state, probe(settings.runner), logs, tags, job_settings)
        for bucket in settings.buckets:
            if not store.has_bucket(bucket):
                store.create_bucket(bucket, settings.region)
        registry = Registry(state, tags)
        models = Models(state, store, tags, registry)
        configs = EndpointConfigs(state, models, tags)
        self._endpoints = Endpoints(self._engine, store, models, configs)
        self._capture = DataCapture(store)
        training = TrainingJobs(self._engine, store)
        sagemaker: list[object] = [
            *(ProcessingJobs(self._engine, store), training, TuningJobs(self._engine, training)),
            *(TransformJobs(self._engine, store, models), models, configs, self._endpoints),
            *(registry, Tags(tags), *Lineage(state, tags).handlers),
        ]
        self._personalize: Personalize | None = None
        self._handlers: dict[str, list[object]] = {
            "s3": s3.handlers(store),
            "logs": [Logs(logs)],
            "sagemaker": sagemaker,
            "sagemaker-runtime": [Runtime(self._endpoints, self._capture)],
            "resourcegroupstaggingapi": [Tagging(tags.resources, self._tagged_in_personalize)],
        }

    def handlers(self, service: str) -> list[object]:
        """The handlers to which the app dispatches the operations of a service."""
        if service.startswith(PERSONALIZE) and self._personalize is None:
            # imported at its first call: its libraries need as much memory as the rest of the server
            from include.local_aws.personalize.service import Personalize

            self._personalize = Personalize(self._state, self._store, self._settings.concurrent_jobs)
            self._handlers |= self._personalize.handlers
        return self._handlers.get(service, [])

    def _tagged_in_personalize(self) -> Iterator[tuple[str, dict[str, str]]]:
        if self._personalize is not None:
            yield from self._personalize.tagged()

    def start(self, url: str) -> None:
        """The server listens at `url`: containers get this address, endpoints are brought up again."""
        self._engine.endpoint_url = url
        self._endpoints.start()
        if (self._state.folder / PERSONALIZE).exists():  # an earlier server has used it
            self.handlers(PERSONALIZE)
        if self._personalize is not None:
            self._personalize.start()

    def close(self) -> None:
        """Stop every container; running jobs are reported as failed."""
        if self._personalize is not None:
            self._personalize.close()
        self._engine.close()
        self._endpoints.close()
        self._capture.close()


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Lock the state folder for this process; the system releases the lock however the process ends.

    :raises StateInUse: when another server has locked it.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StateInUse(f"Another local AWS runs on the state folder {folder}.") from error
        yield


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Server]:
    """A listening server with all its services; everything is stopped at the end.

    :raises StateInUse: when another server uses the state folder.
    :raises OSError: when the port is in use.
    """
    with exclusive(settings.state), contextlib.closing(State(settings.state)) as state:
        spool = state.subfolder("spool")
        for unfinished in spool.iterdir():  # uploads of a killed server
            unfinished.unlink()
        services = Services(settings, state)
        server = Server(settings, App(settings, services.handlers), spool)
        await server.start()
        try:
            services.start(server.url)
            yield server
        finally:
            await asyncio.to_thread(services.close)
            await server.close()
