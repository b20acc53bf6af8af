# SPDX-License-Identifier: Apache-2.0
"""Windows' named pipes: where Docker listens on Windows.

dockerd's pipe is of messages (moby ``daemon/listeners``: ``MessageMode``), of which an empty one is the end of a
direction (go-winio ``pipe.go``: CloseWrite). Input and output are overlapped, so that one thread may write while
another waits for input, and each wait has its limit.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from typing import Any

from ...errors import UnsupportedError
from .address import Address

_FILE_NOT_FOUND, _BROKEN_PIPE, _PIPE_NOT_CONNECTED, _PIPE_BUSY = 2, 109, 233, 231
_SEM_TIMEOUT, _MORE_DATA, _IO_PENDING, _ABORTED = 121, 234, 997, 995
_NO_DATA = 232
_WAIT_TIMEOUT = 258
_ANONYMOUS = 0x00110000
"""SECURITY_SQOS_PRESENT with SECURITY_IDENTIFICATION: whoever listens learns who we are and cannot act as us."""
_WRITE = 64 << 10


def expect(address: Address) -> None:
    """UnsupportedError where there are no named pipes."""
    if sys.platform != "win32":
        raise UnsupportedError(f"cannot reach an engine at {address}", why="only Windows has named pipes",
                               hint="unix:///path, tcp://name:port and ssh://user@name are reached from here")


def connect(path: str, timeout: float | None) -> Pipe:
    """Open the pipe ``//./pipe/name``, and wait up to ``timeout`` seconds while all its instances are taken."""
    api = _api()
    name = path.replace("/", "\\")
    end = None if timeout is None else time.monotonic() + timeout
    while True:
        try:
            handle = api.CreateFile(name, api.GENERIC_READ | api.GENERIC_WRITE, 0, api.NULL, api.OPEN_EXISTING,
                                    api.FILE_FLAG_OVERLAPPED | _ANONYMOUS, api.NULL)
            return Pipe(api, handle)
        except OSError as error:
            if getattr(error, "winerror", 0) != _PIPE_BUSY:
                raise
            if end is not None and time.monotonic() >= end:
                raise TimeoutError("all instances of the pipe are taken") from None
        with contextlib.suppress(OSError):  # taken again, or the wait was over
            api.WaitNamedPipe(name, 100)


class Pipe:
    """A connection over a named pipe."""

    def __init__(self, api: Any, handle: int) -> None:
        self._api = api
        self._handle = handle
        self._seconds: float | None = None
        self._closed = False
        self._lock = threading.Lock()
        self._waiting: set[Any] = set()

    def send(self, data: bytes | bytearray | memoryview, /) -> None:
        """All of it."""
        view = memoryview(data)
        for start in range(0, len(view), _WRITE):  # an empty message would be our end
            self._write(bytes(view[start:start + _WRITE]))

    def receive(self, size: int, /) -> bytes:
        """From one to ``size`` bytes; ``b""`` when the engine ended its direction or closed the pipe."""
        try:
            started, code = self._api.ReadFile(self._handle, size, overlapped=True)
            code = self._finish(started, code)
        except OSError as error:
            if self._closed:
                raise ConnectionAbortedError("the connection was closed") from None
            if getattr(error, "winerror", 0) in (_BROKEN_PIPE, _PIPE_NOT_CONNECTED):
                return b""
            raise
        if code == _ABORTED:
            raise ConnectionAbortedError("the connection was closed")
        return bytes(started.getbuffer())

    def end(self) -> None:
        """An empty message: our direction is at its end."""
        with contextlib.suppress(OSError):
            self._write(b"")

    def close(self) -> None:
        """Close the pipe, and wake who waits on it."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            waiting = list(self._waiting)
        for one in waiting:
            with contextlib.suppress(OSError):
                one.cancel()
        with contextlib.suppress(OSError):
            self._api.CloseHandle(self._handle)

    def silent(self, seconds: float | None) -> None:
        """See :class:`~.duplex.Timed`."""
        self._seconds = seconds

    def readable(self) -> bool:
        """See :class:`~.duplex.Timed`."""
        try:
            return bool(self._api.PeekNamedPipe(self._handle)[0])
        except OSError:
            return True

    def offer(self, data: memoryview, /) -> int:
        """See :class:`~.duplex.Timed`: a message, or nothing."""
        if self.readable():
            return 0
        self.send(data[:_WRITE])
        return len(data[:_WRITE])

    def _write(self, data: bytes) -> None:
        try:
            started, code = self._api.WriteFile(self._handle, data, overlapped=True)
            code = self._finish(started, code)
        except OSError as error:
            if self._closed or getattr(error, "winerror", 0) in (_BROKEN_PIPE, _PIPE_NOT_CONNECTED, _NO_DATA):
                raise BrokenPipeError("the engine closed the pipe") from None
            raise
        if code == _ABORTED:
            raise ConnectionAbortedError("the connection was closed")

    def _finish(self, started: Any, code: int) -> int:
        """Wait until what was started is done. TimeoutError when it takes too long: then it is taken back."""
        if code == _IO_PENDING:
            with self._lock:
                if self._closed:
                    started.cancel()
                self._waiting.add(started)
            try:
                limit = self._api.INFINITE if self._seconds is None else max(int(self._seconds * 1000), 0)
                if self._api.WaitForMultipleObjects([started.event], False, limit) == _WAIT_TIMEOUT:
                    started.cancel()
                    started.GetOverlappedResult(True)
                    raise TimeoutError("timed out")
            finally:
                with self._lock:
                    self._waiting.discard(started)
        _unused, code = started.GetOverlappedResult(True)
        return int(code)


def _api() -> Any:
    """The calls of Windows, as the standard library's own pipes use them."""
    import _winapi  # type: ignore[import-not-found,unused-ignore]

    return _winapi
