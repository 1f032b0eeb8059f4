"""One window of a use case in service: its traffic against the baseline, and whether drift is confirmed."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypedDict, get_args

from airflow.sdk import Asset, AssetAlias, task
from airflow.sdk.exceptions import AirflowSkipException

from aws_ml.clients import Aws
from aws_ml.errors import is_missing
from aws_ml.names import key_time, run_key, time_of
from include.use_cases import policy
from include.use_cases.catalogue import CASES, CLASSIFIERS, RECOMMENDERS
from include.use_cases.definition import LONGEST_CANARY
from include.workflows.classification.deployment import OWN_CALL, models_of
from include.workflows.classification.registry import Version, champion_of, waiting_versions
from include.workflows.common.errors import NothingCaptured, NothingServes, NotOfThisProject, OtherModelServes
from include.workflows.common.folders import capture_folder
from include.workflows.common.job_tasks import processing_request
from include.workflows.common.notification import report_faults, send_message
from include.workflows.common.s3_documents import (
    list_objects,
    past_moment,
    read_documents,
    read_json,
    write_json,
)
from include.workflows.common.xcom import pull
from include.workflows.monitoring.captured_files import LABELLED, traffic_inputs
from include.workflows.recommendation.campaigns import served

if TYPE_CHECKING:
    from include.aws.sagemaker_requests import Config
    from include.use_cases.definition import DriftPolicy, UseCase
    from include.workflows.classification.registry import VersionDict
    from include.workflows.common.xcom import Reference
    from include.workflows.recommendation.campaigns import ServedDict

    InService = VersionDict | ServedDict

log = logging.getLogger(__name__)

DRIFT = AssetAlias("drift")
FAULTS = "faults"  # XCom key: what should serve and does not, or cannot be read
NEWS = ("watch", "drift", "unreadable")  # verdicts that people are told of
ANSWERING = ("InService", "Updating", "SystemUpdating", "RollingBack", "UpdateRollbackFailed")
VERIFICATION = timedelta(hours=2)  # after which a version that serves is approved, or its verification failed
SETTLE = timedelta(minutes=10)  # captured requests reach S3 with a delay


class WindowReport(TypedDict, total=False):
    """What `judge` leaves: in XCom, in `window.json`, on the asset event."""

    use_case: str
    verdict: policy.Verdict
    start: str  # ISO 8601
    end: str
    rows: int
    baseline: str  # ARN of the version compared with
    reason: str
    columns: list[str]  # those that drifted
    report: str  # S3 URI of the report's folder
    confirmed: bool  # these two in XCom and on the event only
    why: str


@task
def deployed(bucket: str, **context: Any) -> list[InService]:
    """The versions that serve: per chosen use case, where its endpoint or campaign exists.

    Where it should serve and does not, the use case is left out, and `check_service` fails.
    """
    serving: list[InService] = []
    faults: list[str] = []
    for name in context["params"]["use_cases"]:
        try:
            in_service = (
                served(RECOMMENDERS[name], bucket)
                if name in RECOMMENDERS
                else behind_endpoint(CLASSIFIERS[name], bucket)
            )
        except (NothingServes, NothingCaptured, NotOfThisProject, OtherModelServes) as fault:
            faults.append(f"{name}: {fault}")
            continue
        if in_service is None:
            log.info("%s: nothing serves", name)
        else:
            log.info("%s: %s serves", name, in_service.arn)
            serving.append(in_service.to_dict())
    context["ti"].xcom_push(key=FAULTS, value=faults)
    return serving


@task
def check_service(deployment: Reference, **context: Any) -> None:
    """Fail, and tell people, where a use case should serve and does not: nobody measures its traffic.

    :param deployment: what `deployed` leaves.
    :raises NothingServes: naming the use cases, and why.
    """
    faults: list[str] = pull(context["ti"], deployment)
    report_faults("drift monitor: not in service as it should be", faults, context)
    if faults:
        raise NothingServes("\n".join(faults))


def behind_endpoint(case: UseCase, bucket: str) -> Version | None:
    """The approved version of a use case that its endpoint serves.

    :return: None where nothing was approved, the endpoint is being made or deleted, or another version is
        being deployed.
    :raises NothingServes: when there is no endpoint, or it has failed.
    :raises OtherModelServes: when it serves another model, also beside that of the approved version.
    :raises NothingCaptured: when its requests do not go where the monitor looks for them.
    :raises ClientError: when AWS refuses to tell.
    """
    from botocore.exceptions import ClientError

    version = champion_of(case)
    if version is None:
        return None
    client = Aws().client("sagemaker")
    try:
        endpoint = client.describe_endpoint(EndpointName=case.endpoint)
    except ClientError as error:
        if not is_missing(error):
            raise
        text = f"the endpoint {case.endpoint} does not exist, and {version.arn} is approved"
        raise NothingServes(f"{text}; run the DAG {case.name}, or reject the version") from error
    state = endpoint["EndpointStatus"]
    log.info("%s: version %d, the endpoint is %s", case.name, version.number, state)
    if state in ("Creating", "Deleting"):
        return None
    if state not in ANSWERING:
        reason = endpoint.get("FailureReason", "no reason")
        raise NothingServes(f"the endpoint {case.endpoint} is {state}: {reason}")
    models = set(models_of(endpoint["EndpointConfigName"]))
    is_canary = version.model_name in models
    if others := sorted(models - {version.model_name}):
        longest = VERIFICATION + LONGEST_CANARY if is_canary else VERIFICATION
        _check_deployment(case, version, endpoint, others, longest)
    if not is_canary:
        return None
    _check_capture(endpoint, capture_folder(case.name, bucket))
    return version


def _check_deployment(
    case: UseCase, version: Version, endpoint: dict[str, Any], models: list[str], longest: timedelta
) -> None:
    """Check that the endpoint serves versions that are being verified: they wait for approval, not for long.

    :param models: what the endpoint serves instead of the approved version, or beside it.
    :param longest: how long ago the endpoint may have been changed.
    :raises OtherModelServes: when that is something else, or its verification did not end well.
    """
    numbers = {each.model_name: each.number for each in waiting_versions(case)}
    recent = datetime.now(UTC) - endpoint["LastModifiedTime"] < longest
    if not recent or not set(models) <= set(numbers):
        names = (
            f"version {numbers[model]}, which was not approved" if model in numbers else model
            for model in models
        )
        raise OtherModelServes(
            f"the endpoint {case.endpoint} serves {', '.join(names)}; the approved version is {version.arn} "
            f"with the model {version.model_name}"
        )
    log.info("%s: version %s is being deployed", case.name, ", ".join(str(numbers[each]) for each in models))


def _check_capture(endpoint: dict[str, Any], folder: str) -> None:
    """Check that the endpoint captures its requests where the monitor looks for them.

    :param folder: S3 URI.
    :raises NothingCaptured: when it does not.
    """
    capture = endpoint.get("DataCaptureConfig", {})
    place = str(capture.get("DestinationS3Uri", "")).rstrip("/")
    if not capture.get("EnableCapture") or capture.get("CaptureStatus") == "Stopped":
        raise NothingCaptured(f"the endpoint {endpoint['EndpointName']} captures no requests")
    if place != folder:
        name = endpoint["EndpointName"]
        raise NothingCaptured(f"the endpoint {name} captures its requests in {place}, expected {folder}")


def folder_of(use_case: str, bucket: str, run: Any) -> str:
    """S3 URI of what a monitor run leaves for a use case."""
    return f"s3://{bucket}/{use_case}/monitoring/{run_key(run)}"


@task
def window(serving: InService, bucket: str, code: dict[str, str], **context: Any) -> Config:
    """The request of the processing job that compares a window's traffic with the baseline.

    A manifest in S3 lists the files of the window.

    :param serving: the version that serves, as `deployed` gives it.
    """
    name, run = serving["use_case"], context["dag_run"]
    case = CASES[name]
    start, end = window_span(
        case.monitoring,
        context["params"]["window_hours"],
        run.run_after,
        datetime.fromisoformat(serving["since"]),
    )
    folder = folder_of(name, bucket, run)
    places: tuple[str, ...] = LABELLED
    own_calls: tuple[str, ...] = ()
    if name in RECOMMENDERS:
        script, inputs, places = "monitor_interactions.py", recommender_inputs(serving), ("interactions",)
    else:
        script, inputs = "monitor.py", {"baseline": f"{serving['run']}/baseline/"}
        own_calls = ("--ignore-inference-prefix", OWN_CALL)
    traffic = traffic_inputs(name, bucket, folder, start, places, run.run_after)
    context["ti"].xcom_push(key=FAULTS, value=traffic.faults)
    return processing_request(
        case,
        "monitor",
        context,
        script=script,
        inputs={**inputs, "code": code["files"], **traffic.inputs},
        outputs={"report": f"{folder}/report"},
        arguments=[
            *case.monitor_arguments,
            *own_calls,
            *("--title", case.title),
            *("--start", start.isoformat()),
            *("--end", end.isoformat()),
        ],
    )


def window_span(
    monitoring: DriftPolicy, hours: float | None, due: datetime, since: datetime
) -> tuple[datetime, datetime]:
    """Start and end of a window.

    It ends a little before the run was due, so that all captured requests have arrived. It begins when the
    version began to serve, or later.

    :param hours: its length; None: as the policy says.
    :param since: when the version began to serve.
    """
    length = timedelta(hours=hours or monitoring.window_hours)
    end = due - min(SETTLE, length / 10)
    return min(max(end - length, since), end), end


def recommender_inputs(serving: InService) -> dict[str, str]:
    """Inputs of a processing job: what the recommenders learned, and their lists with the hold-out."""
    run = serving["run"]
    return {
        "baseline": f"{run}/interactions/",
        "recommendations": f"{run}/recommendations/",
        "holdout": f"{run}/truth/",
    }


@task(outlets=[DRIFT])
def judge(serving: InService, bucket: str, **context: Any) -> WindowReport:
    """Keep the window's verdict; where it confirms a drift, emit the asset `drift/<use case>`."""
    name = serving["use_case"]
    folder = folder_of(name, bucket, context["dag_run"])
    report = _summary(serving, f"{folder}/report", read_json(f"{folder}/report/drift.json"))
    write_json(f"{folder}/window.json", report)
    rules, end = CASES[name].monitoring, datetime.fromisoformat(report["end"])
    length = end - datetime.fromisoformat(report["start"])
    since = end - policy.windows_remembered(rules, length)
    windows, faults = measured_windows(name, bucket, since, end, rules.of_windows)
    context["ti"].xcom_push(key=FAULTS, value=faults)
    confirmed = policy.confirm(windows, rules)
    report |= {"confirmed": confirmed.yes, "why": confirmed.why}
    log.info("%s: %s (%s); %s", name, report["verdict"], report["reason"], report["why"])
    if confirmed.yes:
        context["outlet_events"][DRIFT].add(Asset(f"drift/{name}"), extra=report)
    return report


def _summary(serving: InService, folder: str, drift: dict[str, Any]) -> WindowReport:
    """What is kept of `drift.json`."""
    signals = (*drift["columns"], *drift.get("signals", []))
    return WindowReport(
        use_case=serving["use_case"],
        verdict=drift["verdict"],
        start=drift["window"]["start"],
        end=drift["window"]["end"],
        rows=drift["window"]["rows"],
        baseline=serving["arn"],
        reason=drift["reason"],
        columns=[signal["name"] for signal in signals if signal["band"] == "drift"],
        report=folder,
    )


def measured_windows(
    use_case: str, bucket: str, since: datetime, until: datetime, most: int
) -> tuple[list[policy.Window], list[str]]:
    """The newest windows of a use case that end in a span; and the documents left out, and why.

    The folders of the runs sort by time, so that older ones are not listed. A window that overlaps one that
    counts is no evidence and is not read, nor is anything when `most` windows count. Windows that end after
    `until` exist where one is measured again later; they are left out.
    """
    objects = list_objects(f"s3://{bucket}/{use_case}/monitoring", after=key_time(since))
    windows: list[policy.Window] = []
    counted: list[policy.Window] = []  # as `policy.confirm` does
    faults: list[str] = []
    for uri in reversed([uri for uri in objects if uri.endswith("/window.json")]):
        due = time_of(uri.split("/")[-2])
        if counted and due is not None and due - SETTLE > counted[-1].start:
            continue
        read, wrong = read_documents([uri], _window)
        faults += wrong
        for window in (window for window in read if window.end <= until):
            windows.append(window)
            is_evidence = window.verdict not in policy.NO_EVIDENCE and window.baseline == windows[0].baseline
            apart = not counted or window.end <= counted[-1].start
            counted += [window] if is_evidence and apart else []
        if len(counted) >= most:
            break
    return windows, faults


def _window(report: WindowReport) -> policy.Window:
    if report["verdict"] not in get_args(policy.Verdict):
        raise ValueError(f"verdict {report['verdict']!r}")
    start, end = (past_moment(moment) for moment in (report["start"], report["end"]))
    return policy.Window(start, end, report["verdict"], report["baseline"])


@task
def notify(report: WindowReport, faults: list[Reference], **context: Any) -> None:
    """Tell people of a drift, and of traffic and documents that cannot be read.

    :param faults: what `window` and `judge` leave.
    :raises AirflowSkipException: when there is no news, or nobody is named.
    """
    texts = [text for source in faults for text in pull(context["ti"], source) or []]
    for text in texts:
        log.warning("%s: %s", report["use_case"], text)
    if report["verdict"] not in NEWS and not texts:
        raise AirflowSkipException(f"{report['use_case']}: {report['verdict']}")
    subject = f"{report['use_case']}: {report['verdict']}"
    text = "\n".join([report["reason"], report["why"], f"{report['report']}/report.html", *texts])
    if not send_message(subject, text, context):
        raise AirflowSkipException("Neither the Variable ml_notifier nor ml_sns_topic_arn is set.")
