# SPDX-License-Identifier: Apache-2.0
"""What a stage's file system looks like between two instructions: names, kinds, attributes, security and times.

A view never opens content. It stands on the base's index (streamed once in its life), on a table of well-known
folders (``--base-metadata known``) or on nothing (``FROM scratch``), and is laid over with what the stage itself wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from ...errors import InputError
from ...layer import Batch, Entry, Kind
from ...windows.acl.sddl import parse_sddl
from ...windows.folders import Folder
from ...windows.names import join
from ...windows.upcase import fold
from ..context.changes import Components

MAX_LINKS = 63
"""Windows gives up on a path after this many reparse points (MAXIMUM_REPARSE_COUNT, [MS-FSA] 2.1.5.1)."""


class Lower(Protocol):
    """What lies below the stage: answers by layer path (``Files/Windows``), without regard to case."""

    def get(self, path: str) -> Entry | None: ...

    def children(self, path: str) -> Iterable[Entry]: ...


class Nothing:
    """Below ``FROM scratch``."""

    def get(self, path: str) -> Entry | None:
        """Never anything."""
        return None

    def children(self, path: str) -> Iterable[Entry]:
        """Never anything."""
        return ()


class Known:
    """The well-known folders of a Windows image, for builds that must not download the base's blobs."""

    def __init__(self, folders: Iterable[Folder]) -> None:
        self._entries: dict[str, Entry] = {}
        for folder in folders:
            path = layer_path(folder.path)
            security = parse_sddl(folder.sddl).to_bytes() if folder.path else None
            self._entries[fold(path)] = Entry(path, Kind.DIRECTORY, attributes=folder.attributes, security=security)

    def get(self, path: str) -> Entry | None:
        """The folder at a layer path, if it is in the table."""
        return self._entries.get(fold(path))

    def children(self, path: str) -> Iterable[Entry]:
        """The folders of the table directly below ``path``."""
        prefix = fold(path) + "/"
        return [e for key, e in self._entries.items() if key.startswith(prefix) and "/" not in key[len(prefix):]]


def layer_path(path: Components) -> str:
    """``("app", "x.dll")`` as a layer names it: ``Files/app/x.dll``."""
    return "/".join(("Files", *path))


def components(path: str) -> Components:
    """The inverse of :func:`layer_path`."""
    return tuple(path.split("/"))[1:]


class View:
    """The file system of a stage as it stands."""

    def __init__(self, lower: Lower, *, root_security: bytes) -> None:
        self._lower = lower
        self._over: dict[str, Entry] = {}
        self._names: dict[str, dict[str, Entry]] = {}
        self._batches: dict[str, list[Batch]] = {}  # by folder: entries nobody has asked about yet
        self.root_security = root_security

    def get(self, path: Components) -> Entry | None:
        """What stands at ``path``, in its own casing; ``None`` when nothing does."""
        text = layer_path(path)
        if self._batches:
            self._settle(fold(text).rpartition("/")[0])
        return self._over.get(fold(text)) or self._lower.get(text)

    def children(self, path: Components) -> Iterator[Entry]:
        """What stands directly below ``path``, sorted by folded name."""
        text = layer_path(path)
        self._settle(fold(text))
        found = {fold(e.path): e for e in self._lower.children(text)}
        found.update(self._names.get(fold(text), {}))
        for key in sorted(found):
            yield found[key]

    def walk(self, path: Components) -> Iterator[Entry]:
        """Everything below ``path``, a folder before what is in it; links are not followed."""
        for entry in self.children(path):
            yield entry
            if entry.kind is Kind.DIRECTORY:
                yield from self.walk(components(entry.path))

    def add(self, entries: Iterable[Entry | Batch]) -> None:
        """Lay what a step wrote over the view."""
        for entry in entries:
            if isinstance(entry, Batch):
                self._batches.setdefault(fold(entry.folder), []).append(entry)
                continue
            key = fold(entry.path)
            if self._batches:
                self._settle(key.rpartition("/")[0])
            self._over[key] = entry
            self._names.setdefault(key.rpartition("/")[0], {})[key] = entry

    def _settle(self, folder: str) -> None:
        """Give each file of a folder its entry, now that somebody asks."""
        for batch in self._batches.pop(folder, ()):
            entries = {f"{folder}/{key}": batch.entry(at) for at, key in enumerate(batch.keys)}
            self._over.update(entries)
            self._names.setdefault(folder, {}).update(entries)

    def copy(self) -> View:
        """The same view, for a stage built on this one: what it writes is not seen here."""
        other = View(self._lower, root_security=self.root_security)
        other._over = dict(self._over)
        other._names = {key: dict(names) for key, names in self._names.items()}
        other._batches = {key: list(batches) for key, batches in self._batches.items()}
        return other

    def is_own(self, key: str) -> bool:
        """Whether the stage itself wrote the entry with this folded layer path."""
        self._settle(key.rpartition("/")[0])
        return key in self._over

    def resolve(self, path: Components) -> Components:
        """``path`` with every folder link and junction on the way followed, in the casing of what exists.

        The last component is followed too when it is a folder link. Raises InputError when links run in a circle or
        leave ``C:\\``.
        """
        todo, seen = list(path), 0
        done: list[str] = []
        while todo:
            name = todo.pop(0)
            entry = self.get((*done, name))
            if entry is None:
                return (*done, name, *todo)
            if entry.kind in (Kind.DIRECTORY_SYMLINK, Kind.JUNCTION):
                seen += 1
                if seen > MAX_LINKS:
                    raise InputError(f"cannot follow {join(path)}", why="the links on the way run in a circle",
                                     hint="name the folder itself instead of a link to it")
                todo = [*link_target(entry.target, tuple(done), join(path)), *todo]
                done = []
                continue
            done.append(entry.path.rpartition("/")[2])
        return tuple(done)


def link_target(target: str, folder: Components, asked: str) -> Components:
    """Where a link that stands in ``folder`` points, as components below ``C:\\``."""
    text = target.replace("/", "\\")
    for prefix in ("\\\\?\\", "\\??\\"):
        text = text.removeprefix(prefix)
    if len(text) > 1 and text[1] == ":":
        if text[0] not in "cC":
            raise InputError(f"cannot follow {asked}", why=f"a link on the way points to {target}, which is not on C:")
        text = text[2:] if text[2:3] == "\\" else "\\" + text[2:]
    elif text.startswith("\\\\") or text.lower().startswith("volume{"):
        raise InputError(f"cannot follow {asked}", why=f"a link on the way points to {target}, which is not on C:")
    out: list[str] = [] if text.startswith("\\") else list(folder)
    for part in text.split("\\"):
        if part in ("", "."):
            continue
        if part == "..":
            if out:
                out.pop()
        else:
            out.append(part)
    return tuple(out)
