"""A running model: its containers as processes, chained as an inference pipeline."""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import urllib3

from include.local_aws.containers import images
from include.local_aws.runner import Container
from include.local_aws.s3.store import parse_uri
from include.local_aws.sagemaker.hosting.models import containers, data_uri
from include.local_aws.sagemaker.jobs import archives, transfer
from include.local_aws.sagemaker.jobs.transfer import Source, TransferError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from include.local_aws.runner import Process, Runner
    from include.local_aws.s3.store import ObjectStore
    from include.local_aws.state import Document

STARTUP_SECONDS = 240.0  # until /ping answers
PING_SECONDS = 2.0  # for one ping
INVOCATION_SECONDS = 60.0
SHUTDOWN_SECONDS = 30.0  # between SIGTERM and SIGKILL
LAST_LINES = 8  # of its log, in the error of a container that does not come up
CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"


class ServingError(Exception):
    """A model that does not come up; the text names the container and the cause."""


@dataclass(frozen=True)
class Answer:
    """What a container, or a pipeline, answered.

    `container` names the last container that answered: in a pipeline the first that failed.
    """

    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    container: str = ""


@dataclass
class ServingContainer:
    """One running container of a model."""

    name: str
    port: int
    process: Process
    pool: urllib3.HTTPConnectionPool
    last_lines: deque[str]


class ModelServer:
    """Starts a model's containers and sends requests through them.

    with ModelServer(model, folder, runner, store, on_line, environment) as server:
        server.start()
        server.invoke(b"1,2,3", "text/csv", accept=None)

    :param folder: for the containers' files; the caller removes it.
    :param on_line: gets the container's name and each line of its output.
    :param environment: variables of every container, besides its own.
    """

    def __init__(
        self,
        model: Document,
        folder: Path,
        runner: Runner,
        store: ObjectStore,
        on_line: Callable[[str, str], None],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._model, self._folder, self._runner, self._store = model, folder, runner, store
        self._on_line, self._environment = on_line, dict(environment or {})
        self._containers: list[ServingContainer] = []
        self._closed = threading.Event()

    def __enter__(self) -> ModelServer:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def start(self, timeout: float = STARTUP_SECONDS, check: Callable[[], None] = lambda: None) -> None:
        """Bring all containers up, in parallel.

        :param check: called repeatedly; an exception from it ends the start.
        :raises ServingError: when a container does not answer /ping in time, ends, or has unusable model
            data.
        """
        try:
            for description in containers(self._model):
                self._containers.append(self._launch(description))
            deadline = time.monotonic() + timeout
            with ThreadPoolExecutor(len(self._containers)) as waiting:
                list(waiting.map(lambda container: self._wait(container, deadline, check), self._containers))
        except BaseException:
            self.close()
            raise

    def _launch(self, description: dict[str, Any]) -> ServingContainer:
        name, port = description["ContainerHostname"], _free_port()
        root = self._folder / name
        self._place_model(description, root / "model")
        image = images.find(description["Image"])
        port_variables = {
            "SAGEMAKER_BIND_TO_PORT": str(port),
            "SAGEMAKER_SAFE_PORT_RANGE": f"{port}-{port}",
            "LOCAL_AWS_IMAGE_VERSION": image.version,
        }
        container = Container(
            command=image.serve_command(),
            root=root,
            environment={**self._environment, **description.get("Environment", {}), **port_variables},
        )
        lines: deque[str] = deque(maxlen=LAST_LINES)

        def log(line: str) -> None:
            lines.append(line)
            self._on_line(name, line)

        pool = urllib3.HTTPConnectionPool("127.0.0.1", port, maxsize=8, retries=False)
        return ServingContainer(name, port, self._runner.start(container, log), pool, lines)

    def _place_model(self, description: dict[str, Any], folder: Path) -> None:
        """Unpack the archive, or download the files, as the container finds them in /opt/ml/model."""
        folder.mkdir(parents=True, exist_ok=True)
        uri = data_uri(description)
        try:
            if "ModelDataUrl" in description:
                archives.unpack(self._store.path(*parse_uri(uri)), folder)
            elif uri:
                transfer.download(self._store, Source(uri), folder)
        except (archives.BadArchive, TransferError) as error:
            raise ServingError(
                f"{description['ContainerHostname']}: the model data {uri}: {error}"
            ) from error

    def _wait(self, container: ServingContainer, deadline: float, check: Callable[[], None]) -> None:
        while not self._closed.is_set():
            check()
            if not container.process.running:
                code = container.process.wait(5)
                raise ServingError(
                    f"{container.name} ended with exit code {code} before it answered /ping. "
                    f"Its last lines: {' | '.join(container.last_lines)}"
                )
            if _pings(container):
                return
            if time.monotonic() > deadline:
                raise ServingError(f"{container.name} did not pass the ping health check in time.")
            time.sleep(0.05)
        raise ServingError("The start was given up.")

    def invoke(
        self,
        body: bytes,
        content_type: str,
        accept: str | None = None,
        custom_attributes: str | None = None,
        *,
        target: str | None = None,
        timeout: float = INVOCATION_SECONDS,
    ) -> Answer:
        """Send a request through the containers: the answer of each is the request of the next.

        Each answer's content type, with its parameters, is passed on with it. Only the last container gets
        the caller's Accept header. (Not documented; inferred from reports of AWS's behaviour.)

        :param target: send it to this container only (InferenceExecutionConfig Direct).
        """
        chain = [c for c in self._containers if target in (None, c.name)]
        answer = Answer(200, content_type, body)
        for container in chain:
            accepted_type = accept if container is chain[-1] else None
            answer = _ask(container, answer, accepted_type, custom_attributes, timeout)
            if answer.status >= 400:
                break
        return answer

    def execution_parameters(self) -> dict[str, Any]:
        """The first container's answer to /execution-parameters; {} if it gives none."""
        try:
            reply = self._containers[0].pool.request("GET", "/execution-parameters", timeout=PING_SECONDS)
            parameters = reply.json() if reply.status == 200 else {}
        except (urllib3.exceptions.HTTPError, ValueError):
            return {}
        return parameters if isinstance(parameters, dict) else {}

    def close(self, grace: float = SHUTDOWN_SECONDS) -> None:
        """Stop all containers, in parallel."""
        self._closed.set()
        running = [container for container in self._containers if container.process.running]
        if running:
            with ThreadPoolExecutor(len(running)) as stopping:
                list(stopping.map(lambda container: container.process.stop(grace), running))
        for container in self._containers:
            container.pool.close()


def _ask(
    container: ServingContainer, request: Answer, accept: str | None, attributes: str | None, timeout: float
) -> Answer:
    headers = {"Content-Type": request.content_type}
    headers |= {"Accept": accept} if accept else {}
    headers |= {CUSTOM_ATTRIBUTES: attributes} if attributes else {}
    try:
        reply = container.pool.request("POST", "/invocations", request.body, headers=headers, timeout=timeout)
    except urllib3.exceptions.TimeoutError:
        return Answer(
            504, "text/plain", f"No answer within {timeout:.0f} seconds.".encode(), {}, container.name
        )
    except urllib3.exceptions.HTTPError as error:
        return Answer(503, "text/plain", f"The container is gone: {error}".encode(), {}, container.name)
    kind = reply.headers.get("Content-Type", "application/octet-stream")
    return Answer(reply.status, kind, reply.data, dict(reply.headers), container.name)


def _pings(container: ServingContainer) -> bool:
    try:
        return int(container.pool.request("GET", "/ping", timeout=PING_SECONDS).status) == 200
    except urllib3.exceptions.HTTPError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
