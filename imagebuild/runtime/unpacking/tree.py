# SPDX-License-Identifier: Apache-2.0
"""The folders of a layer while it is unpacked: what the layer put where, and what lies below."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from ...layer import Entry
from ...windows.filetime import TICKS_PER_SECOND, UNIX_EPOCH
from ...windows.upcase import fold
from ..snapshots.file import CREATE
from ..snapshots.merged import Node, Parts


class Folder:
    """A folder of the layer. ``own`` is what the layer put there by folded name: a folder, the name of a file, or an
    entry to come (a link); ``lower`` what is there below it, asked for when a name is needed. ``security`` is its
    descriptor, where the layer says one."""

    __slots__ = ("above", "lower", "opaque", "own", "parts", "security", "there", "times")

    def __init__(self, parts: Parts, above: Folder | None, there: bool) -> None:
        self.parts = parts
        self.above = above
        self.there = there  # below, in a lower folder
        self.own: dict[str, Folder | str | Entry] = {}
        self.lower: Mapping[str, Node] | None = None
        self.opaque = False
        self.times: int | None = None
        self.security: bytes | None = None

    def all(self) -> list[Folder]:
        """This folder and all below it, what is inside before what holds it."""
        stack, out = [self], []
        while stack:
            folder = stack.pop()
            out.append(folder)
            stack += [one for one in folder.own.values() if isinstance(one, Folder)]
        return out[::-1]

    def find(self, parts: Parts) -> Folder | tuple[Folder, str] | Entry | None:
        """What the layer itself put at a path below: a folder, a file's folder and name, an entry to come."""
        here = self
        for at, part in enumerate(parts):
            found = here.own.get(fold(part))
            if at == len(parts) - 1:
                return (here, found) if isinstance(found, str) else found
            if not isinstance(found, Folder):
                return None
            here = found
        return here


def unmasked(root: Path) -> bool:
    """Whether a file made below ``root`` with 0644 has it: the umask can be learnt only by what it does."""
    name = root / ".umask"
    number = os.open(name, CREATE, 0o644)
    try:
        return stat.S_IMODE(os.fstat(number).st_mode) == 0o644
    finally:
        os.close(number)
        name.unlink()


def moment(entry: Entry) -> int | None:
    """When it was changed last, in nanoseconds since 1970; ``None`` where a file here cannot say so."""
    if entry.times is None:
        return None
    ticks = entry.times.modified - UNIX_EPOCH
    seconds = ticks // TICKS_PER_SECOND
    return ticks * 100 if -(1 << 31) <= seconds < 1 << 33 else None
