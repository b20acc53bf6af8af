# SPDX-License-Identifier: Apache-2.0
"""Edits of a registry, collected over what is there and written down as a delta: nothing is read but what they touch.

A delta comes out as Windows would have made it, one edit after the other: keys on the way to a change are promoted with
their security and time; a new key inherits its security from its parent and has the time of the change; a key that is
deleted and made again supersedes what was there. The time is the caller's, so that the same edits give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...errors import InputError, quoted
from ...windows.acl.access import KEY
from ...windows.acl.inherit import inherited
from ...windows.security import SecurityDescriptor
from ...windows.sid import ADMINISTRATORS
from ...windows.upcase import fold
from ..layout import MAX_DEPTH
from ..tree import MERGE, SUPERSEDE_TREE, Key, KeyLike, Value, Values, split
from ..union import Union
from ..writer import DEFAULT_SECURITY, check_key_name, check_values
from .delta import ROOT_NAME, tombstone
from .edit import AddKey, DeleteKey, DeleteValue, Edit, SetValue


class Change:
    """What is to change in a registry: :meth:`apply` edits, then ask for :meth:`delta`.

    ``lower`` is the root key of a hive or of a union; it is not changed. Paths of edits are below it. ``timestamp`` is
    the FILETIME that changed keys get.
    """

    def __init__(self, lower: KeyLike, *, timestamp: int = 0) -> None:
        self._root = _Node(ROOT_NAME, lower, lower.security or DEFAULT_SECURITY)
        self._lower = lower
        self._timestamp = timestamp
        self._last: tuple[str, _Node] = ("", self._root)  # a .reg file has a key's values one after the other

    def apply(self, *edits: Edit) -> None:
        """Make these edits, in their order. InputError when a key or a value cannot be as asked."""
        for edit in edits:
            match edit:
                case AddKey():
                    self._key(edit.path)
                case SetValue():
                    self._set(edit)
                case DeleteKey():
                    self._delete(edit.path)
                case DeleteValue():
                    node = self._root.find(split(edit.path))
                    if node is not None:
                        node.delete_value(edit.name)

    def delta(self) -> Key | None:
        """The root of the delta; None when the edits come to nothing."""
        found = self._root.delta(self._timestamp)
        if found is None:
            return None
        return Key(ROOT_NAME, found.values, found.subkeys, found.security, self._lower.class_name, found.last_write,
                   control=found.control)

    def result(self) -> KeyLike:
        """The root of what the registry is after the edits."""
        found = self.delta()
        return self._lower if found is None else Union(self._lower, found).root

    def _key(self, path: str) -> _Node:
        """The key at a path, which is made where it is not."""
        if path == self._last[0]:
            return self._last[1]
        node, parts = self._root, split(path)
        if len(parts) >= MAX_DEPTH:
            raise InputError("cannot change the registry", why=f"key {path[:200]} is more than {MAX_DEPTH} levels deep")
        for depth, part in enumerate(parts):
            node = node.child(part) or node.add(part, "\\".join(parts[:depth]))
        self._last = path, node
        return node

    def _set(self, edit: SetValue) -> None:
        if edit.value.deleted:
            raise InputError("cannot change the registry",
                             why=f"value {quoted(edit.value.name)} of key {edit.path} is a "
                             "tombstone", hint="delete the value instead")
        check_values((edit.value,), edit.path)
        self._key(edit.path).set_value(edit.value)

    def _delete(self, path: str) -> None:
        parts = split(path)
        if not parts:
            raise InputError("cannot change the registry", why="the root of a hive cannot be deleted",
                             hint="name a key below it")
        self._last = "", self._root
        parent = self._root.find(parts[:-1])
        if parent is not None:
            parent.delete_child(parts[-1])


class _Node:
    """One key that an edit touched or passed.

    ``lower`` is the key of this path that lower layers have and that still counts; ``gone`` is the one they had when it
    was deleted, so that this one, if it is there, was made anew.
    """

    __slots__ = ("_below", "children", "gone", "lower", "name", "security", "there", "values")

    def __init__(self, name: str, lower: KeyLike | None, security: bytes, *, gone: KeyLike | None = None) -> None:
        self.name = name
        self.lower = lower
        self.gone = gone
        self.security = security
        self.there = True
        self.values: dict[str, Value] = {}  # folded name -> value or tombstone
        self.children: dict[str, _Node] = {}
        self._below: dict[str, Value] | None = None  # the values of ``lower`` by folded name, once they were asked for

    def below(self, folded: str) -> Value | None:
        """The value of that folded name that lower layers have."""
        if self.lower is None:
            return None
        if self._below is None:
            self._below = {fold(value.name): value for value in self.lower.values}
        return self._below.get(folded)

    def child(self, name: str) -> _Node | None:
        """The subkey of that name as it is now, None where there is none."""
        folded = fold(name)
        node = self.children.get(folded)
        if node is None and self.lower is not None:
            lower = self.lower.child(name)
            if lower is not None:
                node = self.children[folded] = _Node(lower.name, lower, lower.security or self.security)
        return node if node is not None and node.there else None

    def find(self, parts: list[str]) -> _Node | None:
        """The key at a path below this one as it is now."""
        node: _Node | None = self
        for part in parts:
            if node is None:
                return None
            node = node.child(part)
        return node

    def add(self, name: str, path: str) -> _Node:
        """A new subkey; there is none of that name."""
        check_key_name(name, path)
        before = self.children.get(fold(name))
        parent = SecurityDescriptor.from_bytes(self.security)
        security = inherited(parent, directory=True, owner=ADMINISTRATORS, mapping=KEY).to_bytes()
        node = _Node(name, None, security, gone=before.gone if before is not None else None)
        self.children[fold(name)] = node
        return node

    def delete_child(self, name: str) -> None:
        node = self.child(name)
        if node is not None:
            node.gone = node.gone or node.lower
            node.lower = None
            node.there = False
            node.values, node.children = {}, {}

    def set_value(self, value: Value) -> None:
        folded = fold(value.name)
        below = self.below(folded)
        now = self.values.get(folded, below)
        if now is not None:
            value = value._replace(name=now.name)  # as Windows does: a name keeps the casing that it was made with
        if now != value:
            if below == value:
                del self.values[folded]
            else:
                self.values[folded] = value

    def delete_value(self, name: str) -> None:
        folded = fold(name)
        below = self.below(folded)
        now = self.values.get(folded, below)
        if now is not None and not now.deleted:
            if below is None:
                del self.values[folded]
            else:
                self.values[folded] = Value.tombstone(below.name)

    def delta(self, timestamp: int, *, anew: bool = False) -> Key | None:
        """What a delta has to hold for this key; ``anew`` below a key that supersedes its tree."""
        anew = anew or self.gone is not None
        subkeys = []
        for node in self.children.values():
            if node.there:
                found = node.delta(timestamp, anew=anew)
            else:
                found = tombstone(node.gone, self.security) if node.gone is not None and not anew else None
            if found is not None:
                subkeys.append(found)
        lower = self.lower
        if lower is None:
            return Key(self.name, Values(self.values.values()), subkeys, self.security, None, timestamp,
                       semantics=SUPERSEDE_TREE if anew else MERGE)
        if not self.values and not subkeys:
            return None
        own = bool(self.values) or any(key.semantics or not key.inherit_class for key in subkeys)
        return Key(self.name, Values(self.values.values()), subkeys, self.security, None,
                   timestamp if own else lower.last_write, lower.flags, lower.control, MERGE, inherit_class=True)


def edited(root: KeyLike, edits: Iterable[Edit], *, timestamp: int = 0) -> KeyLike:
    """The root of a plain hive after edits: to write it is to edit the hive."""
    change = Change(root, timestamp=timestamp)
    change.apply(*edits)
    return change.result()
