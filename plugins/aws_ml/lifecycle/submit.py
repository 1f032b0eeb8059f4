"""Create a job once, whatever happens to the worker in between.

The job's name says which run and step it belongs to; a tag holds the digest of the request. When the name is
taken, both together tell what it is: our own job of an earlier try, or another one.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aws_ml.errors import JobExists, JobRejected, JobTimedOut, calling, is_missing, is_taken
from aws_ml.lifecycle.outcome import outcome

if TYPE_CHECKING:
    import logging

    from aws_ml.lifecycle.kinds import Kind

Policy = Literal["reuse", "new", "fail"]
POLICIES: tuple[Policy, ...] = ("reuse", "new", "fail")
REQUEST_TAG = "aws-ml:request"  # SHA-256 of the request
MOST_TRIES = 99


@dataclass(frozen=True)
class Submitted:
    """The job that stands for a request now: `created` by this call, or found."""

    name: str
    arn: str
    created: bool


def digest(config: dict[str, Any]) -> str:
    """SHA-256 of a request, tags left out: they do not change what a job does."""
    told = {name: value for name, value in config.items() if name != "Tags"}
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def differences(wanted: Any, found: Any, where: str = "") -> list[str]:
    """Where a description differs from a request; what AWS adds to a description is no difference."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return [
            line
            for name, value in wanted.items()
            if name != "Tags"
            for line in differences(value, found.get(name), f"{where}.{name}".lstrip("."))
        ]
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        pairs = enumerate(zip(wanted, found, strict=True))
        return [line for n, (a, b) in pairs for line in differences(a, b, f"{where}[{n}]")]
    return [] if wanted == found else [f"{where}: asked for {wanted!r}, is {found!r}"]


def submit(client: Any, kind: Kind, config: dict[str, Any], policy: Policy, log: logging.Logger) -> Submitted:
    """Create the job, or find the one that an earlier try created.

    A job of the same name and request is attached to while it runs and reused when it is done. For any other
    (another request, failed, stopped) the policy decides: `reuse` takes it as it is, `new` creates the next
    of name-2, name-3 ..., `fail` raises.

    :raises JobExists: by the policy `fail`.
    :raises JobRejected: when AWS refuses the request.
    :raises ServiceFault: when AWS cannot take it now.
    """
    base, fingerprint = config[kind.name], digest(config)
    tags = [*config.get("Tags", []), {"Key": REQUEST_TAG, "Value": fingerprint}]
    for number in range(1, MOST_TRIES + 1):
        name = base if number == 1 else f"{base[: kind.limit - len(str(number)) - 1]}-{number}"
        arn = _create(client, kind, {**config, kind.name: name, "Tags": tags})
        if arn is not None:
            log.info("Created the %s %s", kind.noun, name)
            return Submitted(name, arn, created=True)
        if found := _existing(client, kind, {**config, kind.name: name}, fingerprint, policy, log):
            return found
    raise JobExists(f"{kind.noun} {base}: {MOST_TRIES} of that name exist, none can be used.")


def _create(client: Any, kind: Kind, request: dict[str, Any]) -> str | None:
    """The ARN of a new job; None where the name is taken."""
    from botocore.exceptions import ClientError

    with calling(f"creating the {kind.noun} {request[kind.name]}"):
        try:
            arn: str = getattr(client, kind.create)(**request)[kind.arn]
        except ClientError as error:
            if is_taken(error) and find(client, kind, request[kind.name]):
                return None
            raise
    return arn


def find(client: Any, kind: Kind, name: str) -> dict[str, Any] | None:
    """The job's description; None where there is none of that name."""
    from botocore.exceptions import ClientError

    try:
        return kind.look(client, name)
    except ClientError as error:
        if is_missing(error):
            return None
        raise


def _existing(
    client: Any, kind: Kind, request: dict[str, Any], fingerprint: str, policy: Policy, log: logging.Logger
) -> Submitted | None:
    """What a taken name means; None: try the next name."""
    name = request[kind.name]
    description = kind.look(client, name)
    where = outcome(kind, description)
    tags = client.list_tags(ResourceArn=description[kind.arn])["Tags"]
    ours = {"Key": REQUEST_TAG, "Value": fingerprint} in tags
    taken = Submitted(name, description[kind.arn], created=False)
    if ours and where.state == "success":
        log.info("The %s %s is done already: its results are used", kind.noun, name)
        return taken
    if ours and where.state == "running" and where.status not in kind.ended:
        log.info("The %s %s was created by an earlier try and runs: waiting for that one", kind.noun, name)
        return taken
    if ours:
        why = f"it ended as {where.status}: {where.reason}" if where.reason else f"it is {where.status}"
    else:
        lines = differences(request, description) or ["in members that AWS does not describe"]
        why = f"it is another one ({where.status}): {'; '.join(lines)}"
    if policy == "fail":
        raise JobExists(f"The {kind.noun} {name} exists; {why}")
    verb = "used all the same" if policy == "reuse" else "left alone, the next name is tried"
    log.warning("The %s %s exists and is %s; %s", kind.noun, name, verb, why)
    return taken if policy == "reuse" else None


BUSY_SECONDS = 3600.0  # an endpoint that somebody else updates is waited for so long
BUSY_PAUSE = 5.0
USELESS = ("Failed", "OutOfService")  # states of an endpoint that only deletion ends


def ensure(client: Any, kind: Kind, config: dict[str, Any], log: logging.Logger) -> None:
    """Create a model or an endpoint configuration, or find the same one.

    :raises JobExists: where one of the name differs, naming the members.
    :raises JobRejected: when AWS refuses the request.
    """
    name = config[kind.name]
    if _create(client, kind, config) is None:
        if lines := differences(config, kind.look(client, name)):
            raise JobExists(f"The {kind.noun} {name} exists and is another one: {'; '.join(lines)}")
        log.info("The %s %s is there already", kind.noun, name)


def submit_endpoint(
    client: Any, kind: Kind, config: dict[str, Any], *, create: bool, log: logging.Logger
) -> Submitted:
    """Create the endpoint or update it to the configuration; nothing to do where it serves that already.

    An endpoint that is being changed is waited for first; one whose creation failed is deleted and made anew.

    :param create: whether an endpoint that does not exist is created.
    :raises JobRejected: when AWS refuses, or there is no endpoint to update.
    :raises JobTimedOut: when others keep the endpoint busy for too long.
    """
    name, wanted = config["EndpointName"], config["EndpointConfigName"]
    give_up = time.monotonic() + BUSY_SECONDS
    while time.monotonic() < give_up:
        found = find(client, kind, name)
        if found is None:
            if not create:
                raise JobRejected(f"There is no endpoint {name} to update.")
            if arn := _create(client, kind, config):
                log.info("Creating the endpoint %s with %s", name, wanted)
                return Submitted(name, arn, created=True)
            continue
        status, pending = found[kind.status], found.get("PendingDeploymentSummary", {})
        if wanted in (found.get("EndpointConfigName"), pending.get("EndpointConfigName")) and status in (
            *("InService", "Creating", "Updating"),
        ):
            log.info("The endpoint %s has, or is about to have, %s (%s)", name, wanted, status)
            return Submitted(name, found[kind.arn], created=False)
        if status in USELESS and create:
            log.warning("The endpoint %s is %s: deleting it to create it anew", name, status)
            client.delete_endpoint(EndpointName=name)
        elif status == "InService" and _update(client, config):
            log.info("Updating the endpoint %s to %s", name, wanted)
            return Submitted(name, found[kind.arn], created=True)
        else:
            log.info("The endpoint %s is %s: waiting until it can be changed", name, status)
            time.sleep(BUSY_PAUSE)
    raise JobTimedOut(f"The endpoint {name} could not be changed for {BUSY_SECONDS:.0f} s.")


def _update(client: Any, config: dict[str, Any]) -> bool:
    """False where somebody else began to change the endpoint meanwhile."""
    from botocore.exceptions import ClientError

    with calling(f"updating the endpoint {config['EndpointName']}"):
        try:
            client.update_endpoint(**{name: value for name, value in config.items() if name != "Tags"})
        except ClientError as error:
            if re.search(r"in-progress|currently|Updating", error.response["Error"]["Message"]):
                return False
            raise
    return True
