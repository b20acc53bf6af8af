# SPDX-License-Identifier: Apache-2.0
"""WORKDIR, COPY and ADD become changes: which files, from where, to which path of the image."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ...dockerfile.ignore import Ignore
from ...dockerfile.instructions import Add
from ...errors import ContextError
from ...events import Event, Finish, Step, Warn
from ...fetch import redact
from ...images.inspect.rootfs import Rootfs
from ...layer import Entry, Kind
from ...oci import Digest
from ...windows.filetime import from_unix_ns
from ...windows.names import join
from ...windows.sid import find_account
from ..compose.view import View
from ..context.archive import is_archive
from ..context.changes import Change, Changes, Components, Later, Local, Row
from ..context.context import Context
from ..context.match import expand_sources
from ..context.select import Selected, Selection, select
from ..context.tree import Sort
from ..plan.plan import (
    Amount,
    Clone,
    Download,
    Files,
    Here,
    Inline,
    MakeFolder,
    OfImage,
    OfStage,
    Source,
    Transfer,
    Wanted,
)
from .from_image import ImageFiles
from .opening import Contexts

OriginRootfs = Callable[[OfStage | Wanted], Generator[Event, None, Rootfs]]


@dataclass(slots=True)
class Gatherer:
    """Finds what instructions put into an image; ``rootfs_of`` opens the files of a stage or an image.

    ``known`` are the changes found for other versions of the same build.
    """

    contexts: Contexts
    rootfs_of: OriginRootfs
    known: dict[Hashable, list[Change | Row]] = field(default_factory=dict)

    def folder(self, step: MakeFolder, view: View) -> Changes:
        """WORKDIR: the folder, unless it is there."""
        path = view.resolve(step.path)
        there = view.get(path)
        if not path or (there is not None and there.is_directory()):
            return Changes(())
        return Changes((Change(path, Kind.DIRECTORY),))

    def transfer(self, step: Transfer, view: View) -> Generator[Event, None, Changes]:
        """COPY or ADD: every file, folder and link that its sources mean, at its path in the image."""
        destination = view.resolve(step.destination)
        there = view.get(destination)
        place = _Place(destination, step.into or not destination or (there is not None and there.is_directory()))
        changes: list[Change | Row] = []
        for source in step.sources:
            changes += yield from self._source(step, source, place)
        owner = find_account(step.owner) if step.owner else None
        return Changes(tuple(changes), owner)

    def measure(self, step: Transfer) -> Amount | None:
        """How much the sources that lie in build contexts come to; ``None`` when none does. Nothing is read."""
        files = size = 0
        measured = False
        for source in step.sources:
            if isinstance(source, Inline):
                files, size, measured = files + 1, size + len(source.data), True
            elif isinstance(source, Files) and isinstance(source.origin, Here):
                chosen = select(self.contexts.get(source.origin.value), source.patterns, excludes=step.excludes,
                                parents=step.parents, symlinks=self.contexts.request.symlinks)
                kept = [item.size for item in chosen.singles if item.kind is Kind.FILE]
                kept += (size for row in chosen.rows for size in row.sizes)
                files, size, measured = files + len(kept), size + sum(kept), True
        return Amount(files, size) if measured else None

    def _source(self, step: Transfer, source: Source, place: _Place) -> Generator[Event, None, list[Change | Row]]:
        if isinstance(source, Inline):
            data = source.data
            return [Change(place.of_file(source.name), Kind.FILE, len(data), data, Digest.of(data))]
        if isinstance(source, Download):
            return (yield from self._download(step, source, place))
        if isinstance(source, Clone):
            return (yield from self._clone(step, source, place))
        origin = source.origin
        if isinstance(origin, Here):
            key = (origin.value, source.patterns, step.excludes, step.parents, step.unpack, place)
            if key not in self.known:  # the next Windows version takes the same from the same context
                self.known[key] = yield from self._context(step, source, self.contexts.get(origin.value), place)
            return self.known[key]
        rootfs = yield from self.rootfs_of(origin.image if isinstance(origin, OfImage) else origin)
        return list(self._image(step, source, rootfs, place))

    def _context(self, step: Transfer, source: Files, context: Context, place: _Place
                 ) -> Generator[Event, None, list[Change | Row]]:
        if step.unpack:
            plain, archives = self._archives(source.patterns, context)
        else:
            plain, archives = source.patterns, []
        chosen = select(context, plain, excludes=step.excludes, parents=step.parents,
                        symlinks=self.contexts.request.symlinks)
        where = f"{step.instruction.place.file}:{step.instruction.line}"
        for pattern in chosen.unmatched:
            yield Warn(f"{pattern} matches nothing", where, "empty-match")
        alone = sum(item.alone for item in chosen.singles)
        if alone > 1 and not place.is_folder:
            raise ContextError(f"cannot copy {alone} files to {join(place.path)}",
                               why="it is not a folder, and the destination of several files must be one",
                               hint="end the destination with a backslash")
        changes = self._chosen(context, chosen, place)
        for path in archives:
            changes += self._unpacked(context.location(path), path, place)
        return changes

    def _chosen(self, context: Context, chosen: Selection, place: _Place) -> list[Change | Row]:
        """What was selected at its place in the image; a folder that becomes C:\\ itself is no change."""
        singles = (self._selected(context, item, place) for item in chosen.singles
                   if item.path or item.kind is not Kind.DIRECTORY or place.path)
        return [*singles, *(row.inside(place.path) for row in chosen.rows)]

    def _selected(self, context: Context, item: Selected, place: _Place) -> Change:
        path = place.of_file(item.path[-1]) if item.alone else (*place.path, *item.path)
        modified = from_unix_ns(item.mtime_ns)
        if item.kind is not Kind.FILE:
            return Change(path, item.kind, target=item.target, modified=modified)
        return Change(path, Kind.FILE, item.size, Local(context, item.source), modified=modified)

    def _archives(self, patterns: tuple[str, ...], context: Context) -> tuple[tuple[str, ...], list[str]]:
        """Divide ADD's sources: local archives are unpacked, all else is copied. Names do not count, contents do."""
        plain: list[str] = []
        archives: list[str] = []
        for pattern in patterns:
            paths = expand_sources(context, pattern)
            packed = []
            for path in paths:
                item, real, _unused = context.resolve(path)
                if item is not None and item.sort is Sort.FILE and is_archive(context.location(real)):
                    packed.append(real)
            archives += packed
            if len(packed) < len(paths) or not paths:
                plain += [pattern] if not packed else [path for path in paths if context.resolve(path)[1] not in packed]
        return tuple(plain), archives

    def _unpacked(self, archive: Path, shown: str, place: _Place) -> Iterable[Change | Row]:
        with archive.open("rb") as stream:
            opened = Context.from_tar(stream, name=shown, folder=self.contexts.scratch)
        context = self.contexts.stack.enter_context(opened)
        chosen = select(context, (".",), symlinks=self.contexts.request.symlinks)
        return self._below(context, chosen, place)

    def _below(self, context: Context, chosen: Selection, place: _Place) -> list[Change | Row]:
        """What was selected without the folder that holds it all."""
        singles = (self._selected(context, item, place) for item in chosen.singles if item.path)
        return [*singles, *(row.inside(place.path) for row in chosen.rows)]

    def _image(self, step: Transfer, source: Files, rootfs: Rootfs, place: _Place) -> Iterable[Change]:
        files = ImageFiles(rootfs)
        excludes = _excluder(step.excludes)
        for pattern in source.patterns:
            picked = files.pick(pattern)
            if sum(not item.from_folder for item in picked) > 1 and not place.is_folder:
                raise ContextError(f"cannot copy several files to {join(place.path)}",
                                   why="it is not a folder, and the destination of several files must be one",
                                   hint="end the destination with a backslash")
            base = pattern_parents(pattern) if step.parents else ()
            for item in picked:
                if item.below and excludes("/".join(item.below)):
                    continue
                inside = (*base, *item.below)
                path = (*place.path, *inside) if item.from_folder else place.of_file(item.name, base)
                if item.from_folder and not path:
                    continue
                yield _image_change(rootfs, item.entry, path)

    def _download(self, step: Transfer, source: Download, place: _Place) -> Generator[Event, None, list[Change | Row]]:
        name = f"fetch {source.url}"
        yield Step(name, f"downloading {redact(source.url)}")
        fetched = self.contexts.fetcher.url(source.url, checksum=source.checksum or None)
        found = self.contexts.stack.enter_context(fetched)
        self.contexts.fetched[source.url] = found.digest
        yield Finish(name)
        if isinstance(step.instruction, Add) and step.instruction.unpack and is_archive(found.path):
            return list(self._unpacked(found.path, found.name, place))
        if place.is_folder and not found.name:
            raise ContextError(f"cannot name the file from {found.url}", why="the address ends without a file name",
                               hint="give a destination that is a file name")
        modified = from_unix_ns(found.modified_ns) if found.modified_ns is not None else None
        return [Change(place.of_file(found.name), Kind.FILE, found.size, found.path, found.digest, modified=modified)]

    def _clone(self, step: Transfer, source: Clone, place: _Place) -> Generator[Event, None, list[Change | Row]]:
        name = f"clone {source.url}"
        yield Step(name, f"cloning {redact(source.url)}")
        cloned = self.contexts.fetcher.git(source.url, keep_git_dir=bool(source.keep_git_dir),
                                           checksum=source.checksum or None)
        found = self.contexts.stack.enter_context(cloned)
        self.contexts.fetched[source.url] = f"gitCommit:{found.commit}"
        yield Finish(name, found.commit[:12])
        context = self.contexts.stack.enter_context(Context.from_folder(found.path))
        chosen = select(context, (".",), excludes=step.excludes, symlinks=self.contexts.request.symlinks)
        return self._below(context, chosen, place)


@dataclass(frozen=True, slots=True)
class _Place:
    """A destination: a folder that things go into, or the name of the one file."""

    path: Components
    is_folder: bool

    def of_file(self, name: str, parents: Components = ()) -> Components:
        """Where a file called ``name`` goes."""
        return (*self.path, *parents, name) if self.is_folder or parents else self.path


def _image_change(rootfs: Rootfs, entry: Entry, path: Components) -> Change:
    modified = entry.times.modified if entry.times is not None else None
    if entry.kind is Kind.DIRECTORY:
        return Change(path, Kind.DIRECTORY, modified=modified, attributes=entry.attributes)
    if entry.is_reparse():
        return Change(path, entry.kind, target=entry.target, modified=modified)
    found = rootfs.union().get(entry.path)
    assert found is not None
    return Change(path, Kind.FILE, rootfs.size(found), Later(rootfs, entry.path), rootfs.identity(found),
                  modified=modified, attributes=entry.attributes)


def pattern_parents(pattern: str) -> Components:
    """The folders that ``--parents`` keeps of a source: all above it, or those after ``/./``."""
    text = pattern.replace("\\", "/")
    _unused, pivot, after = text.partition("/./")
    names = [name for name in (after if pivot else text).split("/") if name not in ("", ".") and not name.endswith(":")]
    return tuple(names[:-1])


def _excluder(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    if not patterns:
        return lambda path: False
    return Ignore.of(tuple(text.replace("\\", "/") for text in patterns)).excludes
