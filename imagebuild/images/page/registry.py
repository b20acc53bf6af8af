# SPDX-License-Identifier: Apache-2.0
"""What an HTML page has of the registry: for each hive a tree of the keys that differ, cut before it grows large.

A tree is told by columns, as files are (:mod:`.data`): depth and name of each key, those on the way to a change
included, and a map from row to change. Texts are made visible with :func:`~..inspect.tree.shown`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from ...hive import KeyLike, Value
from ...hive.edits.compare import KeyChange, ValueChange
from ...hive.regfile.value_format import show, type_name
from ...hive.tree import split
from ...windows.upcase import fold
from ..compare.hive_change import SEMANTICS, HiveChange, keys_of, security_change, told
from ..inspect.tree import shown

MOST_BYTES = 400_000
"""So many characters of keys and values a page has at most; of what is left the number is told."""
MOST_VALUES = 100
"""So many values of one key are shown."""
LONGEST = 240
"""A value's data are cut here."""


def registry_facts(changes: Iterable[HiveChange], *, most: int = MOST_BYTES) -> list[dict[str, Any]]:
    """The hives that differ, for the page."""
    out = []
    for change in changes:
        tree = _Tree(change, most)
        most -= tree.size
        out.append({"name": shown(change.name), "why": shown(change.why), "like": shown(change.like),
                    "before": len(change.before), "after": len(change.after), **change.counts(), **tree.facts()})
    return out


class _Tree:
    """The rows of one hive; its root is the first."""

    def __init__(self, hive: HiveChange, most: int) -> None:
        self.size = 0
        self._left = 0
        self._skip = len(split(hive.name))
        self._depths = [0]
        self._names = [shown(hive.name)]
        self._changes: dict[int, list[Any]] = {}
        self._way: list[str] = []
        for path, told_of_it in _rows(hive):
            if self.size > most:
                self._left += 1
                continue
            row = self._row(split(path)[self._skip:])
            self._changes[row] = told_of_it
            self.size += _length(told_of_it)

    def facts(self) -> dict[str, Any]:
        return {"d": self._depths, "n": self._names, "c": self._changes, "left": self._left}

    def _row(self, parts: list[str]) -> int:
        """The row of a key; those on the way that are not there yet are made."""
        names = [fold(part) for part in parts]
        same = 0
        while same < min(len(names), len(self._way)) and names[same] == self._way[same]:
            same += 1
        for depth in range(same, len(parts)):
            name = shown(parts[depth])
            self._depths.append(depth + 1)
            self._names.append(name)
            self.size += _length(name)
        self._way = names
        return len(self._names) - 1 if parts else 0


def _rows(hive: HiveChange) -> Iterator[tuple[str, list[Any]]]:
    """Each key with its mark, what else changed of it, its values, how many of these are left out, and its ACL's
    entries that went and came."""
    for change in hive.keys:
        if change.before is not None and change.after is not None:
            yield change.path, _changed(change)
            continue
        for path, key in keys_of(change):
            yield path, _whole(change.mark(), key)


def _changed(change: KeyChange) -> list[Any]:
    acl = security_change(change)
    entries: list[Any] = [] if acl is None else [list(map(shown, acl.gone)), list(map(shown, acl.came)), acl.reordered]
    values = [_value(one) for one in change.values[:MOST_VALUES]]
    return [change.mark(), [[name, shown(old), shown(new)] for name, old, new in told(change)], values,
            max(len(change.values) - MOST_VALUES, 0), entries]


def _whole(mark: str, key: KeyLike) -> list[Any]:
    """A key that came or went."""
    came = mark == "+"
    said = [["effect", "", SEMANTICS[key.semantics]]] if key.semantics else []
    values = [_value(ValueChange(None if came else value, value if came else None))
              for value in key.values[:MOST_VALUES]]
    return [mark, said, values, max(len(key.values) - MOST_VALUES, 0), []]


def _value(change: ValueChange) -> list[str | None]:
    return [shown(change.name()) or "(Default)", _data(change.before), _data(change.after)]


def _data(value: Value | None) -> str | None:
    if value is None:
        return None
    if value.deleted:
        return "deleted here"
    text = show(value) if len(value.data) <= 8 * LONGEST else show(value._replace(data=value.data[:8 * LONGEST]))
    text = shown(text[:LONGEST]) + ("…" if len(text) > LONGEST else "")
    return f"{type_name(value.type)}  {text}"


def _length(told_of_it: object) -> int:
    """The characters that this takes in the page, where ``<``, ``>`` and ``&`` are written as escapes."""
    text = json.dumps(told_of_it, separators=(",", ":"))
    return len(text) + 5 * sum(map(text.count, "<>&")) + 8


__all__ = ["registry_facts"]
