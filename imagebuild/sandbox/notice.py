# SPDX-License-Identifier: Apache-2.0
"""Waiting until a file is written to, without asking again and again.

inotify knows the file, not its path: it notices a write through any mount and by any process, so also those of a box.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import time
from types import TracebackType

# sys/inotify.h
_MODIFY = 0x2
_CLOEXEC_NONBLOCK = os.O_CLOEXEC | os.O_NONBLOCK

_PAUSE = 0.01
"""Seconds between two looks where there is no inotify (an account may have 128 at a time), and after a write before the
next is waited for: a hostile program may write again and again."""

_libc = ctypes.CDLL(None, use_errno=True)


class Notice:
    """Notices writes to the file of an open descriptor, from its making on; a context manager."""

    def __init__(self, descriptor: int) -> None:
        self._inotify = _libc.inotify_init1(_CLOEXEC_NONBLOCK)
        if self._inotify >= 0 and _libc.inotify_add_watch(self._inotify, f"/proc/self/fd/{descriptor}".encode(),
                                                          _MODIFY) < 0:
            os.close(self._inotify)
            self._inotify = -1
        self._noticed = False

    def __enter__(self) -> Notice:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:
        if self._inotify >= 0:
            os.close(self._inotify)

    def wait(self, seconds: float, *ends: int) -> None:
        """Return after a write, when one of the descriptors ``ends`` (pidfds) can be read, or after this time; at times
        for nothing: the caller looks at the file and may wait again."""
        if self._inotify < 0 or self._noticed:
            time.sleep(max(0, min(seconds, _PAUSE)))
        if self._inotify < 0:
            return
        poll = select.poll()
        for descriptor in (self._inotify, *ends):
            poll.register(descriptor, select.POLLIN)
        poll.poll(max(seconds, 0) * 1000)
        with contextlib.suppress(BlockingIOError):  # it was one of the ends, or the time
            os.read(self._inotify, 4096)
            self._noticed = True


def ended(pidfd: int) -> bool:
    """Whether the process of this pidfd is over."""
    poll = select.poll()  # select() knows the first 1024 descriptors only
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(0))
