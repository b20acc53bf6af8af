# SPDX-License-Identifier: Apache-2.0
"""Unix sockets that their owner alone may use, and what the other side of one has read."""

from __future__ import annotations

import os
import socket
import stat
import struct
from pathlib import Path

from ...errors import StoreError, UsageError


def bind_owner_only(path: Path) -> socket.socket:
    """Bind a stream socket there (0600, from the first moment); the caller's to listen on.

    A socket that a dead server left is replaced; StoreError when another one is alive there.
    """
    if len(os.fsencode(path)) > 107:
        raise UsageError(f"cannot listen on {path}", why="the path of a unix socket has at most 107 bytes")
    _clear(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(sock.fileno(), 0o600)  # Linux gives the file this mode when it is bound
        sock.bind(os.fspath(path))
        path.chmod(0o600)
    except OSError as error:
        sock.close()
        raise StoreError(f"cannot listen on {path}", why=error.strerror or str(error)) from error
    return sock


def unread(sock: socket.socket) -> int:
    """Return how many bytes the other side has not read yet; 0 for a closed connection, and where the system does not
    tell (Windows)."""
    try:
        import fcntl
        import termios

        count: int = struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4)))[0]
        return count
    except (ImportError, OSError, ValueError):
        return 0


def _clear(path: Path) -> None:
    """Remove a socket nobody listens on. StoreError when somebody does, or when it is no socket."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return
    if not stat.S_ISSOCK(mode):
        raise StoreError(f"cannot listen on {path}", why="a file that is no socket is there")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        try:
            probe.connect(os.fspath(path))
        except OSError:
            path.unlink(missing_ok=True)
            return
    raise StoreError(f"cannot listen on {path}", why="another server is listening there",
                     hint="stop it first, or choose another path")
