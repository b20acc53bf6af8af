# SPDX-License-Identifier: Apache-2.0
"""Streams to an engine that are ready before they are asked for: to open one takes several round trips, to use one
none."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from ...errors import HostError, WcowError
from ..engine import EngineStream

STREAMS = 24
"""Streams at once: a user has 30 shells on Windows (MaxShellsPerUser), and others need some."""
WAIT = 60.0
"""Seconds to wait for one of them."""
PAUSE = 2.0
"""Seconds before streams are made ready again after that failed."""


class Pool:
    """Streams to one engine, for many threads. ``warm`` are kept ready."""

    def __init__(self, dial: Callable[[], EngineStream], *, warm: int = 2, most: int = STREAMS) -> None:
        self._dial = dial
        self._warm = warm
        self._idle: list[EngineStream] = []
        self._left = most
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._fill, name="tunnel-pool", daemon=True)
        self.opened = 0  #: streams that were opened so far

    def start(self) -> None:
        """Begin to make streams ready."""
        self._thread.start()

    def give_first(self, stream: EngineStream) -> None:
        """Take in a stream that was opened elsewhere, to see that it works."""
        with self._changed:
            self._left -= 1
            self.opened += 1
            self._idle.append(stream)

    def take(self) -> EngineStream:
        """A stream that is ready, else a new one. HostError when none can be had."""
        with self._changed:
            end = time.monotonic() + WAIT
            while True:
                while self._idle:
                    found = self._idle.pop()
                    if not found.readable():  # nothing was asked: what says something has ended, or is out of step
                        self._changed.notify_all()
                        return found
                    self._left += 1
                    _close(found)
                if self._left:
                    self._left -= 1
                    break
                left = end - time.monotonic()
                if left <= 0:
                    raise HostError("the tunnel is full", temporary=True, why=f"all its streams were busy for {WAIT:g} "
                                    "seconds", hint="fewer clients at once, or another tunnel")
                self._changed.wait(left)
        try:
            return self._opened()
        except BaseException:
            with self._changed:
                self._left += 1
                self._changed.notify_all()
            raise

    def give(self, stream: EngineStream, *, reusable: bool) -> None:
        """Done with a stream; ``reusable`` is whether nothing on it is unfinished."""
        with self._changed:
            keep = reusable and not self._closed and not stream.readable() and len(self._idle) < max(self._warm, 1) * 2
            if keep:
                self._idle.append(stream)
            else:
                self._left += 1
            self._changed.notify_all()
        if not keep:
            _close(stream)

    def forget(self) -> None:
        """Close those that are idle: one of them broke, and what broke it may have met all."""
        with self._changed:
            idle, self._idle = self._idle, []
            self._left += len(idle)
            self._changed.notify_all()
        for stream in idle:
            _close(stream)

    def close(self) -> None:
        """Close those that are idle; those in use are closed when they are given back."""
        with self._changed:
            self._closed = True
            idle, self._idle = self._idle, []
            self._changed.notify_all()
        for stream in idle:
            _close(stream)
        if self._thread.is_alive():
            self._thread.join(5)

    def _opened(self) -> EngineStream:
        self.opened += 1
        return self._dial()

    def _fill(self) -> None:
        while True:
            with self._changed:
                while not self._closed and (len(self._idle) >= self._warm or not self._left):
                    self._changed.wait()
                if self._closed:
                    return
                self._left -= 1
            try:
                stream = self._opened()
            except (WcowError, OSError):  # whoever needs one will be told
                with self._changed:
                    self._left += 1
                    if not self._closed:
                        self._changed.wait(PAUSE)
                continue
            with self._changed:
                if self._closed:
                    _close(stream)
                    return
                self._idle.append(stream)
                self._changed.notify_all()


def _close(stream: EngineStream) -> None:
    with suppress(OSError):  # an idle connection that broke is closed
        stream.close()
