# SPDX-License-Identifier: Apache-2.0
"""Seconds that something may take, and what happens then: its connection is closed under it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from ..errors import DaemonError


class DeadlineError(DaemonError):
    """Something took longer than it may; ``seconds`` is how long it had."""

    seconds: float

    def __init__(self, what: str, seconds: float, *, why: str = "", hint: str = "") -> None:
        super().__init__(what, status=0, why=why or f"it had {seconds:g} s", hint=hint, seconds=seconds)


class Closable(Protocol):
    """What can be closed while another thread waits for it."""

    def close(self) -> None:
        """End it."""


class Deadline:
    """A moment, ``seconds`` from when this is made."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds until then, never below 0."""
        return max(0.0, self._end - time.monotonic())

    @property
    def over(self) -> bool:
        """Whether it has passed."""
        return time.monotonic() >= self._end

    @contextmanager
    def closing(self, connection: Closable, what: str) -> Iterator[None]:
        """Close the connection at that moment when the block has not ended. Raises DeadlineError then, whatever the
        block made of the connection's end."""
        passed = threading.Event()

        def end() -> None:
            passed.set()
            connection.close()

        timer = threading.Timer(self.left, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        except Exception as error:
            if passed.is_set():
                raise DeadlineError(what, self.seconds) from error
            raise
        finally:
            timer.cancel()
        if passed.is_set():
            raise DeadlineError(what, self.seconds)
