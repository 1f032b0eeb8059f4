"""What the recipes learn from: contexts, time, metadata, and rows that arrive one by one."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.local_aws.personalize.studio import BUCKET, FIELDS, Studio, users, wait

if TYPE_CHECKING:
    from collections.abc import Callable

USERS, EVENTS, ITEMS, HOT = 80, 30, 100, "100"
START, PERIOD = 880_000_000, 1_000_000  # seconds
OWN = [*FIELDS["Interactions"], {"name": "DEVICE", "type": "string", "categorical": True}]


def interactions() -> str:
    """Items below 50 are watched on TV, others by phone; item 100 in the newest tenth of the time only."""
    rng, lines = np.random.default_rng(5), ["USER_ID,ITEM_ID,EVENT_VALUE,TIMESTAMP,EVENT_TYPE,DEVICE"]
    for user in range(1, USERS + 1):
        moments = np.sort(rng.integers(0, PERIOD * 9 // 10, EVENTS))
        for item, moment in zip(rng.choice(ITEMS, EVENTS, replace=False), moments, strict=True):
            device = "tv" if item < ITEMS // 2 else "phone"
            lines.append(f"{user},{item},3,{START + moment},WATCH,{device}")
        if user % 5 == 0:
            lines.append(f"{user},{HOT},3,{START + PERIOD - user},WATCH,tv")
    return "\n".join(lines) + "\n"


def items() -> str:
    rows = [f"{item},{'Comedy' if item % 2 else 'Drama'},{1960 + item % 60}" for item in range(ITEMS + 1)]
    return "\n".join(["ITEM_ID,GENRE,YEAR", *rows]) + "\n"


@pytest.fixture(scope="module")
def studio(client: Callable[[str], Any]) -> Studio:
    client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    group = Studio(client("personalize"), client("s3"), "moods").open()
    group.dataset("Interactions", fields=OWN)
    for kind, text in (("Interactions", interactions()), ("Items", items()), ("Users", users())):
        if kind != "Interactions":
            group.dataset(kind)
        job = group.load(kind, text)
        assert job["status"] == "ACTIVE", job
    return group


@pytest.fixture(scope="module")
def runtime(client: Callable[[str], Any]) -> Any:
    return client("personalize-runtime")


@pytest.fixture(scope="module")
def campaign(studio: Studio) -> str:
    """For users, without exploration."""
    config = {"itemExplorationConfig": {"explorationWeight": "0.0"}}
    version = studio.version("aws-user-personalization")["solutionVersionArn"]
    return studio.campaign(version, "for-you", campaignConfig=config)


def names(answer: dict[str, Any]) -> list[str]:
    return [item["itemId"] for item in answer["itemList"]]


def test_a_context_brings_the_items_that_go_with_it(campaign: str, runtime: Any) -> None:
    def on_tv(**options: Any) -> float:
        recommended = names(runtime.get_recommendations(campaignArn=campaign, userId="3", **options))
        return float(np.mean([int(item) < ITEMS // 2 or item == HOT for item in recommended]))

    plain = on_tv()
    assert on_tv(context={"DEVICE": "tv"}) > plain > on_tv(context={"DEVICE": "phone"})
    assert on_tv(context={"DEVICE": "radio"}) == plain  # a value that no interaction has


def test_a_growing_item_is_trending_before_it_is_popular(studio: Studio, runtime: Any) -> None:
    first = {}
    for recipe in ("aws-trending-now", "aws-popularity-count"):
        arn = studio.campaign(studio.version(recipe)["solutionVersionArn"], recipe)
        first[recipe] = names(runtime.get_recommendations(campaignArn=arn, userId="3"))
    assert first["aws-trending-now"][0] == HOT
    assert HOT not in first["aws-popularity-count"][:5]


@pytest.mark.parametrize("recipe", ["aws-user-personalization-v2", "aws-hrnn-metadata", "aws-similar-items"])
def test_other_names_of_recipes_train_and_answer(studio: Studio, runtime: Any, recipe: str) -> None:
    version = studio.version(recipe)
    assert version["status"] == "ACTIVE"
    arn = studio.campaign(version["solutionVersionArn"], recipe)
    answer = runtime.get_recommendations(campaignArn=arn, userId="3", itemId="7")["itemList"]
    assert len({entry["itemId"] for entry in answer}) == 25
    assert all(("score" in entry) == (recipe != "aws-similar-items") for entry in answer)
    studio.personalize.delete_campaign(campaignArn=arn)  # five are possible at a time
    studio.until_deleted(lambda: studio.personalize.describe_campaign(campaignArn=arn))


def test_the_second_version_of_ranking_orders_a_list(studio: Studio, runtime: Any) -> None:
    version = studio.version("aws-personalized-ranking-v2")["solutionVersionArn"]
    arn = studio.campaign(version, "ranks")
    candidates = [str(item) for item in range(20)]
    answer = runtime.get_personalized_ranking(campaignArn=arn, userId="3", inputList=candidates)
    ranking = answer["personalizedRanking"]
    assert sorted(entry["itemId"] for entry in ranking) == sorted(candidates)
    assert sum(entry["score"] for entry in ranking) == pytest.approx(1)


def test_put_users_changes_filters_at_once(
    studio: Studio, campaign: str, runtime: Any, client: Callable[[str], Any]
) -> None:
    expression = 'INCLUDE ItemID WHERE Items.GENRE IN ("Comedy") IF CurrentUser.AGE > 90'
    arn = studio.personalize.create_filter(
        name="old", datasetGroupArn=studio.group, filterExpression=expression
    )["filterArn"]
    wait(lambda: studio.personalize.describe_filter(filterArn=arn))

    def only_comedies() -> bool:
        answer = runtime.get_recommendations(campaignArn=campaign, userId="3", filterArn=arn)
        return all(int(item) % 2 for item in names(answer))

    assert not only_comedies()
    user = {"userId": "3", "properties": json.dumps({"age": 95})}
    client("personalize-events").put_users(datasetArn=studio.arns["Users"], users=[user])
    assert only_comedies()


def test_events_reach_the_next_training(studio: Studio, runtime: Any, client: Callable[[str], Any]) -> None:
    tracker = studio.personalize.create_event_tracker(name="clicks", datasetGroupArn=studio.group)
    wait(lambda: studio.personalize.describe_event_tracker(eventTrackerArn=tracker["eventTrackerArn"]))
    solution = studio.solution("aws-popularity-count", name="counted")

    def train() -> str:
        arn = studio.personalize.create_solution_version(solutionArn=solution)["solutionVersionArn"]
        version = studio.trained(arn)
        assert version["status"] == "ACTIVE", version
        return str(arn)

    arn = studio.campaign(train(), "counted")
    assert names(runtime.get_recommendations(campaignArn=arn, userId="3"))[0] != "brand-new"
    for user in range(10):
        events = [{"sentAt": time.time() - n, "eventType": "WATCH", "itemId": "brand-new"} for n in range(10)]
        client("personalize-events").put_events(
            trackingId=tracker["trackingId"], userId=str(user), sessionId=f"s{user}", eventList=events
        )
    studio.personalize.update_campaign(campaignArn=arn, solutionVersionArn=train())
    wait(
        lambda: {
            "u": studio.personalize.describe_campaign(campaignArn=arn)["campaign"]["latestCampaignUpdate"]
        }
    )
    assert names(runtime.get_recommendations(campaignArn=arn, userId="3"))[0] == "brand-new"
