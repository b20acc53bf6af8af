# SPDX-License-Identifier: Apache-2.0
"""The engine serves: one for each folder, reachable on its socket, until a signal or its owner ends it.

:func:`serve` is a process of its own, :func:`~.inner.inside` a thread of this one; both go :func:`until_stopped`'s way.
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ... import __version__
from ..core import Engine
from .idle import ends_idle
from .lock import Lock
from .log import LogSettings, written

LOG = logging.getLogger("wcow.engine")

LEAVING_SECONDS = 0.02
"""How long an engine that its owner has left sees that it has no other clients."""

STOP_SECONDS = 25
"""An engine that is told to stop is gone after so long, whatever its threads are at: less than ``wcow engine stop``
waits."""

Say = Callable[[str], None]
Make = Callable[[], Engine]


async def serve(make: Make, root: Path, socket: Path, *, say: Say = lambda line: None,
                ready: Callable[[], None] = lambda: None, idle: float = 0, log: LogSettings | None = None) -> None:
    """Run an engine until SIGTERM or SIGINT, or until nothing ran in it and no client was connected for ``idle``
    seconds (0: for ever). ``make`` is called on the loop that it lives on, ``ready`` when it listens."""
    _more_descriptors()
    stop = asyncio.Event()
    lock = Lock(root)
    try:
        with (_temporary_files_in(root / "tmp"), written(root, log or LogSettings()), _threads_heard(),
              _gone_after(stop)):
            await until_stopped(make, lock, socket, stop, say=say, ready=ready, idle=idle,
                                signals=(signal.SIGTERM, signal.SIGINT))
            await asyncio.get_running_loop().shutdown_default_executor()  # while the folder is still ours
    finally:
        lock.close()


async def until_stopped(make: Make, lock: Lock, socket: Path, stop: asyncio.Event, *, say: Say,
                        ready: Callable[[], None], idle: float = 0, signals: Iterable[signal.Signals] = (),
                        leave: asyncio.Event | None = None) -> None:
    """Make an engine, prepare what it runs programs in, serve until ``stop`` is set, or one of ``signals`` comes, and
    close it. Signals that come before it serves end it as they end any program. When ``leave`` is set, it serves the
    clients that are connected, and ends after the last of them."""
    def told(line: str) -> None:
        LOG.info("%s", line)
        say(line)

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_unhandled)
    engine = make()
    try:
        LOG.info("starting: wcow %s, process %d", __version__, os.getpid())
        await asyncio.to_thread(engine.sandbox.prepare, told)
        engine.open()
        for number in signals:
            loop.add_signal_handler(number, stop.set)
        server = engine.server()
        try:
            socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            await server.listen_unix(socket)
            engine.containers.pipes = {"docker_engine": socket}
            lock.tell(socket, engine.settings.publish_address, idle)
            engine.containers.resume()
            LOG.info("listening on %s", socket)
            ready()
            with ends_idle(engine, server, idle, stop):
                if leave is not None:
                    await leave.wait()
                with ends_idle(None, server, LEAVING_SECONDS if leave else 0, stop):
                    await stop.wait()
            LOG.info("stopping")
        finally:
            await server.close()
    finally:  # its helpers are processes, which must not outlive it either when it cannot start
        await engine.close()


def _unhandled(_unused: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Write down what no one waits for: a task of the engine's own that failed."""
    LOG.error("%s", context.get("message", "an error"), exc_info=context.get("exception"))


@contextmanager
def _gone_after(stop: asyncio.Event) -> Iterator[None]:
    """End this process :data:`STOP_SECONDS` after ``stop`` is set, unless the block has ended: a thread cannot be ended
    from outside, and Python waits for those of its pools. What such a thread had half written is what a killed engine
    leaves, and the next one clears."""
    def end() -> None:
        LOG.error("stopped after %g s, with work that did not end", STOP_SECONDS)
        os._exit(0)

    async def watch() -> None:
        await stop.wait()
        timer.start()

    timer = threading.Timer(STOP_SECONDS, end)
    timer.daemon = True
    watching = asyncio.get_running_loop().create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
        timer.cancel()


@contextmanager
def _threads_heard() -> Iterator[None]:
    """Write down what ends a thread of this process; Python would write its message, too."""
    before = threading.excepthook
    threading.excepthook = lambda args: LOG.error("a thread ended", exc_info=args.exc_value)
    try:
        yield
    finally:
        threading.excepthook = before


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
    _unused, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
