# SPDX-License-Identifier: Apache-2.0
"""A delta beside the registry that it is laid over: does it fit what it says about the keys below?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...hive import Hive, KeyLike, Union
from ...hive.tree import MERGE, SUPERSEDE_LOCAL, TOMBSTONE, Values
from ...windows.upcase import fold
from ..report import Report
from .inside import TOLD


class LowerHives:
    """The machine's hives as the layers so far left them, as far as they are known."""

    def __init__(self) -> None:
        self._stacks: dict[str, list[KeyLike]] = {}  # SYSTEM ... -> roots, the base's first

    def root(self, name: str) -> KeyLike | None:
        """The root of a hive; ``None`` when it is not known."""
        stack = self._stacks.get(name)
        return Union(stack[0], *stack[1:]).root if stack else None

    def lay_base(self, hives: Mapping[str, Hive | None]) -> None:
        """The hives of the base."""
        self._stacks = {name: [hive.root] for name, hive in hives.items() if hive is not None}

    def lay_deltas(self, hives: Mapping[str, Hive | None]) -> None:
        """The deltas of the next layer. One that could not be read leaves its hive unknown."""
        for name, hive in hives.items():
            if hive is None:
                self._stacks.pop(name, None)
            elif name in self._stacks:
                self._stacks[name].append(hive.root)

    def forget(self) -> None:
        """A layer could not be read: nothing is known any more."""
        self._stacks.clear()


def compare(delta: Hive, lower: KeyLike, path: str, offset: int | None, report: Report) -> None:
    """Report what a delta says about lower keys that is not so."""
    found: dict[str, list[str]] = {"delta-dangling": [], "delta-hides-class": [], "delta-deletes-nothing": []}
    counts = dict.fromkeys(found, 0)
    for rule, where in _misfits(delta.root, lower):
        counts[rule] += 1
        if len(found[rule]) < TOLD:
            found[rule].append(where or "the root")
    for where in found["delta-dangling"]:
        report("delta-dangling", f"there is no key {where} below", path, offset)
    for where in found["delta-hides-class"]:
        report("delta-hides-class", f"{where} has a class below and none here", path, offset)
    for rule in ("delta-dangling", "delta-hides-class"):
        if counts[rule] > TOLD:
            report(rule, f"and {counts[rule] - TOLD:,} more of this kind", path, offset)
    if nothing := counts["delta-deletes-nothing"]:
        more = f", and {nothing - 1:,} more" if nothing > 1 else ""
        report("delta-deletes-nothing", f"there is no {found['delta-deletes-nothing'][0]} below{more}", path, offset)


def _misfits(root: KeyLike, lower: KeyLike) -> Iterator[tuple[str, str]]:
    """Rules that are broken, each with the key (or key and value) that breaks it."""
    stack: list[tuple[str, KeyLike, KeyLike | None]] = [("", root, lower)]
    while stack:
        path, key, below = stack.pop()
        if key.semantics == TOMBSTONE:
            if below is None:
                yield "delta-deletes-nothing", path
            continue
        if key.inherit_class:
            if below is None:
                yield "delta-dangling", path
        elif below is not None and key.semantics == MERGE and below.class_name and not key.class_name:
            yield "delta-hides-class", path
        under = below if key.semantics in (MERGE, SUPERSEDE_LOCAL) else None
        yield from _values(path, key.values, below if key.semantics == MERGE else None)
        prefix = f"{path}\\" if path else ""
        stack += [(prefix + child.name, child, under.child(child.name) if under is not None else None)
                  for child in reversed(key.subkeys)]


def _values(path: str, values: Values, below: KeyLike | None) -> Iterator[tuple[str, str]]:
    gone = [value.name for value in values if value.deleted]
    if gone:
        there = {fold(value.name) for value in below.values} if below is not None else set()
        for name in gone:
            if fold(name) not in there:
                yield "delta-deletes-nothing", f"value {name[:80] or '(Default)'} of {path or 'the root'}"


__all__ = ["LowerHives", "compare"]
