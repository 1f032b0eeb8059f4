"""What is not ours goes to moto, in process: IAM, STS, SNS, CloudWatch and the rest."""

from __future__ import annotations

import io
from functools import cache
from typing import TYPE_CHECKING, Any

from include.local_aws.protocol.http import Response

if TYPE_CHECKING:
    from include.local_aws.protocol.http import Request


@cache
def _application() -> Any:
    """The WSGI application of moto; imported at the first call, because that takes seconds."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    return DomainDispatcherApplication(create_backend_app)


def answer(request: Request) -> Response:
    """What moto answers to a request."""
    from werkzeug.test import run_wsgi_app

    chunks, status, headers = run_wsgi_app(_application(), _environ(request), buffered=True)
    body = b"".join(chunks)
    kept = {
        name: value for name, value in headers.items() if name.lower() not in ("content-length", "server")
    }
    return Response(int(status.split()[0]), kept, body)


def _environ(request: Request) -> dict[str, Any]:
    """The request as WSGI has it."""
    body = request.body if isinstance(request.body, bytes) else request.body.path.read_bytes()
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
