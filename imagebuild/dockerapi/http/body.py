# SPDX-License-Identifier: Apache-2.0
"""A request's body, read as it arrives: nothing is taken from the client before somebody asks for it."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable

from .. import faults

#: What a thread gets at a time.
FILL = 1 << 20


class ClientGone(ConnectionError):
    """The client closed the connection in the middle of what it was sending or being sent."""


class Body:
    """The bytes a client sends with a request. One reader at a time.

    ``receive`` gives the next piece and ``b""`` at the end; it raises :class:`ClientGone` when the client leaves
    before its end, and BadRequest when what it sends is not HTTP.
    """

    def __init__(self, receive: Callable[[], Awaitable[bytes]], length: int | None) -> None:
        self._receive = receive
        self._rest = b""
        self.length = length  #: what Content-Length said; None when the client does not know
        self.received = 0  #: bytes that have come so far
        self.finished = length == 0

    async def read(self, size: int = -1) -> bytes:
        """From one to ``size`` bytes; what is there when ``size`` is negative; ``b""`` at the end."""
        data = self._rest
        if not data and not self.finished:
            data = await self._receive()
            self.received += len(data)
            self.finished = not data
        if 0 <= size < len(data):
            data, self._rest = data[:size], data[size:]
        else:
            self._rest = b""
        return data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while data := await self.read():
            yield data

    async def whole(self, limit: int) -> bytes:
        """All of it. BadRequest when it is longer than ``limit`` bytes."""
        if (self.length or 0) > limit:
            raise faults.BadRequest("http: request body too large")
        out = bytearray()
        async for data in self:
            out += data
            if len(out) > limit:
                raise faults.BadRequest("http: request body too large")
        return bytes(out)

    def blocking(self) -> io.BufferedReader:
        """The body as a file for code that runs in another thread (``tarfile``). Made in the loop, read elsewhere."""
        return io.BufferedReader(_Blocking(self, asyncio.get_running_loop()), FILL)


class _Blocking(io.RawIOBase):
    """Reads a body from a thread; each read is a task in the loop that serves the connection."""

    def __init__(self, body: Body, loop: asyncio.AbstractEventLoop) -> None:
        self._body = body
        self._loop = loop

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        return asyncio.run_coroutine_threadsafe(self._fill(view), self._loop).result()

    async def _fill(self, view: memoryview) -> int:
        # All that is wanted in one visit to the loop: going there and back costs as much as reading a piece.
        filled = 0
        while filled < len(view) and (data := await self._body.read(len(view) - filled)):
            view[filled:filled + len(data)] = data
            filled += len(data)
        return filled
