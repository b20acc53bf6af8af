# SPDX-License-Identifier: Apache-2.0
"""What a container sees: folders laid over one another as the kernel's overlay lays them, asked without a mount.

The kernel compares names exactly and Wine does not, so names are asked for in any case here and come back as they are
spelt. Nothing is ever followed: a link is a name like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...windows.upcase import fold
from ..way import Way
from .overlay import Sort, items, opacity, opened

Parts = tuple[str, ...]
"""A path below ``C:\\`` as its components; the empty tuple is ``C:\\`` itself."""


@dataclass(frozen=True, slots=True)
class Node:
    """A name that a container sees. ``layers`` are the numbers of the folders that have it, topmost first: one for a
    file or link, for a folder all that may add to it."""

    name: str
    sort: Sort
    layers: tuple[int, ...]


class Merged:
    """A read-only view of ``folders``, lowest first: Wine's own drive, the layers, perhaps a container's upper folder.

    What a folder holds is read when it is first asked for and then kept: :meth:`forget` after somebody wrote. Raises
    StoreError when the machine does not let us read.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = tuple(folders)
        self.way = Way()
        self._kept: dict[Parts, dict[str, Node]] = {}
        self._layers: dict[Parts, tuple[int, ...]] = {(): tuple(range(len(self.folders) - 1, -1, -1))}

    def names(self, path: Parts) -> Mapping[str, Node]:
        """What is in a folder by folded name; ``path`` is spelt as it is. Empty when there is no such folder."""
        found = self._kept.get(path)
        if found is None:
            found = self._kept[path] = self._read(path)
        return found

    def get(self, path: Parts) -> Node | None:
        """What has this name, spelt in any way; no link on the way is followed. ``None`` when there is nothing."""
        if not path:
            return Node("", Sort.FOLDER, self._layers[()])
        here: Parts = ()
        for part in path[:-1]:
            node = self.names(here).get(fold(part))
            if node is None or node.sort is not Sort.FOLDER:
                return None
            here = (*here, node.name)
        return self.names(here).get(fold(path[-1]))

    def spelt(self, path: Parts) -> Parts:
        """The same path as it is spelt; from the first name that is not there on it stays as it is."""
        here: Parts = ()
        for at, part in enumerate(path):
            node = self.names(here).get(fold(part))
            if node is None:
                return (*here, *path[at:])
            here = (*here, node.name)
        return here

    def walk(self, path: Parts = ()) -> Iterator[tuple[Parts, Node]]:
        """Everything below a folder, a folder before what is in it, siblings by folded name."""
        stack = [(path, iter(sorted(self.names(path).items())))]
        while stack:
            here, names = stack[-1]
            found = next(names, None)
            if found is None:
                stack.pop()
                continue
            node = found[1]
            yield (*here, node.name), node
            if node.sort is Sort.FOLDER:
                below = (*here, node.name)
                stack.append((below, iter(sorted(self.names(below).items()))))

    def place(self, node: Node) -> Path:
        """The folder among :attr:`folders` that a node comes from."""
        return self.folders[node.layers[0]]

    def forget(self) -> None:
        """Read everything anew when it is asked for."""
        self.way.forget()
        self._kept.clear()
        self._layers = {(): self._layers[()]}

    def learn(self, folder: Parts, name: str, sort: Sort) -> None:
        """Somebody put a file, link or new folder into the topmost folder: the view has it from now on."""
        node = Node(name, sort, (len(self.folders) - 1,))
        before = self.names(folder).get(fold(name))
        if before is not None and before.sort is Sort.FOLDER:
            self.forget()
            return
        self._kept[folder][fold(name)] = node
        self._layers.pop((*folder, name), None)
        self._kept.pop((*folder, name), None)

    def _read(self, path: Parts) -> dict[str, Node]:
        layers = self._folder(path)
        seen: dict[str, Node] = {}
        closed: set[str] = set()
        for layer in layers:
            with opened(self.folders[layer], path, self.way) as folder:
                if folder is None:
                    continue
                for item in items(folder):
                    if item.name in closed:
                        continue
                    known = seen.get(item.name)
                    if item.sort is Sort.FOLDER:
                        seen[item.name] = Node(item.name, item.sort,
                                               (layer,) if known is None else (*known.layers, layer))
                        continue
                    closed.add(item.name)
                    if known is None and item.sort is not Sort.WHITEOUT:
                        seen[item.name] = Node(item.name, item.sort, (layer,))
                if opacity(folder) == b"y" and path:
                    break
        by_key: dict[str, Node] = {}
        for name in sorted(seen):  # of names that differ in case the one that is uppermost, then the first
            other = by_key.get(fold(name))
            if other is None or other.layers[0] < seen[name].layers[0]:
                by_key[fold(name)] = seen[name]
        return by_key

    def _folder(self, path: Parts) -> tuple[int, ...]:
        """Which of the folders add to one, topmost first."""
        found = self._layers.get(path)
        if found is None:
            node = self.names(path[:-1]).get(fold(path[-1]))
            there = node is not None and node.sort is Sort.FOLDER and node.name == path[-1]
            found = self._layers[path] = node.layers if node is not None and there else ()
        return found
