"""What the monitor measures: a version that really serves, in windows that it can read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from aws_ml.names import run_key
from include.aws.sagemaker_requests import endpoint_config
from include.use_cases import policy
from include.use_cases.churn.use_case import CHURN
from include.workflows.classification.registry import champion_of
from include.workflows.common.errors import NothingCaptured, NothingServes, NotOfThisProject, OtherModelServes
from include.workflows.monitoring import windows
from include.workflows.recommendation import campaigns
from include.workflows.retraining.decision import _approve_or_reject
from include.workflows.retraining.handover import Decision
from scripts import local_settings as local
from tests.local_aws.sagemaker.hosting import tiny_model
from tests.plugins.lifecycle.small_jobs import sagemaker, unique

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.use_cases.definition import UseCase

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
KINDS = {"SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}


class Deployed:
    """A use case with an endpoint, which serves a tiny model, and versions in the registry."""

    def __init__(self, name: str) -> None:
        self.case: UseCase = replace(CHURN, name=name)
        self.name = self.case.endpoint
        self.container = tiny_model.container(boto3.client("s3"), local.BUCKET, 2.0)
        sagemaker().create_model_package_group(ModelPackageGroupName=self.name)

    def model(self, name: str) -> str:
        sagemaker().create_model(ModelName=name, PrimaryContainer=self.container, ExecutionRoleArn=local.ROLE)
        return name

    def version(self, model: str, approval: str = "Approved", run: str = "s3://b/r") -> str:
        properties = {"model_name": model, "run": run, "data_uri": "s3://b/d", "code": "s3://b/c"}
        package = sagemaker().create_model_package(
            ModelPackageGroupName=self.name,
            ModelApprovalStatus=approval,
            InferenceSpecification={"Containers": [dict(self.container)], **KINDS},
            CustomerMetadataProperties=properties,
        )
        return str(package["ModelPackageArn"])

    def endpoint(self, *models: str, **capture: Any) -> None:
        """An endpoint that serves some models; `capture` replaces members of its data capture."""
        variants = [{**tiny_model.variant(model), "VariantName": model} for model in models]
        folder = f"s3://{local.BUCKET}/{self.case.name}/capture"
        config = endpoint_config(self.name, variants=variants, capture=folder)
        config["DataCaptureConfig"] |= capture
        sagemaker().create_endpoint_config(**config)
        sagemaker().create_endpoint(EndpointName=self.name, EndpointConfigName=self.name)
        tiny_model.settled(sagemaker(), self.name)


@pytest.fixture
def deployed(aws: str) -> Iterator[Deployed]:
    deployment = Deployed(unique("case").replace("-", "_").lower())
    yield deployment
    if sagemaker().list_endpoints(NameContains=deployment.name, MaxResults=100)["Endpoints"]:
        sagemaker().delete_endpoint(EndpointName=deployment.name)


def test_the_champion_is_what_its_endpoint_serves(deployed: Deployed) -> None:
    model = deployed.model(unique("model"))
    arn = deployed.version(model)
    deployed.endpoint(model)
    serving = windows.behind_endpoint(deployed.case, local.BUCKET)
    assert serving is not None
    assert serving.arn == arn


def test_the_labels_that_come_during_a_training_are_not_lost(deployed: Deployed) -> None:
    """A version serves since its approval; its data reaches to when its run, or its retraining, was due."""
    began = NOW.replace(microsecond=0) - DAY
    key = run_key(SimpleNamespace(run_id="manual", run_after=began))
    arn = deployed.version(deployed.model(unique("model")), run=f"s3://b/churn/runs/{key}")
    first = champion_of(deployed.case)
    assert first is not None
    assert first.learned_until == began.isoformat() < first.since
    moment = (NOW - DAY).isoformat()
    promoted = Decision("promoted", "better")
    sagemaker().update_model_package(ModelPackageArn=arn, ModelApprovalStatus="PendingManualApproval")
    _approve_or_reject(arn, promoted, "s3://b/decision.json", moment)
    champion = champion_of(deployed.case)
    assert champion is not None
    assert (champion.learned_until, champion.since > moment) == (moment, True)
    _approve_or_reject(arn, promoted, "s3://b/decision.json", NOW.isoformat())  # cleared later
    assert champion_of(deployed.case) == champion


@pytest.mark.parametrize(
    ("outcome", "approval"),
    [("failed", "Approved"), ("rejected", "Approved"), ("refused", "Approved"), ("rolled back", "Rejected")],
)
def test_a_version_that_serves_stays_approved_when_its_retraining_is_cleared(
    deployed: Deployed, outcome: Any, approval: str
) -> None:
    """Only a roll-back takes it out of service."""
    arn = deployed.version(deployed.model(unique("model")))
    _approve_or_reject(arn, Decision(outcome, "cleared"), "s3://b/decision.json", NOW.isoformat())
    assert sagemaker().describe_model_package(ModelPackageName=arn)["ModelApprovalStatus"] == approval


def test_an_endpoint_that_serves_another_model_is_no_champion(deployed: Deployed) -> None:
    approved = deployed.version(deployed.model(unique("approved")))
    deployed.endpoint(other := deployed.model(unique("other")))
    with pytest.raises(OtherModelServes, match=f"serves {other}; the approved version is {approved}"):
        windows.behind_endpoint(deployed.case, local.BUCKET)


def test_a_version_that_is_being_deployed_is_no_fault(deployed: Deployed) -> None:
    """Between the update of the endpoint and the approval, its answers are verified."""
    deployed.version(deployed.model(unique("approved")))
    waiting = deployed.model(unique("waiting"))
    deployed.version(waiting, "PendingManualApproval")
    deployed.endpoint(waiting)
    assert windows.behind_endpoint(deployed.case, local.BUCKET) is None


def test_a_version_whose_verification_failed_is_a_fault_soon(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its endpoint is never put back, so that it serves for ever what nobody has approved."""
    deployed.version(deployed.model(unique("approved")))
    waiting = deployed.model(unique("waiting"))
    number = deployed.version(waiting, "PendingManualApproval").rpartition("/")[2]
    deployed.version("newer", "PendingManualApproval")  # of a run that does not deploy
    deployed.endpoint(waiting)
    assert windows.behind_endpoint(deployed.case, local.BUCKET) is None
    monkeypatch.setattr(windows, "VERIFICATION", timedelta())
    with pytest.raises(OtherModelServes, match=f"serves version {number}, which was not approved"):
        windows.behind_endpoint(deployed.case, local.BUCKET)


def test_an_approved_version_without_its_endpoint_is_a_fault(deployed: Deployed) -> None:
    assert windows.behind_endpoint(deployed.case, local.BUCKET) is None  # nothing was approved yet
    arn = deployed.version(deployed.model(unique("model")))
    with pytest.raises(NothingServes, match=f"{deployed.name} does not exist, and {arn} is approved"):
        windows.behind_endpoint(deployed.case, local.BUCKET)


def test_a_canary_beside_the_champion_is_no_fault_until_it_is_stuck(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    champion, challenger = deployed.model(unique("champion")), deployed.model(unique("challenger"))
    arn = deployed.version(champion)
    number = deployed.version(challenger, "PendingManualApproval").rpartition("/")[2]
    deployed.endpoint(champion, challenger)
    serving = windows.behind_endpoint(deployed.case, local.BUCKET)
    assert serving is not None
    assert serving.arn == arn
    monkeypatch.setattr(windows, "VERIFICATION", timedelta())
    assert windows.behind_endpoint(deployed.case, local.BUCKET) is not None  # a canary may serve for long
    monkeypatch.setattr(windows, "LONGEST_CANARY", timedelta())
    with pytest.raises(OtherModelServes, match=f"serves version {number}, which was not approved"):
        windows.behind_endpoint(deployed.case, local.BUCKET)


@pytest.mark.parametrize("approval", ["Rejected", None])
def test_a_model_beside_the_champion_that_nobody_verifies_is_a_fault(
    deployed: Deployed, approval: str | None
) -> None:
    """A rejected one, or one of somebody else, gets a part of the traffic."""
    champion, other = deployed.model(unique("champion")), deployed.model(unique("other"))
    deployed.version(champion)
    if approval:
        deployed.version(other, approval)
    deployed.endpoint(champion, other)
    with pytest.raises(OtherModelServes, match=f"serves {other}; the approved version is"):
        windows.behind_endpoint(deployed.case, local.BUCKET)


@pytest.mark.parametrize(
    ("capture", "words"),
    [
        ({"EnableCapture": False}, "captures no requests"),
        ({"DestinationS3Uri": f"s3://{local.BUCKET}/elsewhere"}, "elsewhere, expected s3://"),
    ],
)
def test_an_endpoint_whose_requests_the_monitor_does_not_see_is_a_fault(
    deployed: Deployed, capture: dict[str, Any], words: str
) -> None:
    model = deployed.model(unique("model"))
    deployed.version(model)
    deployed.endpoint(model, **capture)
    with pytest.raises(NothingCaptured, match=words):
        windows.behind_endpoint(deployed.case, local.BUCKET)


def test_an_endpoint_whose_configuration_was_deleted_is_a_fault_of_its_own(deployed: Deployed) -> None:
    model = deployed.model(unique("model"))
    deployed.version(model)
    deployed.endpoint(model)
    sagemaker().delete_endpoint_config(EndpointConfigName=deployed.name)
    with pytest.raises(OtherModelServes, match="was deleted: nobody can tell which model it serves"):
        windows.behind_endpoint(deployed.case, local.BUCKET)


def test_a_campaigns_run_without_its_record_is_a_fault_of_its_own(aws: str) -> None:
    for text in (None, "{", "{}", '{"moment": "2026-11-01T00:00:00+00:00", "data": 5}'):
        run = f"s3://{local.BUCKET}/case/runs/{unique('run')}"
        if text is not None:
            key = f"{run.removeprefix(f's3://{local.BUCKET}/')}/run.json"
            boto3.client("s3").put_object(Bucket=local.BUCKET, Key=key, Body=text.encode())
        with pytest.raises(NotOfThisProject, match=f"{run}/run.json of what serves cannot be used"):
            campaigns._read_record(run)


def test_an_endpoint_that_failed_does_not_serve(deployed: Deployed) -> None:
    broken = unique("broken")
    container = tiny_model.container(boto3.client("s3"), local.BUCKET, 2.0, b"raise SystemExit(1)")
    sagemaker().create_model(ModelName=broken, PrimaryContainer=container, ExecutionRoleArn=local.ROLE)
    deployed.version(broken)
    deployed.endpoint(broken)
    with pytest.raises(NothingServes, match=f"the endpoint {deployed.name} is Failed: "):
        windows.behind_endpoint(deployed.case, local.BUCKET)


def test_the_champion_is_found_behind_pages_without_one(deployed: Deployed) -> None:
    """AWS takes a page first and filters it then: the newest versions may all be rejected."""
    arn = deployed.version(deployed.model(unique("approved")))
    for _ in range(12):
        deployed.version("rejected", "Rejected")
    first = sagemaker().list_model_packages(
        ModelPackageGroupName=deployed.name, ModelApprovalStatus="Approved", MaxResults=1
    )
    assert first["ModelPackageSummaryList"] == []
    assert first["NextToken"]
    champion = champion_of(deployed.case)
    assert champion is not None
    assert champion.arn == arn


# ---- earlier windows


def put_window(content: dict[str, Any] | str, days_ago: float) -> str:
    run: Any = SimpleNamespace(run_id=unique("run"), run_after=NOW - days_ago * DAY)
    key = f"case/monitoring/{run_key(run)}/window.json"
    text = content if isinstance(content, str) else json.dumps(content)
    boto3.client("s3").put_object(Bucket=local.BUCKET, Key=key, Body=text.encode())
    return key


def report(days_ago: float, **others: Any) -> dict[str, Any]:
    end = NOW - days_ago * DAY
    return {
        "verdict": "drift",
        "start": (end - DAY).isoformat(),
        "end": end.isoformat(),
        "baseline": "v1",
        **others,
    }


@pytest.fixture
def no_windows(aws: str) -> Iterator[None]:
    yield
    s3 = boto3.client("s3")
    for entry in s3.list_objects_v2(Bucket=local.BUCKET, Prefix="case/monitoring/").get("Contents", []):
        s3.delete_object(Bucket=local.BUCKET, Key=entry["Key"])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"verdict": "drift", "start": "2026', "cannot be read"),
        (report(-400), "is in the future"),
        (report(2, verdict="drifted"), "verdict 'drifted'"),
        (report(2, end="yesterday"), "yesterday"),
        ({"verdict": "ok"}, "KeyError('start')"),
    ],
)
def test_one_bad_window_is_named_and_the_others_count(
    no_windows: None, content: dict[str, Any] | str, words: str
) -> None:
    put_window(report(3), 3)
    bad = put_window(content, 2)
    put_window(report(1), 1)
    measured, faults = windows.measured_windows("case", local.BUCKET, NOW - 9 * DAY, NOW, 3)
    assert [window.end for window in measured] == [NOW - DAY, NOW - 3 * DAY]
    (fault,) = faults
    assert f"s3://{local.BUCKET}/{bad} is left out" in fault
    assert words in fault


def test_windows_of_long_ago_are_neither_listed_nor_read(no_windows: None, airflow_calls: Any) -> None:
    for days_ago in (1, 3, 30, 40):
        put_window(report(days_ago), days_ago)
    before = len(airflow_calls())
    measured, _ = windows.measured_windows("case", local.BUCKET, NOW - 9 * DAY, NOW, 3)
    assert len(measured) == 2
    assert [event["eventName"] for event in airflow_calls()[before:]].count("GetObject") == 2


def test_a_window_that_is_measured_again_does_not_know_later_ones(no_windows: None) -> None:
    for days_ago in (1, 3):
        put_window(report(days_ago), days_ago)
    measured, _ = windows.measured_windows("case", local.BUCKET, NOW - 9 * DAY, NOW - 2 * DAY, 3)
    assert [window.end for window in measured] == [NOW - 3 * DAY]


def test_a_window_that_overlaps_another_does_not_end_the_search(no_windows: None) -> None:
    """Windows of an hour every 57 minutes: every second one counts."""
    minute = timedelta(minutes=1)
    verdicts = ("drift", "ok", "ok", "ok", "drift")
    for number, verdict in enumerate(verdicts):
        end = NOW - (57 * number + 6) * minute
        start = end - timedelta(hours=1)
        content = report(0, verdict=verdict, start=start.isoformat(), end=end.isoformat())
        put_window(content, 57 * number / 1440)
    measured, _ = windows.measured_windows("case", local.BUCKET, NOW - 9 * DAY, NOW, 3)
    assert [window.verdict for window in measured if window.verdict == "drift"] == ["drift", "drift"]
    assert policy.confirm(measured, CHURN.monitoring).yes


def test_windows_that_are_measured_often_are_found_without_reading_all(
    no_windows: None, airflow_calls: Any
) -> None:
    """A day's window every half hour: those that do not overlap are a day apart."""
    for half_hours in range(0, 150):
        put_window(report(half_hours / 48), half_hours / 48)
    before = len(airflow_calls())
    measured, _ = windows.measured_windows("case", local.BUCKET, NOW - 9 * DAY, NOW, 3)
    assert policy.confirm(measured, CHURN.monitoring).yes
    assert [event["eventName"] for event in airflow_calls()[before:]].count("GetObject") <= 6
