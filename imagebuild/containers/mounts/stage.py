# SPDX-License-Identifier: Apache-2.0
"""Folders of this machine that stand in for what cannot be mounted: a single file, a folder for a remote engine."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
import time
from dataclasses import replace
from pathlib import Path, PureWindowsPath

from ...errors import UsageError
from .mount import Mount


class Staging:
    """Temporary folders, removed with :meth:`close`; one that a container still holds is tried for some seconds."""

    def __init__(self, folder: Path | None = None) -> None:
        self._parent = folder
        self._made: list[Path] = []

    def folder(self) -> Path:
        """A new empty folder that every account may enter and write."""
        if self._parent is not None:
            self._parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix="wcow-stage-", dir=self._parent))
        made.chmod(0o777)
        self._made.append(made)
        return made

    def file(self, mount: Mount) -> Mount:
        r"""A mount of one file as Windows can have it: the file alone in a folder, mounted at the target's folder.

        ``{r"C:\app\settings.json": Path("test.json")}`` becomes a folder at ``C:\app`` with ``settings.json`` in it.
        Raises UsageError where that folder would be the whole drive.
        """
        target = PureWindowsPath(mount.target)
        if target.parent == PureWindowsPath(target.anchor):
            raise UsageError(f"cannot mount the file {mount.source} at {mount.target}",
                             why="Windows mounts folders only, and this one would be the drive itself",
                             hint=rf"take a folder, like {target.anchor}app\{target.name}")
        made = self.folder()
        copy = made / target.name
        if mount.read_only or not _linked(Path(mount.source), copy):
            shutil.copy2(mount.source, copy)
            copy.chmod(stat.S_IMODE(copy.stat().st_mode) | 0o444)
        return replace(mount, source=str(made), target=str(target.parent))

    def close(self) -> tuple[Path, ...]:
        """Remove the folders. Returns those that could not be removed."""
        left = tuple(one for one in self._made if not removed(one))
        self._made.clear()
        return left


def removed(folder: Path, seconds: float = 5.0) -> bool:
    """Remove a folder, again and again: Windows holds a mounted one for a moment after its container (moby/moby#42803).
    """
    end = time.monotonic() + seconds
    while True:
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.lexists(folder):
            return True
        if time.monotonic() >= end:
            return False
        time.sleep(0.1)


def _linked(source: Path, copy: Path) -> bool:
    """Whether both names are one file now, so that what the container writes is seen in it."""
    with contextlib.suppress(OSError):
        copy.hardlink_to(source)
        return True
    return False
