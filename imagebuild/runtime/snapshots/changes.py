# SPDX-License-Identifier: Apache-2.0
"""What a container changed on its drive: the upper folder of its overlay, told as Windows would tell it.

``docker diff`` shows it and commit makes a layer of it. The folder was written by programs of strangers, which may
still run: every name is looked at without following it, and what Windows does not know (pipes, devices, names it cannot
have) is skipped and told to whoever wants to hear.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO

from ...errors import NotFoundError, UnsupportedError
from ...layer import Kind
from ...windows.filetime import from_unix_ns
from ...windows.names import MAX_PATH, check_name, join
from ...windows.upcase import fold
from .. import links
from ..way import Way
from .attributes import read_attributes
from .merged import Merged, Node, Parts
from .overlay import OPEN_FILE, OPEN_FOLDER, Item, Sort, items, opacity, open_folder, opened
from .security import read_security

DEEPEST = 1024
"""Folders within folders; what is deeper no layer can hold."""

Told = Callable[[str, str], object]
"""Called with a Windows path that is skipped, and why."""


class How(IntEnum):
    """What happened to a path; the numbers are those of the Docker API."""

    MODIFIED = 0
    ADDED = 1
    DELETED = 2


@dataclass(frozen=True, slots=True)
class Changed:
    """One path that a container changed.

    ``path`` is below ``C:\\``, spelt as it is there. ``kind`` is WHITEOUT for what is gone (with all below it). Of a
    file there is its ``size``; ``modified`` is a FILETIME; ``attributes`` are of READONLY, HIDDEN and SYSTEM those that
    Wine keeps, ``security`` is the descriptor that it has of its own, if any. ``target`` is a link's in Windows' raw
    form, and a hard link's as a layer names it (``Files/app/x``), the path of a change told before. A folder that is
    only MODIFIED is there because of what is below it.
    """

    path: Parts
    how: How
    kind: Kind
    size: int = 0
    modified: int = 0
    attributes: int = 0
    target: str = ""
    security: bytes = b""


def changes(upper: Path, lower: Merged, *, ignore: Iterable[Parts] = (), skipped: Told | None = None,
            ) -> Iterator[Changed]:
    """Every change, a folder before what is in it, siblings by folded name; nothing for a container that did nothing.

    ``lower`` is what lies below the upper folder. ``ignore`` are folders that are not the container's doing as long as
    they are empty, such as where a volume was mounted: what was put beneath one while it was not counts. StoreError
    when the machine does not let us read.
    """
    walk = _Walk(upper, lower, {_key(path) for path in ignore}, skipped or (lambda path, why: None))
    return _in_order(walk.folder((), (), True))


def open_content(upper: Path, path: Parts) -> BinaryIO:
    """The content of a file that was changed; no link is followed. NotFoundError when there is no file (any more)."""
    with opened(upper, path[:-1]) as folder:
        if folder is not None:
            try:
                number = os.open(path[-1], OPEN_FILE, dir_fd=folder)
            except OSError:
                number = -1
            if number >= 0:
                if stat.S_ISREG(os.fstat(number).st_mode):
                    return os.fdopen(number, "rb")
                os.close(number)
    raise NotFoundError(f"{join(path)} is not there any more", path=join(path))


@dataclass(frozen=True, slots=True)
class _Below:
    """The changes in a folder come next, and before the first of them, where there is one, the folder itself."""

    folder: Changed | None
    inside: Iterator[Changed | _Below]


def _in_order(start: Iterator[Changed | _Below]) -> Iterator[Changed]:
    """Tell what a walk finds. What is below is not asked for within what is above: Python has fewer frames than a
    container may make levels."""
    levels = [_Below(None, start)]
    while levels:
        step = next(levels[-1].inside, None)
        if step is None:
            levels.pop()
        elif isinstance(step, _Below):
            levels.append(step)
        else:
            for at, level in enumerate(levels):
                if level.folder is not None:
                    yield level.folder
                    levels[at] = _Below(None, level.inside)
            yield step


class _Walk:
    """One walk over an upper folder."""

    def __init__(self, upper: Path, lower: Merged, ignore: set[Parts], skipped: Told) -> None:
        self._upper = upper
        self._lower = lower
        self._ignore = ignore
        self._skipped = skipped
        self._way = Way()
        self._linked: dict[tuple[int, int], str] = {}  # files with several names, by device and inode

    def folder(self, path: Parts, lower: Parts | None, merged: bool) -> Iterator[Changed | _Below]:
        """The changes in one folder, which is ``lower`` below, perhaps in another case; ``merged`` when what is there
        is still to be seen."""
        number = open_folder(self._upper, path, self._way)
        if number is None:
            return
        try:
            below = self._lower.names(lower) if lower is not None else {}
            if path and opacity(number) == b"y":
                merged = False
            groups: dict[str, list[Item]] = {}
            for item in items(number):
                groups.setdefault(fold(item.name), []).append(item)
            hidden = {} if merged else {key: node for key, node in below.items() if key not in groups}
            for key in sorted(groups.keys() | hidden.keys()):
                if key in hidden:
                    yield from self._gone((*path, hidden[key].name))
                else:
                    for step in self._name(number, path, groups[key], lower, below.get(key), merged):
                        if isinstance(step, _Below) and number is not None:  # one is open, however deep
                            os.close(number)
                            number = None
                        yield step
                if number is None:
                    number = open_folder(self._upper, path, self._way)
                    if number is None:
                        return  # a program took it away meanwhile
        finally:
            if number is not None:
                os.close(number)

    def _name(self, number: int, path: Parts, group: list[Item], lower: Parts | None, node: Node | None,
              merged: bool) -> Iterator[Changed | _Below]:
        """What became of one name, of which there may be several spellings."""
        there = sorted((item for item in group if item.sort is not Sort.WHITEOUT),
                       key=lambda item: (node is None or item.name != node.name, item.name))
        if not there:
            # A whiteout hides what is spelt as it is; in a folder that hides all, everything is gone anyway.
            if node is not None and (not merged or any(item.name == node.name for item in group)):
                yield from self._gone((*path, node.name))
            return
        for item in there[1:]:
            self._skipped(join((*path, item.name)), f"it differs only in case from {there[0].name}")
        item = there[0]
        here = (*path, item.name)
        if self._ignore and _key(here) in self._ignore and self._is_empty(here):
            return
        why = _objection(here, item)
        if why:
            self._skipped(join(here), why)
            return
        try:
            same = node is not None and item.name == node.name
            yield from self._there(number, path, item, lower, node, merged and same)
        except FileNotFoundError:
            return  # a program took it away meanwhile

    def _is_empty(self, path: Parts) -> bool:
        """Whether nothing is in a folder but what is ignored itself."""
        with opened(self._upper, path) as folder:
            inside = () if folder is None else items(folder)
        return all(_key(here := (*path, item.name)) in self._ignore and item.sort is not Sort.WHITEOUT
                   and self._is_empty(here) for item in inside)

    def _there(self, number: int, path: Parts, item: Item, lower: Parts | None, node: Node | None,
               merged: bool) -> Iterator[Changed | _Below]:
        here = (*path, item.name)
        found = os.stat(item.name, dir_fd=number, follow_symlinks=False)
        how = How.ADDED if node is None else How.MODIFIED
        modified = from_unix_ns(found.st_mtime_ns)
        if item.sort is Sort.LINK:
            link = links.from_linux(os.readlink(item.name, dir_fd=number), path)
            if link is None:
                self._skipped(join(here), "it is a link to somewhere outside C:")
            else:
                yield Changed(here, how, self._kind(link, path), modified=modified, target=link.target)
            return
        attributes, security = _facts(number, item, found)
        if item.sort is Sort.FILE:
            first = self._linked.get((found.st_dev, found.st_ino)) if found.st_nlink > 1 else None
            if first is not None:
                yield Changed(here, how, Kind.HARD_LINK, modified=modified, attributes=attributes, target=first)
                return
            self._linked[found.st_dev, found.st_ino] = "/".join(("Files", *here))
            yield Changed(here, how, Kind.FILE, found.st_size, modified, attributes, security=security)
            return
        folder = Changed(here, how, Kind.DIRECTORY, modified=modified, attributes=attributes, security=security)
        if node is None or node.sort is not Sort.FOLDER or lower is None:
            yield folder
            yield _Below(None, self.folder(here, None, False))
            return
        lower = (*lower, node.name)
        below = self._facts_below(lower, node)
        told = attributes != below[0] or security not in (b"", below[1])
        if told:
            yield folder
        yield _Below(None if told else folder, self.folder(here, lower, merged))

    def _facts_below(self, path: Parts, node: Node) -> tuple[int, bytes]:
        with opened(self._lower.place(node), path, self._lower.way) as number:
            return (0, b"") if number is None else (read_attributes(number, os.fstat(number)), read_security(number))

    def _gone(self, path: Parts) -> Iterator[Changed]:
        if not self._ignore or _key(path) not in self._ignore:
            yield Changed(path, How.DELETED, Kind.WHITEOUT)

    def _kind(self, link: links.Link, path: Parts) -> Kind:
        """A link that does not say what it leads to, made by a Linux call, is a folder's when a folder is there."""
        if link.kind is not Kind.SYMLINK:
            return link.kind
        target = links.destination(link.target, path)
        if not target or any(part in ("", ".", "..") for part in target):
            return Kind.SYMLINK if target is None else Kind.DIRECTORY_SYMLINK
        with opened(self._upper, target) as folder:
            if folder is not None:
                return Kind.DIRECTORY_SYMLINK
        node = self._lower.get(target)
        return Kind.DIRECTORY_SYMLINK if node is not None and node.sort is Sort.FOLDER else Kind.SYMLINK


def _objection(path: Parts, item: Item) -> str:
    """Why Windows does not know such a thing; nothing when it does."""
    if item.sort is Sort.OTHER:
        return "it is a pipe, a socket or a device"
    if len(path) >= DEEPEST or sum(map(len, path)) + len(path) > MAX_PATH:
        return "its path is too long for a layer"
    try:
        check_name(item.name)
    except UnsupportedError as error:
        return error.why
    return "its name would mean a whiteout in a layer" if item.name.startswith(".wh.") else ""


def _facts(folder: int, item: Item, found: os.stat_result) -> tuple[int, bytes]:
    """The attributes and the security descriptor of a file or folder."""
    try:
        number = os.open(item.name, OPEN_FOLDER if item.sort is Sort.FOLDER else OPEN_FILE, dir_fd=folder)
    except FileNotFoundError:
        raise
    except OSError:
        return 0, b""  # no permission, or it is something else by now
    try:
        return read_attributes(number, found), read_security(number)
    finally:
        os.close(number)


def _key(path: Parts) -> Parts:
    return tuple(map(fold, path))
