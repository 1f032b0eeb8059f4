"""Which operation a request names: by target header (JSON), else by method, path and query (REST)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from include.local_aws.protocol.models import protocol_of, service_model

if TYPE_CHECKING:
    from botocore.model import OperationModel

    from include.local_aws.protocol.http import Request


@dataclass(frozen=True)
class Match:
    """An operation, with the parameters that stand in the path (decoded)."""

    service: str
    operation: OperationModel
    uri: dict[str, str]

    @property
    def streams(self) -> str | None:
        """The input member whose body is streamed, as S3 uploads are; None for all other operations."""
        shape = self.operation.input_shape
        payload = shape.serialization.get("payload") if shape is not None else None
        if payload is None or not shape.members[payload].serialization.get("streaming"):
            return None
        return str(payload)


@dataclass(frozen=True)
class Route:
    """One REST operation's method and path pattern, and what its query and headers must contain."""

    operation: OperationModel
    method: str
    path: re.Pattern[str]
    flags: dict[str, str]
    query: frozenset[str]
    headers: frozenset[str]
    literals: int  # how much of the path is fixed

    @property
    def weight(self) -> tuple[int, int, bool]:
        """Of several routes that fit, the one with the most requirements wins.

        Of equal ones, the newer operation.
        """
        demands = len(self.flags) + len(self.query) + len(self.headers)
        return demands, self.literals, not self.operation.deprecated

    def fits(self, request: Request, query: dict[str, str]) -> bool:
        return (
            request.method == self.method
            and self.path.fullmatch(request.path) is not None
            and all(query.get(name) == value for name, value in self.flags.items())
            and self.query <= query.keys()
            and self.headers <= request.headers.keys()
        )


def route(service: str, request: Request) -> Match | None:
    """The operation that a request names; None if the service has no such operation."""
    if protocol_of(service) == "json":
        return _by_target(service, request)
    query = dict(parse_qsl(request.query_string, keep_blank_values=True))
    candidates = [candidate for candidate in _routes(service) if candidate.fits(request, query)]
    if not candidates:
        return None
    best = max(candidates, key=lambda candidate: candidate.weight)
    path_match = best.path.fullmatch(request.path)
    uri = {name: unquote(value) for name, value in (path_match.groupdict() if path_match else {}).items()}
    return Match(service, best.operation, uri)


def _by_target(service: str, request: Request) -> Match | None:
    name = request.header("x-amz-target").rpartition(".")[2]
    model = service_model(service)
    return Match(service, model.operation_model(name), {}) if name in model.operation_names else None


@cache
def _routes(service: str) -> list[Route]:
    model = service_model(service)
    return [_route_of(model.operation_model(name)) for name in model.operation_names]


def _route_of(operation: OperationModel) -> Route:
    path, _, flags = operation.http["requestUri"].partition("?")
    members = operation.input_shape.members if operation.input_shape is not None else {}
    required_names = operation.input_shape.required_members if operation.input_shape is not None else []
    bindings = [members[name].serialization | {"member": name} for name in required_names]
    return Route(
        operation=operation,
        method=operation.http["method"],
        path=_pattern(path),
        flags=dict(parse_qsl(flags, keep_blank_values=True)),
        query=frozenset(place["name"] for place in bindings if place.get("location") == "querystring"),
        headers=frozenset(place["name"].lower() for place in bindings if place.get("location") == "header"),
        literals=len(re.sub(r"{[^}]*}", "", path)),
    )


def _pattern(path: str) -> re.Pattern[str]:
    """`/{Bucket}/{Key+}` → a pattern with the groups `Bucket` and `Key`; a greedy label spans slashes."""
    parts = re.split(r"({[^}]*})", path.rstrip("/") or "/")
    pattern = "".join(
        re.escape(part) if not part.startswith("{") else _group(part.strip("{}")) for part in parts
    )
    return re.compile(pattern if path.endswith("+}") else f"{pattern}/?", re.DOTALL)


def _group(label: str) -> str:
    name = label.removesuffix("+").replace("-", "_")
    return f"(?P<{name}>.+)" if label.endswith("+") else f"(?P<{name}>[^/]+)"
