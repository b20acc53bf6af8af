# SPDX-License-Identifier: Apache-2.0
"""The server's end of a WebSocket (RFC 6455): the handshake, and a connection whose bytes travel in frames.

Messages mean nothing here: as in moby (``golang.org/x/net/websocket``), what the client sends is one stream of bytes,
whatever frames it arrives in, and each piece that is written is a message of its own.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import struct
from collections.abc import Mapping

from .. import faults
from .hijack import PIECE, Hijacked

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
NORMAL, PROTOCOL_ERROR = 1000, 1002
CONTROL_SIZE = 125
"""A close, ping or pong has no more bytes (RFC 6455, section 5.5)."""
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept(headers: Mapping[str, str]) -> str:
    """Return the value of ``Sec-WebSocket-Accept`` for the headers of a request (names in lower case).

    Raises BadRequest, in the words of ``golang.org/x/net/websocket``, for headers that ask for no WebSocket of version
    13 (RFC 6455, section 4.2.1).
    """
    if headers.get("upgrade", "").lower() != "websocket" or "upgrade" not in headers.get("connection", "").lower():
        raise faults.BadRequest("missing or bad upgrade")
    key = headers.get("sec-websocket-key", "")
    if not key:
        raise faults.BadRequest("mismatch challenge/response")
    if headers.get("sec-websocket-version") != "13":
        raise faults.BadRequest("missing or bad WebSocket Version")
    return base64.b64encode(hashlib.sha1(key.encode("utf-8") + _GUID, usedforsecurity=False).digest()).decode("ascii")


class WebSocket(Hijacked):
    """A hijacked connection in which both directions are frames.

    Reading answers pings, and gives ``b""`` when the client closes, leaves, or breaks the protocol: unlike a plain
    connection, it then listens no more. Closing sends a close frame first.
    """

    ends_as_a_whole = True

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, early: bytes = b"", *,
                 text: bool = False) -> None:
        super().__init__(reader, writer, early)
        self._opcode = TEXT if text else BINARY
        self._left = 0  # of the payload of the current frame
        self._mask = b""  # from the next byte of it on
        self._status = NORMAL
        self._ended = False

    async def read(self, size: int = PIECE) -> bytes:
        """Return what is there of the client's bytes, up to ``size``; ``b""`` at their end."""
        try:
            while not self._ended:
                if self._left:
                    return await self._payload(size)
                await self._frame()
        except asyncio.IncompleteReadError:  # it left without a close frame
            self._ended = True
        return b""

    async def write(self, data: bytes | memoryview) -> None:
        """Send a message, and wait while the other side is slower."""
        if data:
            await self._send(self._opcode, data)

    async def write_frame(self, stream: int, data: bytes) -> None:
        """Send output of one stream, which the client cannot tell from the other: moby multiplexes no WebSocket."""
        await self.write(data)

    async def close_write(self) -> None:
        """End both directions: a WebSocket closes as a whole."""
        await self.close()

    async def close(self) -> None:
        """Send a close frame, then end the connection. A second call does nothing more."""
        if not self._writer.is_closing():
            with contextlib.suppress(OSError):
                await self._send(CLOSE, struct.pack(">H", self._status))
        await super().close()

    # --- frames

    async def _frame(self) -> None:
        """Read the head of the next frame; a control frame whole."""
        first, second = await self._exactly(2)
        opcode, length = first & 0x0F, second & 0x7F
        if length > CONTROL_SIZE:
            length = int.from_bytes(await self._exactly(2 if length == 126 else 8), "big")
        control = opcode in (CLOSE, PING, PONG)
        whole = first & 0x80 and length <= CONTROL_SIZE
        if not second & 0x80 or first & 0x70 or opcode not in _OPCODES or (control and not whole):
            self._status, self._ended = PROTOCOL_ERROR, True  # not masked, an extension, or not a frame at all
            return
        self._mask, self._left = await self._exactly(4), length
        if not control:
            return
        payload = b""
        while self._left:
            payload += await self._payload(CONTROL_SIZE)
        if opcode == PING:
            await self._send(PONG, payload)
        self._ended = opcode == CLOSE

    async def _payload(self, size: int) -> bytes:
        """Return some of the current frame's payload, unmasked."""
        data = await super().read(min(size, self._left))
        if not data:
            raise asyncio.IncompleteReadError(b"", self._left)
        self._left -= len(data)
        pattern = (self._mask * (len(data) // 4 + 2))[:len(data)]
        turn = len(data) % 4
        self._mask = self._mask[turn:] + self._mask[:turn]
        return (int.from_bytes(data, "big") ^ int.from_bytes(pattern, "big")).to_bytes(len(data), "big")

    async def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = await super().read(count - len(data))
            if not piece:
                raise asyncio.IncompleteReadError(data, count)
            data += piece
        return data

    async def _send(self, opcode: int, data: bytes | memoryview) -> None:
        length = len(data)
        if length <= CONTROL_SIZE:
            head = struct.pack(">BB", 0x80 | opcode, length)
        elif length < 1 << 16:
            head = struct.pack(">BBH", 0x80 | opcode, 126, length)
        else:
            head = struct.pack(">BBQ", 0x80 | opcode, 127, length)
        self._writer.writelines((head, data))  # at once: a pong may not stand inside another frame
        await self._writer.drain()


_OPCODES = (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG)
