"""The parts of the loop that can be seen alone: outcomes, shifted rows, windows, messages, deletions."""

from __future__ import annotations

import json
import random
import statistics
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from airflow.sdk.exceptions import TaskDeferred

from include.use_cases.churn.use_case import CHURN
from include.workflows.classification.deployment import check_answers
from include.workflows.common import deletion, notification
from include.workflows.common.errors import EndpointDisagrees, WrongSetting
from include.workflows.common.xcom import pull_answer
from include.workflows.retraining import decision, traffic_shift
from include.workflows.simulation import customers
from tests.airflow_home import run_dag

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

YES, NO = {"yes": True, "why": "better"}, {"yes": False, "why": "worse"}
APPROVED = {"chosen_options": ["Approve"], "responded_by_user": {"name": "admin"}}
REFUSED = {"chosen_options": ["Reject"], "responded_by_user": {"name": "admin"}}


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({"allowed": YES, "verdict": YES, "verification": {"rows": 9}}, "promoted"),
        ({"allowed": YES, "verdict": YES, "answer": APPROVED, "verification": {"rows": 9}}, "promoted"),
        ({"allowed": YES, "verdict": YES, "roll_back": {"EndpointName": "churn"}}, "rolled back"),
        ({"allowed": YES, "verdict": YES, "answer": REFUSED}, "refused"),
        ({"allowed": YES, "verdict": YES, "answer": REFUSED, "verification": {"rows": 9}}, "refused"),
        (
            {"allowed": YES, "verdict": YES, "answer": REFUSED, "roll_back": {"EndpointName": "churn"}},
            "refused",
        ),
        ({"allowed": YES, "verdict": YES, "answer": APPROVED, "obstacle": "another serves"}, "failed"),
        ({"allowed": YES, "verdict": NO}, "rejected"),
        ({"allowed": NO}, "not started"),
        ({"allowed": NO, "verdict": NO}, "not started"),
        ({"allowed": YES, "verdict": NO, "verification": {"rows": 9}}, "rejected"),
        ({}, "failed"),  # the plan crashed: a missing answer is no outcome
        ({"allowed": YES}, "failed"),
        ({"allowed": YES, "verdict": YES}, "failed"),  # neither verified nor rolled back
    ],
)
def test_what_came_of_a_retraining_follows_from_what_its_steps_left(
    answers: dict[str, Any], outcome: str
) -> None:
    nothing = dict.fromkeys(("allowed", "verdict", "answer", "obstacle", "verification", "roll_back"))
    conclusion = decision.conclude(**{**nothing, **answers})
    assert conclusion.name == outcome
    assert conclusion.why
    if "obstacle" in answers:
        assert conclusion.why == answers["obstacle"]


class Try:
    """A task's view on the others of its run: what they left at any time, and their states in this try."""

    map_index = 0

    def __init__(self, left: dict[str, Any], states: dict[str, str]) -> None:
        self.left, self.states = left, states

    def get_task_states(self, **query: Any) -> dict[str, dict[str, str]]:
        (task,) = query["task_ids"]
        return {"run": {f"{task}_0": self.states[task]}} if task in self.states else {}

    def xcom_pull(self, task_ids: str, **source: Any) -> Any:
        return self.left.get(task_ids)


@pytest.mark.parametrize(
    ("state", "answer"),
    [("success", 5), ("skipped", None), ("upstream_failed", None), ("failed", None), (None, None)],
)
def test_what_an_earlier_try_left_is_no_answer(state: str | None, answer: Any) -> None:
    """Airflow removes what a task left when it starts again; one that is not reached still has it."""
    ti = Try({"gate": 5}, {"gate": state} if state else {})
    context = {"ti": ti, "dag_run": SimpleNamespace(dag_id="retraining", run_id="run")}
    source: Any = {"task_ids": "gate", "key": "decision"}
    assert pull_answer(context, source) == answer
    asked = pull_answer(context, source, ("success", "skipped"))
    assert asked == (5 if state in ("success", "skipped") else None)


def test_the_reason_names_who_refused() -> None:
    nothing: Any = {"obstacle": None, "verification": None, "roll_back": None, "allowed": YES, "verdict": YES}
    assert "admin" in decision.conclude(answer=REFUSED, **nothing).why
    timed_out = {"chosen_options": ["Reject"], "responded_by_user": None}
    assert "nobody answered" in decision.conclude(answer=timed_out, **nothing).why


def test_a_retraining_with_nothing_in_service_does_nothing_and_says_so(dag_bag: DagBag, aws: str) -> None:
    """Tasks that run after skipped ones find nothing of them in XCom; overrides are of those in service."""
    form = {"use_cases": ["movie_recommendations"], "overrides": {"max_depth": 1}}
    run = run_dag(dag_bag.dags["retraining"], form)
    tasks = {ti.task_id: ti for ti in run.get_task_instances()}
    assert run.state == "success"
    decide = "renew_movie_recommendations.decide"
    active = {task for task, ti in tasks.items() if ti.state == "success"}
    assert {task for task in active if task.startswith("renew_")} == {decide}
    assert tasks[decide].xcom_pull(task_ids=decide, map_indexes=0)["outcome"] == "not started"


ROWS = [
    {"Day Mins": str(100 + n), "CustServ Calls": str(n % 4), "State": "KS" if n else "AK"} for n in range(50)
]


def test_a_number_moves_by_standard_deviations() -> None:
    moved = customers.shift_column(ROWS, ROWS, CHURN, "Day Mins", 1.0, random.Random(1))
    before, after = ([float(row["Day Mins"]) for row in rows] for rows in (ROWS, moved))
    assert statistics.fmean(after) - statistics.fmean(before) == pytest.approx(
        statistics.pstdev(before), abs=0.5
    )


def test_counts_stay_whole_and_never_fall_below_what_was_seen() -> None:
    moved = customers.shift_column(ROWS, ROWS, CHURN, "CustServ Calls", -3.0, random.Random(1))
    assert {row["CustServ Calls"] for row in moved} == {"0"}


def test_a_category_gets_its_rarest_value() -> None:
    moved = customers.shift_column(ROWS, ROWS, CHURN, "State", 1.0, random.Random(1))
    assert {row["State"] for row in moved} == {"AK"}


def test_ground_truth_has_a_record_for_each_request() -> None:
    parts = [[{"Churn?": "True."}, {"Churn?": "False."}], [{"Churn?": "False."}]]
    records = [json.loads(line) for line in customers.truth(CHURN, list(enumerate(parts)), "run")]
    assert [record["groundTruthData"]["data"] for record in records] == ["True.\nFalse.", "False."]
    assert [record["eventMetadata"]["eventId"] for record in records] == ["run-0", "run-1"]


def test_a_notifier_of_any_kind_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """By the Variable alone: here a class that appends to a file."""
    target = tmp_path / "message"
    notifier = {
        "class": "tests.dags.notifiers.FileNotifier",
        "arguments": {"path": str(target), "text": "{subject}: {text}"},
    }
    monkeypatch.setenv("AIRFLOW_VAR_ML_NOTIFIER", json.dumps(notifier))
    assert notification.send_message("churn: drift", "Day Mins", {})
    assert target.read_text() == "churn: drift: Day Mins\n"


def test_what_a_message_quotes_is_no_template(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """The texts name columns and files of a user; Airflow renders the fields of a notifier that it calls."""
    target = tmp_path / "message"
    arguments = {"path": str(target), "text": "{subject}: {text}"}
    notifier = {"class": "tests.dags.notifiers.TemplatedNotifier", "arguments": arguments}
    monkeypatch.setenv("AIRFLOW_VAR_ML_NOTIFIER", json.dumps(notifier))
    notification.send_message("{text}", "{{ 6 * 7 }} {subject}", {})
    assert target.read_text() == "{text}: {{ 6 * 7 }} {subject}\n"


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ('{"class": "subprocess.Popen", "arguments": {"args": "false"}}', "subprocess.Popen, which is no"),
        ('{"class": "os.getcwd", "arguments": {}}', "os.getcwd, which is no Airflow notifier"),
        ('{"class": "no.such.Class", "arguments": {}}', "No module named"),
        ('{"class": "Nothing"}', "names no class with arguments"),
        ("slack", "names no class with arguments"),
        ("[]", "names no class with arguments"),
    ],
)
def test_only_a_notifier_is_run(setting: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_ML_NOTIFIER", setting)
    with pytest.raises(WrongSetting, match=words):
        notification.send_message("churn: drift", "Day Mins", {})


def test_a_message_that_is_too_long_for_sns_is_cut_and_says_so(
    aws: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2,500 stray files make one message; that it fails would hide the drift that it tells of."""
    topic = boto3.client("sns").create_topic(Name="long")["TopicArn"]
    monkeypatch.setenv("AIRFLOW_VAR_ML_SNS_TOPIC_ARN", topic)
    text = "\n".join(f"s3://bucket/größe/{number:0100d} is left out" for number in range(2500))
    assert notification.send_message("drift", text, {})
    cut = notification._cut(text)
    beginning, _, end = cut.partition("\n... and ")
    assert text.startswith(beginning)
    assert end.startswith(f"{len(text) - len(beginning):,} characters more")
    assert notification._cut("short") == "short"
    assert notification.send_message("drift", "😀" * len(text), {})


def test_sns_is_told_where_a_topic_is_named(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    topic = boto3.client("sns").create_topic(Name="drift")["TopicArn"]
    monkeypatch.setenv("AIRFLOW_VAR_ML_SNS_TOPIC_ARN", topic)
    assert notification.send_message("churn: drift", "Day Mins", {})


def test_nobody_is_told_where_nobody_is_named(database: None) -> None:
    assert not notification.send_message("churn: drift", "Day Mins", {})


def test_resources_are_sorted_by_kind_and_jobs_are_left_alone() -> None:
    start = "arn:aws:sagemaker:eu-west-1:123456789012"
    names = (
        "endpoint/churn",
        "endpoint-config/churn-1",
        "model/b",
        "model/a",
        "training-job/x",
        "model-package/churn/1",
    )
    arns = [f"{start}:{name}" for name in names]
    arns.append("arn:aws:personalize:eu-west-1:123456789012:dataset-group/films")
    assert deletion.by_kind(arns) == {
        "endpoint": ["churn"],
        "endpoint-config": ["churn-1"],
        "model": ["a", "b"],
        "model-package-group": [],
        "dataset-group": ["films"],
    }


def test_errors_of_a_probe_are_kept_beside_the_answers(aws: str) -> None:
    answers, errors, times = traffic_shift.probe("nobody", "AllTraffic", ["1,2"])
    assert (answers, len(errors), len(times)) == ([None], 1, 1)
    assert "nobody" in errors[0]


@pytest.mark.parametrize(
    ("answer", "expected", "same"),
    [
        ("True.,0.9876543", "True.,0.9876543", True),
        ("True.,0.9876543", "True.,0.98765427", True),  # another machine adds up in another order
        ("True.,0.98765", "True.,0.98767", False),
        ("True.,0.98765", "False.,0.98765", False),
        ("0.98765", "True.,0.98765", False),
        ("True.,nan", "True.,0.5", False),
    ],
)
def test_answers_are_the_same_up_to_the_last_digit(answer: str, expected: str, same: bool) -> None:
    if same:
        check_answers([answer], [expected])
    else:
        with pytest.raises(EndpointDisagrees, match="row 1"):
            check_answers([answer], [expected])


def test_a_failed_call_does_not_hide_a_wrong_answer() -> None:
    """One failed call among 200 is allowed; the other 199 answers are compared all the same."""
    expected = [str(row) for row in range(200)]
    right: list[str | None] = [None, *expected[1:]]
    assert traffic_shift.answered(right, expected) == (expected[1:], expected[1:])
    wrong = [None, *("wrong" for _ in expected[1:])]
    with pytest.raises(EndpointDisagrees, match="'wrong', the transform '1'"):
        check_answers(*traffic_shift.answered(wrong, expected))
    with pytest.raises(EndpointDisagrees, match="200 rows, but 199 answers"):
        traffic_shift.answered(right, expected[1:])


@pytest.mark.parametrize("seconds", [-60, 0.3])
def test_a_moment_that_is_near_or_past_is_awaited_without_a_deferral(seconds: float) -> None:
    """Siblings of ADR 11: a trigger that fires at once races with the scheduler."""
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    traffic_shift.MomentSensor(task_id="soak", target_time=moment.isoformat()).execute({})
    assert datetime.now(UTC) >= moment


def test_a_moment_that_is_far_is_awaited_in_the_triggerer() -> None:
    moment = datetime.now(UTC) + timedelta(minutes=5)
    with pytest.raises(TaskDeferred):
        traffic_shift.MomentSensor(task_id="soak", target_time=moment.isoformat()).execute({})
