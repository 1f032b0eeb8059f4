"""Deleting what Personalize keeps: campaigns before solutions, everything before the dataset group."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from aws_ml.errors import JobTimedOut, calling, is_missing
from aws_ml.lifecycle.kinds import PERSONALIZE
from aws_ml.lifecycle.named import below, find_named

if TYPE_CHECKING:
    from aws_ml.lifecycle.kinds import Kind
    from aws_ml.lifecycle.logs import TaskLog

# By the service's rules (developer guide, "Deleting resources"): each needs the ones before it gone.
ORDER = ("Campaign", "Recommender", "Filter", "MetricAttribution", "Solution", "EventTracker", "Dataset")
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0


def delete_dataset_group(
    client: Any, group: str, log: TaskLog, *, schemas: bool = True, seconds: float = 7200.0
) -> list[str]:
    """Delete a dataset group and all below it; returns the ARNs in the order of their deletion.

    :param group: name or ARN.
    :raises JobTimedOut: when something is not gone after `seconds`.
    """
    kind = PERSONALIZE["DatasetGroup"]
    found = kind.find(client, group) if group.startswith("arn:") else find_named(client, kind, group)
    if found is None:
        log.info("There is no dataset group %s", group)
        return []
    arn, give_up, deleted = found[kind.arn], time.monotonic() + seconds, []
    used = _schemas(client, arn) if schemas else []
    for word in ORDER:
        below = _below(client, PERSONALIZE[word], arn)
        deleted += [one for one in below if _delete(client, PERSONALIZE[word], one, give_up, log)]
        for one in below:
            _wait_until_gone(client, PERSONALIZE[word], one, give_up)
    _delete(client, kind, arn, give_up, log)
    _wait_until_gone(client, kind, arn, give_up)
    deleted.append(arn)
    deleted += [one for one in used if _delete_schema(client, one, log)]
    return deleted


def _below(client: Any, kind: Kind, group: str) -> list[str]:
    """ARNs of the resources of a kind in a dataset group."""
    return [one[kind.arn] for one in below(client, kind, group)]


def _schemas(client: Any, group: str) -> list[str]:
    datasets = _below(client, PERSONALIZE["Dataset"], group)
    found = (PERSONALIZE["Dataset"].find(client, dataset) for dataset in datasets)
    return sorted({one["schemaArn"] for one in found if one and "schemaArn" in one})


def _delete(client: Any, kind: Kind, arn: str, give_up: float, log: TaskLog) -> bool:
    """Delete when it can be deleted; False where it is gone, or going, already."""
    from botocore.exceptions import ClientError

    pause = FIRST_PAUSE
    with calling(f"deleting {arn}"):
        while True:
            try:
                getattr(client, kind.create.replace("create_", "delete_", 1))(**{kind.arn: arn})
            except ClientError as error:
                if is_missing(error):
                    return False
                code, told = error.response["Error"]["Code"], error.response["Error"]["Message"]
                if code != "ResourceInUseException":
                    raise
                if (found := kind.find(client, arn)) and found.get("status", "").startswith("DELETE"):
                    return False
                if time.monotonic() > give_up:
                    raise JobTimedOut(f"{arn} cannot be deleted: {told}") from error
                log.info("%s cannot be deleted yet: %s", arn, told)
                time.sleep(pause)
                pause = min(LONGEST_PAUSE, 2 * pause)
            else:
                log.info("Deleting %s", arn)
                return True


def _wait_until_gone(client: Any, kind: Kind, arn: str, give_up: float) -> None:
    pause = FIRST_PAUSE
    while kind.find(client, arn) is not None:
        if time.monotonic() > give_up:
            raise JobTimedOut(f"{arn} was deleted, but is still there.")
        time.sleep(pause)
        pause = min(LONGEST_PAUSE, 2 * pause)


def _delete_schema(client: Any, arn: str, log: TaskLog) -> bool:
    """A schema that another dataset uses, or that is the service's own, stays."""
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
