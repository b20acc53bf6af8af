# SPDX-License-Identifier: Apache-2.0
"""Drive ``C:`` as a folder of this machine: that of a box whose folders are mounted into other boxes.

An overlay's files have no other place that could be mounted: its upper folder must not change behind its back
(Linux ``Documentation/filesystems/overlayfs.rst``, "Changes to underlying filesystems"). So only ``C:\\Windows``, which
is large, is an overlay in such a box; all else of the layers, some megabytes, is copied once.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path

from ..linux.account import Account
from .overlay import remove_path

WINDOWS = "windows"
"""How the folder is spelt in every layer (:mod:`..spelling`)."""


def below(lowers: Iterable[Path]) -> tuple[Path, ...]:
    """The folders that hold ``C:\\Windows`` in layers."""
    return tuple(lower / WINDOWS for lower in lowers if (lower / WINDOWS).is_dir())


def make(drive: Path, folder: Path, lowers: Iterable[Path], account: Account) -> None:
    """Make the drive where it is missing, with what the layers have, lowest first, and the upper folder for
    ``C:\\Windows`` in the box's ``folder``. OSError."""
    upper = folder / "upper" / WINDOWS
    if not upper.is_dir():
        upper.mkdir()
        account.own(upper)
    if drive.is_dir():
        return
    new = drive.with_name(f"{drive.name}.new")
    remove_path(new)
    new.mkdir(0o700, parents=True)
    account.own(new)
    for lower in lowers:
        _copy(lower, new, account, top=True)
    (new / WINDOWS).mkdir()
    account.own(new / WINDOWS)
    new.rename(drive)


def _copy(source: Path, target: Path, account: Account, *, top: bool = False) -> None:
    with os.scandir(source) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        if top and entry.name == WINDOWS:
            continue
        place, about = target / entry.name, entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(about.st_mode):
            if not place.is_dir():
                remove_path(place)
                place.mkdir()
                account.own(place)
            _copy(Path(entry.path), place, account)
            continue
        remove_path(place)
        if entry.is_symlink():
            place.symlink_to(Path(entry.path).readlink())
        elif stat.S_ISREG(about.st_mode):
            shutil.copyfile(entry.path, place)
            place.chmod(0o644)
        else:
            continue  # the mark of a removed file: it is gone now
        os.utime(place, ns=(about.st_atime_ns, about.st_mtime_ns), follow_symlinks=False)
        account.own(place)
