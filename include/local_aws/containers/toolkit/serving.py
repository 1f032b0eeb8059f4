"""The web server of every serving container: /ping, /invocations, /execution-parameters."""

from __future__ import annotations

import asyncio
import io
import logging
import os
from typing import TYPE_CHECKING, Any, Protocol

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PORT = 8080
LARGEST_BODY = 6 * 1024**2  # bytes; MAX_CONTENT_LENGTH overrides
LARGEST_BATCH_BODY = 100 * 1024**2  # in a transform job


class HttpError(Exception):
    """A refused request; the client gets the status and the text."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class Predictor(Protocol):
    """The model of a serving container."""

    def transform(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str] | Any:
        """The answer and its content type, or a WSGI application that answers.

        :raises HttpError: for a request that is refused.
        """

    def execution_parameters(self) -> dict[str, Any]:
        """The defaults of a transform job."""


def default_accept(accept: str, otherwise: str) -> str:
    """The content type of the answer to a request with this Accept header.

    SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT overrides the framework's default, `otherwise`.
    """
    if accept in ("", "*/*"):
        return os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", otherwise)
    return accept


def standard_parameters() -> dict[str, Any]:
    """The frameworks' answer to /execution-parameters."""
    return {
        "MaxConcurrentTransforms": os.cpu_count() or 1,
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": 6,
    }


def media_type(content_type: str) -> str:
    """`text/csv; charset=utf-8` → `text/csv`."""
    return content_type.partition(";")[0].strip().lower()


def serve(predictor: Predictor) -> None:
    """Serve on loopback until SIGTERM."""
    batch = os.environ.get("SAGEMAKER_BATCH") == "true"
    limit = int(os.environ.get("MAX_CONTENT_LENGTH", LARGEST_BATCH_BODY if batch else LARGEST_BODY))
    app = web.Application(client_max_size=limit)
    app.add_routes(
        [
            web.get("/ping", _ping),
            web.post("/invocations", _invocations(predictor)),
            web.get("/execution-parameters", _parameters(predictor)),
        ]
    )
    port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT", PORT))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    web.run_app(app, host="127.0.0.1", port=port, print=None, handle_signals=True, access_log=None)


async def _ping(request: web.Request) -> web.Response:
    return web.Response()


def _parameters(predictor: Predictor) -> Callable[[web.Request], Any]:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response(predictor.execution_parameters())

    return answer


def _invocations(predictor: Predictor) -> Callable[[web.Request], Any]:
    async def answer(request: web.Request) -> web.Response:
        body = await request.read()
        content_type, accept = request.headers.get("Content-Type", ""), request.headers.get("Accept", "")
        try:
            result = await asyncio.to_thread(predictor.transform, body, content_type, accept)
        except HttpError as error:
            return web.json_response({"error": error.message}, status=error.status)
        return _response(result)

    return answer


def _response(result: Any) -> web.Response:
    """The HTTP response of a hook's result: body and type, or a WSGI application (as a Flask response is)."""
    if callable(result):
        return _from_wsgi(result)
    body, content_type = result if isinstance(result, tuple) else (result, "application/json")
    data = body.encode() if isinstance(body, str) else bytes(body)
    return web.Response(status=200 if data else 204, body=data, headers={"Content-Type": content_type})


def _from_wsgi(application: Callable[..., Iterable[bytes]]) -> web.Response:
    response: dict[str, Any] = {}

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        response.update(status=int(status.split()[0]), headers=dict(headers))

    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/invocations", "wsgi.input": io.BytesIO()}
    body = b"".join(application(environ, start_response))
    response["headers"].pop("Content-Length", None)
    return web.Response(body=body, **response)
