# SPDX-License-Identifier: Apache-2.0
"""Named pipes, with a stand-in for Windows' calls that keeps their rules: overlapped, in messages, cancelled."""

from __future__ import annotations

import queue
import threading
from typing import Any

import pytest

from imagebuild.dockerapi import Client
from imagebuild.dockerapi.client import npipe
from imagebuild.errors import DaemonError

PENDING, ABORTED, BROKEN = 997, 995, 109


class WindowsError_(OSError):
    def __init__(self, code: int) -> None:
        super().__init__(f"[WinError {code}]")
        self.winerror = code


class Started:
    """An operation that was started: done when there is a message, or when it is cancelled."""

    def __init__(self, source: queue.Queue[bytes | None] | None, written: int = 0) -> None:
        self.event = self
        self._source, self._data, self._code, self._written = source, b"", 0, written
        self.cancelled = threading.Event()

    def wait(self, seconds: float | None) -> bool:
        waited = 0.0
        while self._source is not None:
            if self.cancelled.is_set():
                self._code = ABORTED
                return True
            try:
                data = self._source.get(timeout=0.01)
            except queue.Empty:
                waited += 0.01
                if seconds is not None and waited >= seconds:
                    return False
                continue
            if data is None:
                self._code = BROKEN
            else:
                self._data = data
            self._source = None
        return True

    def cancel(self) -> None:
        self.cancelled.set()

    def GetOverlappedResult(self, wait: bool) -> tuple[int, int]:
        self.wait(None)
        if self._code == BROKEN:
            raise WindowsError_(BROKEN)
        return len(self._data) or self._written, self._code

    def getbuffer(self) -> bytes:
        return self._data


class Windows:
    """The calls that the client makes. ``incoming`` is what the engine says, in messages; None is its end."""

    GENERIC_READ, GENERIC_WRITE, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, INFINITE = 1, 2, 0, 3, 4, 0xFFFFFFFF

    def __init__(self, *, busy: int = 0, missing: bool = False) -> None:
        self.incoming: queue.Queue[bytes | None] = queue.Queue()
        self.written: list[bytes] = []
        self.closed = 0
        self.opened: list[str] = []
        self._busy, self._missing = busy, missing

    def CreateFile(self, name: str, *_: Any) -> int:
        if self._missing:
            error = FileNotFoundError(2, "The system cannot find the file specified")
            raise error
        if self._busy:
            self._busy -= 1
            raise WindowsError_(231)
        self.opened.append(name)
        return 7

    def WaitNamedPipe(self, name: str, milliseconds: int) -> None:
        raise WindowsError_(121)

    def ReadFile(self, handle: int, size: int, *, overlapped: bool) -> tuple[Started, int]:
        return Started(self.incoming), PENDING

    def WriteFile(self, handle: int, data: bytes, *, overlapped: bool) -> tuple[Started, int]:
        self.written.append(data)
        return Started(None, len(data)), 0

    def WaitForMultipleObjects(self, events: list[Started], every: bool, milliseconds: int) -> int:
        done = events[0].wait(None if milliseconds == self.INFINITE else milliseconds / 1000)
        return 0 if done else 258

    def PeekNamedPipe(self, handle: int) -> tuple[int, int]:
        return self.incoming.qsize(), 0

    def CloseHandle(self, handle: int) -> None:
        self.closed += 1


def client(windows: Windows, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Client:
    monkeypatch.setattr(npipe, "_api", lambda: windows)
    return Client(lambda: npipe.connect("//./pipe/docker_engine", 0.2), host="npipe:////./pipe/docker_engine",
                  version="1.45", **options)


def test_a_call_goes_over_a_pipe_that_was_taken_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    windows = Windows(busy=2)
    windows.incoming.put(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
    windows.incoming.put(b"{}")
    with client(windows, monkeypatch) as one:
        one._idle.take()
        assert one.json("POST", "/x", body={"a": 1}) == {}
    assert windows.opened == [r"\\.\pipe\docker_engine"] and windows.closed == 1
    assert b"".join(windows.written).endswith(b'{"a":1}') and b"" not in windows.written


def test_an_empty_message_ends_stdin_and_none_ends_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    windows = Windows()
    windows.incoming.put(b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\n\r\nearly")
    with client(windows, monkeypatch).attach("/containers/a/attach") as stream:
        stream.write(b"x" * 200_000)
        stream.end()
        windows.incoming.put(b"late")
        windows.incoming.put(None)
        assert b"".join(stream) == b"earlylate"
    assert windows.written[-1] == b"" and max(map(len, windows.written)) == 64 << 10 and windows.closed == 1


def test_a_pipe_that_says_nothing_is_silent_and_its_read_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    windows = Windows()
    with client(windows, monkeypatch, deadline=0.1) as one, pytest.raises(DaemonError, match="is silent"):
        one.json("GET", "/x")
    assert windows.closed == 1


def test_closing_wakes_who_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    windows = Windows()
    windows.incoming.put(b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\n\r\n")
    stream = client(windows, monkeypatch).attach("/containers/a/attach")
    threading.Timer(0.05, stream.close).start()
    with pytest.raises(DaemonError, match="the connection was closed"):
        stream.read()


def test_a_pipe_that_is_not_there_or_always_taken_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DaemonError) as caught:
        client(Windows(missing=True), monkeypatch).ping()
    assert caught.value.facts["cause"] == "pipe-missing"
    with pytest.raises(DaemonError, match="did not answer in time"):
        client(Windows(busy=10**9), monkeypatch).ping()
