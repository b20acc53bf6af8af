# SPDX-License-Identifier: Apache-2.0
"""A base hive and the deltas above it, looked at as the one registry they stand for.

The rules are those by which Windows overlays registry layers (msuhanov/regf, "Layered keys"; Project Zero, "The Windows
Registry Adventure" #6 and #7), read off two real deltas as well:

1. A key is there when a layer has it and no layer above that deletes it. Layers are asked from the top; a tombstone
   hides all below itself, a key that supersedes its tree shows itself and hides all below, one that supersedes
   locally hides the lower keys' values, class and security, but not their subkeys.
2. Subkeys are those of all layers that are left, each under rule 1.
3. Of two values of one name the upper counts; a value's tombstone hides those below it.
4. Security, flags and casing are those of the topmost key. Whoever writes into a layer copies the security there.
5. The class is that of the topmost key that does not inherit it.
6. The time of the last write is the latest of all that are left.

Where no delta has a key, the union hands out the base's own keys: a walk costs little more than one of the base.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..windows.upcase import fold
from .layout import sort_key
from .tree import MERGE, SUPERSEDE_LOCAL, SUPERSEDE_TREE, TOMBSTONE, KeyLike, Value, Values, find, walk


class Union:
    """``Union(base, *deltas)``: root keys of a plain hive and of its deltas, the lowest first."""

    def __init__(self, base: KeyLike, *deltas: KeyLike) -> None:
        self.root: KeyLike = base
        if deltas:
            # A root is in every hive: whatever its own record says, it deletes nothing.
            self.root = UnionKey((*reversed(deltas), base), (*reversed(deltas), base), based=True, name=base.name)

    def get(self, path: str) -> KeyLike | None:
        """The key at a path below the root, None where there is none."""
        return find(self.root, path)

    def __getitem__(self, path: str) -> KeyLike:
        found = self.get(path)
        if found is None:
            raise KeyError(path)
        return found

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and self.get(path) is not None

    def walk(self) -> Iterator[tuple[str, KeyLike]]:
        """Every key with its path below the root, parents first."""
        return walk(self.root)


class UnionKey:
    """One key of a union that a delta has a say in. See ``tree.KeyLike`` for the fields.

    ``own`` are the keys that it is made of, ``below`` those whose subkeys it has, the topmost first; ``based`` says
    that the last of these is the base's, of which nothing needs to be filtered.
    """

    __slots__ = ("_based", "_below", "_own", "name")

    semantics = MERGE
    inherit_class = False

    def __init__(self, own: Sequence[KeyLike], below: Sequence[KeyLike], *, based: bool, name: str = "") -> None:
        self._own = own
        self._below = below
        self._based = based
        self.name = name or own[0].name

    @property
    def values(self) -> Values:
        found: dict[str, Value] = {}
        for key in reversed(self._own):
            for value in key.values:
                if value.deleted:
                    found.pop(fold(value.name), None)
                else:
                    found[fold(value.name)] = value
        return Values(found.values())

    @property
    def subkeys(self) -> Sequence[KeyLike]:
        below = self._below
        based = self._based
        if based and len(below) == 1:
            return below[0].subkeys
        stacks: dict[str, list[KeyLike]] = {}
        for key in below[:-1] if based else below:
            for child in key.subkeys:
                stacks.setdefault(fold(child.name), []).append(child)
        if not stacks:
            return below[-1].subkeys if based else ()
        found: list[KeyLike] = []
        on_base = set()
        if based:
            for child in below[-1].subkeys:
                name = fold(child.name)
                if name in stacks:
                    stacks[name].append(child)
                    on_base.add(name)
                else:
                    found.append(child)
        for name, stack in stacks.items():
            key_of_union = _resolve(stack, based=name in on_base)
            if key_of_union is not None:
                found.append(key_of_union)
        found.sort(key=_by_name)
        return found

    @property
    def security(self) -> bytes | None:
        return self._own[0].security

    @property
    def class_name(self) -> str | None:
        return next((key.class_name for key in self._own if not key.inherit_class), None)

    @property
    def last_write(self) -> int | None:
        return max((time for key in self._own if (time := key.last_write) is not None), default=None)

    @property
    def flags(self) -> int:
        return self._own[0].flags

    @property
    def control(self) -> int:
        return self._own[0].control

    def child(self, name: str) -> KeyLike | None:
        """The subkey of that name as Windows compares names, None where there is none."""
        stack = []
        based = False
        for number, key in enumerate(self._below, 1):
            child = key.child(name)
            if child is not None:
                stack.append(child)
                based = self._based and number == len(self._below)
        return _resolve(stack, based=based) if stack else None


def merge(base: KeyLike, *deltas: KeyLike) -> KeyLike:
    """A plain hive's root with all that base and deltas come to: what ORMergeHives of offreg.dll makes of them."""
    return Union(base, *deltas).root


def _resolve(stack: Iterable[KeyLike], *, based: bool) -> KeyLike | None:
    """Rule 1 for the keys of one name, the topmost first; ``based`` says that the last is the base's."""
    stack = list(stack)
    own: list[KeyLike] = []
    below: list[KeyLike] = []
    whole = True
    for number, key in enumerate(stack, 1):
        last = based and number == len(stack)
        semantics = MERGE if last else key.semantics
        if semantics == TOMBSTONE:
            break
        if whole:
            own.append(key)
        below.append(key)
        if last:
            return key if number == 1 else UnionKey(own, below, based=True)
        if semantics == SUPERSEDE_TREE:
            break
        whole = whole and semantics != SUPERSEDE_LOCAL
    return UnionKey(own, below, based=False) if own else None


def _by_name(key: KeyLike) -> str:
    return sort_key(key.name)
