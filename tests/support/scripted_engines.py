# SPDX-License-Identifier: Apache-2.0
"""Engines that say what a test wrote for them: on Unix sockets, on TCP, over TLS."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

Handler = Callable[[socket.socket], None]


class Scripted:
    """Accepts connections and gives each to ``handle``, in a thread of its own. Closing it closes them all."""

    def __init__(self, listener: socket.socket, handle: Handler, tls: ssl.SSLContext | None = None) -> None:
        self._listener, self._handle, self._tls = listener, handle, tls
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self.accepted = 0
        self.thread = threading.Thread(target=self._serve, name="scripted", daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                there, _ = self._listener.accept()
                self.accepted += 1
                self._open.append(there)
                one = threading.Thread(target=self._one, args=(there,), name="scripted", daemon=True)
                self._threads.append(one)
                one.start()

    def _one(self, there: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self._tls is not None:
                there = self._tls.wrap_socket(there, server_side=True)
                self._open.append(there)
            with there:
                self._handle(there)

    def close(self) -> None:
        """End it, and every connection."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in (self.thread, *self._threads):
            thread.join(10)
            assert not thread.is_alive()


@contextlib.contextmanager
def on_unix(path: Path, handle: Handler) -> Iterator[Scripted]:
    """A scripted engine on a Unix socket."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(64)
        one = Scripted(listener, handle)
        try:
            yield one
        finally:
            one.close()


@contextlib.contextmanager
def on_tcp(handle: Handler, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """A scripted engine on a port of 127.0.0.1: the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = Scripted(listener, handle, tls)
        try:
            yield listener.getsockname()[1]
        finally:
            one.close()


def called(name: str, *, api: str = "1.44") -> Handler:
    """An engine that answers each request with its name, and the path that was asked for, as a version."""
    def handle(there: socket.socket) -> None:
        while head := request_head(there):
            method, path, _ = head.split(b"\r\n")[0].decode().split(" ")
            body = b"" if method == "HEAD" else b"OK" if path.endswith("/_ping") else json.dumps(
                {"Version": name, "ApiVersion": api, "Os": "windows", "Path": path}).encode()
            there.sendall(f"HTTP/1.1 200 OK\r\nApi-Version: {api}\r\nOSType: windows\r\n"
                          f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    return handle


def request_head(there: socket.socket) -> bytes:
    """The head of the next request, and nothing behind it; empty at the end, and for what is not HTTP."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        seen = there.recv(65536, socket.MSG_PEEK) if not isinstance(there, ssl.SSLSocket) else b"x"
        end = (data + seen).find(b"\r\n\r\n")
        data += there.recv(len(seen) if end < 0 else end + 4 - len(data))
        if not seen or not data[:1].isupper():
            return b""
    return data
