"""Who may let a challenger take over, and of what."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import chain, task, task_group
from airflow.sdk.exceptions import AirflowSkipException

from include.use_cases.catalogue import CLASSIFIERS
from include.use_cases.churn.use_case import CHURN
from include.use_cases.movie_recommendations.use_case import MOVIES
from include.workflows.classification.registry import describe_version
from include.workflows.common.errors import ChampionChanged, NotApproved
from include.workflows.common.s3_documents import list_objects, split_uri
from include.workflows.retraining import campaign_move, decision, permission, traffic_shift
from include.workflows.retraining.causes import ALLOWED, FAULTS
from include.workflows.retraining.handover import ClassifierPlan
from scripts import local_settings as local
from tests.airflow_home import run_dag_of
from tests.dags.test_loop_parts import APPROVED, NO, REFUSED, YES, Try
from tests.dags.test_monitoring import NOW, Deployed
from tests.plugins.lifecycle.small_jobs import sagemaker, unique

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = permission.Permission(
    verdict={"task_ids": "gate", "key": decision.VERDICT},
    answer={"task_ids": "approve", "key": "return_value"},
)
CHAMPION: Any = {
    "use_case": CHURN.name,
    "arn": "arn:champion",
    "model_name": "champion",
    "run": "s3://b/r",
    "data_uri": "s3://b/d",
    "code": "s3://b/c",
    "since": NOW.isoformat(),
    "learned_until": NOW.isoformat(),
}
PLAN: Any = {"champion": CHAMPION, "folder": "s3://b/f", "training_run": "t", "conf": {}}


class Tried(Try):
    """A task that may push to XCom, too."""

    def __init__(self, left: dict[str, Any], states: dict[str, str]) -> None:
        super().__init__(left, states)
        self.pushed: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


def context(verdict: Any, answer: Any, approve: str = "success", *, ask: bool = True) -> dict[str, Any]:
    """Of a task after the question; the states of the tasks before it are those of this try."""
    ti = Tried({"gate": verdict, "approve": answer}, {"gate": "success", "approve": approve})
    run = SimpleNamespace(run_id="run", dag_id="retraining", run_after=NOW)
    return {"ti": ti, "dag_run": run, "params": {"ask": ask, "instance_type": "ml.m5.large"}}


def check(**others: Any) -> Any:
    """The XCom that the check leaves."""
    case = context(**others)
    permission.check_permitted(case, ClassifierPlan.of(PLAN), SOURCE)
    return case["ti"].pushed


def test_a_challenger_goes_on_with_an_approval_or_where_no_person_decides() -> None:
    assert check(verdict=YES, answer=APPROVED) == {}
    assert check(verdict=YES, answer=None, approve="skipped", ask=False) == {}


@pytest.mark.parametrize(
    ("verdict", "answer", "words"),
    [
        (NO, None, "The champion stays"),
        (None, APPROVED, "The champion stays"),
        (YES, REFUSED, "refused"),
        (YES, {"chosen_options": []}, "refused"),
        (YES, {"chosen_options": ["Approve", "Reject"]}, "refused"),
    ],
)
@pytest.mark.parametrize("ask", [True, False])
def test_a_refused_challenger_does_not_go_on(verdict: Any, answer: Any, words: str, ask: bool) -> None:
    with pytest.raises(AirflowSkipException, match=words):
        check(verdict=verdict, answer=answer, ask=ask)


@pytest.mark.parametrize(
    ("answer", "state"), [(None, "success"), (APPROVED, "skipped"), (APPROVED, "failed")]
)
def test_a_question_without_an_answer_is_no_approval(answer: Any, state: str) -> None:
    """A person may mark the task as a success, or skip it, without an answer."""
    case = context(YES, answer, state)
    with pytest.raises(NotApproved):
        permission.check_permitted(case, ClassifierPlan.of(PLAN), SOURCE)
    assert "has no answer" in case["ti"].pushed[permission.OBSTACLE]


@pytest.fixture
def no_decision(aws: str) -> Iterator[None]:
    """Other tests count the decisions of a use case: none stays."""
    yield
    for entry in list_objects(f"s3://{local.BUCKET}/{CHURN.name}/retraining"):
        bucket, key = split_uri(entry)
        boto3.client("s3").delete_object(Bucket=bucket, Key=key)


@pytest.mark.parametrize(("choice", "outcome"), [("Reject", "refused"), ("Approve", "promoted")])
def test_the_answer_of_a_person_decides_in_a_mapped_group(
    database: None, no_decision: None, monkeypatch: pytest.MonkeyPatch, choice: str, outcome: str
) -> None:
    """There Airflow goes on after a refusal, too."""
    answer = {
        "chosen_options": [choice],
        "params_input": {},
        "responded_at": datetime.now(UTC),
        "responded_by_user": {"id": "1", "name": "admin"},
    }
    monkeypatch.setattr(
        ApprovalOperator, "execute", lambda operator, context: operator.execute_complete(context, answer)
    )

    def build() -> None:
        @task
        def causes() -> list[dict[str, Any]]:
            return [{"use_case": "churn", "kind": "manual", "report": {}}]

        @task(multiple_outputs=True)
        def plan(**context: Any) -> dict[str, Any]:
            context["ti"].xcom_push(key=ALLOWED, value=YES)
            context["ti"].xcom_push(key=FAULTS, value=[])
            return dict(PLAN)

        @task(multiple_outputs=True)
        def contest() -> dict[str, Any]:
            return {}

        @task(multiple_outputs=True)
        def gate(**context: Any) -> dict[str, Any]:
            context["ti"].xcom_push(key=decision.VERDICT, value=YES)
            return {"question": "?"}

        @task(trigger_rule="none_failed")
        def change(plan_dict: Any, source: Any, **context: Any) -> None:
            permission.check_permitted(context, ClassifierPlan.of(plan_dict), source)

        @task
        def verify() -> dict[str, int]:
            return {"rows": 9}

        @task(trigger_rule="one_failed")
        def roll_back() -> None:
            pass

        @task_group(group_id="retrain")
        def group(cause: Any) -> None:
            plan_result: Any = plan()
            match, verdict = contest(), gate()
            approve = decision.ask_for_approval(plan_result, verdict)
            permitted = decision.permission_of(verdict, approve)
            changed = change(plan_result, permitted)
            verification, way_back = verify(), roll_back()
            chain(plan_result, match, verdict, approve, changed, verification, way_back)
            decision.conclude_loop(
                cause,
                local.BUCKET,
                plan=plan_result,
                contest=match,
                permission=permitted,
                change=changed,
                verification=verification,
                roll_back=way_back,
            )

        group.expand(cause=causes())

    run = run_dag_of(build, {"ask": True})
    tasks = {ti.task_id: ti for ti in run.get_task_instances()}
    document = tasks["retrain.decide"].xcom_pull(task_ids="retrain.decide", map_indexes=0)
    assert document["outcome"] == outcome
    assert tasks["retrain.verify"].state == ("success" if outcome == "promoted" else "skipped")


# ---- the version that a challenger replaces


@pytest.fixture
def deployed(aws: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    deployment = Deployed(unique("case").replace("-", "_").lower())
    monkeypatch.setitem(CLASSIFIERS, deployment.case.name, deployment.case)
    monkeypatch.setattr(traffic_shift, "check_permitted", lambda *anything: None)
    yield deployment
    if sagemaker().list_endpoints(NameContains=deployment.name, MaxResults=100)["Endpoints"]:
        sagemaker().delete_endpoint(EndpointName=deployment.name)


def shift(deployed: Deployed, champion: str, challenger: str) -> Any:
    """What the task `shift` leaves, for ARNs of versions."""
    name = deployed.case.name
    folder = f"s3://{local.BUCKET}/{name}/retraining/x"
    plan: Any = {**PLAN, "champion": describe_version(name, champion).to_dict(), "folder": folder}
    contest: Any = {"challenger": describe_version(name, challenger).to_dict()}
    task_function: Any = traffic_shift.shift
    return task_function.function(plan, contest, local.BUCKET, SOURCE, **context(YES, APPROVED))


def test_a_challenger_takes_the_place_of_what_it_was_compared_with(deployed: Deployed) -> None:
    old, new = deployed.model(unique("old")), deployed.model(unique("new"))
    champion, challenger = deployed.version(old), deployed.version(new, "PendingManualApproval")
    deployed.endpoint(old)
    updates = shift(deployed, champion, challenger)
    assert [each["ModelName"] for each in updates["canary_config"]["ProductionVariants"]] == [old, new]
    assert updates["roll_back"]["EndpointConfigName"] == deployed.name


@pytest.mark.parametrize("approval", ["Approved", "PendingManualApproval"])
def test_a_challenger_does_not_replace_what_was_deployed_in_between(
    deployed: Deployed, approval: str
) -> None:
    """While the question waits; its approval may come a little later than its traffic."""
    old, new, newer = (deployed.model(unique(name)) for name in ("old", "new", "newer"))
    champion, challenger = deployed.version(old), deployed.version(new, "PendingManualApproval")
    deployed.version(newer, approval)
    deployed.endpoint(newer)
    with pytest.raises(ChampionChanged, match=f"compared with {champion} .* now {newer} serves"):
        shift(deployed, champion, challenger)


def test_a_challenger_does_not_replace_what_was_approved_in_between(deployed: Deployed) -> None:
    old, new, newer = (deployed.model(unique(name)) for name in ("old", "new", "newer"))
    champion, challenger = deployed.version(old), deployed.version(new, "PendingManualApproval")
    approved = deployed.version(newer)
    deployed.endpoint(old)
    with pytest.raises(ChampionChanged, match=f"now {approved} serves"):
        shift(deployed, champion, challenger)


def move(monkeypatch: pytest.MonkeyPatch, serving: str) -> Any:
    """What the task `move` leaves, where all campaigns serve a version."""
    campaign = {"name": "campaign", "solutionVersionArn": serving, "minProvisionedTPS": 1}
    monkeypatch.setattr(campaign_move, "campaign_of", lambda case, recommender: campaign)
    monkeypatch.setattr(campaign_move, "check_permitted", lambda *anything: None)
    champion = {"use_case": MOVIES.name, "arn": "arn:champion", "run": "s3://b/r", "data": {}}
    champion |= {"learned_until": NOW.isoformat(), "since": NOW.isoformat()}
    folder = f"s3://{local.BUCKET}/{MOVIES.name}/retraining/permission"
    versions = {each.key: f"arn:{each.key}" for each in MOVIES.recommenders}
    contest: Any = {
        "challenger": {"arn": versions[MOVIES.primary.key], "run": "s3://b/c", "versions": versions}
    }
    plan: Any = {**PLAN, "champion": champion, "folder": folder}
    task_function: Any = campaign_move.move_campaigns
    return task_function.function(plan, contest, SOURCE, **context(YES, APPROVED))


def test_a_campaign_moves_from_the_version_that_was_compared(
    aws: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    updates = move(monkeypatch, "arn:champion")
    key = MOVIES.primary.key
    assert updates[f"promote_{key}"]["solutionVersionArn"] == f"arn:{key}"
    assert updates[f"roll_back_{key}"]["solutionVersionArn"] == "arn:champion"


def test_a_campaign_that_somebody_else_has_updated_stays(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ChampionChanged, match="now arn:somebody-elses serves"):
        move(monkeypatch, "arn:somebody-elses")
