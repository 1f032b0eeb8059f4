"""From an output to a response, by the service model; and errors in the form of each protocol."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from include.local_aws.calls import Reply
from include.local_aws.protocol.http import Response
from include.local_aws.protocol.models import protocol_of, service_model

if TYPE_CHECKING:
    from botocore.model import Shape, StructureShape

    from include.local_aws.protocol.errors import AwsError
    from include.local_aws.protocol.router import Match


# Outputs whose single member is the root element; the model does not say so.
BARE = {"GetBucketLocationOutput": "LocationConstraint"}


def serialize(match: Match, result: dict[str, Any] | Reply | None) -> Response:
    """The response to a successful request."""
    reply = result if isinstance(result, Reply) else Reply(result or {})
    output = {name: value for name, value in reply.output.items() if value is not None}
    shape = match.operation.output_shape
    protocol = protocol_of(match.service)
    if protocol == "json":
        version = service_model(match.service).metadata.get("jsonVersion", "1.1")
        body = json.dumps(_to_json(shape, output) if shape is not None else {}).encode()
        return Response(200, {"Content-Type": f"application/x-amz-json-{version}"}, body)
    response = Response(reply.status or match.operation.http.get("responseCode", 200))
    if shape is not None:
        _rest_members(shape, output, response)
        _rest_body(protocol, shape, output, response)
    response.headers |= reply.headers
    return response


def serialize_error(service: str, error: AwsError, request_id: str) -> Response:
    """An error in the service's protocol: code and text where every SDK looks for them."""
    if protocol_of(service) == "rest-xml":
        return _xml_error(error, request_id)
    members = {name: value for name, value in error.members.items() if value is not None}
    body = {"__type": error.code, "message": error.message, "Message": error.message, **members}
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": error.code}
    return Response(error.status, headers, json.dumps(body).encode())


def _xml_error(error: AwsError, request_id: str) -> Response:
    if error.status == 304:
        return Response(304)
    root = ElementTree.Element("Error")
    fields = {"Code": error.code, "Message": error.message, **error.members, "RequestId": request_id}
    for name, value in fields.items():
        ElementTree.SubElement(root, name).text = _xml_text(str(value))
    return Response(error.status, {"Content-Type": "application/xml"}, _document(root))


def _rest_members(shape: StructureShape, output: dict[str, Any], response: Response) -> None:
    """Members that travel as headers or as the status."""
    for name, member in shape.members.items():
        place, key = member.serialization.get("location"), member.serialization.get("name", name)
        if name not in output or place is None:
            continue
        if place == "header":
            response.headers[key] = _header_text(member, output[name])
        elif place == "headers":
            response.headers |= {f"{key}{suffix}": str(value) for suffix, value in output[name].items()}
        elif place == "statusCode":
            response.status = int(output[name])


def _rest_body(protocol: str, shape: StructureShape, output: dict[str, Any], response: Response) -> None:
    payload = shape.serialization.get("payload")
    inner = {name for name, member in shape.members.items() if "location" not in member.serialization}
    if payload is not None and shape.members[payload].type_name in ("blob", "string"):
        content = output.get(payload, b"")
        response.body = content.encode() if isinstance(content, str) else content
        return
    if payload is not None:
        body_shape, value = shape.members[payload], output.get(payload)
    else:
        body_shape, value = shape, {name: output[name] for name in inner if name in output} if inner else None
    if value is None:
        return
    if protocol == "rest-json":
        response.headers.setdefault("Content-Type", "application/json")
        response.body = json.dumps(_to_json(body_shape, value)).encode()
    else:
        response.headers.setdefault("Content-Type", "application/xml")
        name = body_shape.serialization.get("name") or body_shape.name
        if name in BARE:
            name, body_shape, value = BARE[name], body_shape.members[BARE[name]], value.get(BARE[name], "")
        root = ElementTree.Element(name, {"xmlns": "http://s3.amazonaws.com/doc/2006-03-01/"})
        _fill(root, body_shape, value)
        response.body = _document(root)


def _document(root: ElementTree.Element) -> bytes:
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root).replace(b"\r", b"&#13;")


def _header_text(member: Shape, value: Any) -> str:
    if member.type_name == "timestamp":
        style = member.serialization.get("timestampFormat", "rfc822")
        return _time_text(value, style)
    if member.type_name == "boolean":
        return "true" if value else "false"
    if member.type_name == "list":
        return ",".join(str(item) for item in value)
    return str(value)


def _time_text(seconds: float, style: str) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    if style == "rfc822":
        return format_datetime(moment, usegmt=True)
    if style == "iso8601":
        return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
    return repr(seconds)


def _to_json(shape: Shape, value: Any) -> Any:
    if value is None:
        return None
    if shape.type_name == "structure":
        return {
            member.serialization.get("name", name): _to_json(member, value[name])
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if shape.type_name == "list":
        return [_to_json(shape.member, item) for item in value]
    if shape.type_name == "map":
        return {key: _to_json(shape.value, item) for key, item in value.items()}
    if shape.type_name == "timestamp":
        return float(value)
    if shape.type_name == "blob":
        return base64.b64encode(value).decode()
    return value


def _fill(element: ElementTree.Element, shape: Shape, value: Any) -> None:
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            if value.get(name) is not None:
                _fill_member(element, member.serialization.get("name", name), member, value[name])
    elif shape.type_name == "list":
        for item in value:
            child = ElementTree.SubElement(element, shape.member.serialization.get("name", "member"))
            _fill(child, shape.member, item)
    elif shape.type_name == "timestamp":
        element.text = _time_text(value, shape.serialization.get("timestampFormat", "iso8601"))
    elif shape.type_name == "boolean":
        element.text = "true" if value else "false"
    else:
        element.text = _xml_text(str(value))


def _fill_member(element: ElementTree.Element, key: str, member: Shape, value: Any) -> None:
    if member.serialization.get("xmlAttribute"):
        element.set("{http://www.w3.org/2001/XMLSchema-instance}type", str(value))
    elif member.type_name == "list" and member.serialization.get("flattened"):
        for item in value:
            child = ElementTree.SubElement(element, member.member.serialization.get("name") or key)
            _fill(child, member.member, item)
    else:
        _fill(ElementTree.SubElement(element, key), member, value)


def _xml_text(text: str) -> str:
    """Text without control characters: XML 1.0 cannot carry them (S3 clients use `encoding-type=url`)."""
    return "".join(
        char if char in "\t\n\r" or ord(char) >= 32 else "\N{REPLACEMENT CHARACTER}" for char in text
    )
