# SPDX-License-Identifier: Apache-2.0
"""``COPY --from``: which files of an image a pattern means, and where they go.

The rules are BuildKit's (``solver/llbsolver/file/backend.go``, Dockerfile reference "COPY"): of a folder its contents
are copied, of a file the file; a source that is a link is followed. Names are compared as the image's system compares
them here: without regard to case.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...dockerfile.patterns.globs import match
from ...errors import ContextError
from ...images.inspect.rootfs import Rootfs
from ...layer import Entry, Kind
from ...windows.names import parse_path
from ...windows.upcase import fold
from ..compose.view import link_target
from ..context.changes import Components

MAX_LINKS = 63


@dataclass(frozen=True, slots=True)
class Picked:
    """One thing of an image: where it goes below the destination (empty: it *is* the destination), and what it is.

    ``name`` is the last component of the source that was asked for, which a file takes when it is put into a folder.
    """

    entry: Entry
    below: Components
    name: str
    from_folder: bool


class ImageFiles:
    """The files of one image, as COPY sees them."""

    def __init__(self, rootfs: Rootfs) -> None:
        self.rootfs = rootfs
        self._union = rootfs.union()
        self._prefix = rootfs.layout()

    def pick(self, pattern: str) -> list[Picked]:
        """What ``pattern`` means. ContextError when it is no file and no folder of the image."""
        path = parse_path(pattern)
        wild = any(_is_wild(name) for name in path)
        found: list[Picked] = []
        for entry in self._matches(path):
            found += self._contents(self._followed(entry))
        if not found and not wild and self._get(path) is None:
            raise ContextError(f"cannot copy {pattern} from {self.rootfs.name}", path=pattern,
                               why="there is no such file or folder in the image",
                               hint=f"see 'wcow ls {self.rootfs.name}'")
        return found

    def _contents(self, entry: Entry) -> Iterator[Picked]:
        name = entry.path.rpartition("/")[2]
        if entry.kind is not Kind.DIRECTORY:
            yield Picked(entry, (), name, False)
            return
        stack: list[tuple[Components, Entry]] = [((), entry)]
        yield Picked(entry, (), name, True)
        while stack:
            below, folder = stack.pop()
            for child in self._union.children(folder.path):
                inner = (*below, child.entry.path.rpartition("/")[2])
                yield Picked(child.entry, inner, name, True)
                if child.entry.kind is Kind.DIRECTORY:
                    stack.append((inner, child.entry))

    def _matches(self, pattern: Components) -> list[Entry]:
        """The entries a pattern of components matches, sorted."""
        level: list[Components] = [()]
        for name in pattern:
            if _is_wild(name):
                level = [(*path, child) for path in level for child in self._names(path)
                         if match(fold(name), fold(child))]
            else:
                level = [(*self._resolved(path), name) for path in level]
        return [entry for path in sorted(level) if (entry := self._get(path)) is not None]

    def _names(self, path: Components) -> list[str]:
        folder = self._layer_path(self._resolved(path))
        return [found.entry.path.rpartition("/")[2] for found in self._union.children(folder)]

    def _layer_path(self, path: Components) -> str:
        return "/".join((self._prefix, *path) if self._prefix else path)

    def _get(self, path: Components) -> Entry | None:
        if not path:
            return Entry(self._layer_path(()), Kind.DIRECTORY)
        found = self._union.get(self._layer_path(path))
        return found.entry if found is not None else None

    def _components(self, entry: Entry) -> Components:
        parts = tuple(entry.path.split("/")) if entry.path else ()
        return parts[1:] if self._prefix else parts

    def _resolved(self, path: Components) -> Components:
        """``path`` with the folder links on the way followed."""
        done: Components = ()
        todo, links = list(path), 0
        while todo:
            here = (*done, todo.pop(0))
            entry = self._get(here)
            if entry is not None and entry.is_reparse():
                links += 1
                if links > MAX_LINKS:
                    raise ContextError(f"cannot follow {'/'.join(path)} of {self.rootfs.name}",
                                       why="the links on the way run in a circle")
                todo = [*link_target(entry.target, done, "/".join(path)), *todo]
                done = ()
            else:
                done = here
        return done

    def _followed(self, entry: Entry) -> Entry:
        if not entry.is_reparse():
            return entry
        target = self._get(self._resolved(self._components(entry)))
        if target is None:
            raise ContextError(f"cannot copy {entry.path} from {self.rootfs.name}",
                               why=f"it is a link to {entry.target}, which is not there", path=entry.path)
        return target


def _is_wild(name: str) -> bool:
    return any(char in name for char in "*?[")
