# SPDX-License-Identifier: Apache-2.0
"""One program of a Wine box, from its start to its end."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import struct
import termios
import threading
from collections.abc import Callable
from concurrent.futures import Future

from ..port import KILLED, Keys

_CLEAR = b"\x1b[2J\x1b[H"
"""Clears a terminal, and goes to its first place."""


class WineProcess:
    """See :class:`~..port.Process`. ``terminal`` is a descriptor of its terminal, ``sizes`` one of the FIFO that
    launcher.exe reads sizes from (:mod:`.talks`), both owned from now on, or -1; ``kill`` ends the program it is
    given, ``press`` presses keys at its console."""

    def __init__(self, host_pid: int, windows_pid: int, terminal: int,
                 kill: Callable[[WineProcess], None], press: Callable[[WineProcess, Keys], None],
                 sizes: int = -1) -> None:
        self.host_pid = host_pid
        self.windows_pid = windows_pid
        self.ended: Future[int] = Future()
        self.ended.set_running_or_notify_cancel()
        self.killed = False
        self._terminal = terminal
        self._sizes = sizes
        self._kill = kill
        self._press = press
        self._lock = threading.Lock()

    def kill(self) -> None:
        """See :meth:`..port.Process.kill`."""
        self._kill(self)

    def press(self, keys: Keys) -> None:
        """See :meth:`..port.Process.press`."""
        if not self.ended.done():
            self._press(self, keys)

    def resize(self, rows: int, columns: int) -> None:
        """Set the size of the program's terminal and tell its console, which then draws all of it anew, as one of
        Windows does: until the first time it writes from where the cursor was, and cannot know where that is."""
        with self._lock:
            if self._terminal < 0:
                return
            fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            if self._sizes >= 0 and rows and columns and _takes(self._terminal):
                os.write(self._terminal, _CLEAR)
                with contextlib.suppress(BlockingIOError):  # a launcher that reads nothing any more
                    os.write(self._sizes, struct.pack("<HH", columns, rows))

    def finish(self, code: int) -> None:
        """The program has ended; of one that was killed the code says so."""
        with self._lock:
            if self._terminal >= 0:
                os.close(self._terminal)
                self._terminal = -1
            if self._sizes >= 0:
                os.close(self._sizes)
                self._sizes = -1
        self.ended.set_result(KILLED if self.killed else code & 0xFFFFFFFF)


def _takes(terminal: int) -> bool:
    """Whether a write to a terminal would not wait for one who reads."""
    poll = select.poll()
    poll.register(terminal, select.POLLOUT)
    return bool(poll.poll(0))
