"""Resources of Personalize, created once: describe, compare, reuse; or an error that lists the differences.

The service knows no client tokens and no request digests: the name says what a resource is for, and the
description must show what was asked for.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from aws_ml.errors import JobExists, JobFailed, JobTimedOut, calling, is_taken
from aws_ml.hooks.personalize import find_named
from aws_ml.lifecycle.outcome import outcome
from aws_ml.lifecycle.submit import Submitted, differences

if TYPE_CHECKING:
    import logging

    from aws_ml.lifecycle.kinds import Kind

Description = dict[str, Any]

BUSY_SECONDS = 4 * 3600.0  # a quota, or a parent that is not ready, is waited for so long
BUSY_PAUSE = 20.0
FULL = "LimitExceededException"
BUSY = (FULL, "ResourceInUseException")
MOST_TRIES = 99
UPDATED = ("solutionVersionArn", "minProvisionedTPS", "campaignConfig")


def place(client: Any, kind: Kind, request: Description, log: logging.Logger) -> Submitted:
    """Create a resource, or find the same one.

    A job (an import, a training, a batch) that failed before leaves its name behind: the next of name-2,
    name-3 ... is taken. Quotas are waited for.

    :raises JobExists: where one of the name is another one, naming the members.
    :raises JobFailed: where one of the name failed and a name is for ever.
    :raises JobRejected: when the service refuses the request.
    :raises JobTimedOut: when a quota stays used up.
    """
    base, again = request[kind.label], kind.label == "jobName" or kind.result == "SolutionVersion"
    for number in range(1, MOST_TRIES + 1):
        name = base if number == 1 else f"{base[:59]}-{number}"
        wanted = {**request, kind.label: name}
        if kind.result == "SolutionVersion" and (found := _existing(client, kind, wanted)):
            arn = None  # names of versions are not unique for the service
        else:
            arn = create(client, kind, wanted, log)
            found = None if arn else _existing(client, kind, wanted)
        if arn:
            log.info("Created the %s %s", kind.noun, name)
            return Submitted(arn, arn, created=True)
        if found is None:
            raise JobExists(f"The {kind.noun} {name} exists, but not in this dataset group or region.")
        state = outcome(kind, found) if kind.status else None
        if state is None or state.state != "failure":
            log.info(
                "The %s %s is there already: %s", kind.noun, name, state.status if state else "as asked for"
            )
            return Submitted(found[kind.arn], found[kind.arn], created=False)
        if not again:
            raise JobFailed(
                f"The {kind.noun} {name} is {state.status}: {state.reason}. Delete it to try again."
            )
        log.warning(
            "The %s %s is %s (%s); the next name is tried", kind.noun, name, state.status, state.reason
        )
    raise JobExists(f"{kind.noun} {base}: {MOST_TRIES} of that name failed.")


def create(client: Any, kind: Kind, request: Description, log: logging.Logger) -> str | None:
    """The ARN of a new resource; None where the name is taken. Waits while the service has no room."""

    def attempt() -> str | None:
        from botocore.exceptions import ClientError

        try:
            arn: str = getattr(client, kind.create)(**request)[kind.arn]
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if is_taken(error) or (code == FULL and find_named(client, kind, request[kind.label])):
                return None  # the one that fills the quota may be the one that is asked for
            raise
        return arn

    arn: str | None = patiently(f"creating the {kind.noun} {request[kind.label]}", attempt, log)
    return arn


def patiently(doing: str, attempt: Any, log: logging.Logger) -> Any:
    """Call until the service has room for it.

    :raises JobTimedOut: after `BUSY_SECONDS`.
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
    """The resource of the name. Raises JobExists where it is not what is asked for."""
    within = {"solutionArn": request["solutionArn"]} if kind.result == "SolutionVersion" else {}
    found = find_named(client, kind, request[kind.label], **within)
    if found is not None and (lines := different(kind, request, found)):
        raise JobExists(
            f"The {kind.noun} {request[kind.label]} exists and is another one: {'; '.join(lines)}"
        )
    return found


def different(kind: Kind, request: Description, found: Description) -> list[str]:
    """Where a resource is not what is asked for."""
    wanted = {member: value for member, value in request.items() if member != "tags"}
    shown = dict(found)
    if kind.result == "Schema":
        wanted, shown = ({**one, "schema": json.loads(one["schema"])} for one in (wanted, shown))
    if kind.result == "Dataset":
        wanted, shown = ({**one, "datasetType": one["datasetType"].upper()} for one in (wanted, shown))
    return differences(wanted, shown)


def place_campaign(client: Any, kind: Kind, request: Description, log: logging.Logger) -> Submitted:
    """Create the campaign, or update the one of its name to what is asked for.

    :raises JobRejected: when the service refuses.
    :raises JobTimedOut: when others keep the campaign busy for too long.
    """
    arn = create(client, kind, request, log)
    if arn:
        log.info("Created the campaign %s", request["name"])
        return Submitted(arn, arn, created=True)
    found = find_named(client, kind, request["name"])
    if found is None:
        raise JobExists(f"The campaign {request['name']} exists, but cannot be found.")
    arn, wanted = found["campaignArn"], {m: request[m] for m in UPDATED if m in request}
    if not differences(wanted, _serves_next(found)):
        log.info("The campaign %s serves that already, or is about to", request["name"])
        return Submitted(arn, arn, created=False)
    doing = f"updating the campaign {request['name']}"
    patiently(doing, lambda: client.update_campaign(campaignArn=arn, **wanted), log)
    log.info("Updating the campaign %s to %s", request["name"], wanted)
    return Submitted(arn, arn, created=True)


def _serves_next(campaign: Description) -> Description:
    """What a campaign serves, or will when its update is done."""
    update = campaign.get("latestCampaignUpdate", {})
    return campaign | update if update.get("status", "").startswith(("CREATE P", "CREATE I")) else campaign
