# SPDX-License-Identifier: Apache-2.0
"""Work of which only so much is done at once: the rest waits, first come, first served."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..errors import Interrupted

LOOK_SECONDS = 0.2
"""How soon one that waits notices that it was given up."""


class Turns:
    """``most`` turns at once. Any thread may take one."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()
        self._taken = 0

    @contextmanager
    def taken(self, given_up: Callable[[], bool], waits: Callable[[], None]) -> Iterator[None]:
        """A turn for the time of a block. Where there is none at once, ``waits`` is called and the caller waits;
        Interrupted when ``given_up`` says so meanwhile."""
        me = object()
        with self._changed:
            self._waiting.append(me)
            at_once = self._is_next(me)
        try:
            if not at_once:
                waits()
            with self._changed:
                while not self._is_next(me):
                    if given_up():
                        raise Interrupted("given up before its turn came")
                    self._changed.wait(LOOK_SECONDS)
                self._taken += 1
        finally:
            with self._changed:
                self._waiting.remove(me)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._taken -= 1
                self._changed.notify_all()

    def _is_next(self, me: object) -> bool:
        return self._taken < self.most and self._waiting[0] is me
