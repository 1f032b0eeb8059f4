"""Create an endpoint, or update it, to an endpoint configuration."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from aws_ml.errors import JobRejected, JobTimedOut, calling
from aws_ml.lifecycle.ensure import JobReference, create_or_none

if TYPE_CHECKING:
    from aws_ml.lifecycle.kinds import Description, Kind
    from aws_ml.lifecycle.logs import TaskLog

BUSY_SECONDS = 3600.0  # how long an endpoint is waited for that another program changes
BUSY_PAUSE = 5.0
HEALTHY = ("InService", "Creating", "Updating")
USELESS = ("Failed", "OutOfService")  # states of an endpoint that only deletion ends
CHANGING = re.compile(r"in-progress|currently|Updating")  # AWS refuses a second change with these words


def ensure_endpoint(
    client: Any, kind: Kind, request: Description, *, create: bool, log: TaskLog
) -> JobReference:
    """Create the endpoint, or update it to the configuration, unless it serves that already.

    An endpoint that is being changed is waited for first; one whose creation failed is deleted and created
    again.

    :param create: whether an endpoint that does not exist is created.
    :raises JobRejected: when AWS refuses, or there is no endpoint to update.
    :raises JobTimedOut: when others keep the endpoint busy for too long.
    :raises ServiceFault: when AWS cannot take it now.
    """
    name = request["EndpointName"]
    give_up = time.monotonic() + BUSY_SECONDS
    while time.monotonic() < give_up:
        endpoint = kind.find(client, name)
        if endpoint is None and not create:
            raise JobRejected(f"There is no endpoint {name} to update.")
        if endpoint is None:
            reference = _create(client, kind, request, log)
        else:
            reference = _change(client, kind, request, endpoint, create=create, log=log)
        if reference is not None:
            return reference
    raise JobTimedOut(f"The endpoint {name} could not be changed for {BUSY_SECONDS:.0f} s.")


def _create(client: Any, kind: Kind, request: Description, log: TaskLog) -> JobReference | None:
    """None when another program created an endpoint of this name meanwhile."""
    arn = create_or_none(client, kind, request)
    if arn is None:
        return None
    log.info("Creating the endpoint %s with %s", request["EndpointName"], request["EndpointConfigName"])
    return JobReference(request["EndpointName"], arn, created=True)


def _change(
    client: Any, kind: Kind, request: Description, endpoint: Description, *, create: bool, log: TaskLog
) -> JobReference | None:
    """Update an endpoint that exists; None: look again."""
    name, config, status = request["EndpointName"], request["EndpointConfigName"], endpoint[kind.status]
    pending = endpoint.get("PendingDeploymentSummary", {}).get("EndpointConfigName")
    if config in (endpoint.get("EndpointConfigName"), pending) and status in HEALTHY:
        log.info("The endpoint %s has, or is about to have, %s (%s)", name, config, status)
        return JobReference(name, endpoint[kind.arn], created=False)
    if status in USELESS and create:
        log.warning("The endpoint %s is %s: it is deleted and created again", name, status)
        with calling(f"deleting the endpoint {name}"):
            client.delete_endpoint(EndpointName=name)
    elif status == "InService" and _update(client, request):
        log.info("Updating the endpoint %s to %s", name, config)
        return JobReference(name, endpoint[kind.arn], created=True)
    else:
        log.info("The endpoint %s is %s: waiting until it can be changed", name, status)
        time.sleep(BUSY_PAUSE)
    return None


def _update(client: Any, request: Description) -> bool:
    """False when another program began to change the endpoint meanwhile."""
    from botocore.exceptions import ClientError

    with calling(f"updating the endpoint {request['EndpointName']}"):
        try:
            client.update_endpoint(**{name: value for name, value in request.items() if name != "Tags"})
        except ClientError as error:
            if CHANGING.search(error.response["Error"]["Message"]):
                return False
            raise
    return True
