"""Endpoint configurations: which models an endpoint serves, and each one's share of the traffic."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from include.local_aws.protocol.errors import ValidationException
from include.local_aws.sagemaker import checks, names
from include.local_aws.sagemaker.listing import Listing
from include.local_aws.state import NameTaken

if TYPE_CHECKING:
    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.sagemaker.hosting.models import Models
    from include.local_aws.sagemaker.tags import TagStore
    from include.local_aws.state import Document, State

UNSUPPORTED = ("AsyncInferenceConfig", "ShadowProductionVariants", "ExplainerConfig")


class EndpointConfigs:
    """The operations on endpoint configurations; the endpoints use `find`."""

    def __init__(self, state: State, models: Models, tags: TagStore) -> None:
        self._state, self._documents = state, state.collection("endpoint_config")
        self._models, self._tags = models, tags
        self._listing = Listing(name="EndpointConfigName")

    def create_endpoint_config(self, params: Params, caller: Caller) -> Output:
        """Store a configuration whose models exist.

        :raises ValidationException: naming the member that is wrong or not supported, or for a name that
            exists.
        """
        name = params["EndpointConfigName"]
        arn = names.arn(caller, "endpoint-config", name)
        self._check(params, caller)
        document = {member: value for member, value in params.items() if member != "Tags"}
        document |= {"EndpointConfigArn": arn, "CreationTime": time.time()}
        with self._state.transaction():
            try:
                self._documents.insert(name, document)
            except NameTaken as error:
                raise ValidationException(
                    f'Cannot create already existing endpoint configuration "{arn}".'
                ) from error
            self._tags.put(arn, params.get("Tags"))
        return {"EndpointConfigArn": arn}

    def describe_endpoint_config(self, params: Params, caller: Caller) -> Output:
        return self.find(params["EndpointConfigName"], caller)

    def list_endpoint_configs(self, params: Params, caller: Caller) -> Output:
        page, token = self._listing.page(self._documents, params)
        return {"EndpointConfigs": page, "NextToken": token}

    def delete_endpoint_config(self, params: Params, caller: Caller) -> Output:
        """Delete it, whether in use or not, as AWS does; endpoints have a copy of what they need."""
        document = self.find(params["EndpointConfigName"], caller)
        self._documents.delete(params["EndpointConfigName"])
        self._tags.delete(document["EndpointConfigArn"])
        return None

    def find(self, name: str, caller: Caller) -> Document:
        """A configuration by name.

        :raises ValidationException: for one that does not exist, with SageMaker's text.
        """
        document = self._documents.get(name)
        if document is None:
            arn = names.arn(caller, "endpoint-config", name)
            raise ValidationException(f'Could not find endpoint configuration "{arn}".')
        return document

    def _check(self, params: Params, caller: Caller) -> None:
        for member in UNSUPPORTED:
            if params.get(member):
                raise ValidationException(f"{member} is not supported by the local AWS.")
        variants = params["ProductionVariants"]
        checks.unique((variant["VariantName"] for variant in variants), "ProductionVariants")
        for variant in variants:
            if "ModelName" not in variant:
                raise ValidationException(f"Variant {variant['VariantName']}: ModelName is required.")
            self._models.find(variant["ModelName"], caller)
            if "ServerlessConfig" not in variant and "InstanceType" not in variant:
                raise ValidationException(f"Variant {variant['VariantName']}: InstanceType is required.")
        if capture := params.get("DataCaptureConfig"):
            checks.s3_uri(capture["DestinationS3Uri"], "DataCaptureConfig.DestinationS3Uri")
