# SPDX-License-Identifier: Apache-2.0
"""One program of a Wine box, from its start to its end."""

from __future__ import annotations

import fcntl
import os
import struct
import termios
import threading
from collections.abc import Callable
from concurrent.futures import Future

from .port import KILLED


class WineProcess:
    """See :class:`~.port.Process`. ``terminal`` is a descriptor of its terminal, owned from now on, or -1; ``kill``
    ends the program it is given."""

    def __init__(self, host_pid: int, windows_pid: int, terminal: int,
                 kill: Callable[[WineProcess], None]) -> None:
        self.host_pid = host_pid
        self.windows_pid = windows_pid
        self.ended: Future[int] = Future()
        self.ended.set_running_or_notify_cancel()
        self.killed = False
        self._terminal = terminal
        self._kill = kill
        self._lock = threading.Lock()

    def kill(self) -> None:
        """See :meth:`.port.Process.kill`."""
        if not self.ended.done():
            self._kill(self)

    def resize(self, rows: int, columns: int) -> None:
        """Set the size of the program's terminal; the kernel tells Wine."""
        with self._lock:
            if self._terminal >= 0:
                fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def finish(self, code: int) -> None:
        """The program has ended; of one that was killed the code says so."""
        with self._lock:
            if self._terminal >= 0:
                os.close(self._terminal)
                self._terminal = -1
        self.ended.set_result(KILLED if self.killed else code & 0xFFFFFFFF)
