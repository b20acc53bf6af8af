# SPDX-License-Identifier: Apache-2.0
"""Where a mount's source is on this machine: a Windows path below a drive's folder, or a path of this machine as it is.

A Windows path is found without regard to case, and never outside the folder of its drive: each component is opened
from the one before, and a symlink counts from that folder, as if it were the root (openat2's ``RESOLVE_IN_ROOT``).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..windows.upcase import fold

MAX_LINKS = 40
"""Symlinks in one path, as the kernel counts them."""

LONG = "\\\\?\\"
"""The prefix of long paths; it changes nothing here."""


@dataclass(frozen=True, slots=True)
class Place:
    """Something that is there: its path on this machine, free of symlinks below a drive, and whether it is a folder."""

    path: Path
    is_folder: bool


@dataclass(frozen=True, slots=True)
class HostPaths:
    """The machine as mounts see it: ``drives`` maps a letter to the folder that stands for that drive."""

    drives: Mapping[str, Path] = field(default_factory=dict)

    def find(self, source: str) -> Place | None:
        """What a source names: ``C:\\test``, ``c:/test``, ``\\\\?\\C:\\test``, ``/srv/test``; ``None`` when nothing is
        there. PermissionError when this machine does not let us look."""
        try:
            if is_native(source):
                return Place(Path(source), stat.S_ISDIR(os.stat(source).st_mode))  # noqa: PTH116
            letter, parts = _split(source)
            root = next((folder for name, folder in self.drives.items() if name[:1].upper() == letter), None)
            return None if root is None else find_below(root, parts)
        except PermissionError:
            raise
        except (OSError, ValueError):  # too long, a loop, a NUL, half a character: nothing has such a name
            return None


def is_native(source: str) -> bool:
    """Whether a source is a path of this machine, ``/srv/data``. No path of Windows begins so: ``//`` begins a pipe."""
    return source.startswith("/") and not source.startswith("//")


def find_below(root: Path, parts: Iterable[str]) -> Place | None:
    """Follow components from a folder without leaving it, each exactly or else in another case. OSError passes."""
    pending = [*reversed(list(parts))]
    names: list[str] = []
    open_folders = [os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)]
    links = 0
    try:
        while pending:
            part = pending.pop()
            if part in ("", "."):
                continue
            if part == "..":
                if names:
                    names.pop()
                    os.close(open_folders.pop())
                continue
            name = _entry(open_folders[-1], part)
            if name is None:
                return None
            mode = os.stat(name, dir_fd=open_folders[-1], follow_symlinks=False).st_mode
            if stat.S_ISLNK(mode):
                links += 1
                if links > MAX_LINKS:
                    return None
                target = os.readlink(name, dir_fd=open_folders[-1])
                if target.startswith("/"):
                    names.clear()
                    while len(open_folders) > 1:
                        os.close(open_folders.pop())
                pending += reversed(target.split("/"))
            elif stat.S_ISDIR(mode):
                open_folders.append(os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC,
                                            dir_fd=open_folders[-1]))
                names.append(name)
            else:
                more = any(one not in ("", ".") for one in pending)
                return None if more else Place(root.joinpath(*names, name), False)
        return Place(root.joinpath(*names), True)
    finally:
        for descriptor in open_folders:
            os.close(descriptor)


def _split(source: str) -> tuple[str, list[str]]:
    """The drive's letter and the components of a Windows path; ``..`` is worked out by name, as Windows does."""
    path = source.replace("/", "\\").removeprefix(LONG)
    parts: list[str] = []
    for part in path[2:].split("\\"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return path[:1].upper(), parts


def _entry(folder: int, name: str) -> str | None:
    """The name of the entry that Windows takes for ``name``: exactly it, else the first that differs in case."""
    if name in ("", ".", "..") or "/" in name:
        return None
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        pass
    else:
        return name
    listed = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
    try:
        wanted = fold(name)
        return min((one for one in os.listdir(listed) if fold(one) == wanted), default=None)  # noqa: PTH208
    finally:
        os.close(listed)


def cleaned(source: str) -> str:
    """A path of this machine without doubled slashes, dots and a slash at the end."""
    return os.path.normpath(source)
