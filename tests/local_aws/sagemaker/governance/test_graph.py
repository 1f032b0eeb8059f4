"""QueryLineage."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.local_aws.sagemaker.governance.lineage_requests import artifact, connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local_aws.conftest import ServerProcess


def names(graph: dict[str, str], answer: Any) -> set[str]:
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


def test_edges_include_the_paths_to_the_entities(sagemaker: Any, graph: dict[str, str]) -> None:
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


def test_a_query_ends_on_a_cycle(sagemaker: Any) -> None:
    first, second = (artifact(sagemaker, f"s3://circle/{number}") for number in (1, 2))
    connect(sagemaker, first, second)
    connect(sagemaker, second, first)
    answer = sagemaker.query_lineage(StartArns=[first], Direction="Descendants", IncludeEdges=True)
    assert {vertex["Arn"] for vertex in answer["Vertices"]} == {first, second}
    assert len(answer["Edges"]) == 2


def test_the_graph_survives_a_kill(start: Callable[[], ServerProcess]) -> None:
    server = start()
    sagemaker = server.client("sagemaker")
    first, second = (artifact(sagemaker, f"s3://kept/{number}") for number in (1, 2))
    connect(sagemaker, first, second)
    server.end(9)
    answer = start().client("sagemaker").query_lineage(StartArns=[second], Direction="Ascendants")
    assert [vertex["Arn"] for vertex in answer["Vertices"]] == [first]
