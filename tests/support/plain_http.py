# SPDX-License-Identifier: Apache-2.0
"""The standard library's HTTP client over a Unix socket: requests as any client could write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import http.client


def unix_connection(path: str, timeout: float) -> http.client.HTTPConnection:
    """A connection that is made with its first request. ``timeout`` is in seconds."""
    import http.client
    import socket

    class UnixConnection(http.client.HTTPConnection):
        def connect(self) -> None:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                sock.settimeout(timeout)
                sock.connect(path)
            except BaseException:
                sock.close()
                raise
            self.sock = sock

    return UnixConnection("localhost", timeout=timeout)
