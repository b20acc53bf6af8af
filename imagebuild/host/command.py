# SPDX-License-Identifier: Apache-2.0
"""A program that runs on a host: its input and output carry bytes both ways, as a connection does.

:class:`Command` holds what arrived and was not taken, and who waits for it; adapters bring the bytes.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType

from ..errors import HostError, WcowError

HELD = 4 << 20
"""Bytes of output that wait at most; past them no more is fetched."""
COMPLAINTS = 64 << 10
"""Bytes of stderr that are kept, the last ones."""


class Lost(ConnectionError):
    """The way to the program broke. ``error`` is the whole story; ``str()`` has its reason."""

    def __init__(self, error: WcowError) -> None:
        super().__init__(error.why or error.what)
        self.error = error


class Command:
    """A running program, as a :class:`~..dockerapi.client.duplex.Timed` duplex: stdin and stdout are its two
    directions. One thread may send while another receives.

    ``send`` returns when the bytes are on their way, not when the program has read them; it waits while too much is.
    Errors of the way to the host are :class:`Lost`.
    """

    def __init__(self, name: str) -> None:
        self.name = name  #: the program, for errors
        self._changed = threading.Condition()
        self._output: deque[bytes] = deque()
        self._size = 0
        self._complaints = bytearray()
        self._over = False  # no more output comes
        self._code: int | None = None
        self._error: WcowError | None = None
        self._closed = False
        self._seconds: float | None = None
        self._timer: threading.Timer | None = None

    # --- what users call

    def send(self, data: bytes | bytearray | memoryview, /) -> None:
        """All of it, to stdin. BrokenPipeError when the program has ended."""
        raise NotImplementedError

    def end(self) -> None:
        """End stdin; output goes on."""
        raise NotImplementedError

    def kill(self) -> None:
        """End the program. Safe to call twice, and after its end."""
        raise NotImplementedError

    def receive(self, size: int, /) -> bytes:
        """From one to ``size`` bytes of stdout; ``b""`` at its end. TimeoutError after :meth:`silent`'s seconds."""
        with self._changed:
            self._wait(lambda: bool(self._output) or self._over or self._closed, self._seconds)
            if not self._output:
                if self._error is not None:
                    raise Lost(self._error)
                if self._closed:
                    raise ConnectionAbortedError("the connection was closed")
                return b""
            data = self._output.popleft()
            if len(data) > size:
                self._output.appendleft(data[size:])
                data = data[:size]
            self._size -= len(data)
            self._changed.notify_all()
            return data

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, when the program has ended and its output was taken or was not wanted. TimeoutError after
        ``timeout`` seconds; HostError when the way to the program broke."""
        with self._changed:
            self._wait(lambda: self._over, timeout)
            if self._error is not None:
                raise self._error
            return self._code or 0

    @property
    def code(self) -> int | None:
        """The exit code; None while it runs, or when it was lost."""
        return self._code

    @property
    def over(self) -> bool:
        """Whether the program has ended, or the way to it broke."""
        return self._over

    @property
    def errors(self) -> bytes:
        """What the program wrote to stderr so far, the last 64 KiB of it."""
        with self._changed:
            return bytes(self._complaints)

    def close(self) -> None:
        """Let go of it, and end the program when it still runs. Whoever waits is woken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._timer is not None:
            self._timer.cancel()

    def silent(self, seconds: float | None) -> None:
        """How long each ``send`` and ``receive`` may wait from now on; None is for ever."""
        self._seconds = seconds

    def readable(self) -> bool:
        """Whether something has arrived, or the output has ended."""
        with self._changed:
            return bool(self._output) or self._over

    def offer(self, data: memoryview, /) -> int:
        """Send some of it; 0 when something has arrived: then receive first."""
        if self.readable():
            return 0
        self.send(data)
        return len(data)

    def limit(self, seconds: float | None) -> None:
        """End the program after so many seconds, and tell whoever waits (HostError, temporary)."""
        if seconds is None:
            return

        def late() -> None:
            self.fail(HostError(f"{self.name} was ended", why=f"it did not end within {seconds:g} seconds",
                                temporary=True))
            self.kill()
        self._timer = threading.Timer(seconds, late)
        self._timer.daemon = True
        self._timer.start()

    def __enter__(self) -> Command:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    # --- what adapters call

    def arrived(self, stream: str, data: bytes) -> None:
        """Bytes of ``stdout`` or ``stderr`` came. Waits while too much waits to be taken."""
        if not data:
            return
        with self._changed:
            if stream == "stderr":
                self._complaints += data
                del self._complaints[:-COMPLAINTS]
                return
            while self._size > HELD and not self._closed and not self._over:
                self._changed.wait()
            if not self._closed:
                self._output.append(data)
                self._size += len(data)
            self._changed.notify_all()

    def ended(self, code: int) -> None:
        """The program has ended, and all its output came."""
        with self._changed:
            if not self._over:
                self._over, self._code = True, code & 0xFFFFFFFF
            self._changed.notify_all()
        if self._timer is not None:
            self._timer.cancel()

    def fail(self, error: WcowError) -> None:
        """The way to the program broke."""
        with self._changed:
            if not self._over:
                self._over, self._error = True, error
            self._changed.notify_all()

    def _wait(self, ready: Callable[[], bool], seconds: float | None) -> None:
        """Wait, with the condition held. TimeoutError when it takes too long."""
        end = None if seconds is None else time.monotonic() + seconds
        while not ready():
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError("timed out")
            self._changed.wait(left)
