# SPDX-License-Identifier: Apache-2.0
"""A connection after the handshake of attach and exec: two byte streams, each of which ends by itself."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator

from .. import streams
from .sockets import unread

PIECE = 256 << 10
UNREAD_SECONDS = 1.0
"""How long :meth:`Hijacked.head_read` waits for a client that reads nothing."""
_LOOK, _APART = 0.0005, 0.005


class Hijacked:
    """Both directions of a connection that no longer speaks HTTP; the server's end and the client's are alike.

    Reading gives ``b""`` when the other side has ended its own (it may still listen). Writing raises
    ``ConnectionError`` when the other side is gone.
    """

    ends_as_a_whole = False
    """Whether a side that ends its direction listens no more, either (a WebSocket). Then the end of what is read is
    the client's goodbye."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, early: bytes = b"", *,
                 media_type: str = "") -> None:
        self._reader = reader
        self._writer = writer
        self._early = early  # what came together with the head
        self.media_type = media_type

    @property
    def multiplexed(self) -> bool:
        """Whether the head said that output comes in frames. Older clients are not told: inspect the container."""
        return "multiplexed" in self.media_type

    async def read(self, size: int = PIECE) -> bytes:
        """What is there, up to ``size`` bytes; ``b""`` when the other side has ended its direction."""
        if self._early:
            data, self._early = self._early[:size], self._early[size:]
            return data
        return await self._reader.read(size)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while data := await self.read():
            yield data

    async def head_read(self) -> None:
        """Return when the other side has read the head, so that it cannot read the first output together with it.

        Docker's SDK for Python throws away what it reads so (docker-py issue 3332, open): with 7.2.0, what
        ``exec_run`` of a quick program said was lost every other time. A Unix socket knows what is unread
        (``SIOCOUTQ``, unix(7)); TCP knows what has not arrived (tcp(7)), so there some milliseconds more.
        """
        sock = self._writer.get_extra_info("socket")
        end = time.monotonic() + UNREAD_SECONDS
        while unread(sock) and time.monotonic() < end:
            await asyncio.sleep(_LOOK)
        if sock.family != getattr(socket, "AF_UNIX", None):
            await asyncio.sleep(_APART)

    async def write(self, data: bytes | memoryview) -> None:
        """Send, and wait while the other side is slower."""
        self._writer.write(data)
        await self._writer.drain()

    async def write_frame(self, stream: int, data: bytes) -> None:
        """Send output of one stream, with its header."""
        for frame in streams.frames(stream, data):
            self._writer.write(frame)
        await self._writer.drain()

    async def close_write(self) -> None:
        """End our direction; the other goes on. Over TLS, which has no half-close here, nothing happens."""
        with contextlib.suppress(OSError, RuntimeError):
            await self._writer.drain()
            if self._writer.can_write_eof():
                self._writer.write_eof()

    async def close(self) -> None:
        """End both."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def __aenter__(self) -> Hijacked:
        return self

    async def __aexit__(self, *_unused: object) -> None:
        await self.close()
