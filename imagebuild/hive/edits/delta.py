# SPDX-License-Identifier: Apache-2.0
"""What has to be laid over one registry to make another of it: the smallest delta.

Its keys have the shape of those that Windows writes: an existing key on the way to a change is *promoted*, which means
that it appears with its security and its time of last write, with no values, and inherits its class; a new key stands
there as it is; a key or value that is gone leaves a tombstone. Where saying anew what a key holds takes fewer records
than saying what changed, the key supersedes its tree. A difference in times alone is none.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...windows.upcase import fold
from ..tree import MERGE, SUPERSEDE_TREE, TOMBSTONE, Key, KeyLike, Value, Values
from ..writer import DEFAULT_SECURITY

ROOT_NAME = "ROOT"
"""What the root of every delta is called."""


def delta(lower: KeyLike, upper: KeyLike) -> Key | None:
    """The root of a delta with which ``Union(lower, delta)`` is ``upper``; None when there is nothing to change.

    Both are roots of plain hives or of unions. A key without security has its parent's, the root that of
    ``HKLM\\SOFTWARE``, as when it is written.
    """
    before, after = lower.security or DEFAULT_SECURITY, upper.security or DEFAULT_SECURITY
    values, subkeys, _unused, changed = _contents(lower, upper, before, after)
    if not changed and not subkeys and before == after and lower.class_name == upper.class_name:
        return None
    return Key(ROOT_NAME, values, subkeys, after, upper.class_name, upper.last_write if changed else lower.last_write,
               control=upper.control)


def tombstone(key: KeyLike, above: bytes | None = None) -> Key:
    """What a delta holds in place of a key that it deletes: its name, and a security that is counted and harmless."""
    return Key(key.name, security=key.security or above, semantics=TOMBSTONE)


def _difference(lower: KeyLike, upper: KeyLike, before: bytes, after: bytes) -> tuple[Key | None, int]:
    """The key of the delta for a key that both have, and how many records it takes; None when they are equal.

    ``before`` and ``after`` are the security of the two keys above.
    """
    before, after = lower.security or before, upper.security or after
    values, subkeys, size, changed = _contents(lower, upper, before, after)
    class_name = upper.class_name
    same_class = (class_name or None) == (lower.class_name or None)
    same = same_class and before == after and upper.flags == lower.flags and upper.control == lower.control \
        and upper.name == lower.name
    if same and not changed and not subkeys:
        return None, 0
    if _fewer_than(upper, size + 1):
        return _whole(upper, after, SUPERSEDE_TREE), size + 1
    return Key(upper.name, values, subkeys, after, None if same_class else class_name,
               upper.last_write if changed or not same else lower.last_write, upper.flags, upper.control, MERGE,
               inherit_class=same_class), size + 1


def _contents(lower: KeyLike, upper: KeyLike, before: bytes, after: bytes) -> tuple[Values, tuple[Key, ...], int, bool]:
    """What changes in and below a key: values, subkeys, how many records these are, and whether values or the list of
    subkeys change; then the time of the last write does."""
    mine, theirs = upper.values, lower.values
    values = Values() if mine == theirs else value_changes(theirs, mine)
    old = {fold(child.name): child for child in lower.subkeys}
    subkeys: list[Key] = []
    size, changed = len(values), len(values) > 0
    for child in upper.subkeys:
        known = old.pop(fold(child.name), None)
        if known is None:
            subkeys.append(copy := _whole(child, after))
            size += _records(copy)
            changed = True
            continue
        found, count = _difference(known, child, before, after)
        if found is not None:
            subkeys.append(found)
            size += count
    for child in old.values():
        subkeys.append(tombstone(child, before))
        size += 1
        changed = True
    return values, tuple(subkeys), size, changed


def value_changes(lower: Values, upper: Values) -> Values:
    """The values that make ``upper`` of ``lower``: new and other ones, and a tombstone for each that is gone."""
    old: Mapping[str, Value] = {fold(value.name): value for value in lower}
    names = {fold(value.name) for value in upper}
    changed = [value for value in upper if old.get(fold(value.name)) != value]
    return Values((*changed, *(Value.tombstone(value.name) for name, value in old.items() if name not in names)))


def _whole(key: KeyLike, above: bytes, semantics: int = MERGE) -> Key:
    """A key with everything below it, each with its security."""
    security = key.security or above
    subkeys = []  # a plain loop: before Python 3.12 a comprehension is a second frame at each level
    for child in key.subkeys:
        subkeys.append(_whole(child, security, semantics))
    return Key(key.name, key.values, tuple(subkeys), security, key.class_name, key.last_write, key.flags, key.control,
               semantics)


def _records(key: Key) -> int:
    return sum(1 + len(each.values) for each in _all(key))


def _all(key: KeyLike) -> list[KeyLike]:
    found = [key]
    for each in found:
        found += each.subkeys
    return found


def _fewer_than(key: KeyLike, limit: int) -> bool:
    """Whether a key and all below it are fewer records than ``limit``; it is not counted further than that."""
    count, stack = 0, [key]
    while stack:
        each = stack.pop()
        count += 1 + len(each.values)
        if count >= limit:
            return False
        stack += each.subkeys
    return True
