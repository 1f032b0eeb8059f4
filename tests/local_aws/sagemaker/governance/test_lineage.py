"""Lineage: what a model was made of, and where it went."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local_aws.conftest import ServerProcess

ARN = "arn:aws:sagemaker:eu-west-1:123456789012"
Arns = dict[str, str]


def refusal(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call(**params)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def artifact(sagemaker: Any, uri: str, kind: str = "DataSet", **members: Any) -> str:
    answer = sagemaker.create_artifact(Source={"SourceUri": uri}, ArtifactType=kind, **members)
    return str(answer["ArtifactArn"])


def connect(sagemaker: Any, source: str, destination: str, kind: str = "ContributedTo") -> None:
    sagemaker.add_association(SourceArn=source, DestinationArn=destination, AssociationType=kind)


@pytest.fixture(scope="module")
def graph(sagemaker: Any) -> Arns:
    """Data and code → training (action) → model → endpoint (context), and the model's report."""
    arns = {
        "data": artifact(sagemaker, "s3://ml/data.csv", Properties={"rows": "3333"}),
        "code": artifact(sagemaker, "s3://ml/code.tar.gz", "Code"),
        "model": artifact(sagemaker, "s3://ml/model.tar.gz", "Model"),
        "report": artifact(sagemaker, "s3://ml/report.html", "Report"),
    }
    action = {"ActionName": "Train-1", "ActionType": "Training", "Source": {"SourceUri": "train-1"}}
    arns["training"] = sagemaker.create_action(Status="Completed", **action)["ActionArn"]
    source = {"SourceUri": f"{ARN}:endpoint/churn", "SourceType": "ARN"}
    context = {"ContextName": "churn_endpoint", "ContextType": "Endpoint", "Source": source}
    arns["endpoint"] = sagemaker.create_context(**context)["ContextArn"]
    for start, end in (("data", "training"), ("code", "training"), ("training", "model")):
        connect(sagemaker, arns[start], arns[end])
    connect(sagemaker, arns["model"], arns["endpoint"], "AssociatedWith")
    connect(sagemaker, arns["model"], arns["report"], "Produced")
    return arns


# Entities


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


def test_what_is_missing_is_a_resource_not_found(sagemaker: Any, graph: dict[str, str]) -> None:
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


def test_an_entity_goes_after_its_associations(sagemaker: Any) -> None:
    data, model = (artifact(sagemaker, f"s3://leaving/{name}") for name in ("data", "model"))
    connect(sagemaker, data, model)
    for arn in (data, model):
        assert "associations" in refusal(sagemaker.delete_artifact, ArtifactArn=arn)[1]
    sagemaker.delete_association(SourceArn=data, DestinationArn=model)
    for arn in (data, model):
        sagemaker.delete_artifact(ArtifactArn=arn)


def test_experiments_are_said_to_be_missing(sagemaker: Any, graph: dict[str, str]) -> None:
    component = f"{ARN}:experiment-trial-component/x"
    refused = refusal(sagemaker.add_association, SourceArn=component, DestinationArn=graph["model"])
    assert "experiments are not supported" in refused[1]


# Queries


def names(graph: Arns, answer: Any) -> set[str]:
    of_arn = {arn: name for name, arn in graph.items()}
    return {of_arn[vertex["Arn"]] for vertex in answer["Vertices"]}


@pytest.mark.parametrize(
    ("start", "direction", "depth", "expected"),
    [
        ("model", "Ascendants", 10, {"training", "data", "code"}),
        ("model", "Ascendants", 1, {"training"}),
        ("model", "Descendants", 10, {"endpoint", "report"}),
        ("data", "Descendants", 2, {"training", "model"}),
        ("data", "Ascendants", 10, set()),
        ("report", "Both", 10, {"model", "training", "data", "code", "endpoint"}),
        ("report", "Both", 2, {"model", "training", "endpoint"}),
    ],
)
def test_a_query_goes_as_far_as_it_is_asked_to(
    sagemaker: Any, graph: dict[str, str], start: str, direction: str, depth: int, expected: set[str]
) -> None:
    answer = sagemaker.query_lineage(StartArns=[graph[start]], Direction=direction, MaxDepth=depth)
    assert names(graph, answer) == expected
    assert answer["Edges"] == []


def test_edges_come_with_what_lies_on_the_way(sagemaker: Any, graph: dict[str, str]) -> None:
    answer = sagemaker.query_lineage(
        StartArns=[graph["endpoint"]],
        Direction="Ascendants",
        IncludeEdges=True,
        Filters={"Types": ["DataSet"]},
    )
    assert names(graph, answer) == {"endpoint", "model", "training", "data"}
    assert {(e["SourceArn"], e["DestinationArn"]) for e in answer["Edges"]} == {
        (graph["data"], graph["training"]),
        (graph["training"], graph["model"]),
        (graph["model"], graph["endpoint"]),
    }
    (last,) = [edge for edge in answer["Edges"] if edge["DestinationArn"] == graph["endpoint"]]
    assert last["AssociationType"] == "AssociatedWith"


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"Types": ["DataSet", "Code"]}, {"data", "code"}),
        ({"LineageTypes": ["Action"]}, {"training"}),
        ({"LineageTypes": ["Artifact"], "Types": ["Endpoint"]}, set()),
        ({"Properties": {"rows": "3333", "columns": "21"}}, {"data"}),
        ({"CreatedAfter": time.time() + 3600}, set()),
        ({"ModifiedBefore": time.time() + 3600, "Types": ["Report"]}, {"report"}),
    ],
)
def test_filters_say_which_entities_count(
    sagemaker: Any, graph: dict[str, str], filters: dict[str, Any], expected: set[str]
) -> None:
    answer = sagemaker.query_lineage(StartArns=[graph["endpoint"]], Direction="Both", Filters=filters)
    assert names(graph, answer) == expected


def test_vertices_come_in_pages_and_say_what_they_are(sagemaker: Any, graph: dict[str, str]) -> None:
    pages: list[Any] = []
    token: dict[str, str] = {}
    while True:
        page = sagemaker.query_lineage(StartArns=[graph["model"]], MaxResults=2, IncludeEdges=True, **token)
        pages.append(page)
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert [len(page["Vertices"]) for page in pages] == [2, 2, 2]
    vertices = {v["Arn"]: (v["Type"], v["LineageType"]) for page in pages for v in page["Vertices"]}
    assert vertices[graph["training"]] == ("Training", "Action")
    assert vertices[graph["endpoint"]] == ("Endpoint", "Context")
    assert len({str(edge) for page in pages for edge in page["Edges"]}) == 5


def test_a_circle_does_not_trap_a_query(sagemaker: Any) -> None:
    first, second = (artifact(sagemaker, f"s3://circle/{number}") for number in (1, 2))
    connect(sagemaker, first, second)
    connect(sagemaker, second, first)
    answer = sagemaker.query_lineage(StartArns=[first], Direction="Descendants", IncludeEdges=True)
    assert {vertex["Arn"] for vertex in answer["Vertices"]} == {first, second}
    assert len(answer["Edges"]) == 2


def test_the_graph_is_there_after_a_kill(start: Callable[[], ServerProcess]) -> None:
    server = start()
    sagemaker = server.client("sagemaker")
    first, second = (artifact(sagemaker, f"s3://kept/{number}") for number in (1, 2))
    connect(sagemaker, first, second)
    server.end(9)
    answer = start().client("sagemaker").query_lineage(StartArns=[second], Direction="Ascendants")
    assert [vertex["Arn"] for vertex in answer["Vertices"]] == [first]
