"""Models: one container, or an inference pipeline of up to fifteen."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from include.local_aws.protocol.errors import ValidationException
from include.local_aws.s3.store import parse_uri
from include.local_aws.sagemaker import checks, names
from include.local_aws.sagemaker.listing import Listing
from include.local_aws.state import NameTaken

if TYPE_CHECKING:
    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.s3.store import ObjectStore
    from include.local_aws.sagemaker.governance.registry import Registry
    from include.local_aws.sagemaker.tags import TagStore
    from include.local_aws.state import Document, State

MOST_CONTAINERS = 15
RESOLVED = "ResolvedContainers"  # of a model made from a model package; Describe does not show it


def containers(model: Document) -> list[dict[str, Any]]:
    """The model's containers in order, each with the name that logs and errors use."""
    definitions = [model["PrimaryContainer"]] if "PrimaryContainer" in model else model.get("Containers", [])
    resolved: list[dict[str, Any]] = model.get(RESOLVED) or definitions
    return [
        {"ContainerHostname": f"container-{number}", **container}
        for number, container in enumerate(resolved, 1)
    ]


class Models:
    """The operations on models; transform jobs and endpoints use `find`."""

    def __init__(self, state: State, store: ObjectStore, tags: TagStore, registry: Registry) -> None:
        self._state, self._documents = state, state.collection("model")
        self._store, self._tags, self._registry = store, tags, registry
        self._listing = Listing(name="ModelName")

    def create_model(self, params: Params, caller: Caller) -> Output:
        """Store a model whose images can run and whose data exists.

        :raises ValidationException: naming the container that is wrong or not supported, or for a name that
            exists.
        """
        arn = names.arn(caller, "model", params["ModelName"])
        document = {name: value for name, value in params.items() if name != "Tags"}
        definitions = (
            [params["PrimaryContainer"]] if "PrimaryContainer" in params else params.get("Containers", [])
        )
        if any("ModelPackageName" in container for container in definitions):
            document[RESOLVED] = [
                resolved
                for container in definitions
                for resolved in self._resolve_container(container, caller)
            ]
        self._check(document)
        document |= {"ModelArn": arn, "CreationTime": time.time()}
        document.setdefault("EnableNetworkIsolation", False)
        with self._state.transaction():
            try:
                self._documents.insert(params["ModelName"], document)
            except NameTaken as error:
                raise ValidationException(f'Cannot create already existing model "{arn}".') from error
            self._tags.put(arn, params.get("Tags"))
        return {"ModelArn": arn}

    def describe_model(self, params: Params, caller: Caller) -> Output:
        return self.find(params["ModelName"], caller)

    def list_models(self, params: Params, caller: Caller) -> Output:
        page, token = self._listing.page(self._documents, params)
        return {"Models": page, "NextToken": token}

    def delete_model(self, params: Params, caller: Caller) -> Output:
        model = self.find(params["ModelName"], caller)
        self._documents.delete(params["ModelName"])
        self._tags.delete(model["ModelArn"])
        return None

    def find(self, name: str, caller: Caller) -> Document:
        """A model by name.

        :raises ValidationException: for a model that does not exist, with SageMaker's text.
        """
        model = self._documents.get(name)
        if model is None:
            raise ValidationException(f'Could not find model "{names.arn(caller, "model", name)}".')
        return model

    def _resolve_container(self, container: dict[str, Any], caller: Caller) -> list[dict[str, Any]]:
        """The containers that run.

        A model package is replaced by its containers, with this environment added.
        """
        if "ModelPackageName" not in container:
            return [container]
        overrides = container.get("Environment", {})
        return [
            package_container | {"Environment": package_container.get("Environment", {}) | overrides}
            for package_container in self._registry.containers(container["ModelPackageName"], caller)
        ]

    def _check(self, params: Params) -> None:
        if ("PrimaryContainer" in params) == bool(params.get("Containers")):
            raise ValidationException("Give either PrimaryContainer or Containers, not both and not none.")
        definitions = containers(params)
        if len(definitions) > MOST_CONTAINERS:
            raise ValidationException(
                f"A model has at most {MOST_CONTAINERS} containers, not {len(definitions)}."
            )
        checks.unique((container["ContainerHostname"] for container in definitions), "Containers")
        for container in definitions:
            self._check_container(container)

    def _check_container(self, container: dict[str, Any]) -> None:
        where = container["ContainerHostname"]
        for unsupported in ("ModelPackageName", "MultiModelConfig", "InferenceSpecificationName"):
            if unsupported in container:
                raise ValidationException(f"{where}: {unsupported} is not supported by the local AWS.")
        if "Image" not in container:
            raise ValidationException(f"{where}: Image is required.")
        checks.image(container["Image"], where)
        if uri := data_uri(container):
            self._check_data(uri, where, whole="ModelDataUrl" in container)

    def _check_data(self, uri: str, where: str, *, whole: bool) -> None:
        checks.s3_uri(uri, where)
        bucket, key = parse_uri(uri)
        objects = self._store.list(bucket, key) if self._store.has_bucket(bucket) else iter(())
        if not any(info.key == key or not whole for info in objects):
            raise ValidationException(f"Could not find model data at {uri}.")


def data_uri(container: dict[str, Any]) -> str:
    """Where the container's model data is: an archive, or a prefix of files (ModelDataSource).

    '' for none.
    """
    source = container.get("ModelDataSource", {}).get("S3DataSource", {})
    return str(container.get("ModelDataUrl") or source.get("S3Uri", ""))
