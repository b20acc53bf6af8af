# SPDX-License-Identifier: Apache-2.0
"""One process at a time: a lock on a file, which the kernel takes away when its holder dies.

The lock is the one of the package ``filelock`` (``flock`` on the whole file), so both keep each other out. That package
is loaded only where the system has no ``flock``: its import takes longer than anything that is done under the lock.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import DependencyError
from .liveness import still_there

_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) \
    | getattr(os, "O_NONBLOCK", 0)
_HELD = (errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK)
_PAUSE = 0.05


@contextmanager
def locked(path: Path, seconds: float) -> Iterator[None]:
    """Hold the lock on ``path``, a file that is made when it is not there and stays.

    Raises TimeoutError when another process or thread still holds it after ``seconds``; other OSErrors as they come.
    """
    end = time.monotonic() + seconds
    while (found := _take(path)) is None:
        if time.monotonic() >= end:
            raise TimeoutError(errno.ETIMEDOUT, "another holds the lock", str(path))
        time.sleep(_PAUSE)
    if found < 0:
        with _by_package(path, end):
            yield
        return
    try:
        yield
    finally:
        os.close(found)


if sys.platform == "win32":
    def _take(path: Path) -> int | None:
        return -1
else:
    import fcntl

    def _take(path: Path) -> int | None:
        """The open file, locked; ``None`` when it is held, -1 where there is no such lock."""
        handle = os.open(path, _FLAGS, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if still_there(path, handle):
                taken, handle = handle, -1
                return taken
        except OSError as error:
            if error.errno == errno.ENOSYS:
                return -1
            if error.errno not in _HELD:
                raise
        finally:
            if handle >= 0:
                os.close(handle)
        return None


@contextmanager
def _by_package(path: Path, end: float) -> Iterator[None]:
    try:
        from filelock import FileLock, Timeout
    except ImportError:
        raise DependencyError(f"cannot lock {path}", why="the Python package filelock is missing",
                              hint="pip install filelock", package="filelock") from None
    lock = FileLock(path, timeout=max(0.0, end - time.monotonic()))
    try:
        lock.acquire()
    except Timeout:
        raise TimeoutError(errno.ETIMEDOUT, "another holds the lock", str(path)) from None
    try:
        yield
    finally:
        lock.release()
