# SPDX-License-Identifier: Apache-2.0
"""The registries of two images compared: the machine's five hives, as base and deltas make them.

Of a hive that both images take from the same layers nothing is read. Where the layers differ and the base is one, the
base is opened once: keys that no delta has a say in are one and the same then, and are passed over. Hives that are
files of users' profiles are the subject of :mod:`.hive_files`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable

from ...errors import InputError, NotFoundError
from ...events import Event
from ...hive.places import HIVES, MACHINE, HiveName
from ...layer import Index, Kind
from ...windows.upcase import fold
from ..hives.read import Hives, Registry
from .hive_change import HiveChange, key_changes
from .pairs import Side, shared_layers

FOLDER = "Hives"
_DELTAS = frozenset(map(fold, MACHINE.values()))
_Source = tuple[int, str]


def hive_changes(before: Side, after: Side) -> Generator[Event, None, tuple[HiveChange, ...]]:
    """The hives of the machine that differ, by name, then what else lies in the layers' ``Hives``.

    Both sides are whole images whose indexes are there. What cannot be compared key by key is told with the reason.
    """
    out = []
    for hive in sorted(HIVES.values(), key=lambda hive: hive.root):
        hives: Hives = {}  # of this hive alone: a base's may be a hundred megabytes, and the next is opened after it
        old, new = Registry(before.rootfs, hives=hives), Registry(after.rootfs, hives=hives)
        left, right = _own(before, old.sources(hive), after, new.sources(hive))
        if _contents(before, left) == _contents(after, right):
            continue
        change = yield from _compared(hive, old, new)
        if change.why:
            change = HiveChange(change.name, (), _digests(before, left), _digests(after, right), change.why)
        if change.keys or change.why:
            out.append(change)
    shared = shared_layers(before.image, after.image)
    return (*out, *_others(before.rootfs.union().indexes[shared:], after.rootfs.union().indexes[shared:], shared))


def _compared(hive: HiveName, old: Registry, new: Registry) -> Generator[Event, None, HiveChange]:
    try:
        one = yield from old.root(hive)
        other = yield from new.root(hive)
        return HiveChange(hive.root, key_changes(one, other, hive.root))
    except (InputError, NotFoundError) as error:
        return HiveChange(hive.root, why=str(error))


def _own(before: Side, left: list[_Source], after: Side, right: list[_Source]) -> tuple[list[_Source], list[_Source]]:
    """The sources of a hive without those at the bottom that both sides have in common."""
    ids, others = before.rootfs.image.diff_ids, after.rootfs.image.diff_ids
    shared = 0
    for (layer, path), (other, its_path) in zip(left, right, strict=False):
        if ids[layer] != others[other] or path != its_path:
            break
        shared += 1
    return left[shared:], right[shared:]


def _contents(side: Side, sources: Iterable[_Source]) -> list[bytes | str]:
    """The bytes of each source; where the index does not keep them, what tells the file from others."""
    indexes, ids = side.rootfs.union().indexes, side.rootfs.image.diff_ids
    out: list[bytes | str] = []
    for layer, path in sources:
        content = indexes[layer].kept(path)
        out.append(f"{ids[layer]}/{path}" if content is None else content)
    return out


def _digests(side: Side, sources: Iterable[_Source]) -> tuple[str, ...]:
    return tuple(_digest(side.rootfs.union().indexes[layer], path) for layer, path in sources)


def _others(before: Iterable[Index], after: Iterable[Index], shared: int) -> tuple[HiveChange, ...]:
    """Files in ``Hives`` that are no delta of the five, or stand in a base: what each layer has of them, by digest."""
    old, new = _strange(before, base=not shared), _strange(after, base=not shared)
    return tuple(HiveChange((new.get(key) or old[key])[0], (), old.get(key, ("", ()))[1], new.get(key, ("", ()))[1],
                            "Windows has no such hive in a layer")
                 for key in sorted({*old, *new}) if old.get(key, ("", ()))[1] != new.get(key, ("", ()))[1])


def _strange(indexes: Iterable[Index], *, base: bool) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Compared path -> (path as written, digests, lowest first); ``base`` says that the first layer is one."""
    out: dict[str, tuple[str, tuple[str, ...]]] = {}
    for number, index in enumerate(indexes):
        for entry in index.children(FOLDER):
            name = fold(entry.path.rpartition("/")[2])
            if entry.kind is Kind.FILE and (name not in _DELTAS or (base and not number)):
                shown, digests = out.get(name, (entry.path, ()))
                out[name] = (shown, (*digests, _digest(index, entry.path)))
    return out


def _digest(index: Index, path: str) -> str:
    content = index.kept(path)
    if content is not None:
        return f"sha256:{hashlib.sha256(content).hexdigest()}"
    entry = index.get(path)
    return f"{entry.size if entry is not None else 0} bytes"


__all__ = ["hive_changes"]
