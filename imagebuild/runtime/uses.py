# SPDX-License-Identifier: Apache-2.0
"""Who uses the shared folders of a sandbox, and the removal of those that nobody does.

Each version of Wine and of wcow has folders of its own beside the others': a template of some 170 MB, a layer,
compiled programs. Whoever prepares a sandbox holds, until it closes, a shared kernel lock on a mark for each that it
uses, so the next version knows what is free, however a holder ended. A folder without a mark is left alone: it was made
by a version that takes no locks, and whether that still runs cannot be known. So is one that was taken up less than a
day ago, for those who change between two versions.

All of it happens under :func:`.wine.template.locked`.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from .linux.account import Account

PATTERNS = ("template-*", "layer-*", "programs-*", "modules-*", "roots-*")
SPARED = 24 * 3600
"""Seconds for which a folder stays after it was last taken up."""
_MARKS, _GONE = "used", ".gone-"


class Uses:
    """What one sandbox uses in its home. Marks belong to ``account``, which may prepare a sandbox there by itself."""

    def __init__(self, home: Path, account: Account) -> None:
        self._home = home
        self._account = account
        self._held: list[int] = []

    def take(self, folders: Iterable[Path]) -> None:
        """Use these from now on, and no others; those that lie elsewhere (in a wheel) nobody removes. OSError."""
        self.close()
        marks = self._home / _MARKS
        marks.mkdir(exist_ok=True)
        self._account.own(marks)
        for folder in folders:
            if folder.parent == self._home:
                mark = os.open(marks / folder.name, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
                self._held.append(mark)
                self._account.own(marks / folder.name)
                fcntl.flock(mark, fcntl.LOCK_SH)
                os.utime(mark)

    def sweep(self) -> None:
        """Remove what neither we nor anybody else uses. What cannot be removed stays, and is tried again."""
        for pattern in PATTERNS:
            for folder in list(self._home.glob(pattern)):
                with suppress(OSError):  # a lock, our own too; no mark; or a disk that says no
                    self._remove(folder)
        for gone in self._home.glob(f"{_GONE}*"):
            shutil.rmtree(gone, ignore_errors=True)

    def close(self) -> None:
        """Use nothing any more. Safe to call twice."""
        for mark in self._held:
            os.close(mark)
        self._held = []

    def _remove(self, folder: Path) -> None:
        place = self._home / _MARKS / folder.name
        mark = os.open(place, os.O_RDWR | os.O_CLOEXEC)  # NFS locks for one alone only what may be written
        try:
            if time.time() - os.fstat(mark).st_mtime < SPARED:
                return
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
            folder.rename(self._home / f"{_GONE}{folder.name}")  # under its name it is whole or not there
            place.unlink()
        finally:
            os.close(mark)
