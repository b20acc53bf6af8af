# SPDX-License-Identifier: Apache-2.0
"""An engine inside this process: the one of a folder if one runs there, else one in a thread that ends with its use."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ToolError
from ...files import scratch
from .lock import Lock, Running, running
from .place import check_system
from .starting import START_SECONDS, answering, starting_alone

if TYPE_CHECKING:
    from ..core import Engine

Say = Callable[[str], None]


def _quiet(_text: str) -> None:
    """Say nothing."""


@contextmanager
def inside(make: Callable[[], Engine], root: Path, *, say: Say = _quiet, patient: bool = True) -> Iterator[Running]:
    """Give the engine of a folder for the block: the one that runs or is starting there, else one that ``make`` makes
    on the loop of a thread of this process. Only the latter ends with the block, which waits for the clients of other
    processes that are connected then, unless it is not ``patient``. ``say`` gets lines of progress.

    Raises what keeps the engine from starting.
    """
    check_system()
    with scratch("wcow-run-") as folder, ExitStack() as stack:
        inner = _Inner(root, folder / "engine.sock", make, say)
        try:
            found = None
            while found is None:
                found = answering(root, time.monotonic() + START_SECONDS)
                if found is None:
                    with starting_alone(root, START_SECONDS):
                        if running(root) is None:
                            inner.start()
                elif not inner.runs and not stack.enter_context(_connected(found)):
                    found = None
            yield found
            stack.close()
            if patient:
                inner.leave()
        finally:
            inner.stop()


@contextmanager
def _connected(engine: Running) -> Iterator[bool]:
    """Keep a connection open, so that an engine which is inside another process stays; whether it came about."""
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(os.fspath(engine.socket))
        except OSError:
            yield False
        else:
            yield True


class _Inner:
    """An engine in a thread."""

    def __init__(self, root: Path, socket: Path, make: Callable[[], Engine], say: Say) -> None:
        self._root, self._socket, self._make, self._say = root, socket, make, say
        self._stop, self._leave = asyncio.Event(), asyncio.Event()
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)

    def start(self) -> None:
        """Wait until it serves; raise what keeps it from that."""
        self._loop = asyncio.new_event_loop()
        self._thread.start()
        if not self._ready.wait(START_SECONDS):
            raise ToolError("the engine did not start", program="wcow engine", why=f"it had {START_SECONDS} s")
        if self._error is not None:
            raise self._error

    @property
    def runs(self) -> bool:
        """Whether it was started."""
        return self._thread.ident is not None

    def leave(self) -> None:
        """Wait until it has served all who use it."""
        if self.runs:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._leave.set)
            self._thread.join()

    def stop(self) -> None:
        """Wait until it is gone, whoever uses it; at once when it was not started."""
        if self.runs:
            with suppress(RuntimeError):  # its loop is closed: it has ended by itself
                self._loop.call_soon_threadsafe(self._leave.set)
                self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(60)

    def _work(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
        except BaseException as error:
            self._error = error
        finally:
            self._loop.close()
            self._ready.set()

    async def _serve(self) -> None:
        from .log import LogSettings, written
        from .serve import until_stopped

        lock = Lock(self._root)
        try:
            with written(self._root, LogSettings()):
                await until_stopped(self._make, lock, self._socket, self._stop, say=self._say, ready=self._ready.set,
                                    leave=self._leave)
        finally:
            lock.close()
