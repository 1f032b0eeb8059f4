"""Deletes a dataset group of Personalize with all that it holds, in the order that the service demands."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_ml.errors import JobTimedOut, calling, is_missing
from aws_ml.lifecycle.kinds import PERSONALIZE
from aws_ml.lifecycle.named import below, find_named

if TYPE_CHECKING:
    from aws_ml.lifecycle.kinds import Kind
    from aws_ml.lifecycle.logs import TaskLog

# A resource can be deleted only after those before it (developer guide, "Deleting resources").
ORDER = ("Campaign", "Recommender", "Filter", "MetricAttribution", "Solution", "EventTracker", "Dataset")
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0


def delete_dataset_group(
    client: Any, group: str, log: TaskLog, *, schemas: bool = True, seconds: float = 7200.0
) -> list[str]:
    """Delete a dataset group and all that it holds; returns the ARNs in the order of their deletion.

    :param group: name or ARN; nothing is done when there is no such group.
    :param schemas: also delete the schemas that only its datasets used.
    :param seconds: how long resources that are busy are waited for.
    :raises JobTimedOut: when something is not deleted after `seconds`.
    :raises JobRejected: when the service refuses.
    :raises ServiceFault: when AWS is at fault.
    """
    kind = PERSONALIZE["DatasetGroup"]
    by_arn = group.startswith("arn:")
    description = kind.find(client, group) if by_arn else find_named(client, kind, group)
    if description is None:
        log.info("There is no dataset group %s", group)
        return []
    arn, deletion = description[kind.arn], Deletion(client, log, time.monotonic() + seconds)
    schema_arns = _schemas(client, arn) if schemas else []
    deleted = [resource for word in ORDER for resource in deletion.delete_all(PERSONALIZE[word], arn)]
    deletion.delete(kind, arn)
    deletion.wait_until_gone(kind, arn)
    return [*deleted, arn, *(schema for schema in schema_arns if _delete_schema(client, schema, log))]


def _arns(client: Any, kind: Kind, group: str) -> list[str]:
    """ARNs of the resources of a kind in a dataset group."""
    return [summary[kind.arn] for summary in below(client, kind, group)]


def _schemas(client: Any, group: str) -> list[str]:
    """ARNs of the schemas of a group's datasets."""
    kind = PERSONALIZE["Dataset"]
    descriptions = (kind.find(client, dataset) for dataset in _arns(client, kind, group))
    return sorted({dataset["schemaArn"] for dataset in descriptions if dataset and "schemaArn" in dataset})


@dataclass(frozen=True)
class Deletion:
    """Deletes resources, and waits for those that are busy.

    :param give_up: `time.monotonic()` at which waiting ends.
    """

    client: Any
    log: TaskLog
    give_up: float

    def delete_all(self, kind: Kind, group: str) -> list[str]:
        """Delete the resources of a kind in a dataset group; returns the ARNs of those deleted here.

        :raises JobTimedOut: when one of them is not deleted in time.
        """
        arns = _arns(self.client, kind, group)
        deleted = [arn for arn in arns if self.delete(kind, arn)]
        for arn in arns:
            self.wait_until_gone(kind, arn)
        return deleted

    def delete(self, kind: Kind, arn: str) -> bool:
        """Delete a resource as soon as it can be deleted; False when it is gone, or being deleted, already.

        :raises JobTimedOut: when it stays busy for too long.
        """
        from botocore.exceptions import ClientError

        delete, pause = getattr(self.client, kind.create.replace("create_", "delete_", 1)), FIRST_PAUSE
        with calling(f"deleting {arn}"):
            while True:
                try:
                    delete(**{kind.arn: arn})
                except ClientError as error:
                    if self._is_gone(kind, arn, error):
                        return False
                    message = error.response["Error"]["Message"]
                    if error.response["Error"]["Code"] != "ResourceInUseException":
                        raise
                    if time.monotonic() > self.give_up:
                        raise JobTimedOut(f"{arn} cannot be deleted: {message}") from error
                    self.log.info("%s cannot be deleted yet: %s", arn, message)
                    time.sleep(pause)
                    pause = min(LONGEST_PAUSE, 2 * pause)
                else:
                    self.log.info("Deleting %s", arn)
                    return True

    def _is_gone(self, kind: Kind, arn: str, error: Exception) -> bool:
        """Whether a deletion was refused because the resource is gone, or being deleted, already."""
        if is_missing(error):
            return True
        description = kind.find(self.client, arn)
        return description is not None and str(description.get("status", "")).startswith("DELETE")

    def wait_until_gone(self, kind: Kind, arn: str) -> None:
        """Return when the resource does not exist any more.

        :raises JobTimedOut: when it still exists at the end of the wait.
        """
        pause = FIRST_PAUSE
        while kind.find(self.client, arn) is not None:
            if time.monotonic() > self.give_up:
                raise JobTimedOut(f"{arn} was deleted, but still exists.")
            time.sleep(pause)
            pause = min(LONGEST_PAUSE, 2 * pause)


def _delete_schema(client: Any, arn: str, log: TaskLog) -> bool:
    """Delete a schema; one that another dataset uses, or that belongs to the service, stays."""
    from botocore.exceptions import ClientError

    if ":::" in arn:
        return False
    try:
        client.delete_schema(schemaArn=arn)
    except ClientError as error:
        log.info("The schema %s stays: %s", arn, error.response["Error"]["Message"])
        return False
    log.info("Deleting %s", arn)
    return True
