"""From a request to parameters, by the service model: JSON, and REST with JSON or XML bodies.

Timestamps become epoch seconds (float), blobs bytes; a streaming body stays an `Upload`.
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from xml.etree import ElementTree

from include.local_aws.protocol.errors import AwsError
from include.local_aws.protocol.http import Upload
from include.local_aws.protocol.models import protocol_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.model import Shape, StructureShape

    from include.local_aws.calls import Params
    from include.local_aws.protocol.http import Request
    from include.local_aws.protocol.router import Match


class Unreadable(AwsError):
    """A body or value that does not have the form that the model requires."""

    def __init__(self, message: str) -> None:
        super().__init__("SerializationException", message)


def parse(match: Match, request: Request) -> Params:
    """The parameters of a request, keyed by the model's member names.

    :raises Unreadable: naming the member that could not be read.
    """
    shape = match.operation.input_shape
    if shape is None:
        return {}
    if protocol_of(match.service) == "json":
        return _from_json(shape, _load_json(request.body), "")  # type: ignore[no-any-return]
    return {**_body(match, shape, request), **_params_outside_body(shape, match, request)}


def _load_json(body: bytes | Upload) -> Any:
    if isinstance(body, Upload) or not body.strip():
        return {}
    try:
        return json.loads(body)
    except ValueError as error:
        raise Unreadable(f"the body is not JSON: {error}") from error


def _body(match: Match, shape: StructureShape, request: Request) -> Params:
    payload = shape.serialization.get("payload")
    decode = _decode_xml if protocol_of(match.service) == "rest-xml" else _decode_json
    if payload is None:
        inner = {
            name: member for name, member in shape.members.items() if "location" not in member.serialization
        }
        return decode(shape, request.body) if inner else {}
    member = shape.members[payload]
    if member.type_name in ("blob", "string"):
        raw = request.body
        if member.type_name == "string" and isinstance(raw, bytes):
            return {payload: raw.decode()}
        return {payload: raw}
    return {payload: decode(member, request.body)} if request.body else {}


def _decode_json(shape: Shape, body: bytes | Upload) -> Any:
    return _from_json(shape, _load_json(body), "")


def _decode_xml(shape: Shape, body: bytes | Upload) -> Any:
    if isinstance(body, Upload) or not body:
        return {}
    if b"<!DOCTYPE" in body:  # no request needs entities, and expanding them is an attack
        raise AwsError("MalformedXML", "The XML you provided was not well-formed: it has a DOCTYPE.")
    try:
        return _from_xml(shape, ElementTree.fromstring(body))  # noqa: S314 — entities are refused above
    except ElementTree.ParseError as error:
        raise AwsError("MalformedXML", f"The XML you provided was not well-formed: {error}") from error


def _params_outside_body(shape: StructureShape, match: Match, request: Request) -> Params:
    """Members in the path, the query or the headers."""
    query = parse_qs(request.query_string, keep_blank_values=True)
    params: Params = {}
    for name, member in shape.members.items():
        place = member.serialization.get("location")
        key = member.serialization.get("name", name)
        if place == "uri" and key.replace("-", "_") in match.uri:
            params[name] = _scalar(member, match.uri[key.replace("-", "_")], name)
        elif place == "querystring":
            params |= _query_member(name, member, key, query)
        elif place == "header" and key.lower() in request.headers:
            params[name] = _header_member(member, request.headers[key.lower()], name)
        elif place == "headers":
            prefix = key.lower()
            values = {k[len(prefix) :]: v for k, v in request.headers.items() if k.startswith(prefix)}
            params |= {name: values} if values else {}
    return params


def _query_member(name: str, member: Shape, key: str, query: dict[str, list[str]]) -> Params:
    if member.type_name == "map":
        return {name: {key: values[0] for key, values in query.items()}}
    if key not in query:
        return {}
    if member.type_name == "list":
        return {name: [_scalar(member.member, value, name) for value in query[key]]}
    return {name: _scalar(member, query[key][0], name)}


def _header_member(member: Shape, text: str, name: str) -> Any:
    if member.type_name == "list":
        return [_scalar(member.member, part.strip(), name) for part in text.split(",")]
    if member.serialization.get("jsonvalue"):
        return json.loads(base64.b64decode(text))
    return _scalar(member, text, name, header=True)


def _scalar(shape: Shape, text: str, name: str, *, header: bool = False) -> Any:
    """A value that stands as text in a path, query, header or XML element."""
    readers: dict[str, Callable[[str], Any]] = {
        "integer": int,
        "long": int,
        "float": float,
        "double": float,
        "boolean": lambda value: {"true": True, "false": False}[value.lower()],
        "timestamp": lambda value: _timestamp(shape, value, "rfc822" if header else "iso8601"),
        "blob": base64.b64decode,
    }
    try:
        return readers.get(shape.type_name, str)(text)
    except (ValueError, KeyError, binascii.Error) as error:
        raise Unreadable(f"{name}: {text[:100]!r} is not of type {shape.type_name}") from error


def _timestamp(shape: Shape, value: Any, default: str) -> float:
    style = shape.serialization.get("timestampFormat", default)
    if style == "unixTimestamp" or isinstance(value, int | float):
        return float(value)
    if style == "rfc822":
        return parsedate_to_datetime(value).timestamp()
    moment = datetime.fromisoformat(value)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _from_json(shape: Shape, value: Any, place: str) -> Any:
    """A JSON value by its shape.

    A value of another type is returned unchanged, so that validation names it.
    """
    if value is None:
        return None
    if shape.type_name == "structure" and isinstance(value, dict):
        return _structure(shape, value, place)
    if shape.type_name == "list" and isinstance(value, list):
        return [_from_json(shape.member, item, place) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: _from_json(shape.value, item, place) for key, item in value.items()}
    if shape.type_name == "timestamp":
        return _read_or_refuse(lambda: _timestamp(shape, value, "unixTimestamp"), shape, value, place)
    if shape.type_name == "blob":
        return _read_or_refuse(lambda: base64.b64decode(value, validate=True), shape, value, place)
    return value


def _read_or_refuse(read: Callable[[], Any], shape: Shape, value: Any, place: str) -> Any:
    try:
        return read()
    except (ValueError, TypeError) as error:
        raise Unreadable(f"{place}: {str(value)[:100]!r} is not of type {shape.type_name}") from error


def _structure(shape: Shape, value: dict[str, Any], place: str) -> Params:
    """Known members by their wire names; unknown ones are ignored, as AWS does."""
    params: Params = {}
    for name, member in shape.members.items():
        key = member.serialization.get("name", name)
        if key in value and value[key] is not None:
            params[name] = _from_json(member, value[key], f"{place}.{name}".lstrip("."))
    return params


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _from_xml(shape: Shape, element: ElementTree.Element) -> Any:
    if shape.type_name == "structure":
        return _xml_structure(shape, element)
    if shape.type_name == "list":
        return [_from_xml(shape.member, child) for child in element]
    return _scalar(shape, element.text or "", _local(element))


def _xml_structure(shape: Shape, element: ElementTree.Element) -> Params:
    params: Params = {}
    for name, member in shape.members.items():
        key = member.serialization.get("name", name)
        if member.serialization.get("xmlAttribute"):
            texts = [value for attribute, value in element.attrib.items() if attribute.endswith("type")]
            params |= {name: texts[0]} if texts else {}
        elif member.type_name == "list" and member.serialization.get("flattened"):
            item = member.member.serialization.get("name") or key
            items = [child for child in element if _local(child) in (key, item)]
            params |= {name: [_from_xml(member.member, child) for child in items]} if items else {}
        else:
            child = next((child for child in element if _local(child) == key), None)
            params |= {name: _from_xml(member, child)} if child is not None else {}
    return params
