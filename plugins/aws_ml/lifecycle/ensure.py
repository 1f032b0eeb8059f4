"""Create a job or resource of SageMaker once, whatever happens to the worker in between.

The job's name says which run and step it belongs to; a tag holds the digest of the request. When the name is
taken, both together tell whether it is the job of an earlier try or another one. A job whose input was
written after it began is another one, too: the step before it was run again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aws_ml.errors import JobExists, calling, is_taken
from aws_ml.lifecycle.differences import REQUEST_TAG, differences, digest
from aws_ml.lifecycle.inputs import newer_input
from aws_ml.lifecycle.outcome import Outcome, outcome

if TYPE_CHECKING:
    from aws_ml.lifecycle.kinds import Description, Kind
    from aws_ml.lifecycle.logs import TaskLog

Policy = Literal["reuse", "new", "fail"]
POLICIES: tuple[Policy, ...] = ("reuse", "new", "fail")
MOST_TRIES = 99


@dataclass(frozen=True)
class JobReference:
    """The job or resource that stands for a request.

    :param created: whether this call created or changed it; else it existed.
    """

    name: str
    arn: str
    created: bool


def ensure_job(
    client: Any, s3: Any, kind: Kind, request: Description, policy: Policy, log: TaskLog
) -> JobReference:
    """Create the job, or find the one that an earlier try created.

    A job of the same name and request is waited for while it runs and used when it is done. For any other
    (another request, an input that was written since, failed, stopped) the policy decides: `reuse` takes it
    as it is, `new` creates the next of name-2, name-3 ..., `fail` raises.

    :param client, s3: clients of the job's service and of S3.
    :raises JobExists: by the policy `fail`; or when no name is left.
    :raises JobRejected: when AWS refuses the request.
    :raises ServiceFault: when AWS cannot take it now.
    """
    base, fingerprint = request[kind.name], digest(request)
    tags = [*request.get("Tags", []), {"Key": REQUEST_TAG, "Value": fingerprint}]
    for number in range(1, MOST_TRIES + 1):
        name = base if number == 1 else f"{base[: kind.limit - len(str(number)) - 1]}-{number}"
        arn = create_or_none(client, kind, {**request, kind.name: name, "Tags": tags})
        if arn is not None:
            log.info("Created the %s %s", kind.noun, name)
            return JobReference(name, arn, created=True)
        existing = _existing(client, s3, kind, {**request, kind.name: name}, fingerprint, policy, log)
        if existing is not None:
            return existing
    raise JobExists(f"{kind.noun} {base}: {MOST_TRIES} of that name exist, none can be used.")


def ensure_resource(client: Any, kind: Kind, request: Description, log: TaskLog) -> None:
    """Create a model or an endpoint configuration, unless the same one exists.

    :raises JobExists: when another one of that name exists; the message names the members that differ.
    :raises JobRejected: when AWS refuses the request.
    :raises ServiceFault: when AWS cannot take it now.
    """
    name = request[kind.name]
    if create_or_none(client, kind, request) is None:
        if lines := differences(request, kind.look(client, name)):
            raise JobExists(f"The {kind.noun} {name} exists and is another one: {'; '.join(lines)}")
        log.info("The %s %s exists already", kind.noun, name)


def create_or_none(client: Any, kind: Kind, request: Description) -> str | None:
    """The ARN of what was created; None when the name is taken.

    :raises JobRejected: when AWS refuses the request.
    :raises ServiceFault: when AWS cannot take it now.
    """
    from botocore.exceptions import ClientError

    with calling(f"creating the {kind.noun} {request[kind.name]}"):
        try:
            arn: str = getattr(client, kind.create)(**request)[kind.arn]
        except ClientError as error:
            if is_taken(error) and kind.find(client, request[kind.name]):
                return None
            raise
    return arn


def _existing(
    client: Any, s3: Any, kind: Kind, request: Description, fingerprint: str, policy: Policy, log: TaskLog
) -> JobReference | None:
    """The job of that name if it can be used; None: try the next name.

    :raises JobExists: by the policy `fail`.
    """
    name = request[kind.name]
    description = kind.look(client, name)
    now = outcome(kind, description)
    with calling(f"listing the tags of the {kind.noun} {name}"):
        tags = client.list_tags(ResourceArn=description[kind.arn])["Tags"]
    same_request = {"Key": REQUEST_TAG, "Value": fingerprint} in tags
    reference = JobReference(name, description[kind.arn], created=False)
    runs = now.state == "running" and now.status not in kind.ended
    if not same_request:
        reason = _other(now, differences(request, description))
    elif not (runs or now.state == "success"):
        reason = _reason(now)
    elif newer := newer_input(s3, request, description[kind.since], log):
        reason = f"its input {newer} was written after it began"
    else:
        words = "was created by an earlier try and runs: waiting for it"
        log.info("The %s %s %s", kind.noun, name, words if runs else "is done already: its results are used")
        return reference
    if policy == "fail":
        raise JobExists(f"The {kind.noun} {name} exists; {reason}")
    action = "it is used all the same" if policy == "reuse" else "it is left alone, the next name is tried"
    log.warning("The %s %s exists; %s; %s", kind.noun, name, reason, action)
    return reference if policy == "reuse" else None


def _reason(now: Outcome) -> str:
    return f"it ended as {now.status}: {now.reason}" if now.reason else f"it is {now.status}"


def _other(now: Outcome, lines: list[str]) -> str:
    differing = "; ".join(lines) or "in members that AWS does not describe"
    return f"it is another one ({now.status}): {differing}"
