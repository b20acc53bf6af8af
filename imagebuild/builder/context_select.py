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

from ..dockerfile.globs import match
from ..dockerfile.ignore import Ignore, Verdict
from ..errors import ContextError, FormatError, UnsupportedError
from ..layer import Kind
from ..windows.names import check_name
from ..windows.upcase import fold
from .context import Context
from .context_links import Policy, link_of
from .context_tree import Item, Sort, shown

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
    """What the sources mean: ``items`` with folders before what is in them, and the wildcards that found nothing."""

    items: tuple[Selected, ...]
    unmatched: tuple[str, ...] = ()


def select(context: Context, sources: Iterable[str], *, excludes: tuple[str, ...] = (), parents: bool = False,
           symlinks: Policy = "keep", dangling: Literal["refuse", "keep"] = "refuse") -> Selection:
    """The items that the sources of one COPY or ADD mean, in the order of the sources and then of names.

    Of two files with one destination the later counts, as in BuildKit; two names that differ only in case are an error
    that names both. Raises ContextError; nothing depends on the machine, the locale or the order of a listing.
    """
    left_out = _patterns(excludes, " ".join(f"--exclude={text}" for text in excludes))
    collector = _Collector(context, left_out, symlinks, dangling == "keep")
    unmatched = [source for source in sources if not (_with_parents if parents else _plain)(collector, source)]
    return Selection(tuple(collector.found.values()), tuple(unmatched))


def expand_sources(context: Context, pattern: str) -> tuple[str, ...]:
    """The paths a source means before anything below them is looked at: what its wildcards match, or itself."""
    return tuple(_matches(context, normal(pattern, pattern)))


def normal(text: str, source: str) -> str:
    """A source as a path in the context: ``\\`` is a separator as everywhere in a Windows Dockerfile, ``C:`` goes."""
    text = text.replace("\\", "/")
    text = text[2:] if text[1:2] == ":" else text
    parts: list[str] = []
    for part in text.split("/"):
        if part == "..":
            if not parts:
                raise ContextError(f"cannot copy {shown(source)}", path=source, why="it leads out of the build context",
                                   hint="use a context that holds it, or --build-context NAME=DIR and COPY --from=NAME")
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def has_wildcard(name: str) -> bool:
    """Whether a path component is a pattern."""
    return any(char in name for char in "*?[")


class _Collector:
    """Takes what is selected, and refuses what Windows could not tell apart or hold."""

    def __init__(self, context: Context, excludes: Ignore, symlinks: Policy, dangling: bool) -> None:
        self.context = context
        self.excludes = excludes
        self.symlinks = symlinks
        self.dangling = dangling
        self.found: dict[Names, Selected] = {}
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
            for item in reversed(self.context.children(folder)):
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

    def add_one(self, item: Item, path: tuple[str, ...], chain: tuple[str, ...]) -> str | None:
        """Take an item that is no folder; gives the folder to go on with where a link to one is followed."""
        if item.sort is Sort.SYMLINK and self.symlinks == "follow":
            target, real, _ = self.context.resolve(item.path)
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
        old = self.found.get(key)
        if old is not None and old.path != new.path:
            raise ContextError(f"cannot copy {shown(old.source)} and {shown(new.source)}", path=new.source,
                               other=old.source, why="their names differ only in case, and Windows holds one of them",
                               hint="rename one, or leave it out with --exclude or .dockerignore")
        if old is not None and Kind.DIRECTORY in (old.kind, new.kind):
            if old.kind is not new.kind:
                raise ContextError(f"cannot copy {shown(old.source)} and {shown(new.source)}", path=new.source,
                                   other=old.source, why="both get one name, and one is a folder and the other is not")
            return
        self.found[key] = new
        if len(self.found) > MAX_ITEMS:
            raise ContextError(f"cannot copy {shown(new.source)}", path=new.source,
                               why=f"that is more than the {MAX_ITEMS} items that one instruction may copy")

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
    for found in _matches(collector.context, path):
        item, real = collector.follow(found, source)
        if item is None:
            raise _missing(collector.context, found if pattern else source, real)
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
    wanted = _patterns((pattern,), source) if pattern else None
    matched = False
    for found in _matches(collector.context, base):
        item, real = collector.follow(found, source)
        if item is None:
            raise _missing(collector.context, source, real)
        if item.sort is not Sort.DIRECTORY:
            continue
        collector.add(item, item, ())
        if wanted is None:
            collector.folder(real, (), "", None, (real,))
            matched = True
            continue
        for top in _tops(collector.context, real, wanted):
            inside = top.path[len(real) :].lstrip("/")
            matched = True
            verdict = _verdict(collector.excludes, inside)
            if not verdict.excluded or (top.sort is Sort.DIRECTORY and collector.excludes.may_contain_included(inside)):
                _take_tree(collector, top, inside, verdict)
    if not matched and not wild:
        raise _missing(collector.context, source, "/".join(filter(None, (base, pattern))))
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


def _tops(context: Context, base: str, wanted: Ignore) -> Iterator[Item]:
    """The items below ``base`` that a pattern matches and no folder above them does."""
    todo = list(reversed(context.children(base)))
    while todo:
        item = todo.pop()
        inside = item.path[len(base) :].lstrip("/")
        if wanted.verdict(inside).excluded:
            yield item
        elif item.sort is Sort.DIRECTORY and wanted.patterns[0].may_match_below(inside):
            todo.extend(reversed(context.children(item.path)))


def _matches(context: Context, path: str) -> list[str]:
    """The paths that a source with wildcards matches, sorted; a source without is itself."""
    parts = path.split("/")
    first = next((index for index, part in enumerate(parts) if has_wildcard(part)), None)
    if first is None:
        return [path]
    item, real, _ = context.resolve("/".join(parts[:first]))
    if item is None:
        raise _missing(context, path, real)
    found = [real] if item.sort is Sort.DIRECTORY else []
    for index, part in enumerate(parts[first:], first):
        below = []
        for folder in found:
            for child in context.children(folder):
                try:
                    fits = match(part, child.name)
                except FormatError as error:
                    raise ContextError(f"cannot copy {shown(path)}", path=path, why=error.why or error.what) from error
                if fits and (index == len(parts) - 1 or child.sort is Sort.DIRECTORY):
                    below.append(child.path)
        found = below
    return found


def _patterns(texts: tuple[str, ...], asked: str) -> Ignore:
    """Patterns with any separator as a matcher; ``asked`` is what the user wrote."""
    try:
        return Ignore.of(tuple(text.replace("\\", "/") for text in texts))
    except FormatError as error:
        raise ContextError(f"cannot use {shown(asked)}", why=error.why or error.what) from error


def _verdict(ignore: Ignore, path: str) -> Verdict:
    """About a path, after every folder above it."""
    verdict: Verdict | None = None
    parts = path.split("/")
    for count in range(1, len(parts) + 1):
        verdict = ignore.verdict("/".join(parts[:count]), verdict)
    assert verdict is not None
    return verdict


def _missing(context: Context, source: str, real: str) -> ContextError:
    """The error for a name that is not there, with the reason a person would look for next."""
    why, hint = f"there is no {shown(real)} in the build context {context.name}", ""
    whole = Context(context.tree)
    if context.ignore.patterns and whole.get(real) is not None:
        why = f"{shown(real)} is left out by .dockerignore"
        hint = "remove the pattern, or bring it back with a line that begins with !"
    else:
        at = ""
        for name in real.split("/"):
            near = next((item for item in whole.children(at) if fold(item.name) == fold(name)), None)
            if near is None:
                break
            if near.name != name:
                hint = f"there is {shown(near.path)}: on this machine names are compared with case"
            if near.sort is not Sort.DIRECTORY:
                break
            at = near.path
        else:
            at = real
    return ContextError(f"cannot copy {shown(source)}", path=real, why=why, hint=hint)
