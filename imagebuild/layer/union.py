# SPDX-License-Identifier: Apache-2.0
"""Layers laid over one another: what a container would see, and which layer it comes from.

Rules: OCI image-spec ``layer.md``, "Representing Changes" and "Whiteouts". A whiteout takes a path and all below it
out of the layers underneath, never out of its own; a file or link over a directory covers what the directory held; a
directory over a directory brings its own attributes, security and times and keeps the content. Opaque whiteouts count
only in Linux layers: Windows takes ``.wh..wh..opq`` for an ordinary name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..errors import UsageError
from .entry import Entry, Kind
from .index import Index

_REMEMBERED = 10_000
"""Folders of a layer of which a union remembers whether they are covered."""


@dataclass(frozen=True, slots=True)
class Found:
    """An entry and the number of the layer it comes from, 0 for the lowest."""

    entry: Entry
    layer: int


class Union:
    """A read-only view of indexes, lowest layer first.

    All must be of one kind (made with ``linux`` or all without), else ``UsageError``; so the names of Windows layers
    are compared without case, those of Linux layers with it. A directory that the upper layer only implies shows the
    metadata of the layer that has an entry for it.
    """

    def __init__(self, indexes: Sequence[Index]) -> None:
        if len({index.linux for index in indexes}) > 1:
            raise UsageError("cannot lay Windows and Linux layers over one another",
                             why="one compares names without case, the other with it")
        self.indexes = tuple(indexes)
        self._covered: tuple[dict[str, bool], ...] = tuple({} for _index in self.indexes)

    def get(self, path: str) -> Found | None:
        """What a container finds at ``path``, or ``None``."""
        if not self.indexes:
            return None
        key = self.indexes[0].key(path)
        above = key.rpartition("/")[0]
        implied: Found | None = None
        for layer, index in self._downwards():
            entry = index.at(key)
            if entry is not None:
                if implied is not None and entry.kind is not Kind.DIRECTORY:
                    return implied
                if not _implied(entry):
                    return Found(entry, layer)
                implied = implied or Found(entry, layer)
            if index.hides(key) or self._covers(layer, above):
                break
        return implied

    def children(self, path: str = "") -> list[Found]:
        """What a container finds directly in a directory, by name; nothing when it is no directory."""
        if not self.indexes:
            return []
        key = self.indexes[0].key(path)
        seen: dict[str, Found] = {}
        closed: set[str] = set()  # names that lower layers can no longer add to
        for layer, index in self._downwards():
            covered: set[str] = set()
            for name, whiteout, entry in index.named(key):
                if whiteout:
                    covered.add(name)
                    continue
                if entry.kind is not Kind.DIRECTORY or not _implied(entry):
                    covered.add(name)
                if name in closed:
                    continue
                if name not in seen or (entry.kind is Kind.DIRECTORY and not _implied(entry)):
                    seen[name] = Found(entry, layer)
            closed |= covered
            if self._covers(layer, key):
                break
        return [seen[name] for name in sorted(seen)]

    def walk(self, path: str = "") -> Iterator[Found]:
        """Everything below a directory, each directory before what it holds, siblings by name."""
        stack = [iter(self.children(path))]
        while stack:
            found = next(stack[-1], None)
            if found is None:
                stack.pop()
                continue
            yield found
            if found.entry.kind is Kind.DIRECTORY:
                stack.append(iter(self.children(found.entry.path)))

    def content_of(self, found: Found) -> Found | None:
        """The file that holds the content of an entry: itself, or what a hard link leads to.

        A hard link's target is looked for in its own layer, then in those below, as Windows does. ``None`` when it
        leads nowhere or in a circle, or when the entry is neither file nor hard link.
        """
        for _link in range(40):
            if found.entry.kind is Kind.FILE:
                return found
            if found.entry.kind is not Kind.HARD_LINK:
                return None
            key = self.indexes[found.layer].key(found.entry.target)
            for layer in range(found.layer, -1, -1):
                entry = self.indexes[layer].at(key)
                if entry is not None:
                    found = Found(entry, layer)
                    break
            else:
                return None
        return None

    def _covers(self, layer: int, folder: str) -> bool:
        """Whether a layer covers what those below it have in a folder, by the folder itself or by one above. The answer
        is remembered for all on the way up: a deep tree asks no more for each of its folders than a flat one."""
        index, known = self.indexes[layer], self._covered[layer]
        if len(known) > _REMEMBERED:
            known.clear()
        way: list[str] = []
        while (covered := known.get(folder)) is None:
            way.append(folder)
            if index.hides(folder) or index.begins_anew(folder):
                covered = True
            elif not folder:
                covered = False
            if covered is not None:
                break
            folder = folder.rpartition("/")[0]
        known.update(dict.fromkeys(way, covered))
        return covered

    def _downwards(self) -> Iterator[tuple[int, Index]]:
        for layer in range(len(self.indexes) - 1, -1, -1):
            yield layer, self.indexes[layer]


def _implied(entry: Entry) -> bool:
    """Whether an index made the directory up, because the tar has only what it holds."""
    return entry.times is None and entry.kind is Kind.DIRECTORY
