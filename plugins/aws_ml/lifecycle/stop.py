"""Stopping a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_ml.lifecycle.kinds import KINDS

if TYPE_CHECKING:
    from aws_ml.clients import Aws


OVER = {"ValidationException", "ResourceNotFound", "ResourceNotFoundException", "ResourceInUseException"}


def stop(aws: Aws, kind_key: str, name: str) -> None:
    """Ask AWS to stop a job; one that has ended, or cannot be stopped, is left as it is."""
    from botocore.exceptions import ClientError

    kind = KINDS[kind_key]
    if kind.stop is None:
        return
    try:
        getattr(aws.client(kind.service), kind.stop)(**{kind.name: name})
    except ClientError as error:
        if error.response["Error"]["Code"] not in OVER:
            raise
