"""Answers: scores, filters, exploration, contexts, events, segments."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.local_aws.personalize.studio import BUCKET, ROLE, Studio, interactions, taste, wait

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def campaign(studio: Studio) -> str:
    version = studio.version("aws-user-personalization")
    config = {"itemExplorationConfig": {"explorationWeight": "0.0"}}
    return studio.campaign(version["solutionVersionArn"], "for-you", campaignConfig=config)


@pytest.fixture(scope="module")
def runtime(client: Callable[[str], Any]) -> Any:
    return client("personalize-runtime")


def names(answer: dict[str, Any]) -> list[str]:
    return [entry["itemId"] for entry in answer["itemList"]]


def make_filter(studio: Studio, expression: str) -> str:
    arn = studio.personalize.create_filter(
        name=f"f-{time.monotonic_ns()}", datasetGroupArn=studio.group, filterExpression=expression
    )["filterArn"]
    assert wait(lambda: studio.personalize.describe_filter(filterArn=arn))["status"] == "ACTIVE"
    return str(arn)


def test_scores_of_the_whole_catalogue_sum_to_one(campaign: str, runtime: Any) -> None:
    answer = runtime.get_recommendations(campaignArn=campaign, userId="3", numResults=500)
    assert sum(entry["score"] for entry in answer["itemList"]) == pytest.approx(1)


def test_a_user_without_history_gets_the_popular_items(studio: Studio, campaign: str, runtime: Any) -> None:
    popular = studio.campaign(studio.version("aws-popularity-count")["solutionVersionArn"], "popular")
    expected = runtime.get_recommendations(campaignArn=popular, userId="3")
    assert all("score" not in entry for entry in expected["itemList"])
    assert names(runtime.get_recommendations(campaignArn=campaign, userId="unknown")) == names(expected)


@pytest.mark.parametrize(("weight", "results", "new"), [("1.0", 60, 5), ("0.0", 30, 0)])
def test_exploration_shows_new_items(
    studio: Studio, campaign: str, runtime: Any, weight: str, results: int, new: int
) -> None:
    config = {"itemExplorationConfig": {"explorationWeight": weight}}
    studio.personalize.update_campaign(campaignArn=campaign, campaignConfig=config)
    description = studio.personalize.describe_campaign(campaignArn=campaign)["campaign"]
    assert description["status"] == "ACTIVE"
    assert description["latestCampaignUpdate"]["status"].startswith("CREATE")

    def update() -> dict[str, Any]:
        description = studio.personalize.describe_campaign(campaignArn=campaign)["campaign"]
        return {"update": description["latestCampaignUpdate"]}

    assert wait(update)["status"] == "ACTIVE"
    recommended = names(runtime.get_recommendations(campaignArn=campaign, userId="3", numResults=results))
    never_seen = [int(item) for item in recommended if int(item) >= 110]
    assert len(never_seen) >= new
    assert all(item % 2 for item in never_seen[:new])  # first those of the user's taste
    assert bool(never_seen) == bool(new)


@pytest.mark.parametrize(
    ("expression", "values", "fits"),
    [
        ('INCLUDE ItemID WHERE Items.GENRE IN ("Comedy")', {}, lambda i: i % 2 == 1),
        ("INCLUDE ItemID WHERE Items.GENRE IN ($G)", {"G": '"Crime","Western"'}, lambda i: i % 2 == 0),
        ("EXCLUDE ItemID WHERE Items.GENRE IN ($G)", {}, lambda i: True),
        ("include ItemID where Items.YEAR >= 1980 and Items.YEAR < 1990", {}, lambda i: 20 <= i % 60 < 30),
        (
            "INCLUDE ItemID WHERE Items.GENRE NOT IN ('Crime') OR Items.YEAR = 1960",
            {},
            lambda i: i % 2 or not i % 60,
        ),
        (
            'EXCLUDE ItemID WHERE Items.GENRE IN ("Comedy") IF CurrentUser.AGE > 90 '
            '| INCLUDE ItemID WHERE Items.GENRE IN ("Comedy") IF CurrentUser.AGE < 90',
            {},
            lambda i: i % 2 == 1,
        ),
    ],
)
def test_filters(
    studio: Studio, campaign: str, runtime: Any, expression: str, values: Any, fits: Any
) -> None:
    arn = make_filter(studio, expression)
    answer = runtime.get_recommendations(
        campaignArn=campaign, userId="3", numResults=200, filterArn=arn, filterValues=values
    )
    assert {int(item) for item in names(answer)} == {i for i in range(120) if fits(i)}
    studio.personalize.delete_filter(filterArn=arn)


def test_items_of_the_users_events_can_be_excluded(
    studio: Studio, campaign: str, runtime: Any, client: Callable[[str], Any]
) -> None:
    arn = make_filter(
        studio, 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("rating")'
    )  # case does not matter
    answer = names(
        runtime.get_recommendations(campaignArn=campaign, userId="3", numResults=200, filterArn=arn)
    )
    assert len(answer) == 100  # the user rated 20 of 120
    tracker = studio.personalize.create_event_tracker(name="clicks", datasetGroupArn=studio.group)
    wait(lambda: studio.personalize.describe_event_tracker(eventTrackerArn=tracker["eventTrackerArn"]))
    event = {"sentAt": time.time(), "eventType": "RATING", "itemId": answer[0]}
    client("personalize-events").put_events(
        trackingId=tracker["trackingId"], userId="3", sessionId="s", eventList=[event]
    )
    after = names(
        runtime.get_recommendations(campaignArn=campaign, userId="3", numResults=200, filterArn=arn)
    )
    assert set(answer) - set(after) == {answer[0]}


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("SHOW ItemID WHERE Items.GENRE = 1", "not valid near column 1"),
        ("INCLUDE ItemID WHERE Items.LENGTH = 1", "no field LENGTH"),
        ("INCLUDE ItemID WHERE Films.GENRE = 1", "not Films"),
        ('INCLUDE ItemID WHERE Items.GENRE IN ("*", "*")', "for EVENT_TYPE only"),
        ('INCLUDE ItemID WHERE Items.YEAR = 1 AND Interactions.EVENT_TYPE IN ("a")', "uses one dataset"),
    ],
)
def test_expressions_that_are_refused(studio: Studio, expression: str, reason: str) -> None:
    with pytest.raises(studio.personalize.exceptions.InvalidInputException) as caught:
        studio.personalize.create_filter(
            name="bad", datasetGroupArn=studio.group, filterExpression=expression
        )
    assert reason in str(caught.value)


def test_an_include_needs_its_parameter(studio: Studio, campaign: str, runtime: Any) -> None:
    arn = make_filter(studio, "INCLUDE ItemID WHERE Items.GENRE IN ($G)")
    with pytest.raises(runtime.exceptions.InvalidInputException, match="needs a value for the parameter G"):
        runtime.get_recommendations(campaignArn=campaign, userId="3", filterArn=arn)


def test_put_items_changes_filters_at_once(
    studio: Studio, campaign: str, runtime: Any, client: Callable[[str], Any]
) -> None:
    arn = make_filter(studio, 'INCLUDE ItemID WHERE Items.GENRE IN ("Silent")')
    ask = {"campaignArn": campaign, "userId": "3", "filterArn": arn}
    assert names(runtime.get_recommendations(**ask)) == []
    item = {"itemId": "8", "properties": json.dumps({"genre": "Silent", "year": 1920})}
    client("personalize-events").put_items(datasetArn=studio.arns["Items"], items=[item])
    assert names(runtime.get_recommendations(**ask)) == ["8"]


def test_incomplete_requests_are_refused(studio: Studio, campaign: str, runtime: Any) -> None:
    for wrong, reason in (
        ({"campaignArn": campaign}, "userId is required"),
        ({"campaignArn": campaign, "userId": "3", "numResults": 501}, "at most 500"),
        ({"userId": "3"}, "either campaignArn or recommenderArn"),
    ):
        with pytest.raises(runtime.exceptions.InvalidInputException, match=reason):
            runtime.get_recommendations(**wrong)
    with pytest.raises(runtime.exceptions.ResourceNotFoundException):
        runtime.get_recommendations(campaignArn=campaign + "x", userId="3")
    with pytest.raises(runtime.exceptions.InvalidInputException, match="does not rank"):
        runtime.get_personalized_ranking(campaignArn=campaign, userId="3", inputList=["1"])


def test_a_segment_has_the_users_of_the_items_taste(studio: Studio) -> None:
    studio.s3.put_object(Bucket=BUCKET, Key="seg/items.json", Body=b'{"itemId":"5"}\n{"itemId":"6"}\n')
    version = studio.version("aws-item-affinity")["solutionVersionArn"]
    lines = run_segments(studio, "affinity", version, "seg/items.json")
    assert [line["input"] for line in lines] == [{"itemId": "5"}, {"itemId": "6"}]
    for line in lines:
        users = line["output"]["recommendedUsers"]
        assert len(users) == 10
        assert all(int(user) % 2 == int(line["input"]["itemId"]) % 2 for user in users)


def test_a_batch_job_reads_only_its_input_object(studio: Studio) -> None:
    for name in ("one.json", "one.json.old"):
        studio.s3.put_object(Bucket=BUCKET, Key=f"near/{name}", Body=b'{"itemId":"5"}\n')
    version = studio.version("aws-item-affinity", name="near")["solutionVersionArn"]
    assert len(run_segments(studio, "near-out", version, "near/one.json")) == 1
    objects = studio.s3.list_objects_v2(Bucket=BUCKET, Prefix="near-out/")["Contents"]
    assert [entry["Key"] for entry in objects] == ["near-out/_CHECK", "near-out/one.json.out"]


def test_segments_by_attribute(studio: Studio) -> None:
    body = json.dumps({"itemAttributes": 'ITEMS.genre = "Crime"'}).encode()
    studio.s3.put_object(Bucket=BUCKET, Key="seg/genres.json", Body=body)
    version = studio.version("aws-item-attribute-affinity")["solutionVersionArn"]
    (line,) = run_segments(studio, "attributes", version, "seg/genres.json")
    assert line["itemAttributes"] == 'ITEMS.genre = "Crime"'
    assert all(int(user) % 2 == 0 for user in line["output"]["recommendedUsers"])
    assert taste(6) == "Drama|Crime"


def run_segments(studio: Studio, name: str, version: str, key: str) -> list[dict[str, Any]]:
    arn = studio.personalize.create_batch_segment_job(
        jobName=name,
        solutionVersionArn=version,
        numResults=10,
        jobInput={"s3DataSource": {"path": f"s3://{BUCKET}/{key}"}},
        jobOutput={"s3DataDestination": {"path": f"s3://{BUCKET}/{name}/"}},
        roleArn=ROLE,
    )["batchSegmentJobArn"]
    job = wait(lambda: studio.personalize.describe_batch_segment_job(batchSegmentJobArn=arn))
    assert job["status"] == "ACTIVE", job
    out = f"{name}/{key.rpartition('/')[2]}.out"
    return [json.loads(line) for line in studio.s3.get_object(Bucket=BUCKET, Key=out)["Body"].iter_lines()]


def test_a_search_finds_hyperparameters(studio: Studio) -> None:
    config = {
        "hpoConfig": {"hpoResourceConfig": {"maxNumberOfTrainingJobs": "3", "maxParallelTrainingJobs": "2"}}
    }
    version = studio.version("aws-hrnn", performHPO=True, solutionConfig=config)
    hyperparameters = version["tunedHPOParams"]["algorithmHyperParameters"]
    assert 32 <= int(hyperparameters["hidden_dimension"]) <= 256
    assert 2 <= int(hyperparameters["bptt"]) <= 32


def test_a_recommender_of_a_domain(client: Callable[[str], Any], studio: Studio, runtime: Any) -> None:
    assert studio
    video = Studio(client("personalize"), client("s3"), "video").open("VIDEO_ON_DEMAND")
    video.dataset("Interactions")
    assert video.load("Interactions", interactions())["status"] == "ACTIVE"
    arn = video.personalize.create_recommender(
        name="more-like-x",
        datasetGroupArn=video.group,
        recipeArn="arn:aws:personalize:::recipe/aws-vod-more-like-x",
    )["recommenderArn"]
    describe = video.personalize.describe_recommender
    assert wait(lambda: describe(recommenderArn=arn))["status"] == "ACTIVE"
    recommended = names(runtime.get_recommendations(recommenderArn=arn, itemId="7", userId="3"))
    assert int(recommended[0]) % 2 == 1
    video.personalize.stop_recommender(recommenderArn=arn)
    assert wait(lambda: describe(recommenderArn=arn), "INACTIVE")["status"] == "INACTIVE"
    with pytest.raises(runtime.exceptions.ResourceNotFoundException, match="not ACTIVE"):
        runtime.get_recommendations(recommenderArn=arn, itemId="7", userId="3")
    video.personalize.start_recommender(recommenderArn=arn)
    assert wait(lambda: describe(recommenderArn=arn))["status"] == "ACTIVE"
