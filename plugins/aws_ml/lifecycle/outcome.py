"""Done, failed or still running: `waiters/<service>.json` is the only definition."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from botocore.waiter import AcceptorConfig

    from aws_ml.lifecycle.kinds import Kind

WAITERS = Path(__file__).parents[1] / "waiters"

State = Literal["running", "success", "failure"]
STOPPED = ("Stopped", "CREATE STOPPED")


@dataclass(frozen=True)
class Outcome:
    """Whether a job runs, succeeded or failed.

    :param status: AWS's own word; `missing`, `timeout` or `unknown` when AWS gives none.
    :param reason: AWS's own words, if it gives any.
    :param stopped: a user or a program stopped the job.
    """

    state: State
    status: str
    reason: str = ""
    stopped: bool = False


@cache
def _acceptors(service: str, waiter: str) -> list[AcceptorConfig]:
    from botocore.waiter import WaiterModel

    model = WaiterModel(json.loads((WAITERS / f"{service}.json").read_text()))
    acceptors: list[AcceptorConfig] = model.get_waiter(waiter).acceptors
    return acceptors


def _reason(description: dict[str, Any]) -> str:
    """AWS's own words; those about the update of a campaign come first."""
    update = description.get("latestCampaignUpdate") or description.get("latestRecommenderUpdate") or {}
    members = ("FailureReason", "ExitMessage", "failureReason")
    texts = (update.get("failureReason"), *(description.get(member) for member in members))
    return next((str(text) for text in texts if text), "")


def outcome(kind: Kind, description: dict[str, Any], expected: dict[str, Any] | None = None) -> Outcome:
    """The outcome that a description, or a summary of a list, shows.

    :param expected: members that a successful job must show, such as the endpoint configuration of the
        request: after a rolled-back update an endpoint is InService with the old one.
    """
    status = str(description.get(kind.status))
    state: State = "running"
    for acceptor in _acceptors(kind.service, kind.waiter):
        if acceptor.matcher_func(description):
            state = "success" if acceptor.state == "success" else "failure"
            break
    reason, too_long = _reason(description), description.get("SecondaryStatus") == "MaxRuntimeExceeded"
    stopped = status in STOPPED and not reason and not too_long
    if state == "failure" and not reason:
        reason = f"the {kind.noun} is {status}"
        reason += ": it ran longer than its MaxRuntimeInSeconds" if too_long else ""
    if state == "success":
        for member, value in (expected or {}).items():
            actual = description.get(member)
            if actual != value:
                rolled_back = f"{member} is {actual}, asked for was {value}: the update was rolled back"
                return Outcome("failure", status, f"{rolled_back}. {reason}".strip())
    return Outcome(state, status, reason, stopped)
