# SPDX-License-Identifier: Apache-2.0
"""The way of a container's programs to an HTTP proxy that listens on a Unix socket of this machine.

A port of the container's loopback address leads there, so it works in a container without a network, and no other
container reaches it. Variables and certificate are those of the processes: neither the container's record nor its image
has them, nor its files and registry.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ...runtime.port import AUTHORITIES
from ..interfaces import NetworkPart

LOG = logging.getLogger("wcow.engine")

PORT = 44080
"""In every container, so that what a program writes of its proxy is always the same."""
PIECE = 1 << 18
_URL = f"http://127.0.0.1:{PORT}"
_HERE = "localhost,127.0.0.1,::1"
_LISTS = ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")
"""What programs that have a list of authorities of their own are told of another one by."""


@dataclass(slots=True, eq=False)
class WebProxy:
    """``path`` is the proxy's socket, ``certificates`` are what programs trust for its sake (PEM)."""

    path: Path
    certificates: bytes = b""
    _listener: socket.socket | None = None
    _server: asyncio.Server | None = None
    _connections: set[asyncio.Task[None]] = field(default_factory=set)

    def environment(self) -> dict[str, str]:
        """Variables of every program. Wine's WinINET and WinHTTP read ``http_proxy`` where the registry names none."""
        out = {"HTTP_PROXY": _URL, "HTTPS_PROXY": _URL, "NO_PROXY": _HERE}
        return {**out, **dict.fromkeys(_LISTS, AUTHORITIES)} if self.certificates else out

    def listen(self, networks: NetworkPart, container: str) -> None:
        """Listen in a container that was attached; who connects waits for :meth:`serve`."""
        self.drop()
        self._listener = networks.listen(container, PORT)

    async def serve(self) -> None:
        """Serve until :meth:`close`."""
        assert self._listener is not None
        listener, self._listener = self._listener, None
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=PIECE)

    async def close(self) -> None:
        """Serve nothing any more, and end connections."""
        self.drop()
        server, self._server = self._server, None
        if server is not None:
            server.close()
        tasks = tuple(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def drop(self) -> None:
        """Close a listener that serves nothing yet."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._carry(reader, writer)
        except OSError as error:
            LOG.info("a container's way to its proxy: %s: %s", self.path, error.strerror or error)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(self.path, limit=PIECE)
        ways = [asyncio.create_task(_copy(reader, back)), asyncio.create_task(_copy(there, writer))]
        try:
            await asyncio.gather(*ways)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            back.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(PIECE):
        writer.write(data)
        await writer.drain()
    with suppress(OSError):  # the other side has gone: its own direction tells of it
        writer.write_eof()


__all__ = ["PORT", "WebProxy"]
