"""Services that this server does not have are answered by moto, in process.

IAM, STS, SNS, CloudWatch and others.
"""

from __future__ import annotations

import io
import json
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from include.local_aws.protocol.http import Response

if TYPE_CHECKING:
    from include.local_aws.protocol.http import Request


@cache
def _application() -> Any:
    """Moto's WSGI application; imported at the first call, because the import takes seconds."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    return DomainDispatcherApplication(create_backend_app)


def answer(request: Request) -> Response:
    """Moto's response to a request, or ours for what clients need and moto lacks."""
    from werkzeug.test import run_wsgi_app

    if b"Action=SimulatePrincipalPolicy" in _content(request):
        return _simulate_principal_policy(request)

    try:
        chunks, status, headers = run_wsgi_app(_application(), _environ(request), buffered=True)
    except NotImplementedError as error:  # moto does not implement the operation
        return _not_implemented(str(error), request)
    body = b"".join(chunks)
    response_headers = {
        name: value for name, value in headers.items() if name.lower() not in ("content-length", "server")
    }
    return Response(int(status.split()[0]), response_headers, body)


def _not_implemented(text: str, request: Request) -> Response:
    """An error in the form of the request's protocol: query (XML), else JSON."""
    code = "UnknownOperationException"
    if request.header("content-type").startswith("application/x-www-form-urlencoded"):
        error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(text)}</Message></Error>"
        body = f"<ErrorResponse>{error}</ErrorResponse>"
        return Response(501, {"Content-Type": "text/xml"}, body.encode())
    body = json.dumps({"__type": code, "message": text})
    return Response(501, {"Content-Type": "application/json", "x-amzn-ErrorType": code}, body.encode())


def _simulate_principal_policy(request: Request) -> Response:
    """Allow every action: this server enforces no policies. The SageMaker SDK asks before it trains."""
    form = parse_qs(_content(request).decode())
    actions = [values[0] for name, values in form.items() if name.startswith("ActionNames.member.")]
    results = "".join(
        f"<member><EvalActionName>{escape(action)}</EvalActionName><EvalDecision>allowed</EvalDecision></member>"
        for action in actions
    )
    result = f"<EvaluationResults>{results}</EvaluationResults><IsTruncated>false</IsTruncated>"
    name = "SimulatePrincipalPolicy"
    body = f"<{name}Response><{name}Result>{result}</{name}Result></{name}Response>"
    return Response(200, {"Content-Type": "text/xml"}, body.encode())


def _content(request: Request) -> bytes:
    return request.body if isinstance(request.body, bytes) else request.body.path.read_bytes()


def _environ(request: Request) -> dict[str, Any]:
    """The request as a WSGI environment."""
    body = _content(request)
    host, _, port = request.header("host", "127.0.0.1").partition(":")
    headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()}
    return {
        **headers,
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": request.decoded_path,
        "RAW_URI": request.path,
        "QUERY_STRING": request.query_string,
        "CONTENT_TYPE": request.header("content-type"),
        "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": host,
        "SERVER_PORT": port or "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
