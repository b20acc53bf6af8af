# SPDX-License-Identifier: Apache-2.0
"""Connects to an address: what comes about is a :class:`~.duplex.Duplex`, what does not an OSError."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...errors import UnsupportedError
from .address import Address
from .duplex import SocketDuplex, Timed

if TYPE_CHECKING:
    import ssl

#: The longest path that fits into the address of a socket (unix(7)), with its final zero.
_LONGEST = 108


def connector(address: Address, *, timeout: float | None = None,
              tls: ssl.SSLContext | None = None) -> Callable[[], Timed]:
    """What connects there. ``timeout`` (seconds) is for connecting, with the handshake of TLS.

    UnsupportedError for a kind of address that this machine does not have.
    """
    if address.scheme == "unix":
        if not hasattr(socket, "AF_UNIX"):
            raise UnsupportedError(f"cannot reach an engine at {address}", why="Python has no Unix sockets here",
                                   hint="engines of Windows listen on npipe:////./pipe/docker_engine")
        return lambda: _unix(address.path, timeout)
    if address.scheme == "npipe":
        from .npipe import connect, expect

        expect(address)
        return lambda: connect(address.path, timeout)
    if address.scheme == "ssh":
        from .ssh import dial

        return lambda: dial(address)
    if tls is None and address.secure:
        from .tls import context

        tls = context(None, None, None)
    return lambda: _tcp(address, timeout, tls)


def _unix(path: str, timeout: float | None) -> SocketDuplex:
    if len(path.encode("utf-8", "surrogateescape")) >= _LONGEST:
        raise OSError(f"the path of a socket is shorter than {_LONGEST} bytes")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout)
        sock.connect(path)
        sock.settimeout(None)
    except BaseException:
        sock.close()
        raise
    return SocketDuplex(sock)


def _tcp(address: Address, timeout: float | None, tls: ssl.SSLContext | None) -> Timed:
    sock = socket.create_connection((address.name, address.port), timeout)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if tls is not None:
            from .tls import TlsDuplex

            secured = TlsDuplex(sock, tls, address.name)
            secured.silent(None)
            return secured
        sock.settimeout(None)
    except BaseException:
        sock.close()
        raise
    return SocketDuplex(sock)
