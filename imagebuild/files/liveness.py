# SPDX-License-Identifier: Apache-2.0
"""A sign of life on a file: its writer holds a lock on it, which the kernel takes away when the process dies.

Unlike a process number in a name, this cannot mean another process, is true across containers that share a folder, and
needs no clock. Where a file system has no locks, its age has to do.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

STALE_SECONDS = 24 * 3600
"""Where locks do not work: a temporary file that was not written to for this long belongs to a process that is gone."""

_FAR = 1 << 40  # Windows locks ranges of bytes, and keeps others from reading them: one that no file has


def hold(fd: int, *, shared: bool = False) -> None:
    """Show that the process that has ``fd`` open lives, until it closes it. With ``shared`` any number of processes do
    so at once; without, one waits for the other. Best effort: never raises."""
    with suppress(OSError):
        _lock(fd, wait=True, shared=shared)


def abandoned(path: Path, *, now: float | None = None) -> bool:
    """Whether a file that was held is held no more. Never raises; False when in doubt."""
    try:
        fd = os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return False
    try:
        _lock(fd, wait=False, shared=False)  # several may hold it; that another process asks is a doubt, too
    except BlockingIOError:
        return False
    except OSError:
        age = (time.time() if now is None else now) - os.fstat(fd).st_mtime
        return age > STALE_SECONDS
    finally:
        os.close(fd)
    return True


def still_there(path: Path, fd: int) -> bool:
    """Whether ``path`` is still the file that is open as ``fd``: it may have been swept before it was held."""
    with suppress(OSError):
        return os.path.samestat(path.stat(), os.fstat(fd))
    return False


if sys.platform == "win32":
    import msvcrt

    def _lock(fd: int, *, wait: bool, shared: bool) -> None:
        at = os.lseek(fd, 0, os.SEEK_CUR)
        os.lseek(fd, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(fd, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(error.errno, error.strerror) from error
        finally:
            os.lseek(fd, at, os.SEEK_SET)
else:
    import fcntl

    def _lock(fd: int, *, wait: bool, shared: bool) -> None:
        # flock, not lockf: closing another descriptor of the same file must not give the lock away.
        fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
