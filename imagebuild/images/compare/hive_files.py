# SPDX-License-Identifier: Apache-2.0
r"""Hives that are files, compared key by key: those of users' profiles; of two layers also bases and deltas.

A profile that one image has and the other has not is compared with the one that Windows would make it from
(``C:\Users\Default``), where there is such a one: so a setting of a user is told even when it made the user's file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ...errors import InputError
from ...events import Event
from ...hive import Key, KeyLike, read
from ...hive.places import HIVES, MACHINE
from ...layer import Kind
from ...windows.upcase import fold
from ..hives.read import CLASSES_HIVE, CONFIG, DEFAULT_PROFILE, USER_HIVE
from .difference import Aspect, FileChange
from .hive_change import HiveChange, key_changes
from .pairs import Side

_CONFIG = fold(CONFIG.partition("/")[2]) + "/"
_NAMES = frozenset(map(fold, ("SOFTWARE", "SYSTEM", "SAM", "SECURITY", "DEFAULT", "COMPONENTS", "DRIVERS", "BBI",
                              "ELAM", "BCD-Template")))
_USER, _CLASSES = fold(USER_HIVE), fold(CLASSES_HIVE.rpartition("/")[2])
_MACHINE = {fold(path): HIVES[name] for name, delta in MACHINE.items()
            for path in (f"Hives/{delta}", f"{CONFIG}/{name}")}
_PROFILE = (_USER, _CLASSES)
_FILES = (Kind.FILE, Kind.HARD_LINK)
_BYTES = (Aspect.SIZE, Aspect.CONTENT)


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two files to compare, by layer path: what the keys are called, and where one side has none, what stands in."""

    name: str
    before: str | None
    after: str | None
    like: str = ""


def is_hive(path: str) -> bool:
    """Whether a file (by its layer path) is a registry hive by its place and name."""
    top, _unused, rest = path.replace("\\", "/").partition("/")
    key = fold(rest)
    name = key.rpartition("/")[2]
    return name in _PROFILE or (key.startswith(_CONFIG) and name in _NAMES) \
        or fold(f"{top}/{rest}") in _MACHINE


def file_changes(before: Side, after: Side, files: Iterable[FileChange]) -> Generator[
        Event, None, tuple[tuple[FileChange, ...], tuple[HiveChange, ...]]]:
    """The hives among files that differ, and the files again: where keys were compared, bytes are no aspect any more,
    and a file that differs in nothing else is left out.

    Of whole images, hives of the machine are the union's to tell (:mod:`.hives`); here they are only asked for of
    layers.
    """
    files = tuple(files)
    pairs = {number: pair for number, change in enumerate(files) if (pair := _pair(before, after, change)) is not None}
    if not pairs:
        return files, ()
    with TemporaryDirectory(prefix="wcow-", ignore_cleanup_errors=True) as folder:
        old = yield from before.rootfs.fetch(sorted({pair.before for pair in pairs.values() if pair.before}),
                                             Path(folder))
        new = yield from after.rootfs.fetch(sorted({pair.after for pair in pairs.values() if pair.after}),
                                            Path(folder))
        found = {number: _compared(pair, before.name, old, after.name, new) for number, pair in pairs.items()}
    return (tuple(left for number, change in enumerate(files) if (left := _without_bytes(change, found.get(number)))),
            tuple(change for change in found.values() if change.keys or change.why))


def without_told(files: Iterable[FileChange], told: Iterable[str]) -> tuple[FileChange, ...]:
    """The files of an image without what the registry tells of them: ``told`` are layer paths of hives of the base
    whose keys were compared."""
    paths = set(map(fold, told))
    out = []
    for change in files:
        items = [item for item in (change.before, change.after) if item is not None]
        if len(items) == 2 and all(fold(item.entry.path) in paths and item.layer == 0 for item in items):
            left = _without_bytes(change, HiveChange(""))
        else:
            left = change
        if left is not None:
            out.append(left)
    return tuple(out)


def _pair(before: Side, after: Side, change: FileChange) -> _Pair | None:
    """What to compare of a change; None for what is no hive, or has the same bytes, or has nothing to stand in for the
    side that lacks it."""
    layers = after.layer is not None
    path = change.item.entry.path
    machine = _MACHINE.get(fold(path))
    if not change.hive or (not layers if machine is not None else fold(path.rpartition("/")[2]) not in _PROFILE):
        return None
    old, new = (item.entry.path if item is not None and item.entry.kind in _FILES else None
                for item in (change.before, change.after))
    name = machine.root if machine is not None else change.path.rstrip("\\")
    if old is not None and new is not None:
        return _Pair(name, old, new) if Aspect.SIZE in change.aspects or Aspect.CONTENT in change.aspects else None
    if layers:
        return _Pair(name, old, new) if machine is not None and fold(path).startswith("HIVES/") else None
    template = f"{DEFAULT_PROFILE}/{USER_HIVE if fold(path).endswith(_USER) else CLASSES_HIVE}"
    lacking = before if old is None else after
    if not fold(path).startswith(fold("Files/Users/")) or not _is_file(lacking, template):
        return None
    like = "C:\\" + template.partition("/")[2].replace("/", "\\")
    return _Pair(name, old or template, new or template, like)


def _is_file(side: Side, path: str) -> bool:
    found = side.rootfs.union().get(path)
    return found is not None and found.entry.kind in _FILES


def _compared(pair: _Pair, before: str, old: dict[str, Path], after: str, new: dict[str, Path]) -> HiveChange:
    try:
        one = _root(pair.before, before, old)
        other = _root(pair.after, after, new)
        if one is None or other is None:
            there = one or other
            assert there is not None
            nothing = Key(there.name, (), (), there.security, there.class_name, there.last_write, there.flags,
                          there.control)
            one, other = one or nothing, other or nothing
        return HiveChange(pair.name, key_changes(one, other, pair.name), like=pair.like)
    except InputError as error:
        return HiveChange(pair.name, (), _digest(pair.before, old), _digest(pair.after, new), str(error), pair.like)


def _root(path: str | None, side: str, files: dict[str, Path]) -> KeyLike | None:
    return read(files[path].read_bytes(), source=f"{path} of {side}").root if path is not None else None


def _digest(path: str | None, files: dict[str, Path]) -> tuple[str, ...]:
    return (f"sha256:{hashlib.sha256(files[path].read_bytes()).hexdigest()}",) if path is not None else ()


def _without_bytes(change: FileChange, found: HiveChange | None) -> FileChange | None:
    if found is None or found.why or change.mark != "~":
        return change
    aspects = tuple(one for one in change.aspects if one not in _BYTES)
    return replace(change, aspects=aspects) if aspects else None


__all__ = ["file_changes", "is_hive", "without_told"]
