"""The running containers of an endpoint: one model server for each production variant."""

from __future__ import annotations

import random
import shutil
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from include.local_aws.sagemaker.hosting.models import containers
from include.local_aws.sagemaker.hosting.serving import ModelServer, ServingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from include.local_aws.logs import LogStore
    from include.local_aws.runner import Runner
    from include.local_aws.s3.store import ObjectStore
    from include.local_aws.state import Document


class Fleet:
    """The running variants of one endpoint configuration.

    A single set of containers serves each variant, whatever its instance count.

    :param config: the endpoint configuration.
    :param models: the models of its variants, by name.
    :param weights: each variant's share of the traffic; may be replaced at any time.
    """

    def __init__(
        self,
        endpoint: str,
        config: Document,
        models: Mapping[str, Document],
        weights: Mapping[str, float],
        *,
        folder: Path,
        runner: Runner,
        store: ObjectStore,
        logs: LogStore,
        environment: Mapping[str, str],
    ) -> None:
        self.config, self.weights = config, weights
        self._folder, self._group, self._logs = (
            folder / uuid.uuid4().hex,
            f"/aws/sagemaker/Endpoints/{endpoint}",
            logs,
        )
        self.streams: dict[str, str] = {}
        self.servers: dict[str, ModelServer] = {}
        self._choice = random.Random()  # noqa: S311 — routing needs no secret randomness
        self._requests, self._idle = 0, threading.Condition()
        for variant in config["ProductionVariants"]:
            name, model = variant["VariantName"], models[variant["ModelName"]]
            stream = f"{name}/i-{uuid.uuid4().hex[:17]}"
            self.streams[name] = stream
            self.servers[name] = ModelServer(
                model, self._folder / name, runner, store, self._log(stream, model), environment
            )

    def _log(self, stream: str, model: Document) -> Any:
        pipeline = len(containers(model)) > 1

        def write(container: str, line: str) -> None:
            self._logs.append(self._group, f"{stream}/{container}" if pipeline else stream, line)

        return write

    @property
    def log_group(self) -> str:
        return self._group

    def start(self) -> None:
        """Bring all variants up.

        :raises ServingError: naming the variant that does not come up; no container runs then.
        """
        with ThreadPoolExecutor(len(self.servers)) as starting:
            futures = {name: starting.submit(server.start) for name, server in self.servers.items()}
        for name, future in futures.items():
            if isinstance(error := future.exception(), ServingError):
                self.close()
                raise ServingError(
                    f"The container for production variant {name} did not pass the ping health check. "
                    f"{error} Please check CloudWatch logs for this endpoint ({self._group})."
                ) from error
            future.result()

    def choose(self) -> str:
        """A random variant by its share of the weights; a variant with weight 0 is never chosen."""
        weights = self.weights
        names = [name for name, weight in weights.items() if weight > 0]
        if not names:
            return next(iter(weights))
        return self._choice.choices(names, [weights[name] for name in names])[0]

    @contextmanager
    def in_use(self) -> Iterator[Fleet]:
        """Count a request as in progress while the `with` block runs."""
        with self._idle:
            self._requests += 1
        try:
            yield self
        finally:
            with self._idle:
                self._requests -= 1
                self._idle.notify_all()

    def drain(self, timeout: float) -> None:
        """Wait until no request is in progress, at most `timeout` seconds."""
        with self._idle:
            self._idle.wait_for(lambda: self._requests == 0, timeout)

    def close(self) -> None:
        """Stop all containers and remove their files."""
        with ThreadPoolExecutor(len(self.servers)) as stopping:
            list(stopping.map(lambda server: server.close(), self.servers.values()))
        shutil.rmtree(self._folder, ignore_errors=True)


def weights_of(config: Document) -> dict[str, float]:
    """Variant name → initial weight."""
    return {
        variant["VariantName"]: float(variant.get("InitialVariantWeight", 1.0))
        for variant in config["ProductionVariants"]
    }


def variant_summaries(
    config: Document, models: Mapping[str, Document], weights: Mapping[str, float]
) -> list[dict[str, Any]]:
    """What DescribeEndpoint shows of the variants."""
    now = time.time()
    descriptions = []
    for variant in config["ProductionVariants"]:
        model = models[variant["ModelName"]]
        images = [container["Image"] for container in containers(model)]
        weight, count = weights[variant["VariantName"]], variant.get("InitialInstanceCount", 1)
        descriptions.append(
            {
                "VariantName": variant["VariantName"],
                "DeployedImages": [
                    {"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": now}
                    for image in images
                ],
                "CurrentWeight": weight,
                "DesiredWeight": weight,
                "CurrentInstanceCount": count,
                "DesiredInstanceCount": count,
            }
        )
    return descriptions
