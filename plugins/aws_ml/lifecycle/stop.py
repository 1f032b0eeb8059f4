"""Stops a job that nobody waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_ml.errors import calling
from aws_ml.lifecycle.kinds import KINDS

if TYPE_CHECKING:
    from aws_ml.clients import Aws


OVER = {"ValidationException", "ResourceNotFound", "ResourceNotFoundException", "ResourceInUseException"}


def stop(aws: Aws, kind_key: str, name: str) -> None:
    """Ask AWS to stop a job; a job that has ended, or cannot be stopped, is left as it is.

    :param kind_key: key of `KINDS`.
    :raises JobRejected: when AWS refuses.
    :raises ServiceFault: when AWS is at fault.
    """
    from botocore.exceptions import ClientError

    kind = KINDS[kind_key]
    if kind.stop is None:
        return
    with calling(f"stopping the {kind.noun} {name}"):
        try:
            getattr(aws.client(kind.service), kind.stop)(**{kind.name: name})
        except ClientError as error:
            if error.response["Error"]["Code"] not in OVER:
                raise
