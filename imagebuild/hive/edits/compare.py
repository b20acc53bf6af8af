# SPDX-License-Identifier: Apache-2.0
"""How two registries differ, key by key; and the edits that make one of the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...windows.upcase import fold
from ..layout import sort_key
from ..tree import NO_DELETE, Key, KeyLike, Value, walk
from .edit import AddKey, DeleteKey, DeleteValue, Edit, SetValue


@dataclass(frozen=True, slots=True)
class ValueChange:
    """One value: ``before`` is None for one that came, ``after`` for one that went."""

    before: Value | None
    after: Value | None

    def name(self) -> str:
        """Its name; the newer one, where they differ in case."""
        value = self.after if self.after is not None else self.before
        assert value is not None
        return value.name


@dataclass(frozen=True, slots=True)
class KeyChange:
    """One key that differs. ``before`` is None for one that came, ``after`` for one that went; of these, everything
    below is meant. For one that both have, ``values`` says which differ, ``aspects`` what else: ``class``,
    ``security``, ``flags``, ``case`` of its name; between deltas ``semantics``: what it does to the layers below."""

    path: str
    before: KeyLike | None
    after: KeyLike | None
    values: tuple[ValueChange, ...] = ()
    aspects: tuple[str, ...] = ()

    def mark(self) -> str:
        """``+`` came, ``-`` went, ``~`` changed."""
        return "+" if self.before is None else "-" if self.after is None else "~"


def differences(before: KeyLike, after: KeyLike, path: str = "") -> Iterator[KeyChange]:
    """The keys that differ, in the order of their paths. Times of the last write are no difference.

    ``path`` is that of the two keys. Keys that are one and the same (of one hive) are not looked into.
    """
    top = path
    stack = [(path, before, after)]
    while stack:
        path, before, after = stack.pop()
        if before is after or (not isinstance(before, Key) and before == after):
            continue
        values = _values(before, after)
        aspects = tuple(name for name, differ in (
            ("case", path != top and before.name != after.name and fold(before.name) == fold(after.name)),
            ("class", (before.class_name or None) != (after.class_name or None)),
            ("security", before.security != after.security),
            ("flags", (before.flags ^ after.flags) & ~NO_DELETE or before.control != after.control),
            ("semantics", before.semantics != after.semantics or before.inherit_class != after.inherit_class))
            if differ)
        if values or aspects:
            yield KeyChange(path, before, after, values, aspects)
        old = {sort_key(child.name): child for child in before.subkeys}
        new = {sort_key(child.name): child for child in after.subkeys}
        prefix = path + "\\" if path else ""
        both = []
        for name in sorted(old.keys() | new.keys()):
            one, other = old.get(name), new.get(name)
            if one is None or other is None:
                found = one or other
                assert found is not None
                # Keys that came or went are told before what changed below their siblings.
                yield KeyChange(prefix + found.name, one, other)
            else:
                both.append((prefix + other.name, one, other))
        stack += reversed(both)


def edits_between(before: KeyLike, after: KeyLike, path: str = "") -> Iterator[Edit]:
    """The edits after which ``before`` has the keys and values of ``after``; a ``.reg`` file can hold no more."""
    for change in differences(before, after, path):
        if change.after is None:
            yield DeleteKey(change.path)
        elif change.before is None:
            for each, key in walk(change.after, change.path):
                yield AddKey(each)
                for value in key.values:
                    yield SetValue(each, value)
        else:
            for value_change in change.values:
                if value_change.after is None:
                    yield DeleteValue(change.path, value_change.name())
                else:
                    yield SetValue(change.path, value_change.after)


def _values(before: KeyLike, after: KeyLike) -> tuple[ValueChange, ...]:
    theirs, mine = before.values, after.values
    if theirs == mine:
        return ()
    old = {fold(value.name): value for value in theirs}
    new = {fold(value.name): value for value in mine}
    return tuple(ValueChange(old.get(name), new.get(name)) for name in sorted(old.keys() | new.keys())
                 if old.get(name) != new.get(name))
