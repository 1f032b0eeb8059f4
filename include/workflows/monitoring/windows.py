"""One window of a use case in service: its traffic against the baseline, and whether drift is confirmed."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias, Variable, task
from airflow.sdk.exceptions import AirflowSkipException

from aws_ml.names import run_key
from include.use_cases import policy
from include.use_cases.catalogue import CASES, CLASSIFIERS, RECOMMENDERS
from include.workflows.classification.registry import Version, champion
from include.workflows.common.job_tasks import processing_request
from include.workflows.common.s3_documents import list_objects, read_json, write_json
from include.workflows.recommendation.campaigns import served

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from include.use_cases.definition import UseCase

log = logging.getLogger(__name__)

DRIFT = AssetAlias("drift")
REMEMBERED = 50  # earlier windows that are read to confirm a drift
LABELLED = ("capture", "ground_truth")
SETTLE = timedelta(minutes=10)  # captured requests reach S3 with a delay


@task
def deployed(bucket: str, **context: Any) -> list[dict[str, Any]]:
    """The versions that serve: of each use case that is asked for, where its endpoint or campaign does."""
    found = []
    for name in context["params"]["use_cases"]:
        in_service = (
            served(RECOMMENDERS[name], bucket) if name in RECOMMENDERS else behind_endpoint(CLASSIFIERS[name])
        )
        if in_service is None:
            log.info("%s: nothing serves", name)
        else:
            log.info("%s: %s serves", name, in_service.arn)
            found.append(in_service.to_dict())
    return found


def behind_endpoint(case: UseCase) -> Version | None:
    """The approved version of a use case whose endpoint exists."""
    from botocore.exceptions import ClientError

    from aws_ml.clients import Aws

    serving = champion(case.name)
    if serving is None:
        return None
    try:
        state = Aws().client("sagemaker").describe_endpoint(EndpointName=case.name)["EndpointStatus"]
    except ClientError as error:
        log.info("%s: %s", case.name, error)
        return None
    log.info("%s: version %d, the endpoint is %s", case.name, serving.number, state)
    return serving


def folder_of(use_case: str, bucket: str, run: Any) -> str:
    """S3 URI of what a monitor run leaves for a use case."""
    return f"s3://{bucket}/{use_case}/monitoring/{run_key(run)}"


@task
def window(serving: dict[str, str], bucket: str, code: dict[str, str], **context: Any) -> Any:
    """The request of the processing job that compares a window's traffic with the baseline.

    The window ends a little before the run was due, so that all captured requests are there, and begins when
    the version began to serve at the earliest. Which files belong to it is written to S3 as a manifest.

    :param serving: the version that serves, as `deployed` gives it.
    """
    name, run = serving["use_case"], context["dag_run"]
    case = CASES[name]
    length = timedelta(hours=context["params"]["window_hours"] or case.monitoring.window_hours)
    end = run.run_after - min(SETTLE, length / 10)
    start = min(max(end - length, datetime.fromisoformat(serving["since"])), end)
    folder = folder_of(name, bucket, run)
    if name in RECOMMENDERS:
        script, inputs = "interactions.py", recommended(serving)
        places: tuple[str, ...] = ("interactions",)
    else:
        script, inputs = "monitor.py", {"baseline": f"{serving['run']}/baseline/"}
        places = LABELLED
    inputs |= {"code": code["files"], **traffic(name, bucket, folder, start, places)}
    return processing_request(
        case,
        "monitor",
        context,
        script=script,
        inputs=inputs,
        outputs={"report": f"{folder}/report"},
        arguments=[
            *case.monitor_arguments,
            *("--title", case.title),
            *("--start", start.isoformat()),
            *("--end", end.isoformat()),
        ],
    )


def recommended(serving: dict[str, Any]) -> dict[str, str]:
    """Inputs of a processing job: what the recommenders learned, and their lists with the hold-out."""
    run = serving["run"]
    return {
        "baseline": f"{run}/interactions/",
        "recommendations": f"{run}/recommendations/",
        "holdout": f"{run}/truth/holdout.csv",
    }


def traffic(
    use_case: str, bucket: str, folder: str, start: datetime, places: Iterable[str] = LABELLED
) -> dict[str, str]:
    """Inputs of a processing job: what came since `start`.

    :param folder: S3 URI; the manifests are written there.
    :param places: `capture` (captured requests), `ground_truth` (labels that came for them), `interactions`.
    :return: URIs of manifests by place; a place without files is left out.
    """
    inputs = {}
    for place in places:
        files = list(_files(f"s3://{bucket}/{use_case}/{place}", start))
        log.info("%s: %d files since %s", place, len(files), start)
        if files:
            inputs[place] = _manifest(f"{folder}/{place}.manifest", files)
    return inputs


def _files(folder: str, start: datetime) -> Iterator[str]:
    """Files of a tree `.../yyyy/mm/dd/hh/file`, from the hour of `start` on."""
    first = start.replace(minute=0, second=0, microsecond=0)
    for uri in list_objects(folder):
        hour = "/".join(uri.split("/")[-5:-1])
        try:
            moment = datetime.strptime(hour, "%Y/%m/%d/%H").replace(tzinfo=start.tzinfo)
        except ValueError:
            log.warning("%s lies in no folder of an hour: left out", uri)
            continue
        if first <= moment:
            yield uri


def _manifest(uri: str, files: list[str]) -> str:
    """Write a manifest of S3 objects of one bucket, and return its URI."""
    prefix = f"s3://{files[0].removeprefix('s3://').split('/', 1)[0]}/"
    write_json(uri, [{"prefix": prefix}, *(file.removeprefix(prefix) for file in files)])
    return uri


@task(outlets=[DRIFT])
def judge(serving: dict[str, str], bucket: str, **context: Any) -> dict[str, Any]:
    """Keep what the window says; where it confirms a drift, emit the asset `drift/<use case>`.

    :return: `use_case`, `verdict`, `confirmed`, `why`, `columns` (those that drifted), `report` (S3 URI),
        `baseline` (the version compared with), `start`, `end`.
    """
    name, run = serving["use_case"], context["dag_run"]
    folder = folder_of(name, bucket, run)
    found = read_json(f"{folder}/report/drift.json")
    said = {
        "use_case": name,
        "verdict": found["verdict"],
        "start": found["window"]["start"],
        "end": found["window"]["end"],
        "rows": found["window"]["rows"],
        "baseline": serving["arn"],
        "reason": found["reason"],
        "columns": [
            one["name"] for one in (*found["columns"], *found.get("signals", [])) if one["band"] == "drift"
        ],
        "report": f"{folder}/report",
    }
    write_json(f"{folder}/window.json", said)
    decision = policy.confirm(measured(name, bucket), CASES[name].monitoring)
    said |= {"confirmed": decision.yes, "why": decision.why}
    log.info("%s: %s (%s); %s", name, said["verdict"], said["reason"], said["why"])
    if decision.yes:
        context["outlet_events"][DRIFT].add(Asset(f"drift/{name}"), extra=said)
    return said


def measured(use_case: str, bucket: str) -> list[policy.Window]:
    """The newest windows of a use case."""
    kept = [
        uri for uri in list_objects(f"s3://{bucket}/{use_case}/monitoring") if uri.endswith("/window.json")
    ]
    return [_window(read_json(uri)) for uri in kept[-REMEMBERED:]]


def _window(said: dict[str, Any]) -> policy.Window:
    start, end = (datetime.fromisoformat(said[name]) for name in ("start", "end"))
    return policy.Window(start, end, said["verdict"], said["baseline"])


@task
def notify(said: dict[str, Any], **context: Any) -> None:
    """Tell people of a drift: by the notifier that the Variable `ml_notifier` names, or by Amazon SNS.

    `ml_notifier` is JSON: `{"class": "airflow.providers.slack....SlackNotifier", "arguments": {...}}`;
    `ml_sns_topic_arn` the topic for SNS. Without either nobody is told.
    """
    if said["verdict"] not in ("watch", "drift"):
        raise AirflowSkipException(f"{said['use_case']}: {said['verdict']}")
    subject = f"{said['use_case']}: {said['verdict']}"
    text = f"{said['reason']}\n{said['why']}\n{said['report']}/report.html"
    if not tell(subject, text, context):
        raise AirflowSkipException("Neither the Variable ml_notifier nor ml_sns_topic_arn is set.")


def tell(subject: str, text: str, context: Any) -> bool:
    """Send a message; False where nobody is named who gets it."""
    from importlib import import_module

    if kept := Variable.get("ml_notifier", default=None):
        chosen = json.loads(kept)
        module, _, name = chosen["class"].rpartition(".")
        arguments = {key: _filled(value, subject, text) for key, value in chosen["arguments"].items()}
        getattr(import_module(module), name)(**arguments)(context)
        return True
    if topic := Variable.get("ml_sns_topic_arn", default=None):
        from airflow.providers.amazon.aws.hooks.sns import SnsHook

        SnsHook().publish_to_target(topic, text, subject)  # type: ignore[no-untyped-call]
        return True
    return False


def _filled(value: Any, subject: str, text: str) -> Any:
    """`{subject}` and `{text}` in a notifier's argument, replaced."""
    if not isinstance(value, str):
        return value
    return value.replace("{subject}", subject).replace("{text}", text)
