# SPDX-License-Identifier: Apache-2.0
"""What a build context is made of: items with relative POSIX names, whoever holds them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO, Protocol

from ..errors import ContextError

MAX_DEPTH = 256
"""Folders inside folders; far above any source tree, far below where a path gets too long."""

_UTF8 = sys.getfilesystemencoding() == "utf-8"


class Sort(Enum):
    """What an item is."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    SPECIAL = "special file"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing in a context. ``path`` is relative with ``/`` between names, ``""`` is the context itself.

    ``target`` is a symlink's text, with ``/``. ``note`` says what a special file is ("a socket"). ``mtime_ns`` is in
    nanoseconds since 1970.
    """

    path: str
    sort: Sort
    size: int = 0
    mtime_ns: int = 0
    target: str = ""
    note: str = ""

    @property
    def name(self) -> str:
        """The last component."""
        return self.path.rpartition("/")[2]


ROOT = Item("", Sort.DIRECTORY)


class Tree(Protocol):
    """Where a context's items and bytes come from. Every error is a ContextError that names the path."""

    name: str

    def list(self, folder: str) -> list[Item]:
        """What lies directly in a folder, in any order."""
        ...

    def open(self, path: str) -> BinaryIO:
        """A stream of a file's bytes."""
        ...

    def location(self, path: str) -> Path:
        """A file on this machine that holds those bytes as long as the context is open."""
        ...

    def place(self, path: str) -> str:
        """The same as text."""
        ...

    def digest(self, path: str) -> str:
        """``sha256:…`` of a file."""
        ...

    def learn(self, item: Item, digest: str) -> None:
        """Somebody has just read a file, as ``item`` says it was before, and hashed it."""
        ...

    def close(self) -> None:
        """Let go of temporary files, keep what was learnt."""
        ...


def text_of(raw: bytes) -> str:
    """A name as text: UTF-8 in every locale, so that the image is the same in all. Other bytes become surrogates."""
    return raw.decode("utf-8", "surrogateescape")


def from_system(name: str) -> str:
    """A name that Python read by the locale's rules as :func:`text_of` has it."""
    return name if _UTF8 or name.isascii() else text_of(os.fsencode(name))


def to_system(path: str) -> str:
    """The inverse of :func:`from_system`."""
    return path if _UTF8 or path.isascii() else os.fsdecode(path.encode("utf-8", "surrogateescape"))


def shown(path: str) -> str:
    """A path fit to be printed, where its name is not text or holds control characters."""
    text = path or "."
    return "".join(char if char.isprintable() and not "\ud800" <= char <= "\udfff"
                   else char.encode("unicode_escape", "surrogatepass").decode() for char in text)


def unreadable(path: str, error: OSError) -> ContextError:
    """The error for a file or folder of the context that the system does not let us read."""
    if isinstance(error, FileNotFoundError):
        return ContextError(f"cannot read {shown(path)} of the build context", path=path,
                            why="it vanished during the build", hint="build again when nothing else is writing there")
    hint = "make it readable, or name it in .dockerignore" if isinstance(error, PermissionError) else ""
    return ContextError(f"cannot read {shown(path)} of the build context", path=path, hint=hint,
                        why=error.strerror or type(error).__name__)
