# SPDX-License-Identifier: Apache-2.0
"""Which items of a context a COPY means, and what each will be called: names only, nothing is read or written.

Rules from BuildKit (``frontend/dockerfile/dockerfile2llb/convert_copy.go``, ``solver/llbsolver/file/backend.go``) and
the copy it stands on (tonistiigi/fsutil ``copy/copy.go``):

* a source that is a folder means what is in it, also when a wildcard found it; a source that is a symlink, what it
  points at; a wildcard that finds nothing means nothing, but names before it, and plain names, must be there;
* wildcards match whole paths component by component and do not look through symlinked folders;
* ``--exclude`` patterns are relative to the source folder; ``--parents`` keeps the path (after ``/./``) and takes a
  whole subtree when a pattern matches its top.

Deviations, on purpose: a source that climbs out of the context with ``..`` is refused instead of cut off at its root;
``--exclude`` also holds for a file that is named itself, as the Dockerfile reference says; with ``--parents`` a file
that a wildcard before ``/./`` found is passed over instead of copied whatever comes after.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from ...dockerfile.ignore import Ignore, Verdict
from ...errors import ContextError, UnsupportedError
from ...layer import Kind
from ...windows.names import check_name
from ...windows.upcase import fold
from .changes import Row
from .context import Context
from .links import Policy, link_of
from .match import has_wildcard, matches, missing, normal, patterns_of, tops, verdict_of
from .tree import FACTS, Item, Listing, Sort, shown

Names = tuple[str, ...]
MAX_ITEMS = 1_000_000
"""Items in one selection: followed links can multiply folders without end."""


@dataclass(frozen=True, slots=True)
class Selected:
    """One thing to be put into the image.

    ``source`` is the path in the context where the bytes are. ``path`` are the components below the destination; they
    are empty for a folder that becomes the destination itself. ``alone`` marks a file that was named itself: it goes to
    ``path`` in the destination if that is a folder, else it becomes the destination, so that its own name may not
    matter and was not checked. ``target`` is a symlink's, as Windows writes it.
    """

    source: str
    path: tuple[str, ...]
    kind: Kind
    size: int = 0
    mtime_ns: int = 0
    target: str = ""
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """What the sources mean: single things, rows of plain files that share a folder, and the wildcards that found
    nothing."""

    singles: tuple[Selected, ...]
    rows: tuple[Row, ...] = ()
    unmatched: tuple[str, ...] = ()

    @property
    def items(self) -> tuple[Selected, ...]:
        """Everything as single things, sorted by name, so that folders come before what is in them."""
        below = (one for row in self.rows for one in selected(row))
        return tuple(sorted((*self.singles, *below), key=lambda item: item.path))


def selected(row: Row) -> Iterator[Selected]:
    """The files of a row as single things."""
    prefix = f"{row.source}/" if row.source else ""
    for at, name in enumerate(row.names):
        size, mtime_ns = row.facts[FACTS * at:FACTS * at + 2]
        yield Selected(prefix + name, (*row.path, name), Kind.FILE, size, mtime_ns)


def select(context: Context, sources: Iterable[str], *, excludes: tuple[str, ...] = (), parents: bool = False,
           symlinks: Policy = "keep", dangling: Literal["refuse", "keep"] = "refuse") -> Selection:
    """What the sources of one COPY or ADD mean.

    Of two files with one destination the later counts, as in BuildKit; two names that differ only in case are an error
    that names both. Raises ContextError; nothing depends on the machine, the locale or the order of a listing.
    """
    left_out = patterns_of(excludes, " ".join(f"--exclude={text}" for text in excludes))
    collector = _Collector(context, left_out, symlinks, dangling == "keep")
    unmatched = [source for source in sources if not (_with_parents if parents else _plain)(collector, source)]
    return Selection(tuple(collector.found.values()), tuple(collector.rows.values()), tuple(unmatched))


class _Collector:
    """Takes what is selected, and refuses what Windows could not tell apart or hold."""

    def __init__(self, context: Context, excludes: Ignore, symlinks: Policy, dangling: bool) -> None:
        self.context = context
        self.excludes = excludes
        self.symlinks = symlinks
        self.dangling = dangling
        self.found: dict[Names, Selected] = {}
        self.rows: dict[Names, Row] = {}  # by folder
        self._below: set[Names] = set()  # the folders that something in `found` is in
        self._count = 0
        self.pending: dict[Names, Item] = {}

    def follow(self, path: str, source: str) -> tuple[Item | None, str]:
        """What a source leads to; with ``--symlinks refuse`` no link may be on the way."""
        item, real, links = self.context.resolve(path)
        if links and self.symlinks == "refuse":
            raise ContextError(f"cannot copy {shown(source)}", path=links[0],
                               hint="allow links with --symlinks keep or follow",
                               why=f"{shown(links[0])} is a symlink, and --symlinks refuse was given")
        return item, real

    def folder(self, real: str, path: Names, inside: str, verdict: Verdict | None, chain: Names) -> None:
        """Take everything in a folder; ``inside`` is where that is, seen from the source, as excludes see it."""
        todo: list[tuple[Item, Names, str, Verdict | None, Names]] = []

        def push(folder: str, path: Names, inside: str, verdict: Verdict | None, chain: Names) -> None:
            for item in reversed(self.take_files(self.context.listing(folder), path, inside, verdict)):
                name = item.name
                todo.append((item, (*path, name), f"{inside}/{name}" if inside else name, verdict, chain))

        push(real, path, inside, verdict, chain)
        while todo:
            item, path, inside, above, chain = todo.pop()
            own = self.excludes.verdict(inside, above) if self.excludes.patterns else None
            excluded = own is not None and own.excluded
            if item.sort is Sort.DIRECTORY:
                if not excluded:
                    self.add(item, item, path)
                elif self.excludes.may_contain_included(inside):
                    self.pending[path] = item
                if not excluded or path in self.pending:
                    push(item.path, path, inside, own, (*chain, item.path))
            elif not excluded:
                followed = self.add_one(item, path, chain)
                if followed is not None:
                    push(followed, path, inside, own, (*chain, followed))

    def take_files(self, listing: Listing, path: Names, inside: str, verdict: Verdict | None) -> list[Item]:
        """Take the plain files of a folder as one row, as far as that goes; gives what has to be looked at alone."""
        kept = listing
        if self.excludes.patterns:
            below = f"{inside}/" if inside else ""
            kept = listing.where(lambda name: not self.excludes.verdict(below + name, verdict).excluded)
        row, odd = Row.of(path, self.context, kept)
        if row is None or not self._put_row(row):
            return kept.items()
        return sorted((*map(kept.file, odd), *kept.others.values()), key=lambda item: item.name)

    def add_one(self, item: Item, path: tuple[str, ...], chain: tuple[str, ...]) -> str | None:
        """Take an item that is no folder; gives the folder to go on with where a link to one is followed."""
        if item.sort is Sort.SYMLINK and self.symlinks == "follow":
            target, real, _unused = self.context.resolve(item.path)
            if target is None:
                raise self._refused(item, f"it points to {shown(item.target)}, which is not in the build context")
            if target.sort is Sort.DIRECTORY:
                if any(real == above or above.startswith(f"{real}/") or not real for above in (*chain, item.path)):
                    raise self._refused(item, f"it leads in a circle: it points to {shown(real)}, which holds it",
                                        "keep it a link with --symlinks keep, or name it in .dockerignore")
                self.add(item, target, path)
                return real
            self.add(item, target, path)
            return None
        self.add(item, item, path)
        return None

    def add(self, named: Item, item: Item, path: tuple[str, ...], *, alone: bool = False) -> None:
        """Take one item, called ``path`` in the image; ``named`` is what the context calls it (a link, perhaps)."""
        if not alone:
            self._check_name(named, path)
        if self.pending:
            self._parents(path)
        if item.sort is Sort.SPECIAL:
            raise self._refused(named, f"it is {item.note}", "remove it, or name it in .dockerignore")
        kind, target = Kind.FILE, ""
        if item.sort is Sort.DIRECTORY:
            kind = Kind.DIRECTORY
        elif item.sort is Sort.SYMLINK:
            if self.symlinks == "refuse":
                raise self._refused(item, "it is a symlink, and --symlinks refuse was given",
                                    "allow links with --symlinks keep or follow")
            kind, target = link_of(self.context, item, dangling=self.dangling)
        self._put(Selected(item.path, path, kind, item.size, item.mtime_ns, target, alone))

    def _parents(self, path: Names) -> None:
        """A folder that was excluded itself, but holds something that was not, is taken after all."""
        for count in range(1, len(path)):
            item = self.pending.pop(path[:count], None)
            if item is not None:
                self._check_name(item, path[:count])
                self._put(Selected(item.path, path[:count], Kind.DIRECTORY, 0, item.mtime_ns))

    def _put(self, new: Selected) -> None:
        key = tuple(map(fold, new.path))
        row = self.rows.get(key[:-1]) if key else None
        if row is not None and row.has(key[-1]):  # each on its own, then: which one counts, or what is wrong
            del self.rows[key[:-1]]
            self._count -= len(row.names)
            for single in selected(row):
                self._put(single)
        old = self.found.get(key)
        if old is not None and old.path != new.path:
            one, other = sorted((old.source, new.source))  # whichever was met first
            raise ContextError(f"cannot copy {shown(one)} and {shown(other)}", path=other, other=one,
                               why="their names differ only in case, and Windows holds one of them",
                               hint="rename one, or leave it out with --exclude or .dockerignore")
        if old is not None and Kind.DIRECTORY in (old.kind, new.kind):
            if old.kind is not new.kind:
                raise ContextError(f"cannot copy {shown(old.source)} and {shown(new.source)}", path=new.source,
                                   other=old.source, why="both get one name, and one is a folder and the other is not")
            return
        self.found[key] = new
        self._below.add(key[:-1])
        if old is None:
            self._more(1, new.source)

    def _more(self, count: int, source: str) -> None:
        self._count += count
        if self._count > MAX_ITEMS:
            raise ContextError(f"cannot copy {shown(source)}", path=source,
                               why=f"that is more than the {MAX_ITEMS} items that one instruction may copy")

    def _put_row(self, row: Row) -> bool:
        """Take a row, if nothing that was taken before has one of its names."""
        folder = tuple(map(fold, row.path))
        if folder in self.rows or (folder in self._below and any((*folder, key) in self.found for key in row.keys)):
            return False
        if self.pending:
            self._parents((*row.path, row.names[0]))
        self.rows[folder] = row
        self._more(len(row.names), row.source)
        return True

    def _check_name(self, item: Item, path: tuple[str, ...]) -> None:
        if not path:
            return
        name = path[-1]
        if any("\udc80" <= char <= "\udcff" for char in name):
            raise self._refused(item, "its name is not UTF-8, so it has no name on Windows", "rename it")
        if name.lower().startswith(".wh."):
            raise self._refused(item, "in a layer, a name that begins with .wh. deletes a file", "rename it")
        try:
            check_name(name)
        except UnsupportedError as error:
            raise self._refused(item, f"{shown(name)} cannot be a name on Windows: {error.why}",
                                "rename it, or leave it out with --exclude or .dockerignore") from None

    def _refused(self, item: Item, why: str, hint: str = "") -> ContextError:
        return ContextError(f"cannot copy {shown(item.path)}", path=item.path, why=why, hint=hint)


def _plain(collector: _Collector, source: str) -> bool:
    """COPY without ``--parents``; whether anything was found."""
    path = normal(source, source)
    pattern = any(map(has_wildcard, path.split("/")))
    matched = False
    for found in matches(collector.context, path):
        item, real = collector.follow(found, source)
        if item is None:
            raise missing(collector.context, found if pattern else source, real)
        matched = True
        if item.sort is Sort.DIRECTORY:
            collector.add(item, item, ())
            collector.folder(real, (), "", None, (real,))
        else:
            name = found.rpartition("/")[2]
            if not collector.excludes.excludes(name):
                collector.add(Item(found, item.sort), item, (name,), alone=True)
    return matched


def _with_parents(collector: _Collector, source: str) -> bool:
    """COPY with ``--parents``; whether anything was found."""
    before, pivot, after = source.replace("\\", "/").partition("/./")
    base, pattern = (normal(before, source), normal(after, source)) if pivot else ("", normal(before, source))
    wild = any(map(has_wildcard, f"{base}/{pattern}".split("/")))
    wanted = patterns_of((pattern,), source) if pattern else None
    matched = False
    for found in matches(collector.context, base):
        item, real = collector.follow(found, source)
        if item is None:
            raise missing(collector.context, source, real)
        if item.sort is not Sort.DIRECTORY:
            continue
        collector.add(item, item, ())
        if wanted is None:
            collector.folder(real, (), "", None, (real,))
            matched = True
            continue
        for top in tops(collector.context, real, wanted):
            inside = top.path[len(real) :].lstrip("/")
            matched = True
            verdict = verdict_of(collector.excludes, inside)
            if not verdict.excluded or (top.sort is Sort.DIRECTORY and collector.excludes.may_contain_included(inside)):
                _take_tree(collector, top, inside, verdict)
    if not matched and not wild:
        raise missing(collector.context, source, "/".join(filter(None, (base, pattern))))
    return matched


def _take_tree(collector: _Collector, top: Item, inside: str, verdict: Verdict) -> None:
    """One match of ``--parents`` with the folders that lead to it."""
    path = tuple(inside.split("/"))
    for count in range(1, len(path)):
        above = collector.context.get("/".join(top.path.split("/")[: count - len(path)]))
        assert above is not None
        if not verdict.excluded:
            collector.add(above, above, path[:count])
        elif path[:count] not in collector.found:
            collector.pending[path[:count]] = above
    if top.sort is Sort.DIRECTORY:
        if not verdict.excluded:
            collector.add(top, top, path)
        else:
            collector.pending[path] = top
        collector.folder(top.path, path, inside, verdict, (top.path,))
        return
    followed = collector.add_one(top, path, (top.path.rpartition("/")[0],))
    if followed is not None:
        collector.folder(followed, path, inside, verdict, (followed,))
