"""Done, failed or still running: `waiters/sagemaker.json` is the one definition, for whoever waits."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from botocore.waiter import AcceptorConfig

    from aws_ml.jobs.kinds import Kind

WAITERS = Path(__file__).parents[1] / "waiters" / "sagemaker.json"

State = Literal["running", "success", "failure"]


@dataclass(frozen=True)
class Outcome:
    """Where a job stands. `reason` is AWS's where it gives one."""

    state: State
    status: str
    reason: str = ""


@cache
def _acceptors(waiter: str) -> list[AcceptorConfig]:
    from botocore.waiter import WaiterModel

    acceptors: list[AcceptorConfig] = (
        WaiterModel(json.loads(WAITERS.read_text())).get_waiter(waiter).acceptors
    )
    return acceptors


def outcome(kind: Kind, description: dict[str, Any], expected: dict[str, Any] | None = None) -> Outcome:
    """Judge a description, or a summary of a list.

    :param expected: members that a successful job must show, such as the endpoint configuration that was
        asked for: after a rolled-back update an endpoint is InService with the old one.
    """
    status = str(description.get(kind.status))
    state: State = "running"
    for acceptor in _acceptors(kind.waiter):
        if acceptor.matcher_func(description):
            state = "success" if acceptor.state == "success" else "failure"
            break
    reason = str(description.get("FailureReason") or description.get("ExitMessage") or "")
    if state == "failure" and not reason:
        reason = f"the {kind.noun} is {status}"
        if description.get("SecondaryStatus") == "MaxRuntimeExceeded":
            reason += ": it ran longer than its MaxRuntimeInSeconds"
    if state == "success":
        for member, wanted in (expected or {}).items():
            if description.get(member) != wanted:
                found = description.get(member)
                rolled_back = f"{member} is {found}, asked for was {wanted}: the update was rolled back"
                return Outcome("failure", status, f"{rolled_back}. {reason}".strip())
    return Outcome(state, status, reason)
