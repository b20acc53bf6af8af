# SPDX-License-Identifier: Apache-2.0
"""Compare two images, or two layers: files, links, ACLs, attributes, registry hives, config, history, layers.

::

    before = side_of(library.find("app:1", platform), cache)
    after = side_of(library.find("app:2", platform), cache)
    for event in compare(before, after):
        ...                                  # the last one is a Result with the Difference

Files are looked up in the layers' indexes. What both sides take from layers they share is not looked at at all; bytes
are read only of files that have one size and lie in different layers, and of registry hives that differ.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from ...events import Event, Result
from ...hive.places import HIVES
from ...layer import Entry, Kind
from ..hives.read import CONFIG
from ..inspect.listing import Item
from .acls import same_acl
from .config import config_changes, history_changes, layer_pairs
from .difference import Aspect, Difference, FileChange, Subject
from .digests import Place, digest_files
from .hive_change import HiveChange
from .hive_files import file_changes, is_hive, without_told
from .hives import hive_changes
from .pairs import Side, Walk, side_of, skip_shared

_FILES = (Kind.FILE, Kind.HARD_LINK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What counts: ``times`` compares the four times of files and when the image was made, ``path`` is a pattern of the
    paths to look at (see :mod:`..inspect.selection`); with one, nothing but files is compared."""

    times: bool = False
    path: str = ""


def compare(before: Side | None, after: Side, options: Options = Options()) -> Iterator[Event]:
    """What differs, as a :class:`~.difference.Difference` in the last event.

    Without ``before`` there is nothing to differ from, and only the layers are told. Two layers are compared file by
    file as their tars have them, whiteouts and hives included.
    """
    for side in (before, after):
        if side is not None:
            yield from side.rootfs.prepare()
    whole = after.layer is None and not options.path
    old = before.image if before is not None else None
    found = Difference(_subject(before) if before is not None else None, _subject(after))
    if before is not None:
        files, compared = yield from _Comparison(before, after, options).run()
        found = replace(found, files=files, compared=compared)
        if not options.path and before.windows() and after.windows():
            found = yield from _with_registry(found, before, after)
    if before is not None and whole:
        found = replace(found, config=config_changes(old, after.image, times=options.times),
                        history=history_changes(old, after.image, times=options.times))
    if after.layer is None:
        found = replace(found, layers=layer_pairs(old, after.image))
    elif before is not None:
        pairs = layer_pairs(before.rootfs.image, after.rootfs.image)
        found = replace(found, layers=tuple(replace(pair, before=None if pair.before is None else before.layer,
                                                    after=None if pair.after is None else after.layer)
                                            for pair in pairs))
    yield Result(found, {"equal": found.equal, "identical": found.identical, **found.counts()})


def _with_registry(found: Difference, before: Side, after: Side) -> Generator[Event, None, Difference]:
    """The difference with what the registry has to tell; files say no more of the bytes of hives that it tells of."""
    machine: tuple[HiveChange, ...] = ()
    files = found.files
    if before.layer is None and after.layer is None:
        machine = yield from hive_changes(before, after)
        unread = {change.name for change in machine if change.why}
        files = without_told(files, [f"{CONFIG}/{hive.name}" for hive in HIVES.values() if hive.root not in unread])
    files, profiles = yield from file_changes(before, after, files)
    return replace(found, files=files, registry=machine + profiles)


def _subject(side: Side) -> Subject:
    return Subject(side.name, side.digest, side.layer)


class _Comparison:
    """The files of one run. What is alike is forgotten at once; of files that may differ in their bytes only their
    places are kept until all are known."""

    def __init__(self, before: Side, after: Side, options: Options) -> None:
        self._before = before
        self._after = after
        self._options = options
        self._same_acl = lru_cache(maxsize=4096)(same_acl)
        self._shared: dict[object, object] = {}

    def run(self) -> Generator[Event, None, tuple[tuple[FileChange, ...], int]]:
        """The changes and the number of paths that were looked at."""
        before, after = self._before, self._after
        if before.rootfs.image.diff_ids == after.rootfs.image.diff_ids and before.windows() is after.windows():
            Walk(before, after, pattern=self._options.path)  # a bad pattern is told even so
            return (), 0
        changes: list[FileChange] = []
        unsure: list[tuple[int, Place, Place]] = []
        compared = 0
        walk = Walk(before, after, pattern=self._options.path, skip=skip_shared(before, after))
        for old, new in walk:
            compared += 1
            if old is None or new is None:
                changes.append(self._change(old, new, ()))
                continue
            aspects = self._aspects(old, new)
            places = self._places(old, new) if Aspect.SIZE not in aspects else None
            if Aspect.SIZE in aspects:
                aspects = _with_content(aspects)
            if places is not None:
                unsure.append((len(changes), *places))
            if aspects or places is not None:
                changes.append(self._change(old, new, aspects))
        if unsure:
            yield from self._read(changes, unsure)
        return tuple(change for change in changes if change.aspects or change.mark != "~"), compared

    def _read(self, changes: list[FileChange], unsure: list[tuple[int, Place, Place]]) -> Iterator[Event]:
        """Settle by digest whether files of one size have the same bytes."""
        old = yield from digest_files(self._before, [left for _order, left, _right in unsure])
        new = yield from digest_files(self._after, [right for _order, _left, right in unsure])
        for number, left, right in unsure:
            if old[left] != new[right]:
                changes[number] = replace(changes[number], aspects=_with_content(changes[number].aspects))

    def _places(self, old: Item, new: Item) -> tuple[Place, Place] | None:
        """Where the bytes of both files are, when these must be read to know whether they are the same."""
        if old.entry.kind not in _FILES or new.entry.kind not in _FILES or not new.size:
            return None
        left, right = self._before.holder(old), self._after.holder(new)
        if left is None or right is None:
            return None
        ids = self._before.rootfs.image.diff_ids[left.layer], self._after.rootfs.image.diff_ids[right.layer]
        if ids[0] == ids[1] and left.entry.path == right.entry.path:
            return None
        return (left.layer, left.entry.path), (right.layer, right.entry.path)

    def _aspects(self, old: Item, new: Item) -> tuple[Aspect, ...]:
        """What of two entries differs, their bytes left out."""
        left, right = old.entry, new.entry
        out = []
        if old.name != new.name:
            out.append(Aspect.CASE)
        if left.kind is not right.kind and not (left.kind in _FILES and right.kind in _FILES):
            out.append(Aspect.KIND)
        elif old.size != new.size and left.kind in _FILES:
            out.append(Aspect.SIZE)
        if left.target != right.target:
            out.append(Aspect.LINK)
        if not self._same_acl(left.security, right.security):
            out.append(Aspect.ACL)
        if left.attributes != right.attributes:
            out.append(Aspect.ATTRIBUTES)
        if left.eas != right.eas:
            out.append(Aspect.EAS)
        if self._options.times and left.times != right.times:
            out.append(Aspect.TIMES)
        return tuple(out)

    def _change(self, old: Item | None, new: Item | None, aspects: tuple[Aspect, ...]) -> FileChange:
        old, new = self._lean(old), self._lean(new)
        item = new or old
        assert item is not None
        hive = item.entry.kind is Kind.FILE and self._after.windows() and is_hive(item.entry.path)
        return FileChange(old, new, aspects, hive)

    def _lean(self, item: Item | None) -> Item | None:
        """The item with ACL and times that all others share: a hundred thousand changes still fit into memory."""
        if item is None:
            return None
        entry: Entry = item.entry
        security = entry.security and self._shared.setdefault(entry.security, entry.security)
        times = entry.times and self._shared.setdefault(entry.times, entry.times)
        if len(self._shared) > 50_000:
            self._shared.clear()
        return replace(item, entry=replace(entry, security=security, times=times))  # type: ignore[arg-type]


def _with_content(aspects: tuple[Aspect, ...]) -> tuple[Aspect, ...]:
    return tuple(one for one in Aspect if one in aspects or one is Aspect.CONTENT)


__all__ = ["Options", "Side", "compare", "side_of"]
