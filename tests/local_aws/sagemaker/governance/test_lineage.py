"""Lineage entities and the associations between them."""

from __future__ import annotations

from typing import Any

from tests.local_aws.sagemaker.governance.lineage_requests import ARN, artifact, connect, refusal


def test_an_artifact_is_described_as_it_was_created(sagemaker: Any) -> None:
    source = {"SourceUri": "s3://ml/x.csv", "SourceTypes": [{"SourceIdType": "MD5Hash", "Value": "ab12"}]}
    arn = sagemaker.create_artifact(
        ArtifactName="x",
        Source=source,
        ArtifactType="DataSet",
        Properties={"rows": "7"},
        MetadataProperties={"CommitId": "c0ffee"},
        Tags=[{"Key": "project", "Value": "ml"}],
    )["ArtifactArn"]
    description = sagemaker.describe_artifact(ArtifactArn=arn)
    assert (description["ArtifactName"], description["Source"], description["ArtifactType"]) == (
        "x",
        source,
        "DataSet",
    )
    assert (description["Properties"], description["MetadataProperties"]) == (
        {"rows": "7"},
        {"CommitId": "c0ffee"},
    )
    assert description["CreationTime"] == description["LastModifiedTime"]
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "project", "Value": "ml"}]


def test_an_artifact_is_known_by_its_source(sagemaker: Any) -> None:
    arn = artifact(sagemaker, "s3://ml/once.csv")
    assert arn.startswith(f"{ARN}:artifact/")
    assert len(arn.rpartition("/")[2]) == 32
    create = sagemaker.create_artifact
    assert refusal(create, Source={"SourceUri": "s3://ml/once.csv"}, ArtifactType="DataSet") == (
        "ValidationException",
        f"Artifact already exists: {arn}",
    )
    version = [{"SourceIdType": "S3Version", "Value": "2"}]
    other = create(Source={"SourceUri": "s3://ml/once.csv", "SourceTypes": version}, ArtifactType="DataSet")
    assert other["ArtifactArn"] != arn
    summaries = sagemaker.list_artifacts(SourceUri="s3://ml/once.csv")["ArtifactSummaries"]
    assert {summary["ArtifactArn"] for summary in summaries} == {arn, other["ArtifactArn"]}


def test_an_artifact_is_deleted_by_its_arn_or_by_its_source(sagemaker: Any) -> None:
    by_arn, by_source = (artifact(sagemaker, f"s3://ml/{name}") for name in ("by-arn", "by-source"))
    assert sagemaker.delete_artifact(ArtifactArn=by_arn)["ArtifactArn"] == by_arn
    deleted = sagemaker.delete_artifact(Source={"SourceUri": "s3://ml/by-source"})
    assert deleted["ArtifactArn"] == by_source
    for arn in (by_arn, by_source):
        assert refusal(sagemaker.describe_artifact, ArtifactArn=arn)[0] == "ResourceNotFound"
    assert "either ArtifactArn or Source" in refusal(sagemaker.delete_artifact)[1]


def test_an_update_overwrites_the_properties_and_keeps_the_rest(sagemaker: Any) -> None:
    arn = artifact(sagemaker, "s3://ml/update.csv", ArtifactName="before", Properties={"a": "1", "b": "2"})
    sagemaker.update_artifact(ArtifactArn=arn, PropertiesToRemove=["a"])
    assert sagemaker.describe_artifact(ArtifactArn=arn)["Properties"] == {"b": "2"}
    sagemaker.update_artifact(ArtifactArn=arn, ArtifactName="after", Properties={"c": "3"})
    description = sagemaker.describe_artifact(ArtifactArn=arn)
    assert (description["ArtifactName"], description["Properties"], description["ArtifactType"]) == (
        *("after", {"c": "3"}),
        "DataSet",
    )
    assert description["LastModifiedTime"] > description["CreationTime"]


def test_names_of_contexts_and_actions_exist_once(sagemaker: Any, graph: dict[str, str]) -> None:
    source = {"SourceUri": "anything"}
    action = {"ActionName": "train-1", "ActionType": "Training", "Source": source}
    context = {"ContextName": "churn_endpoint", "ContextType": "Endpoint", "Source": source}
    assert refusal(sagemaker.create_action, **action)[0] == "ValidationException"
    assert refusal(sagemaker.create_context, **context)[0] == "ValidationException"


def test_contexts_and_actions_are_found_by_name_and_by_arn(sagemaker: Any, graph: dict[str, str]) -> None:
    assert graph["training"] == f"{ARN}:action/train-1"
    assert graph["endpoint"] == f"{ARN}:context/churn_endpoint"
    for name in ("Train-1", graph["training"]):
        assert sagemaker.describe_action(ActionName=name)["Status"] == "Completed"
    for name in ("churn_endpoint", graph["endpoint"]):
        assert sagemaker.describe_context(ContextName=name)["Source"]["SourceType"] == "ARN"
    sagemaker.update_action(ActionName="Train-1", Status="Failed", Description="out of memory")
    description = sagemaker.describe_action(ActionName="Train-1")
    assert (description["Status"], description["Description"]) == ("Failed", "out of memory")


def test_a_missing_entity_is_a_resource_not_found(sagemaker: Any, graph: dict[str, str]) -> None:
    missing = f"{ARN}:artifact/0"
    for call, params in (
        (sagemaker.describe_artifact, {"ArtifactArn": missing}),
        (sagemaker.update_context, {"ContextName": "nobody", "Description": "x"}),
        (sagemaker.delete_action, {"ActionName": "nobody"}),
        (sagemaker.add_association, {"SourceArn": missing, "DestinationArn": graph["model"]}),
        (sagemaker.delete_association, {"SourceArn": graph["data"], "DestinationArn": graph["model"]}),
        (sagemaker.query_lineage, {"StartArns": [missing]}),
    ):
        assert refusal(call, **params)[0] == "ResourceNotFound", call


def test_lists_are_filtered_ordered_and_paged(sagemaker: Any) -> None:
    uris = [f"s3://listed/{number}" for number in range(5)]
    arns = [artifact(sagemaker, uri, "Listed") for uri in uris]
    pages = sagemaker.get_paginator("list_artifacts").paginate(
        ArtifactType="Listed", SortOrder="Ascending", PaginationConfig={"PageSize": 2}
    )
    assert [[s["ArtifactArn"] for s in page["ArtifactSummaries"]] for page in pages] == [
        arns[:2],
        arns[2:4],
        arns[4:],
    ]
    moment = sagemaker.describe_artifact(ArtifactArn=arns[3])["CreationTime"]
    later = sagemaker.list_artifacts(ArtifactType="Listed", CreatedAfter=moment)["ArtifactSummaries"]
    assert {summary["ArtifactArn"] for summary in later} >= {arns[4]}
    assert arns[0] not in {summary["ArtifactArn"] for summary in later}


# Associations


def test_two_entities_are_associated_once(sagemaker: Any, graph: dict[str, str]) -> None:
    call, ends = sagemaker.add_association, {"SourceArn": graph["data"], "DestinationArn": graph["training"]}
    assert refusal(call, **ends, AssociationType="Produced")[0] == "ValidationException"


def test_associations_are_listed_with_the_types_and_names_of_their_ends(
    sagemaker: Any, graph: dict[str, str]
) -> None:
    page = sagemaker.list_associations(DestinationArn=graph["training"], SourceType="Code")
    (summary,) = page["AssociationSummaries"]
    assert (summary["SourceArn"], summary["AssociationType"]) == (graph["code"], "ContributedTo")
    assert (summary["DestinationType"], summary["DestinationName"]) == ("Training", "Train-1")
    produced = sagemaker.list_associations(SourceArn=graph["model"], AssociationType="Produced")
    assert [s["DestinationArn"] for s in produced["AssociationSummaries"]] == [graph["report"]]


def test_an_entity_is_deleted_after_its_associations(sagemaker: Any) -> None:
    data, model = (artifact(sagemaker, f"s3://leaving/{name}") for name in ("data", "model"))
    connect(sagemaker, data, model)
    for arn in (data, model):
        assert "associations" in refusal(sagemaker.delete_artifact, ArtifactArn=arn)[1]
    sagemaker.delete_association(SourceArn=data, DestinationArn=model)
    for arn in (data, model):
        sagemaker.delete_artifact(ArtifactArn=arn)


def test_experiments_are_refused_by_name(sagemaker: Any, graph: dict[str, str]) -> None:
    component = f"{ARN}:experiment-trial-component/x"
    refused = refusal(sagemaker.add_association, SourceArn=component, DestinationArn=graph["model"])
    assert "experiments are not supported" in refused[1]
