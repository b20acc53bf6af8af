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
from .base_block import PRIMARY, BaseBlock, parse_base_block
from .layout import (
    BIN_SIZE,
    COMPRESSED,
    INHERIT_CLASS,
    INLINE,
    KEY_SIZE,
    MAX_DEPTH,
    NONE,
    PAGE,
    PREDEFINED,
    RECORD_FLAGS,
    SEGMENT,
    VALUE_COMPRESSED,
    VALUE_SIZE,
    VALUE_TOMBSTONE,
    name_hash,
)
from .tree import MERGE, Value, Values, split, walk

# What is needed of layout.KEY and layout.VALUE, each behind its cell's size. Of a key: signature, flags, last
# write, layer byte, subkeys, their list, values, their list, security, class, control, name bytes, class bytes.
_KEY = "HHQxBxx4xI4xI4x4IxxB17xHH"
_VALUE = "HHIIIH"
_KEYS = {4: Struct("<i" + _KEY), 8: Struct("<i4x" + _KEY)}
_VALUES = {4: Struct("<i" + _VALUE), 8: Struct("<i4x" + _VALUE)}
_NK, _VK = int.from_bytes(b"nk", "little"), int.from_bytes(b"vk", "little")
_WIDTHS = {b"li": 4, b"ri": 4, b"lf": 8, b"lh": 8}
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
        key: HiveKey | None = self
        for part in split(path):
            if key is None:
                return None
            key = key.child(part)
        return key

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


class Hive:
    """A hive in memory. ``hive[path]`` is a key; ``hive.root`` the one that has them all.

    ``block`` is the base block; ``layered`` says whether it is a delta; ``damage`` are the errors that a forgiving hive
    passed over, in the order in which they were met.
    """

    def __init__(self, data: bytes | mmap, *, source: str = "hive", forgiving: bool = False) -> None:
        self.data = data
        self.source = source
        self.forgiving = forgiving
        self.damage: list[FormatError] = []
        self._met: set[tuple[str, int | None]] = set()
        self.block: BaseBlock = parse_base_block(data, source)
        self._examine_block()
        self.layered = self.block.layered()
        self.end = min(self.block.size, len(data) - PAGE)
        old = self.block.version <= (1, 1)
        self._head = 8 if old else 4
        self._key, self._value = _KEYS[self._head].unpack_from, _VALUES[self._head].unpack_from
        self._compressed = 0 if old else COMPRESSED
        self._value_flags = 0 if old else VALUE_COMPRESSED | VALUE_TOMBSTONE * self.layered
        self._ends = [0] * ((self.end >> 12) + 1)  # where the bin of each page ends, once it was asked for
        self._parents = {self.block.root: NONE}
        self._chained = False
        self._hopeless: set[int] = set()  # pages that are in no bin
        self._security: dict[int, bytes] = {}
        self._owners: dict[int, int] = {}
        self._room = self.end
        self.root = self._root()

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
        return walk(self.root)  # type: ignore[return-value]

    # --- what keys ask -----------------------------------------------------------------------------------------------

    def subkeys_of(self, key: HiveKey) -> tuple[HiveKey, ...]:
        """The subkeys of a key, in the order of its lists."""
        record = key._record
        where, count = record[6], record[5]
        try:
            size, kind, listed = _LIST(self.data, PAGE + where)
            if kind == b"lh" and listed == count and not where & 7 and where - size <= self._ends[where >> 12] \
                    and 8 * count + size <= -4 - self._head:  # nearly every list
                offsets: Sequence[int] = _numbers(self.data, 2 * count, PAGE + self._head + 4 + where)[::2]
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
                offsets = _numbers(data, count, PAGE + head + where)
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

    def _cell(self, at: int, need: int, what: str) -> bytes:
        """The content of an allocated cell that must hold at least ``need`` bytes."""
        if at & 7 or at + 8 > self.end:
            raise self._bad(f"{what} lies outside the hive", min(at, self.end))
        size = -_I(self.data, PAGE + at)[0]
        if size < 0:
            raise self._bad(f"{what} lies in a cell that is free", at)
        end = at + size
        if end > self._ends[at >> 12] and end > self._bin_end(at):
            raise self._bad(f"{what} has a cell of {size} bytes, which ends behind its bin", at)
        if size < need + self._head:
            raise self._bad(f"{what} has a cell of {size} bytes, at least {need + self._head} are needed", at)
        return self.data[PAGE + at + self._head : PAGE + end]

    def _own(self, cell: int, owner: int, size: int, what: str) -> None:
        """Book a cell, and that many bytes that are read through it, for the one record that may point to it.

        Cells do not overlap, so what all records have together is never more than the bins: a small file that would
        come to gigabytes, because its lists or data are shared, is refused.
        """
        known = self._owners.get(cell)
        if known == owner:
            return
        if known is not None:
            raise self._bad(f"{what} belongs to two keys", cell)
        self._room -= size
        if self._room < 0:
            raise self._bad(f"{what} shares its bytes with others: all together are more than the hive has", cell)
        self._owners[cell] = owner

    def _bin_end(self, at: int) -> int:
        """Where the bin around an offset ends. The header found by looking back from it is believed first; before it is
        said that a cell breaks out of its bin, all bins were gone through from the first on."""
        ends = self._ends
        if at >> 12 in self._hopeless:
            return 0
        page = at & ~(PAGE - 1)
        while page >= 0 and self.data[PAGE + page : PAGE + page + 8] != b"hbin" + page.to_bytes(4, "little"):
            if ends[page >> 12] > at:
                break  # a bin that is known reaches here: a header inside it is no header
            page -= PAGE
        start, end = self._bin(page)
        if start <= at < end:
            self._fill(start, end)
            return end
        if not self._chained:
            self._chained = True
            for start, end in self._bins():
                self._fill(start, end)
        if ends[at >> 12] <= at:
            self._hopeless.add(at >> 12)
            return 0
        return ends[at >> 12]

    def _fill(self, start: int, end: int) -> None:
        for number in range(start >> 12, min(end, self.end) + PAGE - 1 >> 12):
            self._ends[number] = end

    def _bin(self, page: int) -> tuple[int, int]:
        if page < 0 or page + BIN_SIZE > self.end:
            return (0, 0)
        size, = unpack_from("<I", self.data, PAGE + page + 8)
        return (page, page + size) if size and not size & (PAGE - 1) and page + size <= self.end else (0, 0)

    def _bins(self) -> Iterator[tuple[int, int]]:
        """The bins, from the first on, up to one that is damaged."""
        page = 0
        while self.data[PAGE + page : PAGE + page + 8] == b"hbin" + page.to_bytes(4, "little"):
            start, end = self._bin(page)
            if not end:
                return
            yield start, end
            page = end

    def _subkey_offsets(self, at: int, count: int, owner: int) -> Sequence[int]:
        """The cells of ``count`` subkeys, looked at closely."""
        try:
            out: Sequence[int] = ()
            if self._room < 0:
                self._own(at, owner, 0, "a list of subkeys")
            for kind, content in self._leaves(at):
                width = _WIDTHS[kind]
                part = _numbers(content, len(content) >> 2)[:: width >> 2]
                out = part if not out else (*out, *part)
                if len(out) > count:
                    break
            self._own(at, owner, 4 * len(out), "a list of subkeys")
            if len(out) != count:
                raise self._bad(f"a key claims {count} subkeys, its lists have "
                                f"{'more' if len(out) > count else len(out)}", owner)
            if count > 1 and len(set(out)) != count:
                raise self._bad("a key has the same subkey twice", owner)
        except FormatError as error:
            self._pass_over(error)
            out = tuple(dict.fromkeys(out)) if self._owners.get(at) == owner else ()
        return out

    def _leaves(self, at: int) -> Iterator[tuple[bytes, bytes]]:
        """The lists of subkeys that name subkeys, each with its kind and the bytes of its entries."""
        try:
            content = self._cell(at, 4, "a list of subkeys")
            kind, listed = content[:2], self._entries(content, at)
            if kind != b"ri":
                yield kind, listed
                return
            leaves = _numbers(listed, len(listed) >> 2)
            if len(set(leaves)) != len(leaves):
                raise self._bad("a list of lists names one of them twice", at)
        except FormatError as error:
            self._pass_over(error)
            return
        total = 0
        for leaf in leaves:
            if total > self.end:
                self._pass_over(self._bad("a list of lists names more subkeys than the hive has bytes for", at))
                return
            try:
                content = self._cell(leaf, 4, "a list of subkeys")
                if content[:2] == b"ri":
                    raise self._bad("a list of lists is in a list of lists", leaf)
                listed = self._entries(content, leaf)
                total += len(listed)
            except FormatError as error:
                self._pass_over(error)
            else:
                yield content[:2], listed

    def _entries(self, content: bytes, at: int) -> bytes:
        kind, count = content[:2], int.from_bytes(content[2:4], "little")
        size = count * _WIDTHS.get(kind, 0)
        if kind not in _WIDTHS or 4 + size > len(content):
            raise self._bad(f"a list of subkeys is {kind!r} with {count} entries in {len(content)} bytes", at)
        return content[4 : 4 + size]

    def _value_offsets(self, where: int, count: int, at: int) -> Sequence[int]:
        """The cells of ``count`` values, looked at closely."""
        out: Sequence[int] = ()
        try:
            content = self._cell(where, 0, "a list of values")
            out = _numbers(content, min(count, len(content) >> 2))
            self._own(where, at, 4 * len(out), "a list of values")
            if count > len(out):
                raise self._bad(f"a key claims {count} values, the cell of their list has room for {len(out)}", where)
            if len(set(out)) != count:
                raise self._bad("a key has the same value twice", at)
        except FormatError as error:
            self._pass_over(error)
            out = tuple(dict.fromkeys(out)) if self._owners.get(where) == at else ()
        return out

    def _long_data(self, at: int, where: int, size: int, owner: int) -> bytes:
        """Data that do not fit the cell of their value as they stand: big data, or damage."""
        if size > self.end:
            raise self._bad(f"a value claims {size} bytes, more than the hive has", at)
        content = self._cell(where, min(size, 8), "the data of a value")
        if len(content) >= size:
            self._own(at, owner, size, "a value")
            return content[:size]
        if size <= SEGMENT or content[:2] != b"db":
            self._own(at, owner, len(content), "a value")
            self._pass_over(self._bad(f"a value claims {size} bytes, its cell has {len(content)}", where))
            return content
        count, listed = unpack_from("<HI", content, 2)
        if size > count * SEGMENT:
            raise self._bad(f"a value claims {size} bytes in {count} segments", where)
        self._own(at, owner, size, "a value")
        parts, left = [], size
        for segment in _numbers(self._cell(listed, 4 * count, "a list of segments"), count):
            if not left:
                break
            part = self._cell(segment, min(left, SEGMENT), "a segment of data")[: min(left, SEGMENT)]
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def _wide(self, name: bytes, at: int) -> str:
        if len(name) & 1:
            self._pass_over(self._bad(f"a name of {len(name)} bytes is no UTF-16", at))
            name = name[:-1]
        return name.decode("utf-16-le", "surrogatepass")

    # --- damage ------------------------------------------------------------------------------------------------------

    def _examine_block(self) -> None:
        block = self.block
        if block.kind != PRIMARY:
            self._pass_over(self._bad_block(28, f"it is a transaction log (kind {block.kind}), not the hive itself"))
        if not block.intact:
            self._pass_over(self._bad_block(508, "the checksum of the base block is wrong: the hive is damaged, or "
                                                 "needs its logs"))
        if block.version[0] != 1 or block.version[1] > 6:
            self._pass_over(self._bad_block(20, f"its version is {block.version[0]}.{block.version[1]}, 1.1 to 1.6 are "
                                                "known"))

    def _bad_block(self, offset: int, why: str) -> FormatError:
        return FormatError("cannot read a registry hive", why=why, offset=offset, source=self.source)

    def _bad(self, why: str, at: int) -> FormatError:
        """The error for a cell that is not what it claims to be."""
        return FormatError("cannot read a registry hive", why=why, offset=PAGE + at, source=self.source)

    def _pass_over(self, error: FormatError) -> None:
        """Raise, or note and go on."""
        if not self.forgiving:
            raise error
        self._note(error)

    def _note(self, error: FormatError) -> None:
        if (error.why, error.offset) not in self._met and len(self._met) < 10_000:
            self._met.add((error.why, error.offset))
            self.damage.append(error)


def _numbers(data: bytes | mmap, count: int, at: int = 0) -> tuple[int, ...]:
    """``count`` unsigned numbers of 32 bits."""
    return _COUNTED[count](data, at) if count < 64 else unpack_from(f"<{count}I", data, at)


_COUNTED = [Struct(f"<{count}I").unpack_from for count in range(64)]
_I = Struct("<i").unpack_from
_LIST = Struct("<i2sH").unpack_from
_NO_VALUES = Values()
_SHORT = 256
"""Data up to so many bytes may be read again and again: the lists that name them are booked, see ``Hive._own``."""
_USUAL_ROOT = 0x20
