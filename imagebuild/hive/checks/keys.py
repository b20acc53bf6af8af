# SPDX-License-Identifier: Apache-2.0
"""The keys of a hive, examined from the root down: records, order, longest names, links and layers."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from ...errors import quoted
from ...windows.upcase import fold
from ..base_block import BaseBlock
from ..layout import (
    COMPRESSED,
    INHERIT_CLASS,
    KEY,
    KEY_SIZE,
    MAX_DEPTH,
    MAX_KEY_NAME,
    PAGE,
    PREDEFINED,
    ROOT_FLAGS,
    sort_key,
    unit_count,
)
from ..tree import MERGE, REG_LINK, SUPERSEDE_TREE, SYMLINK, TOMBSTONE
from .cells import Cells, Found
from .damage import Damage, found
from .lists import Leaf, examine_entry, examine_lists
from .security import Securities
from .values import Seen, ValueCheck

_SPARE = 0x7C
_MISPLACED = 0x07
"""Volatile, way out of the hive, way into it: no key below the root has these on disk."""


class Record(NamedTuple):
    """A key's record, in the order of ``layout.KEY``."""

    signature: bytes
    flags: int
    last_write: int
    access: int
    layer: int
    spare: int
    parent: int
    subkeys: int
    volatile: int
    listed: int
    volatile_list: int
    values: int
    value_list: int
    security: int
    class_cell: int
    longest_subkey: int
    control: int
    debug: int
    longest_class: int
    longest_value: int
    longest_data: int
    work: int
    name_size: int
    class_size: int


_RECORD = Struct("<" + KEY.format[2:]).unpack_from  # without the cell's size


class Node:
    """One key on the way down. Its path is put together when something is wrong with it."""

    __slots__ = ("at", "depth", "name", "parent", "record", "tree")

    def __init__(self, at: int, record: Record, name: str, parent: Node | None, depth: int) -> None:
        self.at, self.record, self.name, self.parent, self.depth = at, record, name, parent, depth
        self.tree = False

    def path(self) -> str:
        names = []
        node: Node | None = self
        while node is not None and node.parent is not None:
            names.append(node.name)
            node = node.parent
        return "\\".join(reversed(names))


class KeyCheck:
    """The examination of keys in one hive."""

    def __init__(self, cells: Cells, block: BaseBlock, securities: Securities) -> None:
        self._cells, self._securities = cells, securities
        self._layered, self._minor, self._root = block.layered(), block.version[1], block.root
        self._compressed = 0 if block.version <= (1, 1) else COMPRESSED
        self._values = ValueCheck(cells, block.version, self._layered)

    def examine(self) -> Iterator[Damage]:
        """Go through all keys, parents first."""
        root = yield from self._open(self._root, -PAGE + 36, None, "")
        if root is None:
            return
        if root.record.flags & ROOT_FLAGS & ~COMPRESSED != ROOT_FLAGS & ~COMPRESSED:
            yield found("key-flags", PAGE + root.at, "", f"the root has flags {root.record.flags:#x}")
        stack = [root]
        while stack:
            node = stack.pop()
            children = yield from self._key(node)
            stack += reversed(children)

    def _open(self, at: int, holder: int, parent: Node | None, path: str) -> Found[Node | None]:
        """Read a key's record and name; ``path`` is that of its parent."""
        content = yield from self._cells.claim(at, KEY_SIZE, "a key", holder, path)
        if content is None:
            return None
        record = Record._make(_RECORD(content))
        if record.signature != b"nk":
            yield found("key-signature", PAGE + at, path,
                        f"a key begins with {quoted(record.signature)}, not with 'nk'")
            return None
        stored = content[KEY_SIZE : KEY_SIZE + record.name_size]
        wide = not record.flags & self._compressed
        name = stored[: len(stored) & ~1].decode("utf-16-le", "surrogatepass") if wide else stored.decode("latin-1")
        node = Node(at, record, name, parent, 1 if parent is None else parent.depth + 1)
        yield from self._name(node, len(stored), wide)
        return node

    def _name(self, node: Node, stored: int, wide: bool) -> Iterator[Damage]:
        size, name = node.record.name_size, node.name
        why = ""
        if size > stored:
            why = f"a key's name has {size} bytes, its cell has room for {stored}"
        elif not name:
            why = "a key has no name"
        elif wide and size & 1:
            why = f"a key's name of {size} bytes is no UTF-16"
        elif "\\" in name:
            why = "a key's name holds a backslash"
        elif unit_count(name) > MAX_KEY_NAME:
            why = f"a key's name has {unit_count(name)} characters, {MAX_KEY_NAME} are allowed"
        if why:
            yield found("key-name", PAGE + node.at, node.path(), why)
        elif wide and self._compressed and max(name) < "\u0100":
            yield found("key-name-wide", PAGE + node.at, node.path(), "the key has a wide name and needs none")

    def _key(self, node: Node) -> Found[list[Node]]:
        """Everything about one key but its name; returns its subkeys."""
        record, at, path = node.record, node.at, node.path()
        if node.parent is not None:
            if record.parent != node.parent.at:
                yield found("key-parent", PAGE + at, path,
                            f"a key says that its parent is at {record.parent}, it is at {node.parent.at}")
            if record.flags & _MISPLACED:
                yield found("key-flags", PAGE + at, path, f"a key below the root has flags {record.flags:#x}")
        if record.volatile:
            yield found("key-volatile", PAGE + at, path, f"a key counts {record.volatile} volatile subkeys")
        yield from self._securities.use(record.security, at, path)
        yield from self._class(node, path)
        values: list[Seen] = []
        if record.flags & PREDEFINED:
            yield found("key-flags", PAGE + at, path, "a key is a handle that Windows predefines")
        elif record.values:
            values = yield from self._values.examine(record.values, record.value_list, at, path)
        children = yield from self._subkeys(node, path)
        yield from self._longest(node, path, values, children)
        if record.flags & SYMLINK:
            yield from self._link(node, path, values)
        yield from self._layer(node, path)
        return children

    def _class(self, node: Node, path: str) -> Iterator[Damage]:
        size = node.record.class_size
        if size:
            content = yield from self._cells.claim(node.record.class_cell, size, "a class name", node.at, path)
            if content is not None and size & 1:
                yield found("key-class", PAGE + node.record.class_cell, path, f"a class of {size} bytes is no UTF-16")

    # --- subkeys -----------------------------------------------------------------------------------------------------

    def _subkeys(self, node: Node, path: str) -> Found[list[Node]]:
        record = node.record
        if not record.subkeys:
            return []
        leaves = yield from examine_lists(self._cells, self._minor, record.listed, record.subkeys, node.at, path)
        if node.depth >= MAX_DEPTH:
            yield found("key-depth", PAGE + node.at, path, f"its subkeys are more than {MAX_DEPTH} levels deep")
            return []
        children: list[Node] = []
        for leaf in leaves:
            children += yield from self._leaf(leaf, node, path, children[-1] if children else None)
        names: set[str] = set()
        for child in children:
            folded = fold(child.name)
            if folded in names:
                yield found("list-duplicate", PAGE + child.at, path, f"there is another subkey {quoted(child.name)}")
            names.add(folded)
        return children

    def _leaf(self, leaf: Leaf, node: Node, path: str, before: Node | None) -> Found[list[Node]]:
        children = []
        for at, number in leaf.entries:
            child = yield from self._open(at, leaf.at, node, path)
            if child is None:
                continue
            yield from examine_entry(leaf.kind, child.name, number, leaf.at, path)
            if before is not None and sort_key(child.name) < sort_key(before.name):
                yield found("list-order", PAGE + leaf.at, path,
                            f"subkey {quoted(child.name)} comes after {quoted(before.name)}")
            before = child
            children.append(child)
        return children

    # --- what a record says about the whole -----------------------------------------------------------------------

    def _longest(self, node: Node, path: str, values: list[Seen], children: list[Node]) -> Iterator[Damage]:
        record = node.record
        rows = (
            ("subkey's name", record.longest_subkey, [2 * unit_count(child.name) for child in children]),
            ("subkey's class", record.longest_class, [child.record.class_size for child in children]),
            ("value's name", record.longest_value, [2 * unit_count(value.name) for value in values]),
            ("value's data", record.longest_data, [value.size for value in values]),
        )
        for what, said, sizes in rows:
            real = max(sizes, default=0)
            if said != real:
                yield found("key-max-small" if said < real else "key-max-large", PAGE + node.at, path,
                            f"the longest {what} has {real} bytes, the key says {said}")

    def _link(self, node: Node, path: str, values: list[Seen]) -> Iterator[Damage]:
        """A link has one value and nothing below it."""
        names = [(value.name, value.type) for value in values]
        if names != [("SymbolicLinkValue", REG_LINK)] or not values[0].size or values[0].size & 1:
            yield found("symlink", PAGE + node.at, path,
                        "a link has not just one value SymbolicLinkValue of type REG_LINK with the path of a key")
        elif node.record.subkeys:
            yield found("symlink", PAGE + node.at, path, "a link has subkeys")

    def _layer(self, node: Node, path: str) -> Iterator[Damage]:
        record, at = node.record, PAGE + node.at
        if not self._layered:
            if record.layer and self._minor >= 6:
                yield found("layer-unsupported", at, path, "a key says how it is layered, and its hive has no layers")
            return
        semantics = record.layer & 3
        if record.layer & _SPARE or record.spare:
            yield found("layer-bits", at, path, f"bits that mean nothing are set in {record.layer:#04x}")
        if node.parent is None and semantics != MERGE:
            yield found("layer-root", at, path, "the root does not merge with the layers below")
        if record.layer & INHERIT_CLASS and record.class_size:
            yield found("layer-class", at, path, "a key has a class and says that it inherits one")
        if semantics == TOMBSTONE and (record.subkeys or record.values or record.class_size):
            yield found("layer-tombstone", at, path, "a deleted key has subkeys, values or a class")
        above = node.parent is not None and node.parent.tree
        if above and semantics not in (SUPERSEDE_TREE, TOMBSTONE):
            yield found("layer-tree", at, path, "a key below one that supersedes its tree does not so itself")
        node.tree = above or semantics == SUPERSEDE_TREE
