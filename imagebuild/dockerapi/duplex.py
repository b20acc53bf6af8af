# SPDX-License-Identifier: Apache-2.0
"""A connection as a client needs it: bytes both ways, and an end of each way. Sockets, or whatever has four methods.

(A remote command whose stdin and stdout lead to an engine's pipe is one too.)
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from ..errors import DaemonError, UnsupportedError, UsageError

RECEIVE = 256 << 10


class Duplex(Protocol):
    """Blocking. Errors are ``OSError``; ``receive`` gives ``b""`` when the other side has ended its direction."""

    def send(self, data: bytes | bytearray | memoryview, /) -> None:
        """All of it."""

    def receive(self, size: int, /) -> bytes:
        """From one to ``size`` bytes."""

    def end(self) -> None:
        """End our direction and go on receiving, where the transport can."""

    def close(self) -> None:
        """End both, also under a ``receive`` that waits in another thread."""


class SocketDuplex:
    """A connected stream socket, with TLS or without."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    def send(self, data: bytes | bytearray | memoryview, /) -> None:
        self._socket.sendall(data)

    def receive(self, size: int, /) -> bytes:
        return self._socket.recv(size)

    def end(self) -> None:
        if not isinstance(self._socket, ssl.SSLSocket):
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def silent(self, seconds: float | None) -> None:
        """How long the other side may be silent; None is for ever."""
        self._socket.settimeout(seconds)


def connector(host: str, *, timeout: float | None = None,
              tls: ssl.SSLContext | None = None) -> Callable[[], SocketDuplex]:
    """What connects to ``unix:///path`` or ``tcp://name:port`` (with ``tls`` over TLS). ``timeout`` is for connecting.

    UsageError for what is no address, UnsupportedError for a kind that is not known here (``npipe``, ``ssh``).
    """
    what = f"cannot reach an engine at {host!r}"
    try:
        parts = urlsplit(host)
        port = parts.port or (2376 if tls else 2375)
    except ValueError:
        raise UsageError(what, why="it is no address") from None
    if parts.scheme == "unix" and parts.path:
        return lambda: _unix(parts.path, timeout)
    if parts.scheme in ("tcp", "http", "https") and parts.hostname:
        name = parts.hostname
        return lambda: _tcp(name, port, timeout, tls)
    raise UnsupportedError(what, why=f"{parts.scheme or 'it'} is no kind of address that is known here",
                           hint="unix:///path and tcp://name:port are")


def _unix(path: str, timeout: float | None) -> SocketDuplex:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout)
        sock.connect(path)
        sock.settimeout(None)
    except BaseException:
        sock.close()
        raise
    return SocketDuplex(sock)


def _tcp(name: str, port: int, timeout: float | None, tls: ssl.SSLContext | None) -> SocketDuplex:
    sock = socket.create_connection((name, port), timeout)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if tls is not None:
            sock = tls.wrap_socket(sock, server_hostname=name)
        sock.settimeout(None)
    except BaseException:
        sock.close()
        raise
    return SocketDuplex(sock)


def client_tls(ca: str | Path, certificate: str | Path, key: str | Path) -> ssl.SSLContext:
    """A context of the files in ``DOCKER_CERT_PATH``: ``ca.pem``, ``cert.pem``, ``key.pem``. UsageError for others."""
    try:
        context = ssl.create_default_context(cafile=str(ca))
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise UsageError("cannot speak TLS with an engine", why=str(error),
                         hint="give PEM files: the CA of the engine, our certificate, its key") from error
    return context


def unreachable(error: OSError, host: str) -> DaemonError:
    """What it means that no connection came about."""
    what = f"cannot reach an engine at {host}"
    if isinstance(error, FileNotFoundError | ConnectionRefusedError):
        return DaemonError(what, why="nobody listens there", status=0, hint="start it, or say where it is")
    if isinstance(error, PermissionError):
        return DaemonError(what, why="this account may not use it", status=0, hint="join its group, or be its owner")
    return DaemonError(what, why=error.strerror or str(error), status=0)
