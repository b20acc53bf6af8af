# SPDX-License-Identifier: Apache-2.0
"""Raw conversations with a server of the Docker API: bytes out, bytes in, so that a test can break every rule."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

from imagebuild.dockerapi import Route, Server


class Listening(Server):
    """A server, with the path of its socket."""

    path: Path


@contextlib.asynccontextmanager
async def serving(routes: Sequence[Route], app: Any, folder: Path, *, name: str = "docker.sock", grace: float = 0,
                  **options: Any) -> AsyncIterator[Listening]:
    """A server of ``routes`` on a unix socket in ``folder``."""
    server = Listening(routes, app, **options)
    server.path = folder / name
    try:
        await server.listen_unix(server.path)
        yield server
    finally:
        await server.close(grace=grace)


class Conversation:
    """One connection of a client that does as it likes."""

    def __init__(self, path: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.path = path
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, path: Path) -> Conversation:
        return cls(path, *await asyncio.open_unix_connection(path))

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def end(self) -> None:
        """No more from us; we still listen."""
        self._writer.write_eof()

    def close(self) -> None:
        """Gone, whatever is on its way."""
        with contextlib.suppress(OSError):
            sock = self._writer.get_extra_info("socket")
            if sock is not None and sock.fileno() >= 0:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._writer.transport.abort()

    async def head(self) -> tuple[int, dict[str, str]]:
        """Status and headers (names in lower case) of the next answer."""
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = [line.partition(":") for line in lines[1:] if line]
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        return int(lines[0].split(" ")[1]), headers

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """The next answer, whole."""
        status, headers = await self.head()
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(await self._reader.readline(), 16):
                body += await self._reader.readexactly(size)
                await self._reader.readline()
            await self._reader.readline()
        else:
            body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        return status, headers, body

    async def ask(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        await self.send(request)
        return await self.answer()

    async def exactly(self, size: int) -> bytes:
        return await self._reader.readexactly(size)

    async def rest(self) -> bytes:
        """All until the server ends its direction (or resets the connection)."""
        out = b""
        with contextlib.suppress(ConnectionError):
            while data := await self._reader.read(65536):
                out += data
        return out


@contextlib.contextmanager
def running(routes: Sequence[Route], app: Any, folder: Path, **options: Any) -> Iterator[Path]:
    """A server of ``routes`` in a thread of its own, for clients that block; the path of its socket."""
    ready: queue.Queue[tuple[asyncio.AbstractEventLoop, asyncio.Event] | BaseException] = queue.Queue()

    async def serve() -> None:
        try:
            async with serving(routes, app, folder, **options):
                done = asyncio.Event()
                ready.put((asyncio.get_running_loop(), done))
                await done.wait()
        except BaseException as error:
            ready.put(error)
            raise

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    begun = ready.get(timeout=20)
    assert isinstance(begun, tuple), begun
    loop, done = begun
    try:
        yield folder / "docker.sock"
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(20)
        assert not thread.is_alive(), "the server did not end"
