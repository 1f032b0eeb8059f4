"""The sockets: aiohttp reads requests, a thread runs each operation, files are streamed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import web

from include.local_aws import faults
from include.local_aws.app import Refused
from include.local_aws.protocol.aws_chunked import BodyReader
from include.local_aws.protocol.errors import AwsError
from include.local_aws.protocol.http import FileSlice, Request, Response, Upload
from include.local_aws.protocol.serialize import serialize_error

if TYPE_CHECKING:
    from include.local_aws.app import App, Call
    from include.local_aws.settings import Settings

logger = logging.getLogger(__name__)

THREADS = 64  # requests at the same time; an invocation may take a minute
IN_MEMORY = 64 * 1024**2  # bytes; only streamed bodies (S3 uploads) may be larger
PIECE = 512 * 1024  # bytes of a streamed body; each connection holds a few of them in memory
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Server:
    """Listens on one address until it is closed.

    server = Server(settings, app, spool_folder)
    await server.start()
    server.url  # "http://127.0.0.1:40123"
    """

    def __init__(self, settings: Settings, app: App, spool: Path) -> None:
        self._settings, self._app, self._spool = settings, app, spool
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="request")
        self._runner: web.ServerRunner | None = None
        self.url = ""

    async def start(self) -> None:
        """Start to listen.

        :raises OSError: when the port is in use.
        """
        # bodies are stored as sent: Content-Encoding is an object's metadata
        server = web.Server(self._handle, auto_decompress=False, read_bufsize=PIECE, access_log=None)
        self._runner = web.ServerRunner(server)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._settings.host, self._settings.port)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _handle(self, incoming: web.BaseRequest) -> web.StreamResponse:
        """One request, from its head to the last byte of the response."""
        request = self._head(incoming)
        if not self._welcome(request):
            return web.Response(status=403, text="This server answers local clients only.")
        try:
            call = self._app.recognise(request)
        except Refused as refused:
            await incoming.read()
            return await _send(incoming, refused.response)
        if call.match is not None and (answer := await self._fault(call, request, incoming)) is not None:
            return answer
        try:
            return await _send(incoming, await self._perform(call, request, incoming))
        except ConnectionResetError:  # the client has closed the connection
            return web.Response()

    async def _fault(
        self, call: Call, request: Request, incoming: web.BaseRequest
    ) -> web.StreamResponse | None:
        """The response of an injected fault; None without one."""
        header = request.header(faults.HEADER)
        try:
            late, fault = (faults.Faults.parse(header) if header else self._settings.faults).draw()
        except faults.BadFaults as error:
            return web.Response(status=400, text=f"{faults.HEADER}: {error}")
        if late:
            await asyncio.sleep(late)
        if fault is None:
            return None
        if fault == "reset":
            if incoming.transport is not None:
                incoming.transport.abort()
            return web.Response()
        await incoming.read()
        fault_error = faults.as_error(call.service, fault)
        return await _send(incoming, serialize_error(call.service, fault_error, call.request_id))

    async def _perform(self, call: Call, head: Request, incoming: web.BaseRequest) -> Response:
        upload: Path | None = None
        try:
            if call.match is not None and call.match.streams:
                body: bytes | Upload = await self._receive(incoming, head)
                upload = body.path if isinstance(body, Upload) else None
            else:
                body = await _read(incoming)
        except AwsError as error:
            return serialize_error(call.service, error, call.request_id)
        request = Request(head.method, head.path, head.query_string, head.headers, body)
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._app.perform, call, request)
        finally:
            if upload is not None:
                upload.unlink(missing_ok=True)

    def _head(self, incoming: web.BaseRequest) -> Request:
        """The request without its body; a bucket in the host name is moved into the path."""
        path, _, query = incoming.raw_path.partition("?")
        headers = {name.lower(): value for name, value in incoming.headers.items()}
        bucket = self._bucket_of(headers.get("host", ""))
        return Request(incoming.method, f"/{bucket}{path}" if bucket else path, query, headers)

    def _names(self) -> tuple[str, ...]:
        return (*LOOPBACK, self._settings.host, *self._settings.allow_hosts)

    def _bucket_of(self, host: str) -> str:
        """`bucket.localhost:4577` → `bucket`: S3's virtual-host style."""
        name = urlsplit(f"//{host}").hostname or ""
        suffixes = [f".{host_name}" for host_name in self._names() if name.endswith(f".{host_name}")]
        return name.removesuffix(suffixes[0]) if suffixes else ""

    def _welcome(self, request: Request) -> bool:
        """Refuse other sites' pages in a browser: by Origin, and by host names that resolve to loopback."""
        hosts = [request.header("host")]
        if origin := request.header("origin"):
            hosts.append(urlsplit(origin).netloc)
        names = [urlsplit(f"//{host}").hostname or "" for host in hosts]
        own_names = self._names()
        return all(name in own_names or name.endswith(tuple(f".{k}" for k in own_names)) for name in names)

    async def _receive(self, incoming: web.BaseRequest, head: Request) -> Upload:
        """Write a streamed body to disk as it arrives.

        :raises AwsError: when it is not what was announced.
        """
        await _continue(incoming)
        reader = BodyReader(head.headers)
        loop = asyncio.get_running_loop()
        with contextlib.ExitStack() as unless_complete:
            file = tempfile.NamedTemporaryFile(dir=self._spool, delete=False)  # noqa: SIM115 — closed below
            path = Path(file.name)
            unless_complete.callback(path.unlink, missing_ok=True)
            with file:
                async for data in incoming.content.iter_any():
                    for piece in reader.feed(data):
                        await loop.run_in_executor(None, file.write, piece)
            reader.close()
            unless_complete.pop_all()
        return Upload(path, reader.size, reader.md5, reader.checksums)


async def _continue(incoming: web.BaseRequest) -> None:
    """Answer a client that waits for `100 Continue` before it sends its body."""
    if incoming.headers.get("Expect", "").lower() == "100-continue":
        await incoming.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        incoming.writer.output_size = 0


async def _read(incoming: web.BaseRequest) -> bytes:
    """A body that is parsed as a whole.

    :raises AwsError: when it is too large for that.
    """
    await _continue(incoming)
    body = bytearray()
    async for data in incoming.content.iter_any():
        body += data
        if len(body) > IN_MEMORY:
            raise AwsError("RequestEntityTooLargeException", "The body is larger than 64 MiB.", status=413)
    return bytes(body)


async def _send(incoming: web.BaseRequest, response: Response) -> web.StreamResponse:
    if not isinstance(response.body, FileSlice):
        return web.Response(status=response.status, headers=response.headers, body=response.body)
    stream = web.StreamResponse(status=response.status, headers=response.headers)
    stream.content_length = response.body.length
    await stream.prepare(incoming)
    await _stream(response.body, stream)
    await stream.write_eof()
    return stream


async def _stream(part: FileSlice, stream: web.StreamResponse) -> None:
    loop = asyncio.get_running_loop()
    with part.path.open("rb", buffering=0) as file:
        file.seek(part.start)
        remaining = part.length
        while remaining:
            piece = await loop.run_in_executor(None, file.read, min(PIECE, remaining))
            if not piece:
                raise OSError(f"{part.path} became shorter while it was sent")
            remaining -= len(piece)
            await stream.write(piece)
