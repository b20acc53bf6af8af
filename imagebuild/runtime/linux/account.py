# SPDX-License-Identifier: Apache-2.0
"""Who boxes run as on this machine: never root.

Started by root, even a sandbox without capabilities may write ``/proc/sys/kernel/core_pattern``, because the kernel
asks for the machine's user id 0 there. So a root daemon gives its id up before bubblewrap starts, for an account that
owns the sandbox's folders.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAMES = ("wcow", "nobody")
"""The accounts that root takes when it was told none, the first that exists."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user and a group id of this machine; ``drop`` where we are root and have to become it."""

    uid: int
    gid: int
    drop: bool

    def popen(self) -> dict[str, Any]:
        """Keyword arguments of ``subprocess.Popen`` that start a program as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.drop else {}

    def own(self, path: Path | str, parent: int | None = None) -> None:
        """Make a file or folder that we have just made the account's (not what it points at); ``path`` starts at the
        open folder ``parent``."""
        if self.drop:
            os.chown(path, self.uid, self.gid, dir_fd=parent, follow_symlinks=False)

    @contextmanager
    def acting(self) -> Iterator[None]:
        """Make the file calls of this thread as the account for the block, under the kernel's checks for it; those of
        other threads stay as they are, but one that is begun in the block has the account's. OSError when the kernel
        does not let us."""
        if not self.drop:
            yield
            return
        system = ctypes.CDLL(None)  # unlike setresuid, these two are of one thread, for glibc as for the kernel
        try:
            system.setfsgid(self.gid)
            system.setfsuid(self.uid)
            if system.setfsuid(-1) != self.uid:
                raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
            yield
        finally:
            system.setfsuid(os.geteuid())
            system.setfsgid(os.getegid())

    def reaches(self, path: Path) -> Path | None:
        """The first folder on the way to ``path`` that the account may not enter; ``None``: all well."""
        if not self.drop:
            return None
        for folder in reversed([path, *path.parents]):
            try:
                about = folder.stat()
            except OSError:
                return folder
            mine = 0o100 if about.st_uid == self.uid else 0o010 if about.st_gid == self.gid else 0o001
            if not about.st_mode & mine:
                return folder
        return None


def choose(uid: int | None = None) -> Account:
    """The account of boxes: ourselves, or, when we are root, ``uid`` or the first of :data:`NAMES`."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), False)
    import pwd  # here, so that Windows can load what only names an account

    if uid:
        try:
            return Account(uid, pwd.getpwuid(uid).pw_gid, True)
        except KeyError:
            return Account(uid, uid, True)
    for name in NAMES:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        if found.pw_uid:
            return Account(found.pw_uid, found.pw_gid, True)
    return Account(65534, 65534, True)
