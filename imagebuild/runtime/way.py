# SPDX-License-Identifier: Apache-2.0
"""Opens folders of a tree one after another, at a cost that grows as the tree does, however deep it is.

A folder is opened name by name from the root, so a walk over n folders in one another would open n²/2. Here some of the
folders on the way to a deep one stay open, and the next way begins at the last of them that it has in common. None is
ever reached in another way than from its parent, and none through a link.
"""

from __future__ import annotations

import errno
import os
import weakref
from collections import OrderedDict
from pathlib import Path

from .descent import OPEN_FOLDER

STEP = 64
"""Of so many folders in one another one stays open; trees that are less deep are opened from their root."""
MOST = 64
"""So many stay open at most, those that were used last."""
Kept = OrderedDict[tuple[Path, tuple[str, ...]], int]


class Way:
    """The open folders of one walk. Not for two threads at a time; they are closed with it."""

    def __init__(self) -> None:
        self._kept: Kept = OrderedDict()
        weakref.finalize(self, _close, self._kept)

    def begin(self, root: Path, parts: tuple[str, ...]) -> tuple[int, int]:
        """A descriptor of a folder on the way to ``parts``, the caller's to close, and how many names lead to it.
        OSError."""
        at = len(parts) // STEP * STEP
        while at:
            known = self._kept.get((root, parts[:at]))
            if known is not None and os.fstat(known).st_nlink:
                self._kept.move_to_end((root, parts[:at]))
                return os.open(".", OPEN_FOLDER, dir_fd=known), at
            if known is not None:  # it was removed
                os.close(self._kept.pop((root, parts[:at])))
            at -= STEP
        return _open_root(root), 0

    def passed(self, root: Path, parts: tuple[str, ...], at: int, number: int) -> None:
        """The folder that ``at`` of the names lead to is open as ``number``."""
        if at % STEP or not at or (root, parts[:at]) in self._kept:
            return
        self._kept[root, parts[:at]] = os.dup(number)
        while len(self._kept) > MOST:
            os.close(self._kept.popitem(last=False)[1])

    def forget(self) -> None:
        """Begin at the root again: something may have come in a folder's place."""
        _close(self._kept)


def open_below(root: Path, parts: tuple[str, ...], way: Way | None = None) -> int | None:
    """The folder at ``parts``, the caller's to close; ``None`` where there is none (a link is none). OSError."""
    try:
        here, at = way.begin(root, parts) if way else (_open_root(root), 0)
    except (FileNotFoundError, NotADirectoryError):
        return None
    while at < len(parts):
        try:
            there = os.open(parts[at], OPEN_FOLDER, dir_fd=here)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG):
                return None
            raise
        finally:
            os.close(here)
        here, at = there, at + 1
        if way and at % STEP == 0:
            way.passed(root, parts, at, here)
    return here


def _open_root(root: Path) -> int:
    return os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _close(kept: Kept) -> None:
    while kept:
        os.close(kept.popitem()[1])
