"""Endpoints: created, updated (blue/green) and deleted.

They are brought up again after a restart of the server.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from include.local_aws.protocol.errors import ValidationException
from include.local_aws.sagemaker import names
from include.local_aws.sagemaker.hosting import capture, deployment, endpoint_status
from include.local_aws.sagemaker.hosting.fleet import Fleet, variant_summaries, weights_of
from include.local_aws.sagemaker.hosting.serving import INVOCATION_SECONDS, ServingError
from include.local_aws.sagemaker.listing import Listing
from include.local_aws.state import NameTaken

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.s3.store import ObjectStore
    from include.local_aws.sagemaker.hosting.endpoint_configs import EndpointConfigs
    from include.local_aws.sagemaker.hosting.models import Models
    from include.local_aws.sagemaker.jobs.engine import JobEngine
    from include.local_aws.state import Collection, Document

logger = logging.getLogger(__name__)

SUMMARY = ("EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus")
INTERRUPTED = "InternalServerError: the local AWS server stopped while the endpoint was updated"
TRANSITIONS = 4  # endpoints that start or update at the same time


class Endpoints:
    """The operations on endpoints.

    A document has a copy of its configuration and models: both may be deleted.
    """

    def __init__(
        self, engine: JobEngine, store: ObjectStore, models: Models, configs: EndpointConfigs
    ) -> None:
        self._engine, self._store, self._models, self._configs = engine, store, models, configs
        self._documents: Collection = engine.state.collection("endpoint")
        self._folder = engine.state.subfolder("endpoints")
        self._listing = Listing(name="EndpointName", status="EndpointStatus")
        self._fleets: dict[str, Fleet] = {}
        self._retired: list[Fleet] = []  # old fleets that answer their last requests
        self._changed = threading.Condition()
        self._pool = ThreadPoolExecutor(TRANSITIONS, thread_name_prefix="endpoint")
        self._closing = False

    # Operations

    def create_endpoint(self, params: Params, caller: Caller) -> Output:
        """Store an endpoint and start its containers.

        :raises ValidationException: for a configuration or model that does not exist, or a name that exists.
        """
        name = params["EndpointName"]
        arn = names.arn(caller, "endpoint", name)
        deployment.check(params)
        serving = self._resolve(params["EndpointConfigName"], caller)
        now = time.time()
        document = {
            **{"EndpointName": name, "EndpointArn": arn, "EndpointStatus": "Creating"},
            **{"CreationTime": now, "LastModifiedTime": now, "Region": caller.region},
            **serving,
        }
        with self._engine.state.transaction():
            try:
                self._documents.insert(name, document)
            except NameTaken as error:
                raise ValidationException(f'Cannot create already existing endpoint "{arn}".') from error
            self._engine.tags.put(arn, params.get("Tags"))
        self._pool.submit(self._bring_up, name, serving)
        return {"EndpointArn": arn}

    def update_endpoint(self, params: Params, caller: Caller) -> Output:
        """Start the new fleet beside the old one, shift the traffic, then stop the old one.

        :raises ValidationException: for an endpoint that does not exist or is being changed.
        """
        name = params["EndpointName"]
        deployment.check(params)
        serving = self._resolve(params["EndpointConfigName"], caller)
        document = self._enter(name, caller, "Updating", deployment.pending(serving))
        if deployment.retains_weights(params):
            serving["Weights"] |= {k: w for k, w in document["Weights"].items() if k in serving["Weights"]}
        self._pool.submit(self._bring_up, name, serving)
        return {"EndpointArn": document["EndpointArn"]}

    def update_endpoint_weights_and_capacities(self, params: Params, caller: Caller) -> Output:
        """Change the shares of the traffic.

        :raises ValidationException: for a variant or endpoint that does not exist, or one that is being
            changed.
        """
        name, targets = params["EndpointName"], params["DesiredWeightsAndCapacities"]
        weights = self.find(name, caller)["Weights"]
        for variant in targets:
            if variant["VariantName"] not in weights:
                raise ValidationException(f"Variant {variant['VariantName']} is not part of endpoint {name}.")
        document = self._enter(name, caller, "Updating")
        changes = {v["VariantName"]: v["DesiredWeight"] for v in targets if "DesiredWeight" in v}
        self._pool.submit(self._shift, name, {**weights, **changes})
        return {"EndpointArn": document["EndpointArn"]}

    def describe_endpoint(self, params: Params, caller: Caller) -> Output:
        document = self.find(params["EndpointName"], caller)
        if document["EndpointStatus"] not in ("Creating", "Failed"):
            config, models, weights = document["Config"], document["Models"], document["Weights"]
            document["ProductionVariants"] = variant_summaries(config, models, weights)
        if capture_config := document["Config"].get("DataCaptureConfig"):
            document["DataCaptureConfig"] = capture.summary(capture_config)
        return document

    def list_endpoints(self, params: Params, caller: Caller) -> Output:
        page, token = self._listing.page(self._documents, params)
        summaries = [{member: document[member] for member in SUMMARY} for document in page]
        return {"Endpoints": summaries, "NextToken": token}

    def delete_endpoint(self, params: Params, caller: Caller) -> Output:
        name = params["EndpointName"]
        if self.find(name, caller)["EndpointStatus"] != "Deleting":
            self._enter(name, caller, "Deleting")
            self._pool.submit(self._take_down, name)
        return None

    # Used by the runtime

    def find(self, name: str, caller: Caller) -> Document:
        """An endpoint by name.

        :raises ValidationException: for an endpoint that does not exist, with SageMaker's text.
        """
        document = self._documents.get(name)
        if document is None:
            raise ValidationException(f'Could not find endpoint "{names.arn(caller, "endpoint", name)}".')
        return document

    def get(self, name: str) -> Document | None:
        return self._documents.get(name)

    @contextmanager
    def serving(self, name: str, timeout: float) -> Iterator[Fleet | None]:
        """The fleet that serves the endpoint now; it keeps running while the `with` block uses it.

        Waits for an endpoint that is brought up again after a restart.
        """
        with ExitStack() as using:
            with self._changed:
                self._changed.wait_for(lambda: name in self._fleets or self._closing, timeout)
                fleet = self._fleets.get(name)
                if fleet is not None:
                    using.enter_context(fleet.in_use())
            yield fleet

    # Start and stop of the server

    def start(self) -> None:
        """Bring up the endpoints of an earlier server.

        An interrupted update has failed, and the old fleet serves.
        """
        for document in self._documents:
            name, status = document["EndpointName"], document["EndpointStatus"]
            if status == "Deleting":
                self._pool.submit(self._take_down, name)
            elif status == "Creating":
                self._pool.submit(self._bring_up, name, _serving_of(document))
            elif status != "Failed":
                self._settle(
                    name, {"FailureReason": INTERRUPTED} if status in endpoint_status.CHANGING else {}
                )
                self._pool.submit(self._restore, name, document)

    def close(self) -> None:
        """Stop all containers; the endpoints keep their status."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._pool.shutdown(wait=False, cancel_futures=True)
        with self._changed:
            fleets = [*self._fleets.values(), *self._retired]
        for fleet in fleets:
            fleet.close()

    # Transitions, in threads of their own

    def _bring_up(self, name: str, serving: Document) -> None:
        document = self._documents.get(name)
        if document is None:
            return
        fleet = self._new_fleet(name, document, serving)
        try:
            fleet.start()
            if name in self._fleets and self._engine.settings.faults.rolls_back(name):
                fleet.close()
                raise ServingError("an injected fault (see LOCAL_AWS_FAULTS)")
        except ServingError as error:
            self._record_failure(name, str(error))
            return
        self._swap(name, fleet)
        self._settle(name, {**serving, "FailureReason": None})

    def _restore(self, name: str, document: Document) -> None:
        fleet = self._new_fleet(name, document, _serving_of(document))
        try:
            fleet.start()
        except ServingError as error:
            self._settle(name, {"FailureReason": str(error)}, status="Failed")
            return
        current = self._documents.get(name)
        if current is None or name in self._fleets:  # deleted or updated meanwhile
            fleet.close()
            return
        fleet.weights = current["Weights"]
        self._swap(name, fleet)

    def _record_failure(self, name: str, reason: str) -> None:
        """A failed creation leaves no fleet; after a failed update the old fleet keeps serving."""
        serves = name in self._fleets
        logger.warning("Endpoint %s: %s", name, reason)
        if serves:
            self._settle(name, {}, status="RollingBack")
        self._settle(name, {"FailureReason": reason}, status="InService" if serves else "Failed")

    def _shift(self, name: str, weights: Mapping[str, float]) -> None:
        with self._changed:
            fleet = self._fleets.get(name)
            if fleet is not None:
                fleet.weights = weights
        self._settle(name, {"Weights": weights, "FailureReason": None})

    def _swap(self, name: str, fleet: Fleet) -> None:
        """Send new requests to this fleet; stop the old one when it has answered its requests."""
        with self._changed:
            old, closing = self._fleets.get(name), self._closing
            if not closing:
                self._fleets[name] = fleet
                self._retired += [old] if old is not None else []
            self._changed.notify_all()
        if closing:
            fleet.close()
        elif old is not None:
            old.drain(INVOCATION_SECONDS)
            old.close()
            self._retired.remove(old)

    def _take_down(self, name: str) -> None:
        with self._changed:
            fleet = self._fleets.pop(name, None)
        if fleet is not None:
            fleet.close()
        document = self._documents.get(name)
        self._documents.delete(name)
        if document is not None:
            self._engine.tags.delete(document["EndpointArn"])

    def _settle(self, name: str, changes: Document, status: str = "InService") -> None:
        endpoint_status.settle(self._documents, name, changes, status)

    def _enter(self, name: str, caller: Caller, status: str, changes: Document | None = None) -> Document:
        document = endpoint_status.enter(self._documents, name, status, changes)
        return document if document is not None else self.find(name, caller)

    def _resolve(self, config_name: str, caller: Caller) -> Document:
        """A copy of everything that serving needs: configuration, models, weights."""
        config = self._configs.find(config_name, caller)
        model_names = {variant["ModelName"] for variant in config["ProductionVariants"]}
        models = {name: self._models.find(name, caller) for name in model_names}
        weights = weights_of(config)
        return {"EndpointConfigName": config_name, "Config": config, "Models": models, "Weights": weights}

    def _new_fleet(self, name: str, document: Document, serving: Document) -> Fleet:
        return Fleet(
            name,
            serving["Config"],
            serving["Models"],
            serving["Weights"],
            folder=self._folder / name,
            runner=self._engine.runner,
            store=self._store,
            logs=self._engine.logs,
            environment=self._engine.environment(document["Region"]),
        )


def _serving_of(document: Document) -> Document:
    return {key: document[key] for key in ("EndpointConfigName", "Config", "Models", "Weights")}
