# SPDX-License-Identifier: Apache-2.0
"""Output that goes to one client only and is kept nowhere: that of an exec."""

from __future__ import annotations

import asyncio
from collections import deque

from .streams import Streams


class Waiting:
    """Output on its way to a client. The program waits when the client does not read; when the client has left, what
    it says goes nowhere and it runs on."""

    MOST = 16
    """Pieces that wait at most."""

    def __init__(self) -> None:
        self._pieces: deque[tuple[int, bytes]] = deque()
        self._some = asyncio.Event()
        self._dropped = False
        self.source: Streams | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._pieces

    def put(self, stream: int, data: bytes) -> None:
        """The program said something."""
        if self._dropped:
            return
        self._pieces.append((stream, data))
        self._some.set()
        if len(self._pieces) == self.MOST and self.source is not None:
            self.source.pause()

    async def get(self) -> tuple[int, bytes]:
        """The next piece."""
        await self._some.wait()
        piece = self._pieces.popleft()
        if not self._pieces:
            self._some.clear()
        if len(self._pieces) == self.MOST - 1 and self.source is not None:
            self.source.resume()
        return piece

    def drop(self) -> None:
        """Nobody listens any more."""
        full, self._dropped = len(self._pieces) >= self.MOST, True
        self._pieces.clear()
        self._some.clear()
        if full and self.source is not None:
            self.source.resume()
