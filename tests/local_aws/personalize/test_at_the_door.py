"""What a client sends is checked when it comes: what was accepted fails no training, import or report."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.local_aws.personalize.studio import BUCKET, RECIPE, Studio, interactions, wait

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def studio(client: Callable[[str], Any]) -> Studio:
    """A dataset group with data and a tracker."""
    client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return Studio(client("personalize"), client("s3"), "door").filled()


@pytest.fixture(scope="module")
def tracking(studio: Studio) -> str:
    tracker = studio.personalize.create_event_tracker(name="door", datasetGroupArn=studio.group)
    wait(lambda: studio.personalize.describe_event_tracker(eventTrackerArn=tracker["eventTrackerArn"]))
    return str(tracker["trackingId"])


def event(**changes: Any) -> dict[str, Any]:
    return {"sentAt": time.time(), "eventType": "RATING", "itemId": "8", **changes}


def properties(**values: Any) -> dict[str, Any]:
    """An event whose item and value stand among its properties."""
    return {"sentAt": time.time(), "eventType": "RATING", "properties": json.dumps(values)}


EVENTS = {
    "an item that is a number": (properties(itemId=8), "itemId has to be a text"),
    "an item that is a list": (properties(itemId=["8"]), "itemId has to be a text"),
    "an item without a name": (properties(itemId=""), "itemId has to be a text of 1 to 256"),
    "an item that is too long": (properties(itemId="i" * 257), "itemId has to be a text of 1 to 256"),
    "a value that is a text": (properties(itemId="8", eventValue="many"), "eventValue has to be a finite"),
    "a value that is a list": (properties(itemId="8", eventValue=[1]), "eventValue has to be a finite"),
    "a value that is true": (properties(itemId="8", eventValue=True), "eventValue has to be a finite"),
    "a value that is infinite": (properties(itemId="8", eventValue=float("inf")), "eventValue has to be a"),
    "a value for 64 bits only": (properties(itemId="8", eventValue=1e300), "eventValue has to be a finite"),
    "a time that is none": (
        event(sentAt=datetime(9000, 1, 1, tzinfo=UTC)),
        "sentAt has to be a finite number",
    ),
    "a time before 1970": (event(sentAt=-1.0), "sentAt has to be a finite number from 0"),
}


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_that_no_training_could_read_is_refused(
    client: Callable[[str], Any], tracking: str, name: str
) -> None:
    wrong, reason = EVENTS[name]
    events = client("personalize-events")
    with pytest.raises(events.exceptions.InvalidInputException, match=reason):
        events.put_events(trackingId=tracking, userId="3", sessionId="s", eventList=[event(), wrong])


ROWS: dict[str, tuple[str, dict[str, Any], str]] = {
    "a year that is a text": ("Items", {"year": "soon"}, "YEAR of x has to be a finite number"),
    "a year that is half": ("Items", {"year": 1999.5}, "YEAR of x has to be a whole number"),
    "a year beyond 32 bits": ("Items", {"year": 2**40}, "YEAR of x has to be a finite number from"),
    "a year that is null": ("Items", {"year": None}, "YEAR of x is null"),
    "a year that is a list": ("Items", {"year": [1999]}, "YEAR of x has to be a finite number"),
    "a genre that is a number": ("Items", {"genre": 5}, "GENRE of x has to be a text"),
    "a genre that is a list": ("Items", {"genre": ["A", "B"]}, "GENRE of x has to be a text"),
    "a genre that is too long": ("Items", {"genre": "g" * 1001}, "GENRE of x has more than 1000"),
    "another identifier": (
        "Items",
        {"itemId": "9"},
        "the property itemId of x is its identifier|The property",
    ),
    "an age that is true": ("Users", {"age": True}, "AGE of x has to be a finite number"),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_that_no_training_could_read_is_refused(
    studio: Studio, client: Callable[[str], Any], name: str
) -> None:
    kind, values, reason = ROWS[name]
    events = client("personalize-events")
    put = events.put_items if kind == "Items" else events.put_users
    entry = {f"{kind[:-1].lower()}Id": "x", "properties": json.dumps(values)}
    with pytest.raises(events.exceptions.InvalidInputException, match=reason):
        put(datasetArn=studio.arns[kind], **{kind.lower(): [entry]})


def test_what_was_accepted_fails_no_training(
    studio: Studio, client: Callable[[str], Any], tracking: str
) -> None:
    """The edges of what is allowed, and numbers as texts, as some SDKs send them."""
    events = client("personalize-events")
    edges = [
        event(eventValue=3.4e38),
        properties(itemId="8", eventValue="4.5"),
        properties(itemId="i" * 256, eventValue=-1),
        properties(),
        event(sentAt=0.0),
    ]
    events.put_events(trackingId=tracking, userId="u" * 256, sessionId="s", eventList=edges)
    events.put_events(trackingId=tracking, sessionId="nobody", eventList=[event(itemId='ü,\n"')])
    rows = [{"itemId": "new", "properties": json.dumps({"genre": None, "year": "1999"})}]
    events.put_items(datasetArn=studio.arns["Items"], items=rows)
    events.put_users(datasetArn=studio.arns["Users"], users=[{"userId": "new", "properties": '{"age": -5}'}])
    for recipe in ("aws-user-personalization", "aws-hrnn-coldstart"):
        assert studio.version(recipe)["status"] == "ACTIVE"


SOLUTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "a text": ({"algorithmHyperParameters": {"bptt": "long"}}, "bptt has to be a finite number"),
    "out of range": (
        {"algorithmHyperParameters": {"bptt": "99"}},
        "bptt has to be a finite number from 2 to 32",
    ),
    "half": ({"algorithmHyperParameters": {"bptt": "2.5"}}, "bptt has to be a whole number"),
    "no option": ({"algorithmHyperParameters": {"recency_mask": "maybe"}}, "has to be one of true, false"),
    "unknown": ({"algorithmHyperParameters": {"depth": "3"}}, "no hyperparameter depth"),
    "threshold": ({"eventValueThreshold": "high"}, "eventValueThreshold has to be a finite number"),
    "reversed range": (
        {
            "hpoConfig": {
                "algorithmHyperParameterRanges": {
                    "integerHyperParameterRanges": [{"name": "bptt", "minValue": 30, "maxValue": 3}]
                }
            }
        },
        "The range of bptt begins at 30",
    ),
    "unknown range": (
        {
            "hpoConfig": {
                "algorithmHyperParameterRanges": {
                    "integerHyperParameterRanges": [{"name": "depth", "minValue": 3, "maxValue": 30}]
                }
            }
        },
        "does not search the hyperparameter depth",
    ),
    "number of jobs": (
        {"hpoConfig": {"hpoResourceConfig": {"maxNumberOfTrainingJobs": "many"}}},
        "maxNumberOfTrainingJobs has to be a finite number",
    ),
}


@pytest.mark.parametrize("name", SOLUTIONS)
def test_a_solution_that_could_not_be_trained_is_refused(studio: Studio, name: str) -> None:
    config, reason = SOLUTIONS[name]
    with pytest.raises(studio.personalize.exceptions.InvalidInputException, match=reason):
        studio.personalize.create_solution(
            name=f"wrong-{name.replace(' ', '-')}",
            datasetGroupArn=studio.group,
            recipeArn=RECIPE.format("aws-user-personalization"),
            eventType="RATING",
            solutionConfig=config,
        )


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"explorationWeight": "much"}, "explorationWeight has to be a finite number from 0 to 1"),
        ({"explorationWeight": "1.5"}, "explorationWeight has to be a finite number from 0 to 1"),
        ({"explorationItemAgeCutOff": "-1"}, "explorationItemAgeCutOff has to be"),
        ({"weight": "0.1"}, "no member weight"),
    ],
)
def test_a_campaign_that_could_not_answer_is_refused(
    studio: Studio, config: dict[str, str], reason: str
) -> None:
    if "popular" not in studio.arns:
        studio.arns["popular"] = studio.version("aws-popularity-count")["solutionVersionArn"]
    with pytest.raises(studio.personalize.exceptions.InvalidInputException, match=reason):
        studio.personalize.create_campaign(
            name="wrong",
            solutionVersionArn=studio.arns["popular"],
            campaignConfig={"itemExplorationConfig": config},
        )


@pytest.mark.parametrize("text", ["inf", "-Infinity", "nan", "1e300"])
def test_an_import_of_numbers_that_are_none_fails_with_the_row(studio: Studio, text: str) -> None:
    head, first, *rest = interactions().splitlines()
    user, item, _, moment, kind = first.split(",")
    job = studio.load("Interactions", "\n".join([head, f"{user},{item},{text},{moment},{kind}", *rest]))
    assert job["status"] == "CREATE FAILED"
    assert "row 2: EVENT_VALUE is no finite number" in job["failureReason"]
