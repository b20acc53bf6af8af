# SPDX-License-Identifier: Apache-2.0
"""What a command has written and no client has taken yet."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from .envelope.request import Piece

HELD = 4 << 20
"""Bytes that wait for a client at most; past them, the program waits when it writes."""
GATHER = 0.05
"""Seconds for which output waits for the end that most often follows it: clients of short commands then need one
Receive, and those that read the exit code only beside the last data (Ruby's) find it."""
OVERHEAD = 160
"""Bytes of XML around a piece: its element, names and identifier."""
HEADER = 2048
"""Bytes of the envelope around all pieces."""


@dataclass(slots=True, eq=False)
class Output:
    """The pieces of one command, or of a shell itself, in order, until a Receive takes them.

    ``streams`` are told to have ended beside the last piece. ``code`` is the exit code once there is nothing more.
    """

    command: str
    streams: tuple[str, ...] = ()
    keeps_pieces: bool = False  #: pieces are PSRP fragments, which stay whole
    gathers: bool = True  #: output waits a moment for the end that may follow it
    code: int | None = None
    over: bool = False
    broken: Exception | None = None
    _pieces: deque[Piece] = field(default_factory=deque)
    _size: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _room: asyncio.Event = field(default_factory=asyncio.Event)

    async def put(self, stream: str, data: bytes) -> None:
        """Add what was written; waits while too much waits already."""
        while self._size >= HELD and not self.over:
            self._room.clear()
            await self._room.wait()
        self._pieces.append(Piece(stream, self.command, data))
        self._size += len(data)
        self._changed.set()

    def end(self, code: int) -> None:
        """Say that all has been put."""
        if not self.over:
            self.code, self.over = code, True
            self._changed.set()
            self._room.set()

    def fail(self, fault: Exception) -> None:
        """Say that no more can come, and why; the Receive that finds nothing else raises it."""
        if not self.over:
            self.broken, self.over = fault, True
            self._changed.set()
            self._room.set()

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._pieces

    async def take(self, room: int, seconds: float) -> tuple[list[Piece], bool]:
        """Return what waits, as much as an envelope of ``room`` bytes holds, and whether that was the last of it.

        Waits for ``seconds`` where nothing is there; then the list is empty. Raises what :meth:`fail` was given.
        """
        if self.empty and not self.over:
            await self._wait(seconds)
        if self.gathers and not self.empty and not self.over and not self.keeps_pieces:
            await self._wait_for_the_end(min(GATHER, seconds))
        if self.empty and self.broken is not None:
            raise self.broken
        taken = self._pop(room - HEADER)
        return taken, self.over and self.broken is None and self.empty

    def give_back(self, taken: list[Piece]) -> None:
        """Put back what a client that has gone did not get."""
        self._pieces.extendleft(reversed(taken))
        self._size += sum(len(piece.data) for piece in taken)
        self._changed.set()

    async def _wait(self, seconds: float) -> None:
        self._changed.clear()
        with contextlib.suppress(TimeoutError):  # the caller looks at what is there
            await asyncio.wait_for(self._changed.wait(), seconds)

    async def _wait_for_the_end(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while not self.over and loop.time() < until and self._size < HELD // 8:
            await self._wait(until - loop.time())

    def _pop(self, room: int) -> list[Piece]:
        taken: list[Piece] = []
        while self._pieces:
            piece = self._pieces[0]
            fits = (room - OVERHEAD) // 4 * 3
            if len(piece.data) > fits and self.keeps_pieces and taken:
                break
            if len(piece.data) > fits and not self.keeps_pieces:
                if fits < 1024 and taken:
                    break
                self._pieces[0] = Piece(piece.stream, piece.command, piece.data[fits:])
                piece = Piece(piece.stream, piece.command, piece.data[:fits])
            else:
                self._pieces.popleft()
            taken.append(piece)
            self._size -= len(piece.data)
            room -= OVERHEAD + (len(piece.data) + 2) // 3 * 4
        if self._size < HELD:
            self._room.set()
        return taken


def encoded(piece: Piece) -> str:
    """Return a piece's data as base64."""
    return base64.b64encode(piece.data).decode()


Put = Callable[[str, bytes], Awaitable[None]]
