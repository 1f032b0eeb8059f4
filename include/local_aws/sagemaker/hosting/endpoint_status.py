"""The status of a stored endpoint: which changes it allows, and how it ends."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from include.local_aws.protocol.errors import ValidationException

if TYPE_CHECKING:
    from include.local_aws.state import Collection, Document

CHANGING = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")
# A new status, and the statuses in which AWS refuses it.
REFUSED_IN = {"Updating": (*CHANGING, "Failed"), "Deleting": ("Creating", "Updating", "RollingBack")}


def enter(endpoints: Collection, name: str, status: str, changes: Document | None = None) -> Document | None:
    """Enter Updating or Deleting; None for an endpoint that does not exist.

    :raises ValidationException: when the present status does not allow it.
    """
    refusing_statuses = REFUSED_IN[status]

    def change(document: Document) -> None:
        arn, present = document["EndpointArn"], document["EndpointStatus"]
        if present in refusing_statuses and present == "Failed":
            raise ValidationException(f'Cannot update endpoint "{arn}" in status Failed; only delete it.')
        if present in refusing_statuses:
            raise ValidationException(f'Cannot update in-progress endpoint "{arn}".')
        document.update(changes or {}, EndpointStatus=status, LastModifiedTime=time.time())

    return endpoints.update(name, change)


def settle(endpoints: Collection, name: str, changes: Document, status: str = "InService") -> None:
    """End a change: store its outcome; does nothing to an endpoint that was deleted meanwhile."""

    def change(document: Document) -> None:
        document.update(changes, EndpointStatus=status, LastModifiedTime=time.time())
        if status != "RollingBack":
            document.pop("PendingDeploymentSummary", None)

    endpoints.update(name, change)
