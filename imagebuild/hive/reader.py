# SPDX-License-Identifier: Apache-2.0
r"""A regf file as keys and values, read when they are asked for.

``read(data)[r"ControlSet001\Services\Dnscache"].values["Start"]`` touches a page per name of the path. The data may be
a memory map. Versions 1.1 to 1.6 are read; the bytes are those on disk: transaction logs are replayed by ``logs.py``.

Nothing the file says about itself is believed. Every cell is allocated, aligned, inside its bin and large enough for
what it holds; a key is below one other key only, so that what is read is a tree, and at most 512 levels deep. What
breaks this is a :class:`~imagebuild.errors.FormatError` with its offset; a hive opened as ``forgiving`` goes on with
the rest and collects the errors in :attr:`Hive.damage`. Oddities that no reader stumbles over (order, hashes,
reference counts) are the business of ``check.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from mmap import mmap
from struct import Struct, unpack_from
from struct import error as StructError

from ..errors import FormatError
from ..windows.upcase import fold
from .cells import OLD_HEAD
from .layout import (
    COMPRESSED,
    INHERIT_CLASS,
    INLINE,
    KEY_SIZE,
    MAX_DEPTH,
    NONE,
    PAGE,
    PREDEFINED,
    RECORD_FLAGS,
    VALUE_COMPRESSED,
    VALUE_SIZE,
    VALUE_TOMBSTONE,
    name_hash,
)
from .lists import ListReader, numbers
from .tree import MERGE, Value, Values, find, walk

# What is needed of layout.KEY and layout.VALUE, each behind its cell's size. Of a key: signature, flags, last
# write, layer byte, subkeys, their list, values, their list, security, class, control, name bytes, class bytes.
_KEY = "HHQxBxx4xI4xI4x4IxxB17xHH"
_VALUE = "HHIIIH"
_KEYS = {4: Struct("<i" + _KEY), 8: Struct("<i4x" + _KEY)}
_VALUES = {4: Struct("<i" + _VALUE), 8: Struct("<i4x" + _VALUE)}
_NK, _VK = int.from_bytes(b"nk", "little"), int.from_bytes(b"vk", "little")
_Record = tuple[int, int, int, int, int, int, int, int, int, int, int, int, int, int]
_new = tuple.__new__


def read(data: bytes | mmap, *, source: str = "hive", forgiving: bool = False) -> Hive:
    """The hive in these bytes. ``source`` names it in errors."""
    return Hive(data, source=source, forgiving=forgiving)


class HiveKey:
    """One key of a hive: its record is read, the rest is when asked for. See ``tree.KeyLike`` for the fields."""

    __slots__ = ("_hive", "_record", "at", "depth", "name")

    def __init__(self, hive: Hive, record: _Record, at: int, depth: int, name: str) -> None:
        self._hive = hive
        self._record = record
        self.at = at
        self.depth = depth
        self.name = name

    @property
    def values(self) -> Values:
        record = self._record
        return self._hive.values_of(self.at, record) if record[7] else _NO_VALUES

    @property
    def subkeys(self) -> tuple[HiveKey, ...]:
        return self._hive.subkeys_of(self) if self._record[5] else ()

    @property
    def security(self) -> bytes | None:
        return self._hive.security_at(self._record[9])

    @property
    def class_name(self) -> str | None:
        return self._hive.class_at(self._record[10], self._record[13], self.at) if self._record[13] else None

    @property
    def last_write(self) -> int:
        return self._record[3]

    @property
    def flags(self) -> int:
        return self._record[2] & ~RECORD_FLAGS

    @property
    def control(self) -> int:
        return self._record[11]

    @property
    def semantics(self) -> int:
        return self._record[4] & 3 if self._hive.layered else MERGE

    @property
    def inherit_class(self) -> bool:
        return self._hive.layered and bool(self._record[4] & INHERIT_CLASS)

    def child(self, name: str) -> HiveKey | None:
        """The subkey of that name as Windows compares names, None where there is none."""
        return self._hive.child_of(self, name)

    def get(self, path: str) -> HiveKey | None:
        r"""The key at a path below this one (``Control\Session Manager``), None where there is none."""
        return find(self, path)

    def __getitem__(self, path: str) -> HiveKey:
        found = self.get(path)
        if found is None:
            raise KeyError(path)
        return found

    def __iter__(self) -> Iterator[HiveKey]:
        return iter(self.subkeys)

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and self.get(path) is not None

    def __eq__(self, other: object) -> bool:
        """Whether both are the same key of the same hive in memory."""
        return isinstance(other, HiveKey) and self._hive is other._hive and self.at == other.at

    def __hash__(self) -> int:
        return hash((id(self._hive), self.at))

    def __repr__(self) -> str:
        return f"<HiveKey {self.name!r} at {PAGE + self.at}>"


class Hive(ListReader):
    """A hive in memory. ``hive[path]`` is a key; ``hive.root`` the one that has them all.

    ``block`` is the base block; ``layered`` says whether it is a delta; ``damage`` are the errors that a forgiving hive
    passed over, in the order in which they were met.
    """

    def __init__(self, data: bytes | mmap, *, source: str = "hive", forgiving: bool = False) -> None:
        super().__init__(data, source, forgiving)
        self._key, self._value = _KEYS[self._head].unpack_from, _VALUES[self._head].unpack_from
        old = self._head == OLD_HEAD
        self._compressed = 0 if old else COMPRESSED
        self._value_flags = 0 if old else VALUE_COMPRESSED | VALUE_TOMBSTONE * self.layered
        self._parents = {self.block.root: NONE}
        self._security: dict[int, bytes] = {}
        root = self._root()
        self._root_facts = root._record, root.at, root.name

    @property
    def root(self) -> HiveKey:
        """The key that has all others; made when asked for, so that hive and key do not hold each other."""
        record, at, name = self._root_facts
        return HiveKey(self, record, at, 1, name)

    def _root(self) -> HiveKey:
        for at in dict.fromkeys((self.block.root, _USUAL_ROOT)):  # a damaged base block may say anything
            self._parents = {at: NONE}
            for key in self._make((at,), NONE, 1):
                return key
        raise self._bad("there is no root key", self.block.root)

    def get(self, path: str) -> HiveKey | None:
        """The key at a path below the root, None where there is none."""
        return self.root.get(path)

    def __getitem__(self, path: str) -> HiveKey:
        return self.root[path]

    def __contains__(self, path: object) -> bool:
        return path in self.root

    def __iter__(self) -> Iterator[HiveKey]:
        return iter(self.root)

    def walk(self) -> Iterator[tuple[str, HiveKey]]:
        """Every key with its path below the root (the root's is empty), parents first, in the order of the file."""
        return walk(self.root)

    # --- what keys ask -----------------------------------------------------------------------------------------------

    def subkeys_of(self, key: HiveKey) -> tuple[HiveKey, ...]:
        """The subkeys of a key, in the order of its lists."""
        record = key._record
        where, count = record[6], record[5]
        try:
            size, kind, listed = _LIST(self.data, PAGE + where)
            if kind == b"lh" and listed == count and not where & 7 and where - size <= self._ends[where >> 12] \
                    and 8 * count + size <= -4 - self._head:  # nearly every list
                offsets: Sequence[int] = numbers(self.data, 2 * count, PAGE + self._head + 4 + where)[::2]
                if count > 1 and len(set(offsets)) != count:
                    offsets = self._subkey_offsets(where, count, key.at)
                elif self._owners.get(where) != key.at:
                    self._own(where, key.at, 8 * count, "a list of subkeys")
            else:
                offsets = self._subkey_offsets(where, count, key.at)
        except (StructError, IndexError):
            offsets = self._subkey_offsets(where, count, key.at)
        except FormatError as error:
            self._pass_over(error)
            return ()
        return tuple(self._make(offsets, key.at, key.depth + 1))

    def child_of(self, key: HiveKey, name: str) -> HiveKey | None:
        """One subkey by name: by its hash where the list has hashes, then by looking at all."""
        record = key._record
        if not record[5]:
            return None
        folded = fold(name)
        wanted = name_hash(folded).to_bytes(4, "little")
        for kind, content in self._leaves(record[6]):
            at = content.find(wanted) if kind == b"lh" else -1
            while at >= 0:
                if at & 7 == 4:
                    for child in self._make(unpack_from("<I", content, at - 4), key.at, key.depth + 1):
                        if fold(child.name) == folded:
                            return child
                at = content.find(wanted, at + 1)
        return next((child for child in self.subkeys_of(key) if fold(child.name) == folded), None)

    def values_of(self, at: int, record: _Record) -> Values:
        """The values of a key in their order."""
        count = record[7]
        if not count or record[2] & PREDEFINED:
            return _NO_VALUES
        data, ends, unpack, known = self.data, self._ends, self._value, self._value_flags
        head = self._head
        front = PAGE + head + VALUE_SIZE
        out = []
        where = record[8]
        try:
            size, = _I(data, PAGE + where)
            if where & 7 or where - size > ends[where >> 12] or 4 * count + size > -head:
                offsets = self._value_offsets(where, count, at)
            else:
                offsets = numbers(data, count, PAGE + head + where)
                if count > 1 and len(set(offsets)) != count:
                    offsets = self._value_offsets(where, count, at)
                elif self._owners.get(where) != at:
                    self._own(where, at, 4 * count, "a list of values")
        except (StructError, IndexError):
            offsets = self._value_offsets(where, count, at)
        except FormatError as error:
            self._pass_over(error)
            return _NO_VALUES
        for place in offsets:
            try:
                size, signature, name_size, data_size, where, kind, flags = unpack(data, PAGE + place)
                # A cell that is free has a size above 0 and fails the last test.
                if place & 7 or place - size > ends[place >> 12] or signature != _VK \
                        or name_size + size > -VALUE_SIZE - head:
                    self._examine_value(place)
                start = place + front
                flags &= known
                if flags & VALUE_COMPRESSED or not name_size:
                    name = str(data[start : start + name_size], "latin-1")
                else:
                    name = self._wide(data[start : start + name_size], place)
                if data_size >= INLINE:
                    if data_size > INLINE + 4:
                        raise self._bad(f"a value claims {data_size - INLINE} bytes inside its own cell, 4 are allowed",
                                        place)
                    content = data[start - 12 : start - 12 + data_size - INLINE]  # where the offset stands otherwise
                elif data_size:
                    size, = _I(data, PAGE + where)
                    if where & 7 or where - size > ends[where >> 12] or data_size + size > -head:
                        content = self._long_data(place, where, data_size, at)
                    else:
                        if data_size > _SHORT:
                            self._own(place, at, data_size, "a value")
                        start = where + PAGE + head
                        content = data[start : start + data_size]
                else:
                    content = b""
            except FormatError as error:
                self._pass_over(error)
            except (StructError, IndexError):
                self._pass_over(self._bad("a value, or its data, lies outside the hive", min(place, self.end)))
            else:
                out.append(_new(Value, (name, kind, content, flags & VALUE_TOMBSTONE != 0)))
        return _new(Values, out)

    def security_at(self, where: int) -> bytes | None:
        """The security descriptor in a cell; None, where a forgiving hive has none that can be read."""
        found = self._security.get(where)
        if found is None:
            try:
                content = self._cell(where, 20, "a security descriptor")
                size, = unpack_from("<I", content, 16)
                if content[:2] != b"sk" or size > len(content) - 20:
                    raise self._bad("a security descriptor is not 'sk' or longer than its cell", where)
                self._own(where, where, size, "a security descriptor")
            except FormatError as error:
                self._pass_over(error)
                return None
            self._security[where] = found = content[20 : 20 + size]
        return found

    def class_at(self, where: int, size: int, owner: int) -> str | None:
        """The class name of the key ``owner``."""
        try:
            self._own(where, owner, size, "a class name")
            return self._wide(self._cell(where, size, "a class name")[:size], where)
        except FormatError as error:
            self._pass_over(error)
            return None

    # --- records and cells -------------------------------------------------------------------------------------------

    def _make(self, offsets: Sequence[int], parent: int, depth: int) -> list[HiveKey]:
        """The keys in these cells, which are below ``parent``."""
        data, ends, unpack, known, compressed = self.data, self._ends, self._key, self._parents, self._compressed
        front = PAGE + self._head + KEY_SIZE
        room = -KEY_SIZE - self._head
        out = []
        for at in offsets:
            try:
                record: _Record = unpack(data, PAGE + at)
                name_size = record[12]
                # A cell that is free has a size above 0 and fails the last test.
                if at & 7 or at - record[0] > ends[at >> 12] or record[1] != _NK or name_size + record[0] > room:
                    self._examine_key(at)
                if known.setdefault(at, parent) != parent:
                    raise self._bad("a key is below two keys, or below itself", at)
                if depth > MAX_DEPTH:
                    raise self._bad(f"a key is more than {MAX_DEPTH} levels deep", at)
                name = data[at + front : at + front + name_size]
                out.append(HiveKey(self, record, at, depth, str(name, "latin-1") if record[2] & compressed else
                                   self._wide(name, at)))
            except FormatError as error:
                self._pass_over(error)
            except (StructError, IndexError):
                self._pass_over(self._bad("a key lies outside the hive", min(at, self.end)))
        return out

    def _examine_key(self, at: int) -> None:
        """Raise what is wrong with the cell of a key, or find that nothing is."""
        content = self._cell(at, KEY_SIZE, "a key")
        if content[:2] != b"nk":
            raise self._bad("a key does not begin with 'nk'", at)
        size, = unpack_from("<H", content, 72)
        if KEY_SIZE + size > len(content):
            raise self._bad(f"a name of {size} bytes does not fit its cell", at)

    def _examine_value(self, at: int) -> None:
        content = self._cell(at, VALUE_SIZE, "a value")
        if content[:2] != b"vk":
            raise self._bad("a value does not begin with 'vk'", at)
        size, = unpack_from("<H", content, 2)
        if VALUE_SIZE + size > len(content):
            raise self._bad(f"a name of {size} bytes does not fit its cell", at)


_I = Struct("<i").unpack_from
_LIST = Struct("<i2sH").unpack_from
_NO_VALUES = Values()
_SHORT = 256
"""Data up to so many bytes may be read again and again: the lists that name them are booked, see ``Hive._own``."""
_USUAL_ROOT = 0x20
