# SPDX-License-Identifier: Apache-2.0
"""A connection as a client needs it: bytes both ways, and an end of each way. Sockets, or whatever has four methods.

(A remote command whose stdin and stdout lead to an engine's pipe is one too.)
"""

from __future__ import annotations

import contextlib
import math
import select
import socket
import threading
from collections.abc import Iterator
from typing import Any, Protocol

#: Send what fits and do not wait for the rest. Windows has no such flag; there so little is sent that it fits.
_NOW = getattr(socket, "MSG_DONTWAIT", 0)
_LITTLE = 8 << 10
_NEAR = 0.05


class Duplex(Protocol):
    """Carries bytes both ways; its calls wait until they are done. Errors are ``OSError``; ``receive`` gives ``b""``
    when the other side has ended its direction."""

    def send(self, data: bytes | bytearray | memoryview, /) -> None:
        """All of it."""

    def receive(self, size: int, /) -> bytes:
        """From one to ``size`` bytes."""

    def end(self) -> None:
        """End our direction and go on receiving, where the transport can."""

    def close(self) -> None:
        """End both, also under a ``receive`` that waits in another thread."""


class Timed(Protocol):
    """A duplex that can be told how long to wait; one that cannot is put into :class:`Watched`."""

    def send(self, data: bytes | bytearray | memoryview, /) -> None:
        """All of it. TimeoutError when the other side does not take it in time."""

    def receive(self, size: int, /) -> bytes:
        """From one to ``size`` bytes. TimeoutError when nothing comes in time."""

    def end(self) -> None:
        """See :class:`Duplex`."""

    def close(self) -> None:
        """See :class:`Duplex`."""

    def silent(self, seconds: float | None) -> None:
        """How long each ``send`` and ``receive`` may wait from now on; None is for ever."""

    def readable(self) -> bool:
        """Whether something has arrived that was not received yet, or the other side has ended its direction."""

    def offer(self, data: memoryview, /) -> int:
        """Wait until some of it can be sent, and send that; 0 when something has arrived: then receive first."""


class SocketDuplex:
    """A connected stream socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._seconds = sock.gettimeout()

    def send(self, data: bytes | bytearray | memoryview, /) -> None:
        self._socket.sendall(data)

    def receive(self, size: int, /) -> bytes:
        return self._socket.recv(size)

    def end(self) -> None:
        with contextlib.suppress(OSError):  # the other side has gone: reading tells of it
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes a thread that waits in recv; close alone does not
        self._socket.close()

    def silent(self, seconds: float | None) -> None:
        """See :class:`Timed`. A change of less than 50 ms is not made: it costs a call of the system each time."""
        now = self._seconds
        near = now is not None and seconds is not None and abs(seconds - now) < _NEAR
        if seconds != now and not near:
            self._socket.settimeout(seconds)
            self._seconds = seconds

    def readable(self) -> bool:
        """See :class:`Timed`."""
        try:
            return self._ready(write=False, seconds=0)[0]
        except (OSError, ValueError):
            return True

    def offer(self, data: memoryview, /) -> int:
        """See :class:`Timed`."""
        while True:
            arrived, takes = self._ready(write=True, seconds=self._seconds)
            if arrived:
                return 0
            if not takes:
                raise TimeoutError("timed out")
            with contextlib.suppress(BlockingIOError):  # it was too little room after all
                return self._socket.send(data, _NOW) if _NOW else self._socket.send(data[:_LITTLE])

    def _ready(self, *, write: bool, seconds: float | None) -> tuple[bool, bool]:
        """Whether there is something to read (or the end), and whether something can be sent."""
        if not hasattr(select, "poll"):  # Windows
            reads, writes, _unused = select.select([self._socket], [self._socket] if write else [], [], seconds)
            return bool(reads), bool(writes)
        poll = select.poll()
        poll.register(self._socket, select.POLLIN | (select.POLLOUT if write else 0))
        events = poll.poll(None if seconds is None else math.ceil(seconds * 1000))
        found = events[0][1] if events else 0
        return bool(found & ~select.POLLOUT), bool(found & select.POLLOUT)


class Watched:
    """Gives any duplex a limit to its waiting: what waits too long is closed from a thread that exists meanwhile."""

    def __init__(self, duplex: Duplex) -> None:
        self._duplex = duplex
        self._seconds: float | None = None

    def send(self, data: bytes | bytearray | memoryview, /) -> None:
        with self._limit():
            self._duplex.send(data)

    def receive(self, size: int, /) -> bytes:
        with self._limit():
            return self._duplex.receive(size)

    def end(self) -> None:
        self._duplex.end()

    def close(self) -> None:
        self._duplex.close()

    def silent(self, seconds: float | None) -> None:
        """See :class:`Timed`."""
        self._seconds = seconds

    def readable(self) -> bool:
        """Unknown, so no."""
        return False

    def offer(self, data: memoryview, /) -> int:
        """See :class:`Timed`: all of it."""
        self.send(data)
        return len(data)

    @contextlib.contextmanager
    def _limit(self) -> Iterator[None]:
        if self._seconds is None:
            yield
            return
        late = threading.Event()

        def stop() -> None:
            late.set()
            self._duplex.close()
        timer = threading.Timer(max(self._seconds, 0), stop)
        timer.daemon = True
        timer.start()
        try:
            yield
        except OSError:
            if late.is_set():
                raise TimeoutError("timed out") from None
            raise
        finally:
            timer.cancel()
            timer.join()
        if late.is_set():
            raise TimeoutError("timed out")


def timed(duplex: Duplex) -> Timed:
    """The duplex itself when it can be told how long to wait, else one that watches over it."""
    one: Any = duplex
    return one if hasattr(one, "silent") and hasattr(one, "readable") else Watched(duplex)
