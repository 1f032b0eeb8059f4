"""The path of a request, without sockets.

receive → service (by signature, target header or path) → operation → body → parameters → method → response
"""

from __future__ import annotations

import logging
import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore import xform_name

from include.local_aws import passthrough
from include.local_aws.calls import Caller
from include.local_aws.protocol.errors import AwsError, UnknownOperation
from include.local_aws.protocol.models import protocol_of, service_model
from include.local_aws.protocol.parse import parse
from include.local_aws.protocol.router import Match, route
from include.local_aws.protocol.serialize import serialize, serialize_error
from include.local_aws.protocol.validate import validate
from include.local_aws.recording import Recorder, operation_and_parameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.local_aws.protocol.http import Request, Response
    from include.local_aws.settings import Settings

logger = logging.getLogger(__name__)

# The service name in a signature's scope, and botocore's services that sign with it.
SCOPES = {
    "s3": ["s3"],
    "logs": ["logs"],
    "sagemaker": ["sagemaker", "sagemaker-runtime", "sagemaker-featurestore-runtime", "sagemaker-metrics"],
    "personalize": ["personalize", "personalize-runtime", "personalize-events"],
    "tagging": ["resourcegroupstaggingapi"],
}
CREDENTIAL = re.compile(r"Credential=[^/,]+/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")


@dataclass(frozen=True)
class Call:
    """What a request names: an operation of this server, or one that moto answers (`match` is None)."""

    service: str
    scope: str  # the name that the request was signed for
    caller: Caller
    request_id: str
    match: Match | None = None
    method: Callable[[dict[str, Any], Caller], Any] | None = None


class App:
    """All services behind one address.

    :param handlers: returns the handlers (see `calls`) of a service by botocore's name for it.
    """

    def __init__(self, settings: Settings, handlers: Callable[[str], list[object]]) -> None:
        self._settings, self._handlers = settings, handlers
        self._recorder = Recorder(settings.record)

    def recognise(self, request: Request) -> Call:
        """Which operation a request names; reads only its head.

        :raises Refused: for an operation that this server does not have.
        """
        region, scope = self._signed_for(request)
        caller = Caller(region, self._settings.account)
        request_id = str(uuid.uuid4())
        if scope not in SCOPES:
            return Call(scope, scope, caller, request_id)
        match = self._match(scope, request)
        method = self._method(match)
        if method is None:
            raise Refused(match.service, request_id, UnknownOperation(match.service, match.operation.name))
        return Call(match.service, scope, caller, request_id, match, method)

    def _signed_for(self, request: Request) -> tuple[str, str]:
        """Region and service of the signature; an unsigned request is one to S3."""
        signature = (
            request.header("authorization") or f"Credential={request.query.get('X-Amz-Credential', '')}"
        )
        if match := CREDENTIAL.search(signature):
            return match["region"], match["service"]
        target = request.header("x-amz-target")
        for scope, services in SCOPES.items():
            if target and service_model(services[0]).metadata.get("targetPrefix") == target.partition(".")[0]:
                return self._settings.region, scope
        return self._settings.region, "s3"

    def _match(self, scope: str, request: Request) -> Match:
        target = request.header("x-amz-target").rpartition(".")[2]
        for service in SCOPES[scope]:
            if (protocol_of(service) == "json") == bool(target) and (match := route(service, request)):
                return match
        operation_name = target or f"{request.method} {request.decoded_path}"
        raise Refused(SCOPES[scope][0], str(uuid.uuid4()), UnknownOperation(scope, operation_name))

    def _method(self, match: Match) -> Callable[[dict[str, Any], Caller], Any] | None:
        name = xform_name(match.operation.name)
        methods = (getattr(handler, name, None) for handler in self._handlers(match.service))
        return next((method for method in methods if method is not None), None)

    def perform(self, call: Call, request: Request) -> Response:
        """Run the operation and return its response, or its error, in the protocol's form.

        Blocks until it is done.
        """
        try:
            response = self._answer(call, request)
        except AwsError as error:
            response = serialize_error(call.service, error, call.request_id)
        except Exception:
            logger.exception("%s failed", call.match.operation.name if call.match else call.service)
            failure = AwsError(
                "InternalFailure", "The local AWS failed; its log has the details.", status=500
            )
            response = serialize_error(call.service if call.match else "sagemaker", failure, call.request_id)
        response.headers.setdefault("x-amzn-RequestId", call.request_id)
        return response

    def _answer(self, call: Call, request: Request) -> Response:
        agent = request.header("user-agent")
        if call.match is None or call.method is None:
            self._recorder.note(call.scope, *operation_and_parameters(request), call.caller.region, agent)
            return passthrough.answer(request)
        params = parse(call.match, request)
        self._recorder.note(call.scope, call.match.operation.name, params, call.caller.region, agent)
        validate(call.service, call.match.operation.input_shape, params)
        return serialize(call.match, call.method(params, call.caller))


class Refused(Exception):
    """A request for an operation that this server does not have; it carries the response."""

    def __init__(self, service: str, request_id: str, error: AwsError) -> None:
        super().__init__(str(error))
        self.response = serialize_error(service, error, request_id)
