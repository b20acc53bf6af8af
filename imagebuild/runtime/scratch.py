# SPDX-License-Identifier: Apache-2.0
"""Folders that appear only when they are whole, made by any number of processes, of which any may be killed."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import StoreError
from .snapshots.overlay import remove_path

SUFFIX = ".unpacking"


@dataclass(slots=True)
class Place:
    """A folder in the making: fill ``path``, then :meth:`keep`."""

    path: Path
    final: Path
    kept: bool = field(default=False, init=False)

    def keep(self) -> bool:
        """Give it its name; false when another was quicker, whose folder then stands."""
        try:
            self.path.rename(self.final)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise StoreError(f"cannot make {self.final}", why=error.strerror or str(error), code=error.errno,
                                 path=str(self.final)) from error
            return False
        self.kept = True
        return True


@contextmanager
def made_whole(final: Path, owner: int | None = None) -> Iterator[Place]:
    """A new folder beside ``final``; unless it was kept it is removed in the end, and so are those of the dead."""
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        sweep(final.parent)
        place, lock = _begin(final, owner)
    except OSError as error:
        raise StoreError(f"cannot make {final}", why=error.strerror or str(error), code=error.errno,
                         path=str(final)) from error
    try:
        yield place
    finally:
        if not place.kept:
            _clear(place.path)
        os.close(lock)


def sweep(parent: Path) -> None:
    """Remove the unfinished folders of processes that are gone: nobody holds their locks."""
    try:
        paths = [path for path in parent.iterdir() if path.name.startswith(".") and path.name.endswith(SUFFIX)]
    except FileNotFoundError:
        return
    for path in paths:
        try:
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue  # somebody is at work
        else:
            _clear(path)
        finally:
            os.close(lock)


def _begin(final: Path, owner: int | None) -> tuple[Place, int]:
    while True:
        path = final.parent / f".{final.name}.{os.getpid()}.{secrets.token_hex(4)}{SUFFIX}"
        path.mkdir(mode=0o755)
        try:
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            continue  # swept before it was locked
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.fstat(lock).st_nlink:
            os.fchmod(lock, 0o755)
            if owner is not None and owner != os.geteuid():
                os.fchown(lock, owner, owner)
            return Place(path, final), lock
        os.close(lock)


def _clear(path: Path) -> None:
    with suppress(FileNotFoundError):  # another process swept it meanwhile
        remove_path(path)
