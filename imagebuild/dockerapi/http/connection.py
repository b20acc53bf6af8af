# SPDX-License-Identifier: Apache-2.0
"""One connection of a client: heads, bodies, answers, and the end, in turn.

h11 frames messages; everything about when is decided here: what is read while a handler works (nothing), what happens
to a body nobody wanted, who is waited for and how long, and what a client that left means.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterable, Callable
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from .. import faults, respond
from .body import Body, ClientGone
from .hijack import PIECE, Hijacked
from .request import H, Request
from .routing import check_since, split_version
from .target import parse_target

if TYPE_CHECKING:
    import h11

    from .server import Server

#: An unwanted body of this size is read away, so that the connection can go on; with a longer one it ends (as Go does).
DRAIN = 256 << 10

#: So many pieces of a body are taken before the other clients get their turn: a client may send a byte in each.
TURN = 64


class Connection:
    """Serves one client until it leaves, breaks the rules, or the server ends."""

    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        import h11

        self._server = server
        self._reader = reader
        self._writer = writer
        self._wire = h11.Connection(h11.SERVER, max_incomplete_event_size=server.limits.head)
        self._task: asyncio.Task[None] | None = None
        self._request: Request | None = None
        self._hijacked: Hijacked | None = None
        self._head_sent = False
        self._gone = False
        self._pieces = 0
        self._timer: asyncio.TimerHandle | None = None
        self.busy = False  #: a handler works; else the connection waits for its next request

    async def run(self) -> None:
        """Answer requests until there are no more. Raises nothing but what cancels the task from outside."""
        self._task = asyncio.current_task()
        sock = self._writer.get_extra_info("socket")
        tls = self._writer.get_extra_info("ssl_object") is not None
        forget = self._server.hangups.watch(sock.fileno(), self._left, half_is_gone=tls)
        try:
            while await self._turn():
                pass
        except asyncio.CancelledError:
            if not self._gone:
                raise
            if self._task is not None:
                self._task.uncancel()
        except (ConnectionError, TimeoutError):
            pass
        finally:
            forget()
            if self._timer:
                self._timer.cancel()
            self._writer.close()

    # --- one request

    async def _turn(self) -> bool:
        """One request and its answer; whether there may be another."""
        import h11

        try:
            head = await self._read_head()
        except h11.RemoteProtocolError as error:
            await self._refuse(error.error_status_hint, str(error))
            return False
        except TimeoutError:
            if self._wire.trailing_data[0]:
                await self._refuse(408, "request head timed out")
            return False
        if head is None:
            return False
        self.busy, self._head_sent = True, False
        try:
            try:
                request = self._request = self._understand(head)
            except (faults.Fault, ValueError) as error:
                await self._refuse(400, str(error))
                return False
            await self._answer(request)
            return await self._go_on(request)
        finally:
            self.busy = False

    async def _read_head(self) -> h11.Request | None:
        """The next head; None when the client has no more. TimeoutError when it takes too long over it."""
        import h11

        limits = self._server.limits
        event = self._wire.next_event()
        if event is h11.NEED_DATA:
            async with asyncio.timeout(limits.idle_seconds):
                self._wire.receive_data(await self._reader.read(PIECE))
            async with asyncio.timeout(limits.head_seconds):
                while (event := self._wire.next_event()) is h11.NEED_DATA:
                    self._wire.receive_data(await self._reader.read(PIECE))
        return event if isinstance(event, h11.Request) else None

    def _understand(self, head: h11.Request) -> Request:
        headers: dict[str, str] = {}
        for raw_name, raw_value in head.headers:
            name, value = raw_name.decode("ascii"), raw_value.decode("utf-8", "replace")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        path, query = parse_target(head.target)
        length = None if "transfer-encoding" in headers else int(headers.get("content-length", "0"))
        if length == 0:
            self._wire.next_event()  # the end of the message: from here on bytes belong to what comes after it
        asked, path = split_version(path)
        body = Body(self._receive, length)
        return Request(head.method.decode("ascii"), path, query, headers, body, self._server.versions.newest_version(),
                       asked=asked, _hijack=self._take_over)

    async def _answer(self, request: Request) -> None:
        """Find the handler, let it work, send what it gives. Whatever it raises becomes an answer while one can."""
        try:
            request.version = self._server.versions.choose(request.asked)
            if request.method == "OPTIONS":
                return await self._send(request, respond.empty(200))
            match = self._server.router.find(request.method, request.path)
            request.route, request.values = match.route, match.values
            check_since(match.route, request.version)
            if self._gone and not match.route.to_the_end:
                raise ConnectionResetError("the client left before it was answered")
            response = await match.route.handler(request, self._server.app)
            if self._hijacked is None:
                await self._send(request, response or respond.empty(200))
        except asyncio.CancelledError:
            raise
        except ClientGone:
            if self._head_sent or self._hijacked:
                raise
            await self._send(request, respond.error(faults.BadRequest("unexpected EOF")))
        except ConnectionError as error:
            if self._gone or self._writer.is_closing():
                raise
            await self._failed(request, error)
        except Exception as error:  # a handler's bug must not end the engine, nor go unheard
            await self._failed(request, error)
        return None

    async def _failed(self, request: Request, error: Exception) -> None:
        fault = faults.of_error(error)
        if fault.status >= 500:
            said = self._server.on_error(f"{request.method} {request.path}", error)
            fault = faults.Internal(said) if said else fault
        if self._hijacked is None and not self._head_sent:
            await self._send(request, respond.error(fault))
        elif self._hijacked is None:
            raise ConnectionResetError("the answer was cut")  # without its last chunk the client sees that it was

    async def _go_on(self, request: Request) -> bool:
        """After an answer: make ready for the next request, or end. Whether to go on."""
        import h11

        if self._hijacked is not None:
            await self._linger()
            return False
        if self._wire.our_state is h11.DONE and not self._server.closing:
            with contextlib.suppress(faults.Fault, ClientGone):
                if await self._drained(request):
                    self._wire.start_next_cycle()
                    return True
        if not request.body.finished:
            await self._linger()
        return False

    # --- bodies

    async def _receive(self) -> bytes:
        """The next piece of the request's body; ``b""`` at its end."""
        import h11

        if self._wire.they_are_waiting_for_100_continue:
            go_on = h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")
            self._writer.write(self._wire.send(go_on) or b"")
        self._pieces += 1
        if self._pieces % TURN == 0:
            await asyncio.sleep(0)
        while True:
            try:
                event = self._wire.next_event()
            except h11.RemoteProtocolError as error:
                if self._reader.at_eof():
                    raise ClientGone("unexpected EOF") from None
                raise faults.BadRequest(str(error)) from None
            if event is h11.NEED_DATA:
                self._wire.receive_data(await self._reader.read(PIECE))
            elif isinstance(event, h11.Data):
                return bytes(event.data)
            else:
                return b""

    async def _drained(self, request: Request) -> bool:
        """Read away what is left of a body, if that is not much. Whether it is all read."""
        body, rest = request.body, DRAIN
        if body.finished:
            return True
        if (body.length or 0) > DRAIN or self._wire.they_are_waiting_for_100_continue:
            return False
        async with asyncio.timeout(self._server.limits.linger_seconds):
            while rest > 0:
                data = await body.read()
                if not data:
                    return True
                rest -= len(data)
        return False

    async def _send(self, request: Request, response: respond.Response) -> None:
        """Head and body. A streamed body is closed, whatever happens."""
        import h11

        body, streamed = response.body, not isinstance(response.body, bytes)
        headers = [*self._server.headers, ("Date", formatdate(usegmt=True)), *response.headers]
        without = response.status in (204, 304)
        if response.content_type:
            headers.append(("Content-Type", response.content_type))
        if isinstance(body, bytes):
            if not without:
                headers.append(("Content-Length", str(len(body))))
        elif response.length is not None:
            headers.append(("Content-Length", str(response.length)))
        unread = not request.body.finished
        if self._server.closing or (unread and ((request.body.length or 0) > DRAIN
                                                or self._wire.they_are_waiting_for_100_continue)):
            headers.append(("Connection", "close"))
        head = h11.Response(status_code=response.status, headers=headers, reason=_REASONS.get(response.status, b""))
        self._head_sent = True
        self._server.on_answer(request.method, request.path, response.status)
        out = [self._wire.send(head) or b""]
        if isinstance(body, bytes):
            if body and request.method != "HEAD" and not without:
                out += self._wire.send_with_data_passthrough(h11.Data(data=body)) or []
        else:
            self._writer.writelines(out)
            out = []
            if request.method != "HEAD" and not without:
                await self._stream(body)
        assert streamed or out
        out += self._wire.send_with_data_passthrough(h11.EndOfMessage()) or []
        self._writer.writelines(out)
        await self._writer.drain()

    async def _stream(self, body: AsyncIterable[bytes]) -> None:
        import h11

        close: Any = getattr(body, "aclose", None)
        try:
            async for data in body:
                if data:
                    self._writer.writelines(self._wire.send_with_data_passthrough(h11.Data(data=data)) or [])
                    await self._writer.drain()
        finally:
            if close is not None:
                await close()

    # --- leaving HTTP

    async def _take_over(self, status: str, headers: respond.Headers,
                         make: Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], H]) -> H:
        request = self._request
        if request is None or self._head_sent or self._hijacked:
            raise faults.Internal("the connection is taken already")
        if not await self._drained(request):
            raise faults.BadRequest("http: request body too large")
        early, _unused = self._wire.trailing_data
        lines = (f"{name}: {value}\r\n" for name, value in (*headers, *self._server.headers))
        self._head_sent = True
        self._hijacked = hijacked = make(self._reader, self._writer, bytes(early))
        self._writer.write(f"HTTP/1.1 {status}\r\n{''.join(lines)}\r\n".encode("latin-1"))
        await self._writer.drain()
        return hijacked

    # --- ends

    def _left(self) -> None:
        """The client closed the connection. Who holds a hijacked one has a moment to read what it sent before."""
        self._gone = True
        if not self.busy or self._task is None:
            return
        route = self._request.route if self._request else None
        if route is not None and route.to_the_end:
            return
        if self._hijacked is not None:
            seconds = self._server.limits.linger_seconds
            self._timer = asyncio.get_running_loop().call_later(seconds, self._task.cancel)
        else:
            self._task.cancel()

    async def _refuse(self, status: int, why: str) -> None:
        """Answer what cannot be understood, and end."""
        import h11

        self._server.refused(status, why)
        if self._wire.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        answer = respond.json({"message": why}, status)
        assert isinstance(answer.body, bytes)
        head = h11.Response(status_code=status, reason=_REASONS.get(status, b""), headers=[
            *self._server.headers, ("Content-Type", answer.content_type),
            ("Content-Length", str(len(answer.body))), ("Connection", "close")])
        self._writer.write((self._wire.send(head) or b"") + (self._wire.send(h11.Data(data=answer.body)) or b""))
        await self._linger()

    async def _linger(self) -> None:
        """End our direction and wait a moment for the client's end: closing with bytes unread would reset the
        connection, and the client would lose the answer."""
        with contextlib.suppress(OSError, TimeoutError, RuntimeError):
            async with asyncio.timeout(self._server.limits.linger_seconds):
                await self._writer.drain()
                if not self._writer.can_write_eof():
                    return  # TLS: the client learns of our end only when the connection closes
                self._writer.write_eof()
                while await self._reader.read(PIECE):
                    pass


_REASONS = {status: reason.encode() for status, reason in {
    200: "OK", 201: "Created", 204: "No Content", 304: "Not Modified", 400: "Bad Request", 401: "Unauthorized",
    403: "Forbidden", 404: "Not Found", 408: "Request Timeout", 409: "Conflict", 413: "Request Entity Too Large",
    431: "Request Header Fields Too Large", 500: "Internal Server Error", 501: "Not Implemented",
    503: "Service Unavailable"}.items()}
