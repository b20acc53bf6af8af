# SPDX-License-Identifier: Apache-2.0
"""The engine serves: one for each folder, reachable on its socket, until a signal or its owner ends it.

:func:`serve` is a process of its own, :func:`~.inner.inside` a thread of this one; both go :func:`until_stopped`'s way.
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .core import Engine
from .idle import ends_idle
from .lock import Lock

Say = Callable[[str], None]
Make = Callable[[], Engine]


async def serve(make: Make, root: Path, socket: Path, *, say: Say = lambda line: None,
                ready: Callable[[], None] = lambda: None, idle: float = 0) -> None:
    """Run an engine until SIGTERM or SIGINT, or until nothing ran in it and no client was connected for ``idle``
    seconds (0: for ever). ``make`` is called on the loop that it lives on, ``ready`` when it listens."""
    _more_descriptors()
    stop = asyncio.Event()
    lock = Lock(root)
    try:
        with _temporary_files_in(root / "tmp"):
            await until_stopped(make, lock, socket, stop, say=say, ready=ready, idle=idle,
                                signals=(signal.SIGTERM, signal.SIGINT))
    finally:
        lock.close()


async def until_stopped(make: Make, lock: Lock, socket: Path, stop: asyncio.Event, *, say: Say,
                        ready: Callable[[], None], idle: float = 0, signals: Iterable[signal.Signals] = ()) -> None:
    """Make an engine, prepare what it runs programs in, serve until ``stop`` is set, or one of ``signals`` comes, and
    close it. Signals that come before it serves end it as they end any program."""
    engine = make()
    try:
        await asyncio.to_thread(engine.sandbox.prepare, say)
        engine.open()
        for number in signals:
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        server = engine.server()
        try:
            socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            await server.listen_unix(socket)
            lock.tell(socket, engine.settings.publish_address, idle)
            engine.containers.resume()
            ready()
            with ends_idle(engine, server, idle, stop):
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
