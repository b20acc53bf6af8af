# SPDX-License-Identifier: Apache-2.0
"""A folder, volume or pipe in a container: what a Windows engine takes, checked before it is asked.

A target is an absolute path of Windows, and never ``C:\\`` itself (moby ``volume/mounts/windows_parser.go``). Only
folders can be mounted; what shall be one file is put into a folder first (``staged``).
"""

from __future__ import annotations

import ntpath
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ...dockerapi import shapes
from ...errors import NotFoundError, UsageError, quoted

Kind = Literal["bind", "volume", "npipe"]
PIPE = "\\\\.\\pipe\\"


@dataclass(frozen=True, slots=True)
class Mount:
    """``source`` in the container at ``target``. A bind's source is a folder of the engine's host, a volume's its name
    (empty: a new one). ``writable`` asks that every account of the container may write there."""

    source: str
    target: str
    kind: Kind = "bind"
    read_only: bool = False
    writable: bool = False

    def shape(self) -> shapes.Mount:
        """The mount as the API has it."""
        return shapes.Mount(type=self.kind, source=self.source, target=self.target, read_only=self.read_only)


def mounts_of(value: Any) -> tuple[Mount, ...]:
    """Mounts from ``{target: source}``, where a source is a path, a volume's name or a :class:`Mount`, or from mounts.

    Raises UsageError for a target that Windows does not take.
    """
    if isinstance(value, Mapping):
        for target, source in value.items():
            if _turned(target, source):
                raise UsageError(f"cannot mount at {quoted(str(target))}",
                                 why="a target is an absolute path of Windows",
                                 hint=f"the target stands first: {{{str(source)!r}: {str(target)!r}}}")
        return tuple(_mount(source, str(target)) for target, source in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        made = tuple(value)
        if all(isinstance(one, Mount) for one in made):
            return tuple(checked(one) for one in made)
    raise UsageError(f"cannot read {quoted(value)} as mounts", hint=r"write {r'C:\data': tmp_path}, or a list of Mount")


def checked(mount: Mount) -> Mount:
    """The mount, when its target is one of Windows. Raises UsageError otherwise."""
    target = mount.target.replace("/", "\\")
    what = f"cannot mount at {quoted(mount.target)}"
    if target.startswith(PIPE):
        return mount
    drive, rest = ntpath.splitdrive(target.removeprefix("\\\\?\\"))
    if len(drive) != 2 or not drive[0].isalpha() or (rest and not rest.startswith("\\")):
        raise UsageError(what, why="a target is an absolute path of Windows", hint=r"like C:\data, or D: for a drive")
    if drive.upper() == "C:" and ntpath.normpath(rest or "\\") == "\\":
        raise UsageError(what, why="Windows mounts nothing over the drive C: of a container",
                         hint=r"take a folder, like C:\data, or another drive, like D:")
    if any(char in '<>"|?*:' or ord(char) < 32 for char in rest):
        raise UsageError(what, why='a path of Windows has no < > " | ? * : in it', hint=r"like C:\data")
    return mount


def here(mount: Mount) -> Mount:
    """A bind of a folder of this machine with its real, absolute path. Raises NotFoundError when nothing is there."""
    if mount.kind != "bind":
        return mount
    real = os.path.realpath(mount.source)  # Windows containers do not follow a link that lies outside of the mount
    if not os.path.lexists(real):
        raise NotFoundError(f"cannot mount {mount.source}", why="nothing is there", hint="make the folder first")
    return Mount(real, mount.target, "bind", mount.read_only, mount.writable)


def _turned(target: object, source: object) -> bool:
    """Whether a mount is written the other way round, as the docker SDK has it."""
    if isinstance(source, Mapping):  # {folder: {"bind": r"C:\data", "mode": "ro"}}
        source = source.get("bind", "")
    return isinstance(source, str) and bool(ntpath.splitdrive(source)[0]) and not ntpath.splitdrive(str(target))[0]


def _mount(source: Any, target: str) -> Mount:
    if isinstance(source, Mount):
        return checked(Mount(source.source, target, source.kind, source.read_only, source.writable))
    if isinstance(source, os.PathLike):
        return checked(Mount(os.fspath(source), target))
    if isinstance(source, str):
        return checked(Mount(source, target, _kind(source)))
    named = getattr(source, "name", None)  # a volume that we made
    if isinstance(named, str):
        return checked(Mount(named, target, "volume"))
    raise UsageError(f"cannot mount {quoted(source)}", hint="a path, the name of a volume, or a Mount")


def _kind(source: str) -> Kind:
    if source.startswith(PIPE):
        return "npipe"
    path = Path(source).is_absolute() or ntpath.isabs(source) or source.startswith((".", "~"))
    return "bind" if path else "volume"
