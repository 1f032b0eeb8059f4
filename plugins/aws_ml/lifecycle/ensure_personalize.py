"""Create a resource of Personalize once: describe it, compare it, reuse it, or list what differs.

The service knows no client tokens and keeps no digest of a request: the name says what a resource is for, and
its description must show what the request asks for.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from aws_ml.errors import JobExists, JobFailed, JobTimedOut, calling, is_taken
from aws_ml.lifecycle.differences import differences
from aws_ml.lifecycle.ensure import MOST_TRIES, JobReference
from aws_ml.lifecycle.named import find_named
from aws_ml.lifecycle.outcome import outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_ml.lifecycle.kinds import Description, Kind
    from aws_ml.lifecycle.logs import TaskLog

BUSY_SECONDS = 4 * 3600.0  # how long a full quota, or a parent that is not ready, is waited for
BUSY_PAUSE = 20.0
FULL = "LimitExceededException"
BUSY = (FULL, "ResourceInUseException")
UPDATED = ("solutionVersionArn", "minProvisionedTPS", "campaignConfig")


def ensure_personalize(client: Any, kind: Kind, request: Description, log: TaskLog) -> JobReference:
    """Create a resource, or find the same one.

    A job (an import, a training, a batch job) that failed keeps its name: the next of name-2, name-3 ... is
    taken. Quotas are waited for.

    :raises JobExists: when another one of that name exists; the message names the members that differ.
    :raises JobFailed: when the resource of that name failed, and its name cannot be used again.
    :raises JobRejected: when the service refuses the request.
    :raises JobTimedOut: when the quota stays full.
    :raises ServiceFault: when AWS cannot take it now.
    """
    base = request[kind.label]
    for number in range(1, MOST_TRIES + 1):
        name = base if number == 1 else f"{base[:59]}-{number}"
        reference = _ensure_name(client, kind, {**request, kind.label: name}, log)
        if reference is not None:
            return reference
    raise JobExists(f"{kind.noun} {base}: {MOST_TRIES} of that name failed.")


def _ensure_name(client: Any, kind: Kind, request: Description, log: TaskLog) -> JobReference | None:
    """Create or find the resource of exactly this name; None: it failed, try the next name."""
    name = request[kind.label]
    existing = None
    if kind.word == "SolutionVersion":  # the service lets several versions have the same name
        existing = _existing(client, kind, request)
    if existing is None:
        if arn := create_or_none(client, kind, request, log):
            log.info("Created the %s %s", kind.noun, name)
            return JobReference(arn, arn, created=True)
        existing = _existing(client, kind, request)
    if existing is None:
        raise JobExists(f"The {kind.noun} {name} exists, but not in this dataset group or region.")
    return _usable(kind, existing, log)


def _usable(kind: Kind, existing: Description, log: TaskLog) -> JobReference | None:
    """A resource that did not fail; None for a job that did."""
    name, now = existing[kind.label], outcome(kind, existing) if kind.status else None
    if now is None or now.state != "failure":
        log.info("The %s %s exists already: %s", kind.noun, name, now.status if now else "the same")
        return JobReference(existing[kind.arn], existing[kind.arn], created=False)
    if kind.label != "jobName" and kind.word != "SolutionVersion":
        raise JobFailed(f"The {kind.noun} {name} is {now.status}: {now.reason}. Delete it to try again.")
    log.warning("The %s %s is %s (%s); the next name is tried", kind.noun, name, now.status, now.reason)
    return None


def ensure_campaign(client: Any, kind: Kind, request: Description, log: TaskLog) -> JobReference:
    """Create the campaign, or update the one of its name to what the request asks for.

    :raises JobExists: when a campaign of that name exists in another region or dataset group.
    :raises JobRejected: when the service refuses.
    :raises JobTimedOut: when others keep the campaign busy for too long.
    :raises ServiceFault: when AWS cannot take it now.
    """
    name = request["name"]
    if arn := create_or_none(client, kind, request, log):
        log.info("Created the campaign %s", name)
        return JobReference(arn, arn, created=True)
    campaign = find_named(client, kind, name)
    if campaign is None:
        raise JobExists(f"The campaign {name} exists, but cannot be found.")
    arn, update = campaign["campaignArn"], {m: request[m] for m in UPDATED if m in request}
    if not differences(update, _serves_next(campaign)):
        log.info("The campaign %s serves that already, or is about to", name)
        return JobReference(arn, arn, created=False)
    patiently(f"updating the campaign {name}", lambda: client.update_campaign(campaignArn=arn, **update), log)
    log.info("Updating the campaign %s to %s", name, update)
    return JobReference(arn, arn, created=True)


def _serves_next(campaign: Description) -> Description:
    """What a campaign serves, or will serve when its update is done."""
    update = campaign.get("latestCampaignUpdate", {})
    return campaign | update if update.get("status", "").startswith(("CREATE P", "CREATE I")) else campaign


def create_or_none(client: Any, kind: Kind, request: Description, log: TaskLog) -> str | None:
    """The ARN of a new resource; None when the name is taken. Waits while the quota is full.

    :raises JobRejected: when the service refuses the request.
    :raises JobTimedOut: when the quota stays full.
    :raises ServiceFault: when AWS cannot take it now.
    """

    def attempt() -> str | None:
        from botocore.exceptions import ClientError

        try:
            arn: str = getattr(client, kind.create)(**request)[kind.arn]
        except ClientError as error:
            full = error.response["Error"]["Code"] == FULL
            if is_taken(error) or (full and find_named(client, kind, request[kind.label])):
                return None  # the resource that fills the quota may be the one that the request asks for
            raise
        return arn

    arn: str | None = patiently(f"creating the {kind.noun} {request[kind.label]}", attempt, log)
    return arn


def patiently(doing: str, attempt: Callable[[], Any], log: TaskLog) -> Any:
    """Call until the service has room for it; returns what the call returns.

    :param doing: "creating the solution films", for messages.
    :raises JobRejected: when the service refuses.
    :raises JobTimedOut: after `BUSY_SECONDS`.
    :raises ServiceFault: when AWS cannot take it now.
    """
    from botocore.exceptions import ClientError

    give_up = time.monotonic() + BUSY_SECONDS
    with calling(doing):
        while True:
            try:
                return attempt()
            except ClientError as error:
                if error.response["Error"]["Code"] not in BUSY:
                    raise
                if time.monotonic() > give_up:
                    raise JobTimedOut(f"{doing}: {error}") from error
                log.info("%s has to wait: %s", doing.capitalize(), error.response["Error"]["Message"])
                time.sleep(BUSY_PAUSE)


def _existing(client: Any, kind: Kind, request: Description) -> Description | None:
    """The resource of the name. Raises JobExists when it is not what the request asks for."""
    within = {"solutionArn": request["solutionArn"]} if kind.word == "SolutionVersion" else {}
    existing = find_named(client, kind, request[kind.label], **within)
    if existing is not None and (lines := _different(kind, request, existing)):
        raise JobExists(
            f"The {kind.noun} {request[kind.label]} exists and is another one: {'; '.join(lines)}"
        )
    return existing


def _different(kind: Kind, request: Description, description: Description) -> list[str]:
    """Where a resource is not what the request asks for."""
    members = {member: value for member, value in request.items() if member != "tags"}
    return differences(_comparable(kind, members), _comparable(kind, description))


def _comparable(kind: Kind, members: Description) -> Description:
    """The members in a form in which equal ones are equal: the service changes case and white space."""
    if kind.word == "Schema":
        return {**members, "schema": json.loads(members["schema"])}
    if kind.word == "Dataset":
        return {**members, "datasetType": members["datasetType"].upper()}
    return members
