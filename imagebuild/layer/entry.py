# SPDX-License-Identifier: Apache-2.0
"""One entry of a Windows layer: what a tar header and its PAX records say, as a value.

Source of the forms: go-winio ``backuptar/tar.go``, hcsshim ``pkg/ociwclayer``, image-spec ``layer.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

ATTRIBUTE_DIRECTORY = 0x10
ATTRIBUTE_REPARSE_POINT = 0x400


class Kind(Enum):
    """What an entry is. A directory symlink and a junction are symlinks (typeflag ``2``) with a directory attribute."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    DIRECTORY_SYMLINK = "directory symlink"
    JUNCTION = "junction"
    HARD_LINK = "hard link"
    WHITEOUT = "whiteout"


@dataclass(frozen=True, slots=True)
class Times:
    """Four FILETIMEs: 100 ns units since 1601-01-01 UTC, as ``int`` (negative before 1601)."""

    created: int
    modified: int
    accessed: int
    changed: int

    @classmethod
    def all(cls, filetime: int) -> Times:
        """The same moment four times."""
        return cls(filetime, filetime, filetime, filetime)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a layer.

    ``path`` is the path inside the layer, ``/`` between components, no trailing slash, in its own casing:
    ``Files/app/x.dll``, ``Hives/System_Delta``, ``UtilityVM``. For a whiteout it is the path that disappears
    (``Files/app/old.txt``), not the ``.wh.`` name.

    ``attributes`` is FILE_ATTRIBUTE_* as Windows keeps it (0x20 archive …); ``None`` when the header has none.
    ``security`` is a self-relative SECURITY_DESCRIPTOR, ``None`` when absent. ``times`` is ``None`` where the tar says
    nothing usable. ``target`` is, for symlinks and junctions, the raw Windows target with backslashes, and for a hard
    link the layer path of the other name (``Files/...``). ``eas`` are extended attributes, name to value.
    """

    path: str
    kind: Kind
    size: int = 0
    attributes: int | None = None
    security: bytes | None = None
    times: Times | None = None
    target: str = ""
    eas: tuple[tuple[str, bytes], ...] = ()

    def is_directory(self) -> bool:
        """Whether NTFS shows it as a directory (directory symlinks and junctions included)."""
        return self.kind in (Kind.DIRECTORY, Kind.DIRECTORY_SYMLINK, Kind.JUNCTION)

    def is_reparse(self) -> bool:
        """Whether it is a reparse point: nothing can stand below it in a layer."""
        return self.kind in (Kind.SYMLINK, Kind.DIRECTORY_SYMLINK, Kind.JUNCTION)
