# SPDX-License-Identifier: Apache-2.0
"""The data of an HTML page about an image, packed: columns in the order of the tree, shared ACLs, numbers for words.

A tree is told by columns of equal length, an entry a row, each folder before what it holds: depth, name, kind, size,
layer, ACL, attributes, time. Few entries have a link target or a change, so these are maps from row to value. Texts
that came from an image are made visible with :func:`~..inspect.tree.shown`, so that no name can play tricks on its
reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ...layer import Kind
from ..compare.difference import Aspect, Difference, FileChange, moments
from ..compare.pairs import Side, Step, Walk
from ..inspect.listing import Item
from ..inspect.tree import shown

KINDS = tuple(kind.value for kind in Kind)
"""What the numbers in the column ``k`` stand for."""
_WORDS = {Aspect.CASE: "written", Aspect.CONTENT: "other content"}
_NUMBER = {kind: number for number, kind in enumerate(Kind)}


class Tables:
    """Values that many rows share; a row holds their number, -1 for none."""

    def __init__(self) -> None:
        self.acls: list[dict[str, Any]] = []
        self.acl_changes: list[dict[str, Any]] = []
        self.attributes: list[str] = []
        self.times: list[str] = []
        self._numbers: dict[tuple[str, object], int] = {}

    def acl(self, item: Item) -> int:
        """An entry's security descriptor."""
        security = item.entry.security
        if security is None:
            return -1
        return self._number("acl", security, self.acls, lambda: {
            "words": [shown(line) for line in item.words()], "sddl": shown(item.sddl())})

    def acl_change(self, change: FileChange) -> int:
        """The entries of an ACL that came and went."""
        if Aspect.ACL not in change.aspects or change.before is None or change.after is None:
            return -1
        key = (change.before.entry.security, change.after.entry.security)

        def make() -> dict[str, Any]:
            acl = change.acl()
            assert acl is not None
            return {"gone": list(map(shown, acl.gone)), "came": list(map(shown, acl.came)), "moved": acl.reordered}

        return self._number("change", key, self.acl_changes, make)

    def attribute(self, item: Item) -> int:
        """Attributes, as letters."""
        return self._number("attributes", item.letters, self.attributes, lambda: item.letters) if item.letters else -1

    def time(self, item: Item) -> int:
        """When the entry was modified."""
        text = item.modified
        return self._number("time", text, self.times, lambda: text) if text else -1

    def facts(self) -> dict[str, Any]:
        """For the page."""
        return {"acls": self.acls, "acl_changes": self.acl_changes, "attributes": self.attributes, "times": self.times}

    def _number(self, table: str, key: object, values: list[Any], make: Any) -> int:
        number = self._numbers.get((table, key))
        if number is None:
            number = self._numbers[table, key] = len(values)
            values.append(make())
        return number


class Tree:
    """One tree of the page, filled row by row."""

    def __init__(self, name: str, tables: Tables) -> None:
        self.name = name
        self._tables = tables
        self._columns: dict[str, list[Any]] = {name: [] for name in "dnkslatm"}
        self._targets: dict[int, str] = {}
        self._changes: dict[int, list[Any]] = {}

    def __len__(self) -> int:
        return len(self._columns["d"])

    def fill(self, steps: Iterable[Step], changes: dict[tuple[str, bool], FileChange]) -> None:
        """Take the chosen paths of a walk, and the folders that lead to them."""
        way: list[Step] = []
        drawn = 0  # how many of those on the way have their row
        for step in steps:
            del way[step.depth:]
            drawn = min(drawn, step.depth)
            way.append(step)
            if step.chosen:
                for one in way[drawn:]:
                    self._row(one, changes)
                drawn = len(way)

    def _row(self, step: Step, changes: dict[tuple[str, bool], FileChange]) -> None:
        old, new = step.pair
        item = new or old
        assert item is not None
        row = len(self)
        tables, entry = self._tables, item.entry
        name = shown(item.name if step.depth else item.path)
        values = (step.depth, name, _NUMBER[entry.kind], item.size, item.layer, tables.acl(item),
                  tables.attribute(item), tables.time(item))
        for column, value in zip(self._columns.values(), values, strict=True):
            column.append(value)
        if entry.target:
            self._targets[row] = shown(entry.target)
        change = changes.get(key_of(item)) if step.chosen else None
        if change is not None:
            self._changes[row] = [change.mark, list(_told(change)), tables.acl_change(change)]

    def facts(self) -> dict[str, Any]:
        """For the page."""
        return {"name": shown(self.name), **self._columns, "g": self._targets, "c": self._changes}


def key_of(item: Item) -> tuple[str, bool]:
    """What tells one path of a tree from all others."""
    return item.path, item.entry.kind is Kind.WHITEOUT


def _told(change: FileChange) -> Iterator[tuple[str, str, str]]:
    """What changed of a path: aspect, before, after, as texts; ACLs are told apart from these."""
    old, new = change.before, change.after
    if old is None or new is None:
        return
    for aspect in change.aspects:
        if aspect is Aspect.TIMES:
            left, right = dict(moments(old)), dict(moments(new))
            for name in sorted({*left, *right}):
                if left.get(name) != right.get(name):
                    yield name, left.get(name, "not said"), right.get(name, "not said")
        elif aspect is Aspect.CONTENT and Aspect.SIZE in change.aspects:
            continue  # another size says it
        elif aspect is not Aspect.ACL:
            yield (_WORDS.get(aspect, aspect.value), *(_value(aspect, item, change.hive) for item in (old, new)))


def _value(aspect: Aspect, item: Item, hive: bool) -> str:
    if aspect is Aspect.CASE:
        return shown(item.name)
    if aspect is Aspect.KIND:
        return item.entry.kind.value
    if aspect is Aspect.SIZE:
        return f"{item.size:,} bytes"
    if aspect is Aspect.LINK:
        return shown(item.entry.target) or "none"
    if aspect is Aspect.ATTRIBUTES:
        return item.letters or ("not said" if item.entry.attributes is None else f"0x{item.entry.attributes:x}")
    if aspect is Aspect.EAS:
        return ", ".join(shown(name) for name, _unused in item.entry.eas) or "none"
    return "a registry hive" if hive else ""


def whole_tree(difference: Difference, before: Side | None, after: Side, tables: Tables, path: str) -> Tree:
    """Both sides laid beside each other: what went stands where it was."""
    changes = {key_of(change.item): change for change in difference.files}
    tree = Tree(str(difference.after), tables)
    tree.fill(Walk(before, after, pattern=path).steps(), changes)
    return tree


__all__ = ["KINDS", "Tables", "Tree", "key_of", "whole_tree"]
