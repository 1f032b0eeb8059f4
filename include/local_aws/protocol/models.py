"""The botocore service models: AWS's own description of every request and answer."""

from __future__ import annotations

from functools import cache

from botocore.loaders import Loader
from botocore.model import ServiceModel


@cache
def service_model(service: str) -> ServiceModel:
    """The model of a service by botocore's name for it (`sagemaker`, `s3`, `logs`)."""
    return ServiceModel(Loader().load_service_model(service, "service-2"), service_name=service)


def protocol_of(service: str) -> str:
    """The protocol that botocore prefers among those of a service: `json`, `rest-json` or `rest-xml`."""
    return str(service_model(service).resolved_protocol)
