# SPDX-License-Identifier: Apache-2.0
"""Where a mount's source is on this machine: a Windows path below a drive's folder, or a path of this machine as it is.

A Windows path is found without regard to case, and never outside the folder of its drive: each component is opened
from the one before, and a symlink counts from that folder, as if it were the root (openat2's ``RESOLVE_IN_ROOT``).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ...runtime.port import OpenFolder
from ...runtime.spelling import entry

MAX_LINKS = 40
"""Symlinks in one path, as the kernel counts them."""

_OPEN = os.O_PATH | os.O_CLOEXEC

LONG = "\\\\?\\"
"""The prefix of long paths; it changes nothing here."""


@dataclass(frozen=True, slots=True)
class Place:
    """Something that is there: its path on this machine, free of symlinks below a drive, and whether it is a folder."""

    path: Path
    is_folder: bool


@dataclass(frozen=True, slots=True)
class HostPaths:
    """The machine as mounts see it: ``drives`` maps a letter to the folder that stands for that drive. Without
    ``native`` nothing else of this machine is there."""

    drives: Mapping[str, Path] = field(default_factory=dict)
    native: bool = True

    def find(self, source: str) -> Place | None:
        """What a source names: ``C:\\test``, ``c:/test``, ``\\\\?\\C:\\test``, ``/srv/test``; ``None`` when nothing is
        there. PermissionError when this machine does not let us look."""
        with _nothing_has_such_a_name():
            if is_native(source):
                if not self.native:
                    return None
                return Place(Path(source), stat.S_ISDIR(os.stat(source).st_mode))  # noqa: PTH116
            found = self._follow(source)
            if found:
                os.close(found[1])
                return found[0]
        return None

    def open(self, source: str) -> OpenFolder | None:
        """The folder that a source names, open; ``None`` when there is none. PermissionError as above."""
        with _nothing_has_such_a_name():
            if is_native(source):
                if not self.native:
                    return None
                return OpenFolder(os.open(source, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
            return _folder(self._follow(source))
        return None

    def _follow(self, source: str) -> tuple[Place, int] | None:
        letter, parts = _split(source)
        root = next((folder for name, folder in self.drives.items() if name[:1].upper() == letter), None)
        return None if root is None else _follow(root, parts)


@contextmanager
def _nothing_has_such_a_name() -> Iterator[None]:
    """Pass over what a name does that is too long, a loop, a NUL, half a character."""
    try:
        yield
    except PermissionError:
        raise
    except (OSError, ValueError):
        pass


def is_native(source: str) -> bool:
    """Whether a source is a path of this machine, ``/srv/data``. No path of Windows begins so: ``//`` begins a pipe."""
    return source.startswith("/") and not source.startswith("//")


def open_below(root: Path, parts: Iterable[str]) -> OpenFolder | None:
    """The folder that components lead to from a folder without leaving it, open; ``None`` when there is none.
    OSError passes."""
    return _folder(_follow(root, parts))


def _folder(found: tuple[Place, int] | None) -> OpenFolder | None:
    if found is None:
        return None
    opened = OpenFolder(found[1])
    return opened if found[0].is_folder else None


def _follow(root: Path, parts: Iterable[str]) -> tuple[Place, int] | None:
    """Follow components from a folder without leaving it, each exactly or else in another case, to a place and its
    descriptor, which is the receiver's. A program may exchange what is there at any time: each component is opened from
    the one before and never through a link. OSError passes."""
    pending = [*reversed(list(parts))]
    names: list[str] = []
    open_folders = [os.open(root, _OPEN | os.O_DIRECTORY)]
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
            name = entry(open_folders[-1], part)
            if name is None:
                return None
            one = os.open(name, _OPEN | os.O_NOFOLLOW, dir_fd=open_folders[-1])
            open_folders.append(one)
            names.append(name)
            mode = os.fstat(one).st_mode
            if stat.S_ISLNK(mode):
                links += 1
                if links > MAX_LINKS:
                    return None
                target = os.readlink("", dir_fd=one)
                away = len(names) if target.startswith("/") else 1
                for _unused in range(away):
                    names.pop()
                    os.close(open_folders.pop())
                pending += reversed(target.split("/"))
            elif not stat.S_ISDIR(mode):
                if any(one not in ("", ".") for one in pending):
                    return None
                return Place(root.joinpath(*names), False), open_folders.pop()
        return Place(root.joinpath(*names), True), open_folders.pop()
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


def cleaned(source: str) -> str:
    """A path of this machine without doubled slashes, dots and a slash at the end."""
    return os.path.normpath(source)
