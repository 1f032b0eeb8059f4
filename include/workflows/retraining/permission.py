"""Whether a challenger may take over, asked right before anything changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypedDict

from airflow.sdk.exceptions import AirflowSkipException

from include.use_cases.catalogue import CASES
from include.workflows.common.errors import ChampionChanged, NotApproved
from include.workflows.common.xcom import Reference, pull_answer

if TYPE_CHECKING:
    from collections.abc import Collection

    from include.use_cases.definition import PromotionPolicy
    from include.workflows.retraining.handover import Plan, VerdictDict

ANSWERED = ("success", "skipped")  # states of a task that leaves its answer and may skip what follows
OBSTACLE = "obstacle"  # XCom key: why a challenger that the gate let through must not take over


class Permission(TypedDict):
    """Where the gate and the question to a person leave their answers."""

    verdict: Reference
    answer: Reference


def needs_person(promotion: PromotionPolicy, *, ask: bool) -> bool:
    """Whether a person decides: the policy or the trigger form (`ask`) wants it."""
    return ask or promotion.approval == "manual"


def is_refused(answer: dict[str, Any]) -> bool:
    """Whether a person's answer is anything but the one that approves."""
    return bool(answer["chosen_options"] != ["Approve"])


def check_permitted(context: Any, plan: Plan, permission: Permission) -> None:
    """Read the answers of the gate and of the person.

    The state of the question tells nothing: Airflow skips no task after a refusal in a mapped group, and a
    person may mark the question as a success without an answer.

    :raises AirflowSkipException: when the gate kept the champion, or the challenger was refused.
    :raises NotApproved: when a person decides and there is no answer.
    """
    verdict: VerdictDict | None = pull_answer(context, permission["verdict"], ANSWERED)
    if not verdict or not verdict["yes"]:
        raise AirflowSkipException("The champion stays.")
    answer = pull_answer(context, permission["answer"])
    if answer and is_refused(answer):
        raise AirflowSkipException("The challenger was refused.")
    ask = context["params"]["ask"]
    if not answer and needs_person(CASES[plan.champion.use_case].promotion, ask=ask):
        _stop(context, NotApproved("a person decides, and the task `approve` has no answer of one"))


def check_champion(context: Any, plan: Plan, champion: str, serving: Collection[str], *, own: bool) -> None:
    """Check that the challenger takes the place of the version that it was compared with.

    While a question waits for its answer, somebody else may deploy another version.

    :param champion: what serves when the version of the plan does: its model, or its ARN.
    :param serving: what serves now.
    :param own: whether that is this retraining's own work.
    :raises ChampionChanged: when something else serves.
    """
    if not own and set(serving) != {champion}:
        names = ", ".join(sorted(serving)) or "nothing"
        text = f"the challenger was compared with {plan.champion.arn} ({champion}), and now {names} serves"
        _stop(context, ChampionChanged(text))


def _stop(context: Any, error: Exception) -> NoReturn:
    """Leave in XCom why a retraining does not go on, and raise the error."""
    context["ti"].xcom_push(key=OBSTACLE, value=str(error))
    raise error
