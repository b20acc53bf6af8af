# SPDX-License-Identifier: Apache-2.0
"""The build context as a value: names, sizes and times now, digests and content when they are asked for.

Names are relative with ``/`` and compared with case, as on the machine they come from. What ``.dockerignore`` leaves
out is not there; only :meth:`Context.read` sees it, because BuildKit always sends the Dockerfile and ``.dockerignore``.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from ...codec.readers import Readable
from ...dockerfile.ignore import Ignore, Verdict, ignore_names
from ...errors import ContextError
from .statcache import StatCache
from .tar import Limits, TarTree
from .tree import ROOT, Item, Listing, Sort, Tree, shown
from .walk import FolderTree

MAX_LINKS = 255
"""Symlinks on the way to one file, as Go's ``filepath.EvalSymlinks`` and containerd's ``fs.RootPath`` allow."""


class Context:
    """A build context. Use it in a ``with`` block: leaving it removes temporary files and saves the digest cache."""

    def __init__(self, tree: Tree, ignore: Ignore | None = None) -> None:
        self.tree = tree
        self.ignore = ignore or Ignore()
        self._listed: dict[str, Listing] = {}
        self._verdicts: dict[str, Verdict | None] = {"": None}

    @classmethod
    def from_folder(cls, path: Path | str, ignore: Ignore | None = None, *, cache: StatCache | None = None) -> Context:
        """A folder on this machine. It is listed as far as it is asked about."""
        return cls(FolderTree(Path(path), cache), ignore)

    @classmethod
    def from_tar(cls, stream: Readable, ignore: Ignore | None = None, *, name: str = "-", folder: Path | None = None,
                 limits: Limits | None = None) -> Context:
        """A tarball (plain, gzip, zstd, bzip2, xz), read to its end now; ``folder`` takes the temporary files."""
        return cls(TarTree(stream, name=name, folder=folder, limits=limits), ignore)

    def ignoring(self, ignore: Ignore) -> Context:
        """The same context without what ``ignore`` names. Both share what :meth:`close` closes."""
        return Context(self.tree, ignore)

    @property
    def name(self) -> str:
        """What the user called it."""
        return self.tree.name

    def get(self, path: str) -> Item | None:
        """What stands at a path, a symlink as itself; None when nothing does or it is ignored."""
        if not path:
            return ROOT
        at = ""
        for name in path.split("/")[:-1]:
            item = self.listing(at).get(name)
            if item is None or item.sort is not Sort.DIRECTORY:
                return None
            at = item.path
        return self.listing(at).get(path.rpartition("/")[2])

    def children(self, folder: str = "") -> tuple[Item, ...]:
        """What lies in a folder, sorted by name (by code point, in every locale)."""
        return tuple(self.listing(folder).items())

    def listing(self, folder: str) -> Listing:
        """What is visible in a folder: plain files in columns, the rest as items."""
        known = self._listed.get(folder)
        if known is not None:
            return known
        found = self.tree.list(folder)
        if self.ignore.patterns:
            above = self._verdict(folder)
            others = {name: item for name, item in sorted(found.others.items()) if self._visible(item, above)}
            found = replace(found.where(lambda name: not self.ignore.verdict(found.path(name), above).excluded),
                            others=others)
        self._listed[folder] = found
        return found

    def walk(self, folder: str = "") -> Iterator[Item]:
        """Everything below a folder, each folder before what is in it; symlinks are not followed."""
        todo = list(reversed(self.children(folder)))
        while todo:
            item = todo.pop()
            yield item
            if item.sort is Sort.DIRECTORY:
                todo.extend(reversed(self.children(item.path)))

    def resolve(self, path: str) -> tuple[Item | None, str, tuple[str, ...]]:
        """What a path leads to when symlinks are followed: the item (None: nothing), its own path, the links passed.

        Raises ContextError for a link that is absolute, leads out of the context or in a circle.
        """
        todo, links = list(reversed(path.split("/"))) if path else [], list[str]()
        at: list[str] = []
        item: Item | None = ROOT
        while todo:
            name = todo.pop()
            if name in ("", "."):
                continue
            if name == "..":
                if not at:
                    raise self._bad_link(links[-1] if links else path, "it leads out of the build context")
                at.pop()
                item = self.get("/".join(at))
                continue
            item = self.listing("/".join(at)).get(name) if item is not None and item.sort is Sort.DIRECTORY else None
            at.append(name)
            if item is None:
                return None, "/".join([*at, *reversed(todo)]), tuple(links)
            if item.sort is Sort.SYMLINK:
                links.append(item.path)
                if len(links) > MAX_LINKS:
                    raise self._bad_link(links[0], f"it leads in a circle: {_circle(links)}")
                if is_absolute(item.target):
                    raise self._bad_link(item.path, f"its target {shown(item.target)} is absolute, and an image knows "
                                                    "nothing of this machine's folders")
                at.pop()
                todo.extend(reversed(item.target.split("/")))
                item = self.get("/".join(at))
        return item, "/".join(at), tuple(links)

    def open(self, path: str) -> BinaryIO:
        """A stream of a file's bytes."""
        return self.tree.open(path)

    def location(self, path: str) -> Path:
        """A file on this machine that holds those bytes until the context is closed."""
        return self.tree.location(path)

    def digest(self, path: str) -> str:
        """``sha256:…`` of a file, from the stat cache where nothing about it has changed."""
        return self.tree.digest(path)

    def learn(self, path: str, digest: str) -> None:
        """Remember a digest that was computed while a file was read for something else."""
        item = self.get(path)
        if item is not None:
            self.tree.learn(item, digest)

    def read(self, path: str, *, limit: int = 16 << 20) -> bytes | None:
        """A small file such as the Dockerfile, whole, ignored or not; None when it is not there.

        Symlinks are followed inside the context. Raises ContextError for more than ``limit`` bytes.
        """
        whole = Context(self.tree) if self.ignore.patterns else self
        item, real, _unused = whole.resolve(posixpath.normpath(f"/{path}").lstrip("/"))
        if item is None:
            return None
        if item.sort is not Sort.FILE:
            raise ContextError(f"cannot read {shown(path)} of the build context", path=path,
                               why=f"it is {item.note or 'a ' + item.sort.value}, not a file")
        with self.tree.open(real) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise ContextError(f"cannot read {shown(path)} of the build context", path=path,
                               why=f"it has more than the {limit} bytes that are allowed")
        return data

    def ignore_of(self, dockerfile: str = "Dockerfile") -> Ignore:
        """The patterns that hold for a build: ``NAME.dockerignore`` beside the Dockerfile, else ``.dockerignore``."""
        for name in ignore_names(dockerfile):
            data = self.read(name)
            if data is not None:
                return Ignore.parse(data, name=name)
        return Ignore()

    def close(self) -> None:
        """Let go of temporary files and save the digest cache. Safe to call twice."""
        self.tree.close()

    def __enter__(self) -> Context:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _visible(self, item: Item, above: Verdict | None) -> bool:
        """Whether an item is in the context: a folder also when something below it is brought back."""
        verdict = self.ignore.verdict(item.path, above)
        if item.sort is Sort.DIRECTORY:
            self._verdicts[item.path] = verdict
            if verdict.excluded:
                listing = self.listing(item.path) if self.ignore.may_contain_included(item.path) else None
                return listing is not None and bool(listing.names or listing.others)
        return not verdict.excluded

    def _verdict(self, folder: str) -> Verdict | None:
        """About a folder, of which every folder above was asked about before."""
        if folder not in self._verdicts:
            self._verdicts[folder] = self.ignore.verdict(folder, self._verdict(folder.rpartition("/")[0]))
        return self._verdicts[folder]

    def _bad_link(self, path: str, why: str) -> ContextError:
        return ContextError(f"cannot follow the symlink {shown(path)} of the build context", path=path, why=why,
                            hint="replace it by what it points at, or name it in .dockerignore")


def is_absolute(target: str) -> bool:
    """Whether a symlink's target starts at a root, of this machine or of Windows."""
    return target.startswith(("/", "\\")) or target[1:2] == ":"


def _circle(links: list[str]) -> str:
    """The links of a circle, each once, as far as they fit a line."""
    once = list(dict.fromkeys(shown(link) for link in links))
    return " → ".join([*once[:5], *(["…"] if len(once) > 5 else []), once[0]] if len(once) > 1 else [once[0], once[0]])
