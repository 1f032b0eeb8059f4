"""Whether a challenger takes over: training, gate, the question to a person, and the decision on record."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypedDict

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import chain, task
from airflow.sdk.exceptions import AirflowSkipException

from aws_ml.clients import Aws
from include.use_cases import policy
from include.use_cases.catalogue import CASES, CLASSIFIERS
from include.workflows.classification.registry import LEARNED_UNTIL
from include.workflows.common.errors import RetrainingFailed
from include.workflows.common.notification import report_faults, send_message
from include.workflows.common.s3_documents import read_json, write_json
from include.workflows.common.xcom import Reference, pull, pull_answer, reference
from include.workflows.retraining.causes import ALLOWED, FAULTS, folder_of
from include.workflows.retraining.handover import Decision, DecisionDict, GateDict, Plan, VerdictDict
from include.workflows.retraining.permission import (
    ANSWERED,
    OBSTACLE,
    Permission,
    is_refused,
    needs_person,
)

if TYPE_CHECKING:
    from airflow.sdk import XComArg

    from include.workflows.common.xcom import Handle, Task
    from include.workflows.retraining.handover import (
        CauseDict,
        ClassifierMatchDict,
        PlanDict,
        RecommenderMatchDict,
    )

    MatchDict = ClassifierMatchDict | RecommenderMatchDict

log = logging.getLogger(__name__)

APPROVAL_LIMIT = 1024  # characters of a version's ApprovalDescription
VERDICT = "decision"  # XCom key: the gate's answer


class Trail(TypedDict):
    """Where the steps of a retraining leave what the decision is made of."""

    allowed: Reference
    faults: Reference
    champion: Reference
    learned_until: Reference
    challenger: Reference
    permission: Permission
    obstacle: Reference
    verification: Reference
    roll_back: Reference


def conclude_loop(
    cause: CauseDict,
    bucket: str,
    *,
    plan: Task,
    contest: Task,
    permission: Permission,
    change: Task,
    verification: Task,
    roll_back: Task,
) -> None:
    """The task `decide` at the end of a loop, after both tasks by which the loop may end.

    :param change: the task that begins to change what serves, where that is permitted.
    :param verification, roll_back: the tasks that leave something when that was done.
    """
    trail = Trail(
        allowed=reference(plan, ALLOWED),
        faults=reference(plan, FAULTS),
        champion=reference(plan, "champion"),
        learned_until=reference(plan, LEARNED_UNTIL),
        challenger=reference(contest, "challenger"),
        permission=permission,
        obstacle=reference(change, OBSTACLE),
        verification=reference(verification),
        roll_back=reference(roll_back),
    )
    chain([verification, roll_back], decide(cause, bucket, trail))


def train_challenger(plan: Handle, dag_id: str) -> TriggerDagRunOperator:
    """The task `train`: a run of the use case's own DAG; a repeated task finds the jobs of its first try.

    :param dag_id: may be a template.
    """
    return TriggerDagRunOperator(
        task_id="train",
        trigger_dag_id=dag_id,
        trigger_run_id=plan["training_run"],
        conf=plan["conf"],
        reset_dag_run=True,
        fail_when_dag_is_paused=True,
        wait_for_completion=True,
        deferrable=True,
        poke_interval=10,
    )


@task(multiple_outputs=True)
def gate(plan_dict: PlanDict, contest: MatchDict, **context: Any) -> GateDict:
    """Whether the challenger takes over, by the use case's policy; XCom keeps the answer, under `decision`.

    :raises AirflowSkipException: when it does not.
    """
    plan = Plan.of(plan_dict)
    name, folder = plan.champion.use_case, plan.folder
    comparison = read_json(f"{folder}/comparison/comparison.json")
    verdict = policy.promote(comparison, CASES[name].promotion)
    context["ti"].xcom_push(key=VERDICT, value=VerdictDict(yes=verdict.yes, why=verdict.why))
    log.info("%s: %s, %s", name, "promote" if verdict.yes else "keep the champion", verdict.why)
    if not verdict.yes:
        raise AirflowSkipException(f"{name}: the champion stays; {verdict.why}")
    return GateDict(
        why=verdict.why,
        question=question(plan, contest["challenger"]["arn"], comparison),
        report=f"{folder}/comparison",
    )


def question(plan: Plan, challenger: str, comparison: dict[str, Any]) -> str:
    """The numbers of a comparison as Markdown.

    :param challenger: ARN.
    """
    old, new = comparison["champion"], comparison["challenger"]
    samples = f"{comparison['better_share']:.0%} of {comparison['gain']['samples']} samples"
    return "\n".join(
        [
            f"On {comparison['compared_on']}:",
            "",
            "| metric | champion | challenger | gain |",
            "|---|---|---|---|",
            *(
                f"| {metric} | {old[metric]:.4f} | {new[metric]:.4f} | {new[metric] - old[metric]:+.4f} |"
                for metric in comparison["shown"]
            ),
            "",
            f"The challenger is better in {samples}.",
            "",
            f"Champion: `{plan.champion.arn}`, challenger: `{challenger}`",
            "",
            f"Report: `{plan.folder}/comparison/report.html`",
        ]
    )


def ask_for_approval(plan: XComArg, gate: Handle) -> ApprovalOperator:
    """The task `approve`: a person is asked, where the policy or the trigger form wants it."""
    champion = reference(plan, "champion")

    def unless_manual(context: Any) -> None:
        use_case = pull(context["ti"], champion)["use_case"]
        if not needs_person(CASES[use_case].promotion, ask=context["params"]["ask"]):
            raise AirflowSkipException("The use case's policy approves by itself.")

    return ApprovalOperator(
        task_id="approve",
        subject="{{ macros.aws_ml.run_key(dag_run) }}: promote the challenger?",
        body=gate["question"],
        defaults="Reject",
        response_timeout=timedelta(hours=24),
        pre_execute=unless_manual,
    )


def permission_of(gate: Task, approve: Task) -> Permission:
    """Where the tasks `gate` and `approve` leave their answers."""
    return Permission(verdict=reference(gate, VERDICT), answer=reference(approve))


@task(trigger_rule="all_done", retries=3)
def decide(cause: CauseDict, bucket: str, trail: Trail, **context: Any) -> DecisionDict:
    """Write `decision.json`, and tell the registry.

    :raises RetrainingFailed: when the deployment was rolled back, or a step failed: people should look.
    """
    run, name = context["dag_run"], cause["use_case"]
    verdict = pull_answer(context, trail["permission"]["verdict"], ANSWERED)
    decision = conclude(
        allowed=pull_answer(context, trail["allowed"], ANSWERED),
        verdict=verdict,
        answer=pull_answer(context, trail["permission"]["answer"]),
        obstacle=pull_answer(context, trail["obstacle"], ("failed",)),
        verification=pull_answer(context, trail["verification"]),
        roll_back=pull_answer(context, trail["roll_back"]),
    )
    folder, challenger = folder_of(name, bucket, run), pull_answer(context, trail["challenger"])
    document = DecisionDict(
        version="1.0",
        use_case=name,
        moment=run.run_after.isoformat(),
        outcome=decision.name,
        why=decision.why,
        cause=cause,
        trained=bool(challenger),
        champion=pull_answer(context, trail["champion"]),
        challenger=challenger,
        comparison=f"{folder}/comparison" if verdict else None,
        run=run.run_id,
    )
    write_json(f"{folder}/decision.json", document)
    if challenger and name in CLASSIFIERS:  # Personalize has no registry: its versions stay as they are
        learned_until = pull_answer(context, trail["learned_until"])
        _approve_or_reject(challenger["arn"], decision, f"{folder}/decision.json", learned_until)
    log.info("%s: %s, %s", name, decision.name, decision.why)
    faults = pull_answer(context, trail["faults"], ANSWERED) or []
    report_faults(f"{name}: earlier decisions and traffic that cannot be read", faults, context)
    if decision.is_bad:
        send_message(f"{name}: retraining {decision.name}", decision.why, context)
        raise RetrainingFailed(f"{name}: {decision.name}, {decision.why}")
    return document


def conclude(
    *,
    allowed: VerdictDict | None,
    verdict: VerdictDict | None,
    answer: dict[str, Any] | None,
    obstacle: str | None,
    verification: Any,
    roll_back: Any,
) -> Decision:
    """What came of a retraining, and why, from what its steps left.

    A challenger is `refused` by a person, or when nobody answered; `rejected` by the gate. Where a step has
    left no answer it failed.

    :param obstacle: why the challenger must not take over though the gate let it through.
    """
    if allowed and not allowed["yes"]:
        return Decision("not started", allowed["why"])
    if answer and is_refused(answer):
        who = (answer.get("responded_by_user") or {}).get("name") or "nobody answered in time"
        return Decision("refused", f"the approval was refused ({who})")
    if verification and verdict and verdict["yes"]:
        return Decision("promoted", verdict["why"])
    if roll_back:
        return Decision("rolled back", "the challenger did not pass its verification on the endpoint")
    if verdict and not verdict["yes"]:
        return Decision("rejected", verdict["why"])
    return Decision("failed", obstacle or "a step failed: see the log of the task that is red")


def _approve_or_reject(arn: str, decision: Decision, uri: str, learned_until: str) -> None:
    """Set the approval of the challenger's version, unless it has it; the reason stays with it.

    Traffic that came while it was trained, compared and approved is the next retraining's: the version says
    until when its own data reaches.

    A version serves since it was changed last: a decision that is written again must not move that. And one
    that an earlier try has promoted still serves, unless this try has rolled it back.
    """
    client, status = Aws().client("sagemaker"), "Approved" if decision.name == "promoted" else "Rejected"
    current = client.describe_model_package(ModelPackageName=arn)["ModelApprovalStatus"]
    if current == status or (current == "Approved" and decision.name != "rolled back"):
        log.info("%s stays %s", arn, current)
        return
    client.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus=status,
        ApprovalDescription=" ".join(f"{decision.name}: {decision.why}".split())[:APPROVAL_LIMIT],
        CustomerMetadataProperties={"decision": uri, LEARNED_UNTIL: learned_until},
    )
