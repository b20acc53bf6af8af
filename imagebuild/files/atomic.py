# SPDX-License-Identifier: Apache-2.0
"""Write a file that is whole or not there: under another name first, then renamed into place.

While it is written its process holds it (:mod:`.liveness`), so a sweep can tell a draft in the making from one that a
killed process left. Errors come out as OSError; a room that has an error of its own for its disk translates there.
"""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path

from .liveness import hold, still_there


def write_all(fd: int, data: bytes | bytearray | memoryview) -> None:
    """Write every byte (``os.write`` may stop early)."""
    view = memoryview(data).cast("B")
    while view:
        view = view[os.write(fd, view):]


def write_whole(path: Path, data: bytes, *, temporary: Path | None = None, mode: int = 0o666,
                durable: bool = False) -> None:
    """Put a small file in place in one step; what was there before stays when that fails.

    ``temporary`` is a folder of the same file system (default: the file's own), ``mode`` what ``open`` would get.
    With ``durable`` the file and its name are on the disk when this returns. Raises OSError.
    """
    draft = Draft(temporary or path.parent, mode=mode, prefix="" if temporary else f".{path.name[:80]}.")
    try:
        draft.write(data)
        draft.keep(path, durable=durable)
    finally:
        draft.discard()


class Draft:
    """A file being written under a temporary name in ``folder``. Errors come out as OSError."""

    def __init__(self, folder: Path, *, mode: int = 0o666, prefix: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.size = 0
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        while True:
            self.path = folder / f"{prefix}{os.getpid()}-{secrets.token_hex(8)}"
            fd = os.open(self.path, flags, mode)
            hold(fd)
            if still_there(self.path, fd):
                break
            os.close(fd)  # a sweep took it for a dead process's in the moment before it was held
        self._fd: int | None = fd
        self._kept = False

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Append."""
        if self._fd is None:
            raise OSError(errno.EBADF, "already closed")
        write_all(self._fd, data)
        self.size += len(data)
        return len(data)

    def fileno(self) -> int:
        """The descriptor, open for reading and writing."""
        if self._fd is None:
            raise OSError(errno.EBADF, "already closed")
        return self._fd

    def keep(self, path: Path, *, durable: bool = False) -> None:
        """Give the file its name, replacing what had it, in one step."""
        if durable:
            os.fsync(self.fileno())
        path.parent.mkdir(parents=True, exist_ok=True)
        if os.name != "posix":
            self._close()  # Windows renames no open file; elsewhere it is held until it has its name
        self.path.replace(path)
        self._kept = True
        self._close()
        if durable and os.name == "posix":
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def discard(self) -> None:
        """Remove the file unless it was kept. Safe to call twice, never raises."""
        with suppress(OSError):
            self._close()
        if not self._kept:
            with suppress(OSError):
                self.path.unlink()

    def _close(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)
