"""Requests that create lineage entities, and the error of a refused request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

ARN = "arn:aws:sagemaker:eu-west-1:123456789012"


def refusal(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**params)
    details = error.value.response["Error"]
    return details["Code"], details["Message"]


def artifact(sagemaker: Any, uri: str, kind: str = "DataSet", **members: Any) -> str:
    answer = sagemaker.create_artifact(Source={"SourceUri": uri}, ArtifactType=kind, **members)
    return str(answer["ArtifactArn"])


def connect(sagemaker: Any, source: str, destination: str, kind: str = "ContributedTo") -> None:
    sagemaker.add_association(SourceArn=source, DestinationArn=destination, AssociationType=kind)
