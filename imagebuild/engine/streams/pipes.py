# SPDX-License-Identifier: Apache-2.0
"""Named pipes of a container whose other end is a socket of this machine: ``\\\\.\\pipe\\docker_engine``.

launcher.exe serves the pipes in the box (``runtime/programs/relay.c`` has the frames). All connections go through its
standard streams, so that it works without a network, too; each is a connection to the pipe's socket here. Neither side
sends more than the other has room for, so a connection that is not read holds up no other.
"""

from __future__ import annotations

import asyncio
import logging
import select
import struct
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...errors import ToolError
from ...runtime.port import Box, Command, Process
from .. import threads
from .output import STDOUT
from .streams import Streams

LOG = logging.getLogger("wcow.engine")

PIECE = 65536
WINDOW = 4 * PIECE
"""Bytes that a side sends before the other has said that it took some: ``WINDOW`` of relay.c."""
MOST_PIPES = 8
MOST_CONNECTIONS = 1024
LISTEN_SECONDS = 20
_HEAD = struct.Struct("<III")
_NUMBER = struct.Struct("<I")
_HANGUP_PAUSE = 0.1


class PipeRelay:
    """The pipes of one run of a container. Made and used on the engine's loop; :meth:`start` before all else."""

    def __init__(self) -> None:
        self._streams = Streams(self._hear, tty=False, stdin=True)
        self._sending = asyncio.Lock()
        self._heard = bytearray()
        self._names: list[str | None] = []
        self._sockets: dict[str, Path] = {}
        self._listening: dict[int, asyncio.Future[None]] = {}
        self._connections: dict[int, _Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, box: Box, pipes: Mapping[str, Path]) -> None:
        """Serve these pipes of a running box, each by the socket of this machine; a main program that waits for them
        runs on. Raises ToolError when one cannot be made, NotFoundError when the box has ended."""
        try:
            process = await threads.to_its_end(box.exec, Command("", pipes=True), self._streams.stdio)
        except BaseException:
            self._streams.close()
            raise
        self._streams.started()
        self._keep(self._end(process))
        for name, socket in pipes.items():
            await self.open(name, socket)
        await self._send(0, b"R")

    async def open(self, name: str, socket: Path) -> None:
        """Serve one pipe more, by its name (``docker_engine``); of one that is served, change the socket. Raises
        ToolError when it cannot be made."""
        key = name.lower()
        if key in self._sockets:
            self._sockets[key] = socket
            return
        if len(self._sockets) >= MOST_PIPES:
            raise ToolError(f"cannot serve the pipe {name}", program="launcher.exe", why=f"{MOST_PIPES} are served")
        number = self._names.index(None) if None in self._names else len(self._names)
        self._names[number:number + 1] = [key]
        self._sockets[key] = socket
        made = self._listening[number] = asyncio.get_running_loop().create_future()
        try:
            await self._send(number, b"L", f"\\\\.\\pipe\\{name}".encode("utf-16-le"))
            await asyncio.wait_for(made, LISTEN_SECONDS)
        except BaseException as error:
            self._forget(number)
            if isinstance(error, TimeoutError):
                raise ToolError(f"cannot serve the pipe {name}", program="launcher.exe", why="Wine does not answer"
                                ) from error
            raise
        finally:
            self._listening.pop(number, None)

    async def close(self, name: str) -> None:
        """Serve a pipe no more, and end its connections; nothing happens where it is not served."""
        key = name.lower()
        if key not in self._sockets:
            return
        number = self._names.index(key)
        self._forget(number)
        await self._send(number, b"U")
        for connection in tuple(self._connections.values()):
            if connection.pipe == key:
                connection.gone.set()

    async def stop(self) -> None:
        """Serve nothing any more; return when all connections have ended."""
        self._streams.close_input()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _forget(self, number: int) -> None:
        name, self._names[number] = self._names[number], None
        self._sockets.pop(name or "", None)

    async def _end(self, process: Process) -> None:
        """Until the box ends, or the relay in it."""
        await asyncio.wrap_future(process.ended)
        for made in self._listening.values():
            if not made.done():
                made.set_exception(ToolError("cannot serve a pipe", program="launcher.exe", why="it has ended"))
        for connection in tuple(self._connections.values()):
            connection.gone.set()
        self._names, self._sockets = [], {}
        await self._streams.ended()

    async def _send(self, channel: int, kind: bytes, data: bytes = b"") -> None:
        async with self._sending:
            await self._streams.write(_HEAD.pack(channel, kind[0], len(data)) + data)

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _hear(self, stream: int, data: bytes) -> None:
        if stream != STDOUT:
            return
        self._heard += data
        while len(self._heard) >= _HEAD.size:
            channel, kind, length = _HEAD.unpack_from(self._heard)
            if length > PIECE:  # a program of the box writes in launcher.exe's place
                self._heard.clear()
                self._streams.close_input()
                return
            if len(self._heard) < _HEAD.size + length:
                return
            body = bytes(self._heard[_HEAD.size:_HEAD.size + length])
            del self._heard[:_HEAD.size + length]
            self._take(channel, chr(kind) if kind < 128 else "", body)

    def _take(self, channel: int, kind: str, body: bytes) -> None:
        made = self._listening.get(channel)
        if kind == "O":
            self._begin(channel, body)
        elif kind == "K" and made is not None and not made.done():
            made.set_result(None)
        elif kind == "F" and made is not None and not made.done():
            error = _NUMBER.unpack(body)[0] if len(body) == _NUMBER.size else 0
            made.set_exception(ToolError(f"cannot serve the pipe {self._names[channel]}", program="launcher.exe",
                                         code=error, why=f"Windows error {error}"))
        elif kind in "DECW" and (connection := self._connections.get(channel)):
            connection.take(kind, body)

    def _begin(self, channel: int, body: bytes) -> None:
        number = _NUMBER.unpack(body)[0] if len(body) == _NUMBER.size else MOST_PIPES
        name = self._names[number] if number < len(self._names) else None
        if channel in self._connections:
            return
        connection = self._connections[channel] = _Connection(channel, name or "")
        socket = self._sockets.get(name or "") if len(self._connections) <= MOST_CONNECTIONS else None
        self._keep(self._serve(connection, socket))

    async def _serve(self, connection: _Connection, socket: Path | None) -> None:
        try:
            if socket is not None:
                await connection.serve(socket, self._send)
        finally:
            del self._connections[connection.channel]
            with suppress(Exception):  # the box may be gone; what ended the connection is raised
                await self._send(connection.channel, b"C")


async def serve_pipes(box: Box, pipes: Mapping[str, Path]) -> PipeRelay | None:
    """Serve the pipes of a box whose main program waits for them; ``None`` where there are none."""
    if not pipes:
        return None
    relay = PipeRelay()
    await relay.start(box, pipes)
    return relay


class _Connection:
    """One connection of a client of a pipe."""

    def __init__(self, channel: int, pipe: str) -> None:
        self.channel, self.pipe = channel, pipe
        self.gone = asyncio.Event()  #: the client has gone, or nothing serves the pipe any more
        self._came: asyncio.Queue[bytes] = asyncio.Queue()  #: an empty piece is the end
        self._waiting = 0
        self._room, self._more = WINDOW, asyncio.Event()

    def take(self, kind: str, body: bytes) -> None:
        """Hear a frame of launcher.exe's about this connection."""
        if kind == "C":
            self.gone.set()
        elif kind == "W":
            self._room += _NUMBER.unpack(body)[0] if len(body) == _NUMBER.size else 0
            self._more.set()
        else:
            self._waiting += len(body)
            if self._waiting > WINDOW:  # not launcher.exe's
                self.gone.set()
                return
            self._came.put_nowait(body if kind == "D" else b"")

    async def serve(self, socket: Path, send: Any) -> None:
        """Pass on both ways, until one side has gone."""
        try:
            reader, writer = await asyncio.open_unix_connection(socket)
        except OSError as error:
            LOG.info("a pipe of a container has no other end: %s: %s", socket, error.strerror)
            return
        work = [asyncio.create_task(one) for one in (self._there(writer, send), self._back(reader, writer, send),
                                                     self._gone())]
        try:
            await asyncio.wait(work[1:], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in work:
                one.cancel()
            for result in await asyncio.gather(*work, return_exceptions=True):
                if isinstance(result, Exception) and not isinstance(result, OSError):
                    LOG.error("a connection of a pipe failed", exc_info=result)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _gone(self) -> None:
        await self.gone.wait()

    async def _there(self, writer: asyncio.StreamWriter, send: Any) -> None:
        while data := await self._came.get():
            writer.write(data)
            await writer.drain()
            self._waiting -= len(data)
            await send(self.channel, b"W", _NUMBER.pack(len(data)))
        with suppress(OSError):  # the program has closed its end
            writer.write_eof()

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, send: Any) -> None:
        while True:
            while self._room <= 0:
                self._more.clear()
                await self._more.wait()
            data = await reader.read(min(PIECE, self._room))
            if not data:
                break
            self._room -= len(data)
            await send(self.channel, b"D", data)
        await send(self.channel, b"E")
        while not _hung_up(writer):  # it may still read what the client sends
            await asyncio.sleep(_HANGUP_PAUSE)


def _hung_up(writer: asyncio.StreamWriter) -> bool:
    """Whether the other side has closed its end, both ways."""
    poll = select.poll()
    poll.register(writer.get_extra_info("socket").fileno(), 0)
    return bool(poll.poll(0))
