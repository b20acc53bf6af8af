# SPDX-License-Identifier: Apache-2.0
"""One client of the tunnel: its requests go to the engine, the engine's answers come back, until one of them leaves
HTTP; then bytes go both ways."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
import time
from collections.abc import Callable

from ...dockerapi.http.sockets import unread
from ...errors import WcowError
from ..command import Lost
from ..engine import EngineStream
from . import http
from .pool import Pool

UNREAD_SECONDS = 1.0
"""How long the head of a hijacked answer may lie unread before what follows is written, too."""
_LOOK = 0.0005
_POLL = 200
_MOMENT = 0.05
_HANGUP = select.POLLHUP | select.POLLERR | select.POLLNVAL


class _Exchange:
    """A request that is under way."""

    def __init__(self, request: http.Request) -> None:
        self.request = request
        self.sent = False  # all of it
        self.raw = False  # HTTP has ended
        self.settled = threading.Event()  # answered, lost, or no longer HTTP
        self.over = threading.Event()  # nothing more comes
        self.lost = False


class Client:
    """A connection to the tunnel, served by a thread for each direction."""

    def __init__(self, sock: socket.socket, pool: Pool, say: Callable[[str], None], host: str) -> None:
        self._socket = sock
        self._pool = pool
        self._say = say
        self._host = host
        self._stream: EngineStream | None = None
        self._reusable = True
        self._gone = False

    def serve(self) -> None:
        """Serve it until it leaves. Raises nothing."""
        source = http.Source(self._socket.recv)
        try:
            while raw := source.head():
                exchange = _Exchange(http.request(raw))
                if not self._one(exchange, source):
                    break
        except http.NotHttp as error:
            self._answer(400, f"the tunnel does not understand this request: {error}")
        except (http.Cut, OSError):
            pass
        finally:
            if self._stream is not None:
                self._pool.give(self._stream, reusable=self._reusable)
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()

    def close(self) -> None:
        """End it from outside."""
        self._gone = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        if (stream := self._stream) is not None:
            with contextlib.suppress(OSError):
                stream.close()

    # --- one request

    def _one(self, exchange: _Exchange, source: http.Source) -> bool:
        """A request and its answer; whether there may be another."""
        request = exchange.request
        self._reusable = False
        try:
            stream = self._connected()
            try:
                stream.send(request.raw)
            except OSError:
                if not self._again(request):
                    raise
                self._renew().send(request.raw)
        except (WcowError, OSError) as error:
            self._lose(exchange, error, begun=False)
            return False
        down = threading.Thread(target=self._down, args=(exchange,), name="tunnel-down", daemon=True)
        down.start()
        try:
            if not self._body(exchange, source):
                return False
            self._watch(exchange)
            if exchange.raw:
                self._up(exchange, source)
        finally:
            if not exchange.raw and not exchange.over.is_set():
                self._drop()
            down.join()
        self._reusable = not exchange.lost and not exchange.raw and exchange.sent and self._reusable
        return self._reusable

    def _connected(self) -> EngineStream:
        if self._stream is None:
            self._stream = self._pool.take()
        return self._stream

    def _renew(self) -> EngineStream:
        """Another stream in place of one that broke."""
        stream, self._stream = self._stream, None
        if stream is not None:
            self._pool.give(stream, reusable=False)
        self._pool.forget()
        return self._connected()

    def _body(self, exchange: _Exchange, source: http.Source) -> bool:
        """Send the request's body; whether the client is still there."""
        stream = self._stream
        assert stream is not None
        try:
            for piece in source.body(exchange.request.length):
                if exchange.settled.is_set():  # the engine wanted no more of it
                    return False
                stream.send(piece)
        except http.NotHttp:
            raise
        except http.Cut:
            return False
        except OSError:
            exchange.over.wait(UNREAD_SECONDS * 5)  # the other direction says why
            return False
        exchange.sent = True
        return True

    def _watch(self, exchange: _Exchange) -> None:
        """Wait for the answer's end, or for HTTP's; a client that leaves meanwhile ends the stream."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN | select.POLLRDHUP)
        ended = False
        while not exchange.settled.is_set():
            events = poll.poll(_POLL)
            if exchange.settled.is_set() or not events:
                continue
            if events[0][1] & _HANGUP:
                if not exchange.settled.wait(_MOMENT):  # many leave when they have read their answer
                    self._drop()
                return
            if events[0][1] & select.POLLRDHUP and not ended and not exchange.request.upgrade:
                ended = True
                if not exchange.settled.wait(_MOMENT) and self._stream is not None:
                    self._stream.end()
            exchange.settled.wait(_POLL / 1000)

    def _up(self, exchange: _Exchange, source: http.Source) -> None:
        """After HTTP: what the client says goes to the engine, and so does its end."""
        stream = self._stream
        assert stream is not None
        try:
            for piece in source.rest():
                stream.send(piece)
            stream.end()
        except OSError:
            pass  # the other direction ends, too
        poll = select.poll()
        poll.register(self._socket, 0)  # POLLHUP: it listens no more, either
        while not exchange.over.wait(_POLL / 1000):
            if poll.poll(0):
                self._drop()
                return

    # --- its answer

    def _down(self, exchange: _Exchange) -> None:
        """Bring the answer; a safe request is asked again where a stream broke before its answer began."""
        try:
            for again in (True, False):
                begun = False
                try:
                    assert self._stream is not None
                    source = http.Source(self._stream.receive)
                    while True:
                        raw = source.head()
                        if not raw:
                            raise http.Cut("the engine closed the connection without an answer")
                        head = http.response(raw, exchange.request.method, upgrade=exchange.request.upgrade)
                        begun = True
                        self._write(raw)
                        if head.status >= 200 or head.status == 101:
                            break
                    self._rest(exchange, head, source)
                    return
                except _Left:
                    exchange.lost = True
                    self._drop()
                    return
                except (OSError, http.NotHttp, WcowError) as error:
                    if again and not begun and self._again(exchange.request):
                        try:
                            self._renew().send(exchange.request.raw)
                            self._say(f"{exchange.request}: asked again, the connection had broken ({_why(error)})")
                            continue
                        except (OSError, WcowError) as worse:
                            error = worse
                    self._lose(exchange, error, begun=begun)
                    return
        finally:
            exchange.settled.set()
            exchange.over.set()

    def _rest(self, exchange: _Exchange, head: http.Response, source: http.Source) -> None:
        if head.hijacked:
            self._head_read()
            exchange.raw = True
            exchange.settled.set()
            for piece in source.rest():
                self._write(piece)
            with contextlib.suppress(OSError):  # the client has gone
                self._socket.shutdown(socket.SHUT_WR)
            return
        for piece in source.body(head.length):
            self._write(piece)
        self._reusable = head.persistent and source.empty
        if not head.persistent:
            with contextlib.suppress(OSError):  # the client has gone
                self._socket.shutdown(socket.SHUT_WR)

    def _again(self, request: http.Request) -> bool:
        return request.safe and not self._gone

    def _write(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError:
            raise _Left from None

    def _head_read(self) -> None:
        """Return when the client has read the head, so that it cannot read the first output together with it: docker's
        SDK for Python throws away what it reads so (docker-py issue 3332)."""
        end = time.monotonic() + UNREAD_SECONDS
        while unread(self._socket) and time.monotonic() < end:
            time.sleep(_LOOK)

    # --- ends

    def _drop(self) -> None:
        """The client left: end what it wanted."""
        self._gone = True
        if (stream := self._stream) is not None:
            with contextlib.suppress(OSError):
                stream.close()

    def _lose(self, exchange: _Exchange, error: Exception, *, begun: bool) -> None:
        """A request was lost: say which, here and, while that is possible, to the client."""
        exchange.lost = True
        exchange.settled.set()
        if self._gone:
            return
        request, why = exchange.request, _why(error)
        maybe = "" if request.method in ("GET", "HEAD") else "; it may have been carried out all the same"
        self._say(f"{request}: lost, {why}{maybe}")
        if not begun:
            self._answer(502, f"the tunnel to {self._host} lost this request ({request}): {why}{maybe}")
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _answer(self, status: int, message: str) -> None:
        body = json.dumps({"message": message}).encode() + b"\n"
        word = {400: "Bad Request", 502: "Bad Gateway"}[status]
        with contextlib.suppress(OSError):  # the client has gone
            self._socket.sendall(f"HTTP/1.1 {status} {word}\r\nContent-Type: application/json\r\nConnection: close\r\n"
                                 f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            self._socket.shutdown(socket.SHUT_WR)


class _Left(Exception):
    """The client does not listen any more."""


def _why(error: Exception) -> str:
    if isinstance(error, Lost):
        error = error.error
    if isinstance(error, WcowError):
        return ": ".join(filter(None, (error.what, error.why)))
    return str(error) or type(error).__name__
