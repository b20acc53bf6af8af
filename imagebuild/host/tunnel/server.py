# SPDX-License-Identifier: Apache-2.0
"""A local socket on which any Docker client finds the engine of a host."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import threading
from collections.abc import Callable
from pathlib import Path

from ...dockerapi.http.sockets import bind_owner_only
from ...errors import StoreError, UnsupportedError
from ...files import runtime_folder
from ..engine import Dialer
from .exchange import Client
from .pool import Pool


def _quiet(line: str) -> None:
    pass


class Tunnel:
    """Serves a unix socket until it is closed. ``say`` hears of requests that were lost, or asked again.

    The socket is its owner's alone. StoreError when another server listens there; HostError when no way leads to the
    engine.
    """

    def __init__(self, dialer: Dialer, path: Path, *, say: Callable[[str], None] = _quiet, name: str = "",
                 warm: int = 2) -> None:
        self.path = path
        self.address = f"unix://{path}"
        self._dialer = dialer
        self._say = say
        self._name = name
        self._pool = Pool(dialer.dial, warm=warm)
        self._socket: socket.socket | None = None
        self._inode = 0
        self._lock = threading.Lock()
        self._clients: dict[Client, threading.Thread] = {}
        self._thread = threading.Thread(target=self._accept, name="tunnel-accept", daemon=True)

    def start(self) -> None:
        """Connect once, to see that it works, and listen."""
        if not hasattr(socket, "AF_UNIX"):
            raise UnsupportedError("cannot open a tunnel here", why="Python has no Unix sockets on Windows",
                                   hint="'wcow tunnel' runs on Linux and macOS; docker -H ssh://… works on Windows")
        self._pool.give_first(self._dialer.probed())
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._socket = bind_owner_only(self.path)
        self._inode = self.path.lstat().st_ino
        self._socket.listen(128)
        self._pool.start()
        self._thread.start()

    @property
    def way(self) -> str:
        """How the engine is reached, with why no better way was taken."""
        way = self._dialer.way.name if self._dialer.way else ""
        return f"{way} ({'; '.join(self._dialer.reasons)})" if self._dialer.reasons else way

    @property
    def clients(self) -> int:
        """How many clients are connected."""
        with self._lock:
            return len(self._clients)

    def close(self) -> None:
        """Stop listening, end all connections. Safe to call twice."""
        sock, self._socket = self._socket, None
        if sock is not None:
            with contextlib.suppress(OSError):
                if self.path.lstat().st_ino == self._inode:
                    self.path.unlink()
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)  # wakes accept
            sock.close()
            self._thread.join(5)
        with self._lock:
            clients = dict(self._clients)
        for client in clients:
            client.close()
        for thread in clients.values():
            thread.join(5)
        self._pool.close()

    def __enter__(self) -> Tunnel:
        self.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self.close()

    def _accept(self) -> None:
        while (sock := self._socket) is not None:
            try:
                one, _unused = sock.accept()
            except OSError:  # the listener was closed: the tunnel ends
                return
            client = Client(one, self._pool, self._say, self._name)
            thread = threading.Thread(target=self._serve, args=(client,), name="tunnel-client", daemon=True)
            with self._lock:
                self._clients[client] = thread
            thread.start()

    def _serve(self, client: Client) -> None:
        try:
            client.serve()
        finally:
            with self._lock:
                self._clients.pop(client, None)


def usual_path(name: str) -> Path:
    """Where a tunnel to the host of this name listens, when the user does not say: in a folder that is the user's
    alone. StoreError when another user has made it."""
    folder = runtime_folder()
    for one in (folder.parent, folder):
        one.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = one.lstat()
        if hasattr(os, "geteuid") and (found.st_uid != os.geteuid() or found.st_mode & 0o022
                                       or not stat.S_ISDIR(found.st_mode)):
            raise StoreError(f"cannot listen in {folder}", why=f"{one} is not a folder that only you can write to",
                             hint="--socket PATH names another place, XDG_RUNTIME_DIR another folder")
    return folder / f"tunnel-{''.join(char if char.isalnum() or char in '.-' else '_' for char in name)[:40]}.sock"
