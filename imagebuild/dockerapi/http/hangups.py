# SPDX-License-Identifier: Apache-2.0
"""Tells when a client has left, and does not take one for it that only ended its own direction.

Reading cannot tell: end of file is what both look like. The kernel can: a socket whose other end is closed altogether
is ``EPOLLHUP``, one that is half closed is not. A second epoll, itself watched by the loop, waits for just that, so
nothing has to be read while a handler works. Over TLS there is no half-close and ``EPOLLRDHUP`` counts too.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import sys
from collections.abc import Callable


class Hangups:
    """The watched connections of one server. Without epoll (not Linux) clients are noticed when written to."""

    def __init__(self) -> None:
        self._watched: dict[int, Callable[[], None]] = {}
        self._epoll = select.epoll() if sys.platform == "linux" else None
        self._loop = asyncio.get_running_loop()
        if self._epoll is not None:
            self._loop.add_reader(self._epoll.fileno(), self._ready)

    def watch(self, descriptor: int, gone: Callable[[], None], *, half_is_gone: bool = False) -> Callable[[], None]:
        """Call ``gone`` once, when the other end has closed. What is returned stops the watch."""
        if self._epoll is None or descriptor < 0:
            return lambda: None
        events = select.EPOLLRDHUP if half_is_gone else 0  # EPOLLHUP and EPOLLERR are always told
        self._watched[descriptor] = gone
        try:
            self._epoll.register(descriptor, events)
        except FileExistsError:
            self._epoll.modify(descriptor, events)
        except OSError:
            return lambda: None
        return lambda: self._forget(descriptor, gone)

    def close(self) -> None:
        """Watch no longer."""
        if self._epoll is not None:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._epoll = None
        self._watched.clear()

    def _forget(self, descriptor: int, gone: Callable[[], None]) -> None:
        if self._watched.get(descriptor) is gone:  # else the number already belongs to another connection
            del self._watched[descriptor]
            if self._epoll is not None:
                with contextlib.suppress(OSError):  # a closed descriptor has left the epoll by itself
                    self._epoll.unregister(descriptor)

    def _ready(self) -> None:
        assert self._epoll is not None
        for descriptor, _unused in self._epoll.poll(0):
            gone = self._watched.get(descriptor)
            if gone is None:
                with contextlib.suppress(OSError):  # a closed descriptor has left the epoll by itself
                    self._epoll.unregister(descriptor)
                continue
            self._forget(descriptor, gone)
            gone()
