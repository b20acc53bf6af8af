# SPDX-License-Identifier: Apache-2.0
"""A box ends with its first program and with its wineserver, whatever else runs in it.

Both are children of process 1. Without the first program process 1 ends by itself, unless a hostile program stops it.
Without wineserver (a memory limit killed it, say) no program of Windows goes on and none ends: each waits for an answer
that does not come.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .starter import Watcher

GRACE = 2
"""Seconds that a box has to end by itself, when one of the two has ended."""

_SERVERS = ("wineserver64", "wineserver")


class Vital:
    """Watches the two processes of one box; ``kill`` ends the box, from a thread of its own."""

    def __init__(self, watcher: Watcher, kill: Callable[[], None]) -> None:
        self._watcher = watcher
        self._kill = kill
        self._lock = threading.Lock()
        self._over = False
        self._timer: threading.Timer | None = None

    def watch(self, init_pid: int, proc: Path = Path("/proc")) -> None:
        """Begin, when the first program runs. A kernel that does not list children leaves stop and kill to end the
        box."""
        try:
            children = (proc / f"{init_pid}/task/{init_pid}/children").read_text().split()
        except OSError:
            return
        for number, child in enumerate(children):
            with suppress(OSError, ValueError):  # it has ended, and another watch will say so
                if not number or (proc / child / "comm").read_text().strip() in _SERVERS:
                    self._watch(os.pidfd_open(int(child)))

    def over(self) -> None:
        """The box has ended."""
        with self._lock:
            self._over = True
            if self._timer:
                self._timer.cancel()

    def _watch(self, pidfd: int) -> None:
        def ended() -> None:
            os.close(pidfd)
            with self._lock:
                if self._over or self._timer:
                    return
                self._timer = threading.Timer(GRACE, self._kill)
                self._timer.daemon = True
                self._timer.start()

        self._watcher.watch(pidfd, ended)
