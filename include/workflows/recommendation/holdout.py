"""Campaigns put to the test: asked for every user of the hold-out, and before and after a click."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import task
from airflow.sdk.exceptions import AirflowSkipException

from include.workflows.common.s3_documents import read_lines, write_json

log = logging.getLogger(__name__)

RESULTS = 25
RANKED = 100  # popular items that a ranking campaign orders
AT_ONCE = 8  # requests to a campaign


class NothingChanged(RuntimeError):
    """Events were sent, and the recommendations stayed as they were."""


class OtherVersion(RuntimeError):
    """A campaign serves a version that another run trained."""


@task(trigger_rule="none_failed")
def ask_campaign(key: str, ask: str, run: str, most_users: str, **context: Any) -> dict[str, Any]:
    """Ask a campaign for every user of the hold-out, and keep the answers in S3.

    Films that a user has watched are filtered out by the filter that `filter_unseen` made.

    :raises OtherVersion: when another run updated the campaign: its answers say nothing about this run.
    """
    campaign = context["ti"].xcom_pull(task_ids=f"{key}.campaign", key="arn")
    if not campaign:
        raise AirflowSkipException(f"{key} has no campaign in this run.")
    truth = "cold" if ask == "cold" else "holdout"
    users = sorted({user for user, _ in _pairs(f"{run}/truth/{truth}.csv")})[: int(most_users)]
    seen = context["ti"].xcom_pull(task_ids="filter_unseen", key="arn")
    requests = _requests(ask, run, campaign, seen, users)
    answers = _ask(requests)
    _check_version(campaign, context["ti"].xcom_pull(task_ids=f"{key}.train", key="arn"))
    write_json(f"{run}/answers/{key}.json", {"ask": ask, "answers": answers})
    log.info("%d users were answered by %s", len(answers), campaign)
    return {"users": len(answers), "campaign": campaign}


def _check_version(campaign: str, trained: str) -> None:
    """Raises OtherVersion. Looked at after the questions: versions only ever follow one another."""
    from aws_ml.clients import Aws

    found = Aws().client("personalize").describe_campaign(campaignArn=campaign)["campaign"]
    if found["solutionVersionArn"] != trained:
        raise OtherVersion(
            f"{campaign} serves {found['solutionVersionArn']}, this run trained {trained}: another run uses "
            "the dataset group at the same time. Give each its own, by the param dataset_group."
        )


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
    from aws_ml.clients import Aws

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
def session(event_type: str, run: str, key: str, **context: Any) -> dict[str, Any]:
    """A user clicks on the first recommendation; the very next ones have to be others.

    :raises NothingChanged: when they are the same.
    """
    from aws_ml.clients import Aws

    tracker = context["ti"].xcom_pull(task_ids="event_tracker")
    campaign = context["ti"].xcom_pull(task_ids=f"{key}.campaign", key="arn")
    if not campaign:
        raise AirflowSkipException(f"{key} has no campaign in this run.")
    (user, _), *_ = _pairs(f"{run}/truth/holdout.csv")
    runtime = Aws().client("personalize-runtime")

    def recommended() -> list[str]:
        items = runtime.get_recommendations(campaignArn=campaign, userId=user)["itemList"]
        return [str(item["itemId"]) for item in items]

    before = recommended()
    film = before[0]
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

    rows = csv.reader(read_lines(uri))
    next(rows)
    return [(row[0], row[1]) for row in rows]
