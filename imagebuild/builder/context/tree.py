# SPDX-License-Identifier: Apache-2.0
"""What a build context is made of: items with relative POSIX names, whoever holds them."""

from __future__ import annotations

import os
import sys
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO, Protocol

from ...errors import ContextError

MAX_DEPTH = 256
"""Folders inside folders; far above any source tree, far below where a path gets too long."""

UTF8 = sys.getfilesystemencoding() == "utf-8"
"""Whether names as Python has them are those of :func:`text_of`."""


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


FACTS = 4
"""Numbers for each file in a column of facts: size, mtime_ns, ctime_ns, inode (as :mod:`.statcache` has them)."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What lies in a folder: plain files in columns, so that a thousand of them are not a thousand objects.

    ``names`` are theirs, sorted by code point; ``facts`` has :data:`FACTS` numbers for each, one after the other.
    ``others`` is everything else by name, in any order.
    """

    folder: str
    names: list[str]
    facts: array[int]
    others: dict[str, Item]

    @classmethod
    def of(cls, folder: str, items: Iterable[Item]) -> Listing:
        """A listing of items in any order, whose files have no ctime and no inode."""
        names, facts, others = list[str](), array("q"), dict[str, Item]()
        for item in sorted(items, key=lambda item: item.path):
            if item.sort is Sort.FILE and abs(item.mtime_ns) < 1 << 63:
                names.append(item.name)
                facts.extend((item.size, item.mtime_ns, 0, 0))
            else:
                others[item.name] = item
        return cls(folder, names, facts, others)

    def path(self, name: str) -> str:
        """Where something in the folder is in the context."""
        return f"{self.folder}/{name}" if self.folder else name

    def file(self, at: int) -> Item:
        """One of the plain files."""
        size, mtime_ns = self.facts[FACTS * at:FACTS * at + 2]
        return Item(self.path(self.names[at]), Sort.FILE, size, mtime_ns)

    def get(self, name: str) -> Item | None:
        """What has a name."""
        at = bisect_left(self.names, name)
        if at < len(self.names) and self.names[at] == name:
            return self.file(at)
        return self.others.get(name)

    def items(self) -> list[Item]:
        """Everything, sorted by name."""
        found = [*map(self.file, range(len(self.names))), *self.others.values()]
        return sorted(found, key=lambda item: item.name) if self.others else found

    def where(self, wanted: Callable[[str], bool]) -> Listing:
        """The same with only those plain files whose names are wanted."""
        kept = [at for at, name in enumerate(self.names) if wanted(name)]
        return self if len(kept) == len(self.names) else \
            Listing(self.folder, [self.names[at] for at in kept], chosen(self.facts, kept), self.others)


def chosen(facts: array[int], places: Iterable[int]) -> array[int]:
    """The facts of some files, in the order of their places."""
    out = array("q")
    for at in places:
        out.extend(facts[FACTS * at:FACTS * at + FACTS])
    return out


class Tree(Protocol):
    """Where a context's items and bytes come from. Every error is a ContextError that names the path."""

    name: str

    def list(self, folder: str) -> Listing:
        """What lies directly in a folder."""

    def open(self, path: str) -> BinaryIO:
        """A stream of a file's bytes."""

    def location(self, path: str) -> Path:
        """A file on this machine that holds those bytes as long as the context is open."""

    def place(self, path: str) -> str:
        """The same as text."""

    def digest(self, path: str) -> str:
        """``sha256:…`` of a file."""

    def places(self, folder: str, names: Sequence[str]) -> Iterable[str]:
        """:meth:`place` for files of one folder."""

    def digests(self, folder: str, names: Sequence[str], facts: array[int]) -> bytes:
        """SHA-256 of files of one folder that were listed with these facts, 32 bytes after 32 bytes."""

    def learn_all(self, folder: str, names: Sequence[str], facts: array[int], digests: bytes) -> None:
        """Somebody has read files after they were listed with these facts, and hashed them."""

    def learn(self, item: Item, digest: str) -> None:
        """Somebody has just read a file, as ``item`` says it was before, and hashed it."""

    def close(self) -> None:
        """Let go of temporary files, keep what was learnt."""


def text_of(raw: bytes) -> str:
    """A name as text: UTF-8 in every locale, so that the image is the same in all. Other bytes become surrogates."""
    return raw.decode("utf-8", "surrogateescape")


def from_system(name: str) -> str:
    """A name that Python read by the locale's rules as :func:`text_of` has it."""
    return name if UTF8 or name.isascii() else text_of(os.fsencode(name))


def to_system(path: str) -> str:
    """The inverse of :func:`from_system`."""
    return path if UTF8 or path.isascii() else os.fsdecode(path.encode("utf-8", "surrogateescape"))


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
