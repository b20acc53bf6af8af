# SPDX-License-Identifier: Apache-2.0
"""One thread that waits for many sockets. (asyncio would triple the memory of the process.)"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
TICK_SECONDS = 5.0

Ready = Callable[[int], None]
"""Called with READ, WRITE or both when a socket is ready for what was asked."""


class Loop:
    """Calls functions when sockets are ready, and some every :data:`TICK_SECONDS`."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._ticks: list[Callable[[float], None]] = []
        self._next = time.monotonic() + TICK_SECONDS
        self.running = True

    def want(self, sock: socket.socket, events: int, ready: Ready) -> None:
        """From now on call ``ready`` for these events of a socket, for none when ``events`` is 0."""
        known = self._selector.get_map().get(sock.fileno())
        if known is None:
            if events:
                self._selector.register(sock, events, ready)
        elif not events:
            self._selector.unregister(sock)
        elif known.events != events or known.data != ready:
            self._selector.modify(sock, events, ready)

    def forget(self, sock: socket.socket) -> None:
        """Close a socket and call nothing for it any more."""
        if sock.fileno() >= 0:
            self.want(sock, 0, lambda _unused: None)
            sock.close()

    def every_tick(self, tell: Callable[[float], None]) -> None:
        """Call a function with the time (monotonic seconds) now and then."""
        self._ticks.append(tell)

    def no_more_ticks(self, tell: Callable[[float], None]) -> None:
        """... and not any more."""
        if tell in self._ticks:
            self._ticks.remove(tell)

    def run(self) -> None:
        """Until ``running`` is false."""
        while self.running:
            for key, events in self._selector.select(max(0.0, self._next - time.monotonic())):
                if key.fileobj.fileno() >= 0:  # type: ignore[union-attr]  # closed by a function before in this round
                    key.data(events)
            now = time.monotonic()
            if now >= self._next:
                self._next = now + TICK_SECONDS
                for tell in tuple(self._ticks):
                    tell(now)
