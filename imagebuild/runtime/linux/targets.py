# SPDX-License-Identifier: Apache-2.0
"""Where the mounts of a box go: never through a link.

The way to a target may lead through what programs of this or another container wrote: the box's own drives, or another
mount of it. Each part is opened from the one before and may not be a link. bubblewrap goes the same way once more, and
a program may exchange a folder for a link in between; so the mounts are looked at where the kernel has them before the
first program starts (:func:`check`).
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ...errors import ToolError, UsageError, quoted
from ...windows.upcase import fold
from .. import install as wine_install
from ..port import BoxSpec
from ..spelling import entry
from .account import Account
from .bwrap import DRIVE_C, PREFIX
from .drives import drive

_OPEN = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_NEW_ROOT = "/newroot"
"""What stands before every path until bubblewrap has made the new root the root."""


@dataclass(frozen=True, slots=True)
class _Placed:
    """A mount that has its place: the parts of its target, its path in the box, and its open source."""

    parts: tuple[str, ...]
    inside: str
    source: int


class Targets:
    """Finds the places of one box's mounts, outer ones first."""

    def __init__(self, spec: BoxSpec, lowers: Iterable[Path], account: Account) -> None:
        self._spec = spec
        self._layers = [*([spec.drive] if spec.drive else []), spec.folder / "upper", *reversed(list(lowers))]
        self._account = account
        self._placed: list[_Placed] = []

    def place(self, path: str, source: int) -> str:
        """Where a Windows path is in the box, in the spelling that is there, for a mount of an open folder; a drive
        other than C is made. The folder must stay open as long as more are placed.

        UsageError for what is no absolute path, for the root of C, and for a path through a link; OSError.
        """
        letter, names = _split(path)
        parts = (letter, *map(fold, names))
        outer = max((one for one in self._placed if parts[:len(one.parts)] == one.parts),
                    key=lambda one: len(one.parts), default=None)
        with ExitStack() as stack:
            if outer:
                wine_install.check_nesting()
                start, names = outer.inside, names[len(outer.parts) - 1:]
                roots = [_keep(stack, os.dup(outer.source))]
            elif letter == "C":
                start, roots = DRIVE_C, [_keep(stack, os.open(layer, _OPEN)) for layer in self._layers]
            else:
                start = f"{PREFIX}/drives/{letter.lower()}"
                roots = [_keep(stack, drive(letter.lower(), self._spec, self._account))]
            spelled = _walk(path, roots, names, stack)
        inside = "/".join([start, *spelled])
        self._placed.append(_Placed(parts, inside, source))
        return inside


_SETTLED = 0.3
"""Seconds after which the mounts of a box's first process are as they stay: bubblewrap changes its root twice when it
has made them, and what is read meanwhile lacks some."""


def check(process: int, targets: Iterable[str]) -> None:
    """See in the mounts of a box's first process that there is one at each of these places; ToolError.

    Where a part of the way was a link when bubblewrap mounted, the mount is somewhere else.
    """
    wanted, end = set(targets), time.monotonic() + _SETTLED
    while missing := wanted - _mount_points(process):
        if time.monotonic() > end:
            raise ToolError("cannot start a sandbox", program="bwrap",
                            why=f"the way to the mount {quoted(min(missing))} leads through a link, or was changed "
                            "meanwhile",
                            hint="mount it outside folders in which other containers write")
        time.sleep(0.001)


def _mount_points(process: int) -> set[str]:
    try:
        lines = Path(f"/proc/{process}/mountinfo").read_text("utf-8", "surrogateescape").splitlines()
    except OSError as error:
        raise ToolError("cannot start a sandbox", program="bwrap", why="bubblewrap ended while it made the mounts",
                        hint="its message is in the program's error output") from error
    return {_unescaped(line.split(" ")[4]).removeprefix(_NEW_ROOT) for line in lines}


def _split(path: str) -> tuple[str, list[str]]:
    letter, parts = path[:1].upper(), [part for part in path[2:].replace("/", "\\").split("\\") if part]
    if not ("C" <= letter <= "Z") or path[1:3] not in (":\\", ":/", ":") or ".." in parts or "." in parts:
        raise UsageError(f"cannot mount at {quoted(path)}",
                         why="the target must be an absolute path of a drive from C to Z",
                         hint=r"write it like C:\data")
    if letter == "C" and not parts:
        raise UsageError(f"cannot mount at {quoted(path)}", why="the drive C of a container cannot be replaced")
    return letter, parts


def _walk(path: str, roots: list[int], names: Iterable[str], stack: ExitStack) -> list[str]:
    """Follow names in folders that lie over each other, the uppermost first; what is not there yet stays as it is."""
    spelled: list[str] = []
    for name in names:
        found = next((match for root in roots if (match := entry(root, name)) is not None), name)
        below: list[int] = []
        for root in roots:
            try:
                mode = os.stat(found, dir_fd=root, follow_symlinks=False).st_mode
            except FileNotFoundError:
                continue
            if stat.S_ISLNK(mode):
                raise UsageError(f"cannot mount at {quoted(path)}", why=f"{found} is a link there")
            if not stat.S_ISDIR(mode):
                break  # a file, or the mark of a removed folder: it hides what lies below
            below.append(_keep(stack, os.open(found, _OPEN | os.O_NOFOLLOW, dir_fd=root)))
        roots = below
        spelled.append(found)
    return spelled


def _keep(stack: ExitStack, descriptor: int) -> int:
    stack.callback(os.close, descriptor)
    return descriptor


def _unescaped(text: str) -> str:
    r"""A path of mountinfo, where spaces and the like are ``\040``."""
    raw = re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), text.encode("utf-8", "surrogateescape"))
    return raw.decode("utf-8", "surrogateescape")
