# SPDX-License-Identifier: Apache-2.0
"""An HTTP/1.1 server for the Docker Engine API: a table of routes on a unix socket, or on TCP with client certificates.

::

    server = Server([Route("GET", "/_ping", ping), …], engine, identity=Identity(os_type="windows"))
    await server.listen_unix("/run/user/1000/wcow.sock")
    …
    await server.close()
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import DependencyError, UsageError
from ..versions import VersionRange
from .connection import Connection
from .hangups import Hangups
from .hijack import PIECE
from .routing import Route, Router
from .sockets import bind_owner_only


@dataclass(frozen=True, slots=True)
class Identity:
    """What the server says about itself in the head of every answer."""

    server_version: str = "26.1.5"
    os_type: str = "windows"
    experimental: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may cost. Sizes in bytes, times in seconds."""

    head: int = 64 << 10  #: request line and headers together
    head_seconds: float = 15  #: from the first byte of a head to its last
    idle_seconds: float = 600  #: between two requests of a connection
    linger_seconds: float = 1  #: for the client's end of the connection, after ours
    connections: int = 2048


def _quiet(_what: str, _error: BaseException) -> None:
    """Say nothing of an error."""


class Server:
    """Serves ``routes``; each handler is called with a :class:`~.request.Request` and ``app``.

    ``on_error`` hears of what handlers raised that is no refusal: the request's method and path, and the error. What it
    returns is the message of the answer in place of the error's own. ``on_answer`` hears of every answer: method, path,
    status.
    The server belongs to the event loop that runs when it is made.
    """

    def __init__(self, routes: Iterable[Route], app: Any = None, *, identity: Identity | None = None,
                 versions: VersionRange | None = None, limits: Limits | None = None,
                 on_error: Callable[[str, BaseException], str | None] = _quiet,
                 on_answer: Callable[[str, str, int], None] = lambda method, path, status: None) -> None:
        try:
            import h11  # noqa: F401
        except ImportError:
            raise DependencyError("cannot serve the Docker API", why="the Python package h11 is not installed",
                                  hint="pip install h11", package="h11") from None
        self.router = Router(routes)
        self.app = app
        self.identity = identity or Identity()
        self.versions = versions or VersionRange()
        self.limits = limits or Limits()
        self.on_error = on_error
        self.on_answer = on_answer
        self.hangups = Hangups()
        self.closing = False
        self.accepted = 0  #: connections so far, those that have ended included
        self.headers = (
            ("Api-Version", self.versions.newest),
            ("Docker-Experimental", "true" if self.identity.experimental else "false"),
            ("Ostype", self.identity.os_type),
            ("Server", f"Docker/{self.identity.server_version} ({self.identity.os_type})"))
        self._connections: dict[asyncio.Task[None], Connection] = {}
        self._listeners: list[asyncio.Server] = []
        self._paths: list[tuple[Path, int]] = []

    # --- listening

    async def listen_unix(self, path: str | Path) -> None:
        """Serve on a unix socket that its owner alone may use (0600, from the first moment).

        A socket that a dead server left is replaced; StoreError when another one is alive there.
        """
        path = Path(path)
        sock = bind_owner_only(path)
        self._paths.append((path, path.lstat().st_ino))
        self._listeners.append(await asyncio.start_unix_server(self._accept, sock=sock, limit=PIECE, backlog=1024))

    async def listen_tls(self, host: str, port: int, context: ssl.SSLContext) -> int:
        """Serve on TCP, only to clients with a certificate; the port that was taken (0 chooses one).

        UsageError when ``context`` would let in clients without one: whoever reaches the API owns the machine.
        """
        if context.verify_mode != ssl.CERT_REQUIRED:
            raise UsageError(f"cannot listen on {host}:{port}", why="clients would not have to show a certificate",
                             hint="use tls_context(), or a unix socket")
        listener = await asyncio.start_server(self._accept, host, port, ssl=context, limit=PIECE, backlog=1024,
                                              ssl_handshake_timeout=self.limits.head_seconds)
        self._listeners.append(listener)
        return int(listener.sockets[0].getsockname()[1])

    async def close(self, *, grace: float = 2) -> None:
        """Take no more requests, give handlers ``grace`` seconds to end, then cancel them; remove the sockets."""
        self.closing = True
        for listener in self._listeners:
            listener.close()
        for path, inode in self._paths:
            with contextlib.suppress(OSError):
                if path.lstat().st_ino == inode:
                    path.unlink()
        for task, connection in list(self._connections.items()):
            if not connection.busy:
                task.cancel()
        if self._connections:
            await asyncio.wait(list(self._connections), timeout=grace)
        for task in list(self._connections):
            task.cancel()
        if self._connections:
            await asyncio.gather(*self._connections, return_exceptions=True)
        self.hangups.close()

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._connections)

    def refused(self, status: int, why: str) -> None:
        """A client that does not speak HTTP was answered. Nobody needs to hear of it."""

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.closing or len(self._connections) >= self.limits.connections:
            body = b'{"message":"too many connections"}\n'
            writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\n"
                         b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            writer.close()
            return
        self.accepted += 1
        connection = Connection(self, reader, writer)
        task = asyncio.get_running_loop().create_task(connection.run())
        self._connections[task] = connection
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._connections[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            self.on_error("connection", error)


def tls_context(certificate: str | Path, key: str | Path, client_ca: str | Path) -> ssl.SSLContext:
    """A context that shows ``certificate`` and wants one that ``client_ca`` signed; PEM files, TLS 1.2 or newer."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        context.load_cert_chain(certificate, key)
        context.load_verify_locations(client_ca)
    except (OSError, ssl.SSLError) as error:
        raise UsageError("cannot serve over TLS", why=str(error),
                         hint="give PEM files: the certificate, its key, and the CA of the clients") from error
    return context
