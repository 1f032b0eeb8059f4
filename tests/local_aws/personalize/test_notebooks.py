"""MR-1 to MR-6: the calls of the workshop's notebooks in their order, by boto3."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.local_aws.personalize.studio import BUCKET, ROLE, Studio, interactions, items, wait

if TYPE_CHECKING:
    from collections.abc import Callable

RECIPES = ("aws-popularity-count", "aws-hrnn", "aws-hrnn-coldstart", "aws-sims", "aws-personalized-ranking")


@pytest.fixture(scope="module")
def studio(client: Callable[[str], Any]) -> Studio:
    client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return Studio(client("personalize"), client("s3"), "movies")


def test_from_create_to_delete(studio: Studio, client: Callable[[str], Any]) -> None:
    personalize = studio.personalize
    studio.open()
    for kind, text in {"Interactions": interactions(), "Items": items()}.items():
        studio.dataset(kind)
        assert studio.load(kind, text)["status"] == "ACTIVE"

    versions = {recipe: studio.version(recipe) for recipe in RECIPES}
    assert {version["status"] for version in versions.values()} == {"ACTIVE"}
    arns = {recipe: version["solutionVersionArn"] for recipe, version in versions.items()}
    metrics = {r: personalize.get_solution_metrics(solutionVersionArn=a)["metrics"] for r, a in arns.items()}
    for values in metrics.values():
        assert {"coverage", "mean_reciprocal_rank_at_25", "precision_at_25"} <= set(values)
    assert metrics["aws-hrnn"]["precision_at_25"] > metrics["aws-popularity-count"]["precision_at_25"]

    campaigns = {r: studio.campaign(a, r) for r, a in arns.items() if r != "aws-popularity-count"}
    runtime = client("personalize-runtime")
    by_user = runtime.get_recommendations(campaignArn=campaigns["aws-hrnn"], userId="3")["itemList"]
    assert len(by_user) == 25
    assert [entry["score"] for entry in by_user] == sorted(
        (entry["score"] for entry in by_user), reverse=True
    )
    by_item = runtime.get_recommendations(campaignArn=campaigns["aws-sims"], itemId="2")["itemList"]
    assert all("score" not in entry for entry in by_item)
    assert sum(int(entry["itemId"]) % 2 == 0 for entry in by_item) > 20  # the taste of item 2
    candidates = [str(item) for item in range(0, 100, 4)]
    ranking = runtime.get_personalized_ranking(
        campaignArn=campaigns["aws-personalized-ranking"], inputList=[*candidates, "unknown"], userId="2"
    )["personalizedRanking"]
    assert {entry["itemId"] for entry in ranking} == {*candidates, "unknown"}
    assert sum(entry["score"] for entry in ranking) == pytest.approx(1)
    assert ranking[-1] == {"itemId": "unknown", "score": 0.0}
    cold = runtime.get_recommendations(campaignArn=campaigns["aws-hrnn-coldstart"], userId="3")["itemList"]
    assert int(cold[0]["itemId"]) % 2 == 1  # a new item of the user's taste

    studio.s3.put_object(Bucket=BUCKET, Key="in/users.json", Body=b'{"userId":"3"}\n{"userId":"4"}\n')
    job = personalize.create_batch_inference_job(
        jobName="batch",
        solutionVersionArn=arns["aws-hrnn"],
        jobInput={"s3DataSource": {"path": f"s3://{BUCKET}/in/users.json"}},
        jobOutput={"s3DataDestination": {"path": f"s3://{BUCKET}/out/"}},
        roleArn=ROLE,
    )["batchInferenceJobArn"]
    assert (
        wait(lambda: personalize.describe_batch_inference_job(batchInferenceJobArn=job))["status"] == "ACTIVE"
    )
    body = studio.s3.get_object(Bucket=BUCKET, Key="out/users.json.out")["Body"].read()
    first = json.loads(body.splitlines()[0])
    assert first["input"] == {"userId": "3"}
    assert first["error"] is None
    assert first["output"]["recommendedItems"] == [entry["itemId"] for entry in by_user]
    assert len(first["output"]["scores"]) == 25
    assert studio.s3.get_object(Bucket=BUCKET, Key="out/_CHECK")["Body"].read() == b""

    tracker = personalize.create_event_tracker(name="MovieClickTracker", datasetGroupArn=studio.group)
    wait(lambda: personalize.describe_event_tracker(eventTrackerArn=tracker["eventTrackerArn"]))
    client("personalize-events").put_events(
        trackingId=tracker["trackingId"],
        userId="3",
        sessionId="session",
        eventList=[
            {
                "sentAt": time.time(),
                "eventType": "RATING",
                "properties": json.dumps({"itemId": i, "eventValue": 4}),
            }
            for i in ("0", "4", "8", "12")
        ],
    )
    after = runtime.get_recommendations(campaignArn=campaigns["aws-hrnn"], userId="3")["itemList"]
    assert [entry["itemId"] for entry in after] != [entry["itemId"] for entry in by_user]
    assert not any(int(entry["itemId"]) % 2 == 0 for entry in by_user)
    assert any(int(entry["itemId"]) % 2 == 0 for entry in after)  # what the session was about

    with pytest.raises(personalize.exceptions.ResourceInUseException):
        personalize.delete_solution(solutionArn=versions["aws-hrnn"]["solutionArn"])
    with pytest.raises(personalize.exceptions.ResourceInUseException):
        personalize.delete_dataset_group(datasetGroupArn=studio.group)
    for arn in campaigns.values():
        personalize.delete_campaign(campaignArn=arn)
        studio.until_deleted(lambda arn=arn: personalize.describe_campaign(campaignArn=arn))
    for version in versions.values():
        arn = version["solutionArn"]
        personalize.delete_solution(solutionArn=arn)
        studio.until_deleted(lambda arn=arn: personalize.describe_solution(solutionArn=arn))
    personalize.delete_event_tracker(eventTrackerArn=tracker["eventTrackerArn"])
    studio.until_deleted(
        lambda: personalize.describe_event_tracker(eventTrackerArn=tracker["eventTrackerArn"])
    )
    datasets = personalize.list_datasets(datasetGroupArn=studio.group)["datasets"]
    assert {document["datasetType"] for document in datasets} == {
        "INTERACTIONS",
        "ITEMS",
        "EVENT_INTERACTIONS",
    }
    for document in datasets:
        arn = document["datasetArn"]
        personalize.delete_dataset(datasetArn=arn)
        studio.until_deleted(lambda arn=arn: personalize.describe_dataset(datasetArn=arn))
    for document in personalize.list_schemas()["schemas"]:
        personalize.delete_schema(schemaArn=document["schemaArn"])
    personalize.delete_dataset_group(datasetGroupArn=studio.group)
    studio.until_deleted(lambda: personalize.describe_dataset_group(datasetGroupArn=studio.group))
    assert personalize.list_dataset_groups()["datasetGroups"] == []
