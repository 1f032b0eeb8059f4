"""The lineage graph: associations between entities, and queries along them."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from include.local_aws.protocol.errors import ResourceLimitExceeded, ResourceNotFound, ValidationException
from include.local_aws.sagemaker.governance.lineage import KINDS, Entities, within
from include.local_aws.sagemaker.governance.registry import AUTHOR
from include.local_aws.sagemaker.listing import Listing
from include.local_aws.state import NameTaken

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from include.local_aws.calls import Caller, Output, Params
    from include.local_aws.sagemaker.tags import TagStore
    from include.local_aws.state import Document, State

    Neighbours = Mapping[str, Iterable[str]]  # ARN → ARNs one step further

MOST_ASSOCIATIONS = 6000  # in an account (SageMaker's quota)
MOST_STEPS = 10
MOST_VERTICES = 50  # on a page
EDGE = ("SourceArn", "DestinationArn", "AssociationType")


class Lineage:
    """The operations on associations, and QueryLineage; `handlers` also has the operations on entities."""

    def __init__(self, state: State, tags: TagStore) -> None:
        self._state = state
        self._associations = state.collection("association")
        self._entities = {kind.snake: Entities(kind, state, tags, self._has_associations) for kind in KINDS}
        self._listing = Listing(name="Key")
        self._vertices = Listing(name="Arn", sort_by="Name", order="Ascending", size=MOST_VERTICES)
        self.handlers: list[object] = [self, *(kind.handler() for kind in self._entities.values())]

    def add_association(self, params: Params, caller: Caller) -> Output:
        """Connect two entities.

        :raises ResourceNotFound: for an entity that does not exist.
        :raises ResourceLimitExceeded: for more associations than an account may have.
        :raises ValidationException: for entities that are connected already.
        """
        edge = {member: params[member] for member in EDGE if member in params}
        ends = {"SourceArn": edge["SourceArn"], "DestinationArn": edge["DestinationArn"]}
        with self._state.transaction():
            for arn in ends.values():
                self._entity(arn)
            if len(self._associations) >= MOST_ASSOCIATIONS:
                raise ResourceLimitExceeded(f"An account has at most {MOST_ASSOCIATIONS} associations.")
            try:
                creation = {"CreationTime": time.time(), "CreatedBy": AUTHOR}
                self._associations.insert(_key(ends), {"Key": _key(ends)} | edge | creation)
            except NameTaken as error:
                raise ValidationException(
                    f"Association already exists: {' → '.join(ends.values())}"
                ) from error
        return ends

    def delete_association(self, params: Params, caller: Caller) -> Output:
        """Remove the association of two entities.

        :raises ResourceNotFound: for an association that does not exist.
        """
        ends = {"SourceArn": params["SourceArn"], "DestinationArn": params["DestinationArn"]}
        if not self._associations.delete(_key(ends)):
            raise ResourceNotFound(f"Association does not exist: {' → '.join(ends.values())}")
        return ends

    def list_associations(self, params: Params, caller: Caller) -> Output:
        filters = {member: params[member] for member in EDGE if member in params}
        edges = [edge for edge in self._associations if filters.items() <= edge.items()]
        summaries = [edge | self._ends(edge) for edge in edges if within(edge["CreationTime"], params)]
        types = {m: params[m] for m in ("SourceType", "DestinationType") if m in params}
        page, token = self._listing.page((s for s in summaries if types.items() <= s.items()), params)
        return {"AssociationSummaries": page} | ({"NextToken": token} if token else {})

    def query_lineage(self, params: Params, caller: Caller) -> Output:
        """The entities connected with one; with IncludeEdges also those on the shortest paths to them.

        In direction Both every step may go either way, not only the first. A page has the edges of its own
        sources.

        :raises ValidationException: without StartArns.
        :raises ResourceNotFound: for a start that does not exist.
        """
        if not params.get("StartArns"):
            raise ValidationException("StartArns is required by the local AWS.")
        (start,) = params["StartArns"]
        self._entity(start)
        edges = list(self._associations)
        steps = neighbours(edges, params.get("Direction", "Both"))
        predecessors = reachable(start, steps, params.get("MaxDepth", MOST_STEPS))
        matching = {
            arn for arn in predecessors if arn != start and self._fits(arn, params.get("Filters", {}))
        }
        vertices = on_shortest_paths(matching, predecessors) if params.get("IncludeEdges") else matching
        page, token = self._vertices.page([self._vertex(arn) for arn in vertices], params)
        sources = {vertex["Arn"] for vertex in page}
        inner_edges = [e for e in edges if e["SourceArn"] in sources and e["DestinationArn"] in vertices]
        answer = {"Vertices": page, "Edges": inner_edges if params.get("IncludeEdges") else []}
        return answer | ({"NextToken": token} if token else {})

    def _has_associations(self, arn: str) -> bool:
        return any(arn in (edge["SourceArn"], edge["DestinationArn"]) for edge in self._associations)

    def _kind(self, arn: str) -> Entities:
        word = arn.split(":")[5].partition("/")[0]
        if word not in self._entities:
            raise ValidationException(f"{arn}: experiments are not supported by the local AWS.")
        return self._entities[word]

    def _entity(self, arn: str) -> Document:
        return self._kind(arn).get(arn)

    def _ends(self, edge: Document) -> dict[str, Any]:
        """Types and names of an association's source and destination."""
        ends: dict[str, Any] = {}
        for side in ("Source", "Destination"):
            kind, entity = self._kind(edge[f"{side}Arn"]).kind, self._entity(edge[f"{side}Arn"])
            ends |= {f"{side}Type": entity[kind.type], f"{side}Name": entity.get(kind.name)}
        return ends

    def _vertex(self, arn: str) -> dict[str, str]:
        kind = self._kind(arn).kind
        return {"Arn": arn, "Type": self._entity(arn)[kind.type], "LineageType": kind.word}

    def _fits(self, arn: str, filters: Params) -> bool:
        vertex, entity = self._vertex(arn), self._entity(arn)
        pairs = filters.get("Properties", {}).items()
        return (
            vertex["Type"] in (filters.get("Types") or [vertex["Type"]])
            and vertex["LineageType"] in (filters.get("LineageTypes") or [vertex["LineageType"]])
            and within(entity["CreationTime"], filters)
            and within(entity["LastModifiedTime"], filters, "Modified")
            and (not pairs or bool(pairs & entity.get("Properties", {}).items()))
        )


def _key(ends: Document) -> str:
    return f"{ends['SourceArn']} {ends['DestinationArn']}"


def neighbours(edges: Iterable[Document], direction: str) -> Neighbours:
    """Where one step leads: Descendants along the edges, Ascendants against them, Both either way."""
    steps: defaultdict[str, list[str]] = defaultdict(list)
    for edge in edges:
        if direction in ("Descendants", "Both"):
            steps[edge["SourceArn"]].append(edge["DestinationArn"])
        if direction in ("Ascendants", "Both"):
            steps[edge["DestinationArn"]].append(edge["SourceArn"])
    return steps


def reachable(start: str, steps: Neighbours, depth: int) -> dict[str, set[str]]:
    """Everything within `depth` steps, including the start; each ARN with those one step before it."""
    predecessors: dict[str, set[str]] = {start: set()}
    last: Iterable[str] = (start,)
    for _ in range(depth):
        layer: defaultdict[str, set[str]] = defaultdict(set)
        for arn in last:
            for other in steps.get(arn, ()):
                if other not in predecessors:
                    layer[other].add(arn)
        predecessors |= layer
        last = layer
    return predecessors


def on_shortest_paths(arns: Iterable[str], predecessors: Mapping[str, set[str]]) -> set[str]:
    """The ARNs, and all ARNs on the shortest paths to them."""
    path_arns: set[str] = set()
    pending = list(arns)
    while pending:
        arn = pending.pop()
        if arn not in path_arns:
            path_arns.add(arn)
            pending.extend(predecessors[arn])
    return path_arns
