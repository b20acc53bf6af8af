# SPDX-License-Identifier: Apache-2.0
"""The paths that one step writes, as a tree: what stands there, what shall stand there, and what cannot be both."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection
from dataclasses import replace
from itertools import pairwise

from ...errors import ContextError
from ...layer import Entry, Kind
from ...layer.batch import LONGEST_FOLDER
from ...windows.names import check_name, join
from ...windows.upcase import fold
from ..context.changes import Change, Components, Row
from .view import View, layer_path

MOST = 4096
"""Files in one row, so that somebody who writes them can say now and then how far they are."""
FEW = 32
"""Up to so many files are looked up one by one in a folder that exists; for more the folder is listed."""


class Node:
    """A path of the step: what stood there, what shall stand there, and what is below it by folded name."""

    __slots__ = ("change", "children", "existing", "path", "rows")

    def __init__(self, path: Components, existing: Entry | None) -> None:
        self.path = path
        self.existing = existing
        self.change: Change | None = None
        self.children: dict[str, Node] | None = None
        self.rows: list[Row] = []  # none has a name of another, nor of a child

    def takes(self, row: Row) -> bool:
        """Whether a row can be kept beside what is here: no name is here already, and rows do not overlap."""
        if self.children and not self.children.keys().isdisjoint(row.keys):
            return False
        return all(row.keys[-1] < other.keys[0] or other.keys[-1] < row.keys[0] for other in self.rows)

    def sorted(self) -> list[Node | Row]:
        """What is below, by folded name: the same order on every machine. Rows are divided where a child stands."""
        children = self.children or {}
        marks = sorted(children)
        if not self.rows:
            return [children[key] for key in marks]
        out: list[tuple[str, Node | Row]] = [(key, children[key]) for key in marks]
        for row in self.rows:
            inside = marks[bisect_left(marks, row.keys[0]):bisect_left(marks, row.keys[-1])]
            cuts = [0, *(bisect_left(row.keys, mark) for mark in inside), len(row.keys)]
            for low, high in pairwise(cuts):
                parts = (row.part(start, min(start + MOST, high)) for start in range(low, high, MOST))
                out += ((part.keys[0], part) for part in parts)
        return [item for _unused, item in sorted(out, key=lambda pair: pair[0])]


class StepTree:
    """The step's paths as a tree in the casing of what exists, without regard to case.

    Files are wanted one by one in the folders ``apart``, folded layer paths, and where they have one of the names
    ``single``, folded.
    """

    def __init__(self, view: View, apart: Collection[str] = (), single: Collection[str] = ()) -> None:
        self._view = view
        self._apart = apart
        self._single = single
        self.root = Node((), view.get(()))

    def put(self, change: Change) -> None:
        node = self.root
        for name in change.path:
            node = self._below(node, name, change.path)
        if not change.path:
            return
        old = node.existing
        if change.kind is Kind.DIRECTORY:
            if old is not None and not old.is_directory():
                raise _clash(node.path, "is a file in the image, and the build wants a folder there")
            if node.change is not None and node.change.kind is not Kind.DIRECTORY:
                raise _clash(node.path, "is a file and a folder in the same step")
            node.change = node.change or change
            return
        if node.children or node.rows:
            raise _clash(node.path, "is a folder and a file in the same step")
        if old is not None and old.kind is Kind.DIRECTORY:
            raise _clash(node.path, "is a folder in the image, and the build wants a file or link there")
        node.change = change

    def put_row(self, row: Row) -> None:
        """Put the files of a row: together, or one by one where there is more to say about one than its name."""
        node, first = self.root, (*row.path, row.names[0])
        for name in row.path:
            node = self._below(node, name, first)
        self._check_below(node, first)
        folder = layer_path(node.path)
        if not node.takes(row) or len(folder) > LONGEST_FOLDER or fold(folder) in self._apart:
            for change in row.singles():
                self.put(change)
            return
        there = self._there(node, row) | {bisect_left(row.keys, name) for name in self._single if row.has(name)}
        if there:
            for at, change in enumerate(row.singles()):
                if at in there:
                    self.put(change)
            if len(there) == len(row.names):
                return
            row = row.at([at for at in range(len(row.names)) if at not in there])
        node.rows.append(replace(row, path=node.path))

    def _there(self, node: Node, row: Row) -> set[int]:
        """The places of a row's files that replace something."""
        if node.existing is None and node.path:
            return set()
        if len(row.names) < FEW:
            return {at for at, name in enumerate(row.names) if self._view.get((*node.path, name)) is not None}
        there = {fold(entry.path.rpartition("/")[2]) for entry in self._view.children(node.path)}
        return {at for at, key in enumerate(row.keys) if key in there}

    def _check_below(self, node: Node, path: Components) -> None:
        """Whether something can stand below a node, ``path`` say."""
        if node.change is not None and node.change.kind is not Kind.DIRECTORY:
            raise _clash(node.path, f"is a file or link in the same step, so {join(path)} cannot be below it")
        if node.existing is not None and node.existing.kind is not Kind.DIRECTORY and node.path:
            raise _clash(node.path, f"is a {node.existing.kind.value} in the image, so {join(path)} cannot be below it")

    def _below(self, node: Node, name: str, whole: Components) -> Node:
        self._check_below(node, whole)
        if node.children is None:
            node.children = {}
        key = fold(name)
        if node.rows:
            self._open(node, key)
        child = node.children.get(key)
        if child is None:
            path = (*node.path, name)
            # Nothing stands in a folder that this step makes, so the base need not be asked.
            existing = self._view.get(path) if node.existing is not None or not node.path else None
            if existing is not None:
                path = (*node.path, existing.path.rpartition("/")[2])
            else:
                check_name(name)
            child = node.children[key] = Node(path, existing)
        return child

    def _open(self, node: Node, key: str) -> None:
        """Something else comes to the name of a file in a row: its files become single ones."""
        for at, row in enumerate(node.rows):
            if row.has(key):
                del node.rows[at]
                for change in row.singles():
                    self.put(change)
                return


def _clash(path: Components, why: str) -> ContextError:
    return ContextError(f"cannot write {join(path)}", why=f"{join(path)} {why}", path=join(path),
                        hint="copy to another name, or leave it out with --exclude or .dockerignore")
