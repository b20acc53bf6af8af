# SPDX-License-Identifier: Apache-2.0
"""The engine as a process: one for each folder, reachable on its socket, ended by a signal."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import StoreError
from .core import Engine
from .files import read_document, write_document

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Running:
    """An engine that runs: its process and its socket."""

    pid: int
    socket: Path


class Lock:
    """Held by the one engine of a folder. A kernel lock: it is gone when its process is, however that ends."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._root = root
        self._file = os.open(root / "engine.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            found = running(root)
            raise StoreError(f"cannot start an engine in {root}",
                             why=f"one runs there already (process {found.pid})" if found else "one runs there already",
                             hint="'wcow engine stop' ends it") from None

    def tell(self, socket: Path) -> None:
        """Say where this engine is."""
        write_document(self._root / "running.json", {"pid": os.getpid(), "socket": str(socket)})

    def close(self) -> None:
        """Let go."""
        with suppress(OSError):
            (self._root / "running.json").unlink()
        os.close(self._file)


def running(root: Path) -> Running | None:
    """The engine of a folder, when one runs."""
    try:
        file = os.open(root / "engine.lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        document = read_document(root / "running.json")
        if isinstance(document, dict) and isinstance(document.get("pid"), int):
            return Running(document["pid"], Path(str(document.get("socket", ""))))
        return Running(0, Path())
    finally:
        os.close(file)
    return None


async def serve(make: Callable[[], Engine], root: Path, socket: Path, *, say: Say = lambda line: None) -> None:
    """Run an engine until SIGTERM or SIGINT. ``make`` is called on the loop that it lives on."""
    lock = Lock(root)
    try:
        engine = make()
        await asyncio.to_thread(engine.sandbox.prepare, say)
        engine.open()
        server = engine.server()
        socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        await server.listen_unix(socket)
        lock.tell(socket)
        say(f"listening on {socket}")
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await stop.wait()
        say("stopping")
        await server.close()
        await engine.close()
    finally:
        lock.close()
