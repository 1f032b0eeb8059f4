"""Campaigns put to the test: asked for every user of the hold-out, and before and after a click."""

from __future__ import annotations

import csv
import logging
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import task
from airflow.sdk.exceptions import AirflowSkipException

from aws_ml.clients import Aws
from include.workflows.common.errors import OtherVersion, RecommendationsStay
from include.workflows.common.s3_documents import read_lines, write_json
from include.workflows.common.xcom import Reference, pull

log = logging.getLogger(__name__)

LIST_LENGTH = 25
RANKED = 100  # popular items that a ranking campaign orders
CONCURRENT = 8  # requests to a campaign


@task(trigger_rule="none_failed")
def ask_campaign(
    key: str,
    ask: str,
    run: str,
    most_users: str,
    campaign: Reference,
    version: Reference,
    unseen: Reference,
    **context: Any,
) -> dict[str, Any]:
    """Ask a campaign for every user of the hold-out, and keep the answers in S3.

    :param ask: `user`, `item`, `ranking` or `cold`: what the recommender is asked.
    :param campaign: its ARN.
    :param version: ARN of the solution version that this run trained.
    :param unseen: ARN of the filter that leaves out what a user knows.
    :raises OtherVersion: when another run updated the campaign: its answers say nothing about this run.
    :raises AirflowSkipException: when the recommender has no campaign in this run.
    """
    ti = context["ti"]
    campaign_arn = pull(ti, campaign)
    if not campaign_arn:
        raise AirflowSkipException(f"{key} has no campaign in this run.")
    truth = "cold" if ask == "cold" else "holdout"
    users = sorted({user for user, _ in _pairs(f"{run}/truth/{truth}.csv")})[: int(most_users)]
    answers = _ask(_requests(ask, run, campaign_arn, pull(ti, unseen), users))
    _check_version(campaign_arn, pull(ti, version))
    write_json(f"{run}/answers/{key}.json", {"ask": ask, "answers": answers})
    log.info("%d users were answered by %s", len(answers), campaign_arn)
    return {"users": len(answers), "campaign": campaign_arn}


def _check_version(campaign: str, version: str) -> None:
    """Checked afterwards: a version that was replaced never comes back.

    :raises OtherVersion: when the campaign serves another version than this run's.
    """
    description = Aws().client("personalize").describe_campaign(campaignArn=campaign)["campaign"]
    if description["solutionVersionArn"] != version:
        raise OtherVersion(
            f"{campaign} serves {description['solutionVersionArn']}, this run trained {version}: another run "
            "uses the dataset group at the same time. Give each its own, by the param dataset_group."
        )


def _requests(ask: str, run: str, campaign: str, unseen: str, users: list[str]) -> dict[str, dict[str, Any]]:
    """The request per user, as boto3 takes it."""
    common: dict[str, Any] = {"campaignArn": campaign, "filterArn": unseen}
    if ask == "ranking":
        counts = Counter(item for _, item in _pairs(f"{run}/interactions/interactions.csv"))
        popular = [item for item, _ in counts.most_common(RANKED)]
        return {user: {**common, "userId": user, "inputList": popular} for user in users}
    common["numResults"] = LIST_LENGTH
    if ask == "item":
        newest = dict(_pairs(f"{run}/truth/newest.csv"))
        return {user: {**common, "userId": user, "itemId": newest[user]} for user in users if user in newest}
    return {user: {**common, "userId": user} for user in users}


def _ask(requests: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    """Recommended items by user."""
    runtime = Aws().client("personalize-runtime")

    def answer(request: dict[str, Any]) -> list[str]:
        if "inputList" in request:
            items = runtime.get_personalized_ranking(**request)["personalizedRanking"]
        else:
            items = runtime.get_recommendations(**request)["itemList"]
        return [str(item["itemId"]) for item in items]

    with ThreadPoolExecutor(CONCURRENT) as pool:
        return dict(zip(requests, pool.map(answer, requests.values()), strict=True))


@task(trigger_rule="none_failed")
def session(
    key: str, event_type: str, run: str, campaign: Reference, tracker: Reference, **context: Any
) -> dict[str, Any]:
    """A user interacts with the first recommendation; the very next ones have to be others.

    :param campaign: its ARN.
    :param tracker: the description of the event tracker.
    :raises RecommendationsStay: when they are the same.
    :raises AirflowSkipException: when the recommender has no campaign in this run.
    """
    campaign_arn = pull(context["ti"], campaign)
    if not campaign_arn:
        raise AirflowSkipException(f"{key} has no campaign in this run.")
    (user, _), *_ = _pairs(f"{run}/truth/holdout.csv")
    runtime = Aws().client("personalize-runtime")

    def recommended() -> list[str]:
        items = runtime.get_recommendations(campaignArn=campaign_arn, userId=user)["itemList"]
        return [str(item["itemId"]) for item in items]

    before = recommended()
    clicked = before[0]
    value = _highest_value(run)
    event = {"eventType": event_type, "itemId": clicked, "eventValue": value, "sentAt": datetime.now(UTC)}
    Aws().client("personalize-events").put_events(
        trackingId=pull(context["ti"], tracker)["trackingId"],
        userId=user,
        sessionId=f"visit-{user}",
        eventList=[event],
    )
    after = recommended()
    log.info("User %s before: %s", user, ", ".join(before[:10]))
    log.info("User %s after %s of %s: %s", user, event_type, clicked, ", ".join(after[:10]))
    if before == after:
        raise RecommendationsStay(
            f"User {user} sent {event_type} for {clicked}; {campaign_arn} recommends the same as before."
        )
    return {"user": user, "watched": clicked, "before": before[:10], "after": after[:10]}


def _highest_value(run: str) -> float:
    """The highest value of an interaction in the training data, such as the best rating."""
    rows = csv.DictReader(read_lines(f"{run}/interactions/interactions.csv"))
    return max(float(row["EVENT_VALUE"]) for row in rows)


def _pairs(uri: str) -> list[tuple[str, str]]:
    """The first two columns of a CSV file in S3, its header left out."""
    rows = csv.reader(read_lines(uri))
    next(rows)
    return [(row[0], row[1]) for row in rows]
