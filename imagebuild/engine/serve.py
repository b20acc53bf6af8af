# SPDX-License-Identifier: Apache-2.0
"""The engine as a process: one for each folder, reachable on its socket, ended by a signal."""

from __future__ import annotations

import asyncio
import fcntl
import os
import resource
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import StoreError
from . import modes
from .core import Engine
from .files import read_document, write_document

Say = Callable[[str], None]

TRIES, PAUSE = 20, 0.01


@dataclass(frozen=True, slots=True)
class Running:
    """An engine that runs: its process, its socket, and where it publishes ports that nobody gave an address."""

    pid: int
    socket: Path
    publish_address: str = ""


class Lock:
    """Held by the one engine of a folder. A kernel lock: it is gone when its process is, however that ends."""

    def __init__(self, root: Path) -> None:
        modes.claim(root)
        self._root = root
        self._file = os.open(root / "engine.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        for _ in range(TRIES):  # whoever asks whether an engine runs holds the lock for a moment, too
            with suppress(OSError):
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(PAUSE)
        else:
            os.close(self._file)
            found = running(root)
            raise StoreError(f"cannot start an engine in {root}",
                             why=f"one runs there already (process {found.pid})" if found and found.pid else
                             "one runs there already", hint="'wcow engine stop' ends it")
        with suppress(OSError):  # of an engine that was killed: nobody must take it for this one
            (root / "running.json").unlink()

    def tell(self, socket: Path, publish_address: str) -> None:
        """Say where this engine is, and where its ports are."""
        write_document(self._root / "running.json", {"pid": os.getpid(), "socket": str(socket),
                                                     "publish_address": publish_address})

    def close(self) -> None:
        """Let go."""
        with suppress(OSError):
            (self._root / "running.json").unlink()
        os.close(self._file)


def running(root: Path) -> Running | None:
    """The engine of a folder, when one runs; process 0 while it starts."""
    try:
        file = os.open(root / "engine.lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two who ask do not take each other for it
    except OSError:
        document = read_document(root / "running.json")
        if isinstance(document, dict) and isinstance(document.get("pid"), int):
            return Running(document["pid"], Path(str(document.get("socket", ""))),
                           str(document.get("publish_address", "")))
        return Running(0, Path())
    finally:
        os.close(file)
    return None


async def serve(make: Callable[[], Engine], root: Path, socket: Path, *, say: Say = lambda line: None) -> None:
    """Run an engine until SIGTERM or SIGINT. ``make`` is called on the loop that it lives on."""
    _more_descriptors()
    lock = Lock(root)
    try:
        with _temporary_files_in(root / "tmp"):
            await _serve(make, lock, socket, say)
    finally:
        lock.close()


async def _serve(make: Callable[[], Engine], lock: Lock, socket: Path, say: Say) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    engine = make()
    try:
        await asyncio.to_thread(engine.sandbox.prepare, say)
        engine.open()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        server = engine.server()
        try:
            socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            await server.listen_unix(socket)
            lock.tell(socket, engine.settings.publish_address)
            engine.containers.resume()
            say(f"listening on {socket}")
            await stop.wait()
            say("stopping")
        finally:
            await server.close()
    finally:  # its helpers are processes, which must not outlive it either when it cannot start
        await engine.close()


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    """Let this process and its children write temporary files (a build's context may have gigabytes) where the next
    engine removes them, however this one ends; moby does so, too (``daemon/daemon.go`` prepareTempDir)."""
    before, os.environ["TMPDIR"] = os.environ.get("TMPDIR"), str(folder)
    tempfile.tempdir = None  # looked up again
    try:
        yield
    finally:
        tempfile.tempdir = None
        del os.environ["TMPDIR"]
        if before is not None:
            os.environ["TMPDIR"] = before


def _more_descriptors() -> None:
    """Take as many descriptors as this process may have: each container needs some ten, and 1024 is what most shells
    begin with."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
