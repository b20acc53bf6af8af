# SPDX-License-Identifier: Apache-2.0
"""The wire of the WinRM service: HTTP/1.1 with logins that belong to the connection, and sealed messages."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Coroutine
from dataclasses import dataclass, field

import h11

from ...errors import FormatError
from ..certificate import certificate_user
from . import seal
from .accounts import Accounts
from .login import Login, Offered
from .service import Answer, Caller, Service

log = logging.getLogger("wcow.hostd.winrm")

PATH = "/wsman"
HEAD = 131_072
"""Bytes of a request's head: a Kerberos ticket fits."""
BODY = 1 << 20
"""Bytes of a body. Windows takes envelopes of 500 KiB; sealed ones are a little larger."""
STRANGER = 30.0
"""Seconds for each request of a connection that has not logged in."""
QUIET = 300.0
"""Seconds for which a connection that has logged in may say nothing."""
CONNECTIONS = 300
"""Connections at once: ``MaxConnections`` of Windows."""
_PLAIN = "application/soap+xml;charset=UTF-8"


@dataclass(slots=True, eq=False)
class Listener:
    """A port on which the service answers."""

    service: Service
    accounts: Accounts
    offered: Offered
    tls: ssl.SSLContext | None = None
    certificate: tuple[str, str] = ("", "")
    _server: asyncio.Server | None = None
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self, address: str, port: int) -> int:
        """Listen; return the port. OSError when it is taken."""
        self._server = await asyncio.start_server(self._serve, address, port, ssl=self.tls, limit=HEAD)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop, and drop all connections."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await asyncio.sleep(0)  # the sockets of what was aborted are closed then

    async def drop(self) -> None:
        """Drop all connections, and go on to listen: what clients see of a network fault."""
        for task in tuple(self._open):
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._open) >= CONNECTIONS:
            writer.close()
            return
        self._open.add(task)
        login = Login(self.accounts, self.offered, self.tls is not None, self.certificate, _owner(writer))
        try:
            await _Connection(self, reader, writer, login).run()
        except (OSError, ssl.SSLError, h11.RemoteProtocolError, asyncio.IncompleteReadError, TimeoutError) as error:
            log.debug("a connection ended: %s", error)
        except asyncio.CancelledError:  # the service ends its connections, or the client has gone
            pass
        finally:
            self._open.discard(task)
            writer.close()
            try:
                # the service ends its connections, or the client has gone
                with contextlib.suppress(OSError, ssl.SSLError):
                    await asyncio.wait_for(writer.wait_closed(), 1)
            finally:
                writer.transport.abort()  # a client that does not answer TLS's farewell, or the service's end meanwhile


def _owner(writer: asyncio.StreamWriter) -> str:
    """Return whom the client's certificate is for; empty where it has shown none."""
    made = writer.get_extra_info("ssl_object")
    shown = made.getpeercert(binary_form=True) if made is not None else None
    return certificate_user(shown) if shown else ""


@dataclass(frozen=True, slots=True)
class _Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class _TooLarge(Exception):
    """A body that is not read."""


class _Connection:
    """One connection: request after request."""

    def __init__(self, listener: Listener, reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
                 login: Login) -> None:
        self._listener, self._reader, self._writer, self._login = listener, reader, writer, login
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD)
        self._reading: asyncio.Task[bytes] | None = None
        peer = writer.get_extra_info("peername") or ("",)
        self._address = str(peer[0])
        made = writer.get_extra_info("socket")
        if made is not None and made.family in (socket.AF_INET, socket.AF_INET6):
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def run(self) -> None:
        """Answer until one side has had enough."""
        try:
            while True:
                try:
                    asked = await asyncio.wait_for(self._request(), QUIET if self._login.user else STRANGER)
                except _TooLarge:
                    await self._send(413, b"", close=True)
                    return
                if asked is None:
                    return
                await self._answer(asked)
                if self._h11.our_state is h11.MUST_CLOSE or self._h11.their_state is not h11.DONE:
                    return
                self._h11.start_next_cycle()
        finally:
            if self._reading is not None:
                self._reading.cancel()

    async def _request(self) -> _Asked | None:
        head: h11.Request | None = None
        body = bytearray()
        while True:
            event = self._h11.next_event()
            if event is h11.NEED_DATA:
                if self._h11.they_are_waiting_for_100_continue:
                    await self._write(self._h11.send(h11.InformationalResponse(status_code=100, headers=[])))
                self._h11.receive_data(await self._read())
            elif isinstance(event, h11.Request):
                head = event
                length = dict(event.headers).get(b"content-length", b"0")
                if int(length) > BODY:
                    raise _TooLarge
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > BODY:
                    raise _TooLarge
            elif isinstance(event, h11.EndOfMessage):
                assert head is not None
                headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in head.headers}
                return _Asked(head.method.decode("latin-1"), head.target.decode("latin-1"), headers, bytes(body))
            else:
                return None  # closed, or paused: the client has gone

    async def _read(self) -> bytes:
        """Return what comes next. The read goes on while a request is answered, so that a client's leaving is seen."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._reader.read(65_536))
        reading, self._reading = self._reading, None
        return await reading

    async def _answer(self, asked: _Asked) -> None:
        path = asked.path.partition("?")[0].rstrip("/").lower()
        if path not in (PATH, f"{PATH}-anon/identify"):
            await self._send(404, b"")
            return
        if asked.method != "POST":
            await self._send(405, b"", (("Allow", "POST"),))
            return
        status = self._listener.service.troubles.status()
        if status:
            await self._send(status, b"", self._login.challenges if status == 401 else (), close=status == 413)
            return
        headers: tuple[tuple[str, str], ...] = ()
        if "authorization" in asked.headers:
            step = self._login.step(asked.headers["authorization"])
            headers = step.headers
            if not step.done:
                await self._send(401, b"", headers)
                return
            if not asked.body:
                await self._send(200, b"", headers)
                return
        elif not self._login.user or self._login.scheme in ("basic", "certificate"):
            if asked.headers.get("wsmanidentify", "").lower() == "unauthenticated" or path != PATH:
                await self._plain(await self._listener.service.answer(asked.body, None), ())
                return
            await self._send(401, b"", self._login.challenges)
            return
        await self._known(asked, headers)

    async def _known(self, asked: _Asked, headers: tuple[tuple[str, str], ...]) -> None:
        """Answer a client that has logged in, sealed if it asked so."""
        body, sealed = asked.body, seal.is_sealed(asked.headers.get("content-type", ""))
        if sealed:
            if not self._login.seals:
                await self._send(400, b"")
                return
            try:
                body = seal.unseal(body, self._login.unseal)
            except FormatError as error:
                log.info("%s: %s", error.what, error.why)
                await self._send(400, b"", close=True)
                return
            except Exception as error:  # whatever pyspnego raises for what it cannot open
                log.info("an encrypted message was refused: %s", type(error).__name__)
                await self._send(400, b"", close=True)
                return
        elif not (self._login.tls or self._login.offered.unencrypted):
            await self._send(401, b"", self._login.challenges)  # AllowUnencrypted is false
            return
        answer = await self._while_there(
            self._listener.service.answer(body, Caller(self._login.user, self._address)))
        if answer is None:
            return
        if not sealed:
            await self._plain(answer, headers)
            return
        kind, data = seal.seal(answer.body, self._login.scheme, self._login.seal)
        await self._give(answer, data, (("Content-Type", kind), *headers))

    async def _while_there(self, work: Coroutine[object, object, Answer]) -> Answer | None:
        """Do the work while the client is there; none when it left, and what it would have got is given back."""
        task = asyncio.create_task(work)
        if self._reading is None:
            self._reading = asyncio.create_task(self._reader.read(65_536))
        try:
            await asyncio.wait((task, self._reading), return_when=asyncio.FIRST_COMPLETED)
            if not task.done() and self._reading.done() and not self._reading.cancelled() and \
                    (self._reading.exception() is not None or not self._reading.result()):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    (await task).lost()
                raise ConnectionResetError("the client has left")
            return await task
        except asyncio.CancelledError:
            task.cancel()
            raise

    async def _plain(self, answer: Answer, headers: tuple[tuple[str, str], ...]) -> None:
        await self._give(answer, answer.body, (("Content-Type", _PLAIN), *headers))

    async def _give(self, answer: Answer, data: bytes, headers: tuple[tuple[str, str], ...]) -> None:
        try:
            if self._reading is not None and self._reading.done() and not self._reading.result():
                raise ConnectionResetError("the client has left")
            await self._send(answer.status, data, headers)
        except BaseException:
            answer.lost()
            raise

    async def _send(self, status: int, body: bytes, headers: tuple[tuple[str, str], ...] = (), *,
                    close: bool = False) -> None:
        more = (("Connection", "close"),) if close else ()
        out = self._h11.send(h11.Response(status_code=status, headers=[
            *headers, ("Server", "Microsoft-HTTPAPI/2.0"), ("Content-Length", str(len(body))), *more])) or b""
        out += self._h11.send(h11.Data(body)) or b"" if body else b""
        out += self._h11.send(h11.EndOfMessage()) or b""
        await self._write(out)

    async def _write(self, data: bytes | None) -> None:
        if data:
            self._writer.write(data)
            await self._writer.drain()
