"""Parts of a recommendation workflow: data into Personalize, recipes side by side, campaigns tested."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import TaskGroup, chain, task

from aws_ml.operators.personalize import (
    PersonalizeCampaignOperator,
    PersonalizeDatasetGroupOperator,
    PersonalizeDatasetImportJobOperator,
    PersonalizeDatasetOperator,
    PersonalizeGetSolutionMetricsOperator,
    PersonalizeSchemaOperator,
    PersonalizeSolutionOperator,
    PersonalizeSolutionVersionOperator,
)
from aws_ml.sensors.personalize import (
    PersonalizeCampaignSensor,
    PersonalizeDatasetImportJobSensor,
    PersonalizeSolutionVersionSensor,
)

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

    from include.use_cases.definition import RecommendationUseCase, Recommender

log = logging.getLogger(__name__)

GROUP = "{{ params.dataset_group }}"
RUN_KEY = "{{ macros.aws_ml.run_key(dag_run) }}"
ROLE = "{{ var.value.ml_personalize_role_arn }}"
RESULTS = 25
RANKED = 100  # popular items that a ranking campaign orders
AT_ONCE = 8  # requests to a campaign


class NothingChanged(RuntimeError):
    """Events were sent, and the recommendations stayed as they were."""


def arn_of(task_id: str) -> str:
    """A template: the ARN that a task of Personalize left."""
    return f"{{{{ ti.xcom_pull('{task_id}', key='arn') }}}}"


def load(case: RecommendationUseCase, run: str) -> tuple[BaseOperator, list[Any]]:
    """Dataset group, schemas, datasets, and imports of this run's files, side by side.

    :param run: S3 URI of the run; `interactions/interactions.csv` ... lie below it.
    :return: the first task, and the last ones.
    """
    group = PersonalizeDatasetGroupOperator(task_id="dataset_group", config={"name": GROUP}, deferrable=True)
    waits = []
    for kind in case.schemas:
        word = kind.lower()
        with TaskGroup(f"import_{word}"):
            schema = PersonalizeSchemaOperator(
                task_id="schema", config={"name": f"{GROUP}-{word}", "schema": case.avro(kind)}
            )
            dataset = PersonalizeDatasetOperator(
                task_id="dataset",
                config={
                    "name": f"{GROUP}-{word}",
                    "schemaArn": arn_of(schema.task_id),
                    "datasetGroupArn": arn_of(group.task_id),
                    "datasetType": kind,
                },
                deferrable=True,
            )
            start = PersonalizeDatasetImportJobOperator(
                task_id="start",
                config={
                    "jobName": f"{word}-{RUN_KEY}",
                    "datasetArn": arn_of(dataset.task_id),
                    "dataSource": {"dataLocation": f"{run}/{word}/{word}.csv"},
                    "roleArn": ROLE,
                    "importMode": "FULL",
                },
                wait_for_completion=False,
            )
            wait = PersonalizeDatasetImportJobSensor(
                task_id="wait", arn=arn_of(start.task_id), deferrable=True
            )
            chain(group, dataset, start, wait)
            schema >> dataset
        waits.append(wait)
    return group, waits


def train(one: Recommender) -> TaskGroup:
    """A solution of a recipe, this run's version of it, its metrics; and its campaign, where it has one."""
    with TaskGroup(one.key, tooltip=one.recipe) as group:
        wanted = asked_for.override(task_id="wanted")(one.key)
        solution = PersonalizeSolutionOperator(
            task_id="solution",
            config={
                "name": f"{GROUP}-{one.key.replace('_', '-')}",
                "datasetGroupArn": arn_of("dataset_group"),
                "recipeArn": f"arn:aws:personalize:::recipe/{one.recipe}",
            },
            deferrable=True,
        )
        version = PersonalizeSolutionVersionOperator(
            task_id="train",
            config={"name": f"run-{RUN_KEY}", "solutionArn": arn_of(solution.task_id)},
            wait_for_completion=False,
        )
        wait = PersonalizeSolutionVersionSensor(
            task_id="wait_for_train", arn=arn_of(version.task_id), deferrable=True
        )
        metrics = PersonalizeGetSolutionMetricsOperator(
            task_id="metrics", config={"solutionVersionArn": arn_of(version.task_id)}
        )
        chain(wanted, solution, version, wait, metrics)
        if one.ask:
            wait >> serve(one, version.task_id)
    return group


def serve(one: Recommender, version: str) -> Any:
    """The tasks that put a version behind a campaign."""
    deploys = asked_to_deploy.override(task_id="deploy")()
    campaign = PersonalizeCampaignOperator(
        task_id="campaign",
        config={
            "name": f"{GROUP}-{one.key.replace('_', '-')}",
            "solutionVersionArn": arn_of(version),
            "minProvisionedTPS": "{{ params.min_tps }}",
            **({"campaignConfig": one.campaign} if one.campaign else {}),
        },
        wait_for_completion=False,
    )
    wait = PersonalizeCampaignSensor(
        task_id="wait_for_campaign", arn=arn_of(campaign.task_id), deferrable=True
    )
    chain(deploys, campaign, wait)
    return deploys


@task.short_circuit(ignore_downstream_trigger_rules=False)
def asked_for(key: str, **context: Any) -> bool:
    """Whether the trigger form lists the recommender; its group is skipped otherwise."""
    return key in context["params"]["recommenders"]


@task.short_circuit(ignore_downstream_trigger_rules=False)
def asked_to_deploy(**context: Any) -> bool:
    """Whether the trigger form asks for campaigns."""
    return bool(context["params"]["deploy"])


@task(trigger_rule="none_failed")
def offline_metrics(
    keys: list[str], run: str, published: dict[str, Any], **context: Any
) -> dict[str, dict[str, float]]:
    """The service's own metrics of all versions, one table: logged, kept in S3, returned.

    :param published: numbers to compare with, kept beside for the report.
    """
    pulled = {key: context["ti"].xcom_pull(task_ids=f"{key}.metrics") for key in keys}
    found = {key: answer["metrics"] for key, answer in pulled.items() if answer}
    names = sorted({name for metrics in found.values() for name in metrics})
    for name in names:
        shown = "  ".join(f"{key} {metrics[name]:.4f}" for key, metrics in found.items() if name in metrics)
        log.info("%-50s %s", name, shown)
    for key, metrics in found.items():
        _write(f"{run}/offline/{key}.json", metrics)
    _write(f"{run}/published/published.json", published)
    return found


@task(trigger_rule="none_failed")
def ask_campaign(key: str, ask: str, run: str, most_users: str, **context: Any) -> dict[str, Any] | None:
    """Ask a campaign for every user of the hold-out, and keep the answers in S3.

    Films that a user has watched are filtered out by the filter that `filters.unseen` made.
    """
    campaign = context["ti"].xcom_pull(task_ids=f"{key}.campaign", key="arn")
    if not campaign:
        return None
    truth = "cold" if ask == "cold" else "holdout"
    users = sorted({user for user, _ in _pairs(f"{run}/truth/{truth}.csv")})[: int(most_users)]
    seen = context["ti"].xcom_pull(task_ids="filter_unseen", key="arn")
    requests = _requests(ask, run, campaign, seen, users)
    answers = _ask(requests)
    _write(f"{run}/answers/{key}.json", {"ask": ask, "answers": answers})
    log.info("%d users were answered by %s", len(answers), campaign)
    return {"users": len(answers), "campaign": campaign}


def _requests(ask: str, run: str, campaign: str, seen: str, users: list[str]) -> dict[str, dict[str, Any]]:
    """The request for each user, as boto3 takes it."""
    common: dict[str, Any] = {"campaignArn": campaign, "filterArn": seen}
    if ask == "ranking":
        counts: dict[str, int] = {}
        for _, item in _pairs(f"{run}/interactions/interactions.csv"):
            counts[item] = counts.get(item, 0) + 1
        popular = sorted(counts, key=lambda item: -counts[item])[:RANKED]
        return {user: {**common, "userId": user, "inputList": popular} for user in users}
    common["numResults"] = RESULTS
    if ask == "item":
        newest = dict(_pairs(f"{run}/truth/newest.csv"))
        return {u: {**common, "userId": u, "itemId": newest[u]} for u in users if u in newest}
    return {user: {**common, "userId": user} for user in users}


def _ask(requests: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    from aws_ml.jobs.aws import Aws

    runtime = Aws().client("personalize-runtime")

    def answer(request: dict[str, Any]) -> list[str]:
        if "inputList" in request:
            items = runtime.get_personalized_ranking(**request)["personalizedRanking"]
        else:
            items = runtime.get_recommendations(**request)["itemList"]
        return [str(item["itemId"]) for item in items]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(requests, pool.map(answer, requests.values()), strict=True))


@task(trigger_rule="none_failed")
def session(event_type: str, run: str, key: str, **context: Any) -> dict[str, Any] | None:
    """A user clicks on films; the very next recommendations have to be others.

    :raises NothingChanged: when they are the same.
    """
    from aws_ml.jobs.aws import Aws

    tracker = context["ti"].xcom_pull(task_ids="event_tracker")
    campaign = context["ti"].xcom_pull(task_ids=f"{key}.campaign", key="arn")
    if not campaign:
        return None
    (user, film), *_ = _pairs(f"{run}/truth/holdout.csv")
    runtime = Aws().client("personalize-runtime")

    def recommended() -> list[str]:
        items = runtime.get_recommendations(campaignArn=campaign, userId=user)["itemList"]
        return [str(item["itemId"]) for item in items]

    before = recommended()
    event = {"eventType": event_type, "itemId": film, "eventValue": 5.0, "sentAt": datetime.now(UTC)}
    Aws().client("personalize-events").put_events(
        trackingId=tracker["trackingId"], userId=user, sessionId=f"visit-{user}", eventList=[event]
    )
    after = recommended()
    log.info("User %s before: %s", user, ", ".join(before[:10]))
    log.info("User %s after watching %s: %s", user, film, ", ".join(after[:10]))
    if before == after:
        raise NothingChanged(
            f"{user} watched {film}, and the campaign {campaign} recommends the same as before."
        )
    return {"user": user, "watched": film, "before": before[:10], "after": after[:10]}


def _pairs(uri: str) -> list[tuple[str, str]]:
    """The first two columns of a CSV file in S3, its header left out."""
    import csv

    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    bucket, name = S3Hook.parse_s3_url(uri)
    rows = csv.reader(str(S3Hook().read_key(name, bucket)).splitlines())
    next(rows)
    return [(row[0], row[1]) for row in rows]


def _write(uri: str, content: Any) -> None:
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    bucket, name = S3Hook.parse_s3_url(uri)
    S3Hook().load_string(json.dumps(content), name, bucket, replace=True)
