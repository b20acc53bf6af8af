# SPDX-License-Identifier: Apache-2.0
"""Single keys and values out of a regf file, without reading the rest of it.

Nothing the file says about itself is believed: every offset, count and size is checked against the cell and the file
it lies in, and a chain that comes back to itself ends in FormatError, never in a loop. Transaction logs are not
replayed: a hive that was not closed cleanly is read as it stands on disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from mmap import mmap
from struct import Struct, unpack_from
from typing import Any

from ..errors import FormatError
from ..windows.upcase import fold
from .tree import Key, Value
from .write import COMPRESSED, MAX_DEPTH, PAGE, SEGMENT, checksum

INLINE = 0x80000000
NONE = 0xFFFFFFFF

_NK = Struct("<2sHQ10I2H4I2H")
_VK = Struct("<2sHIIIHH")


def value_of(data: bytes | mmap, path: str, name: str, *, source: str = "hive") -> Value | None:
    r"""The value ``name`` of the key at ``path`` (``Select``, ``CurrentControlSet\Control``), or None if there is none.

    ``path`` is below the hive's root and compared as Windows compares names. A first component ``CurrentControlSet``,
    which exists only in a running Windows, is resolved through the value ``Current`` of the key ``Select``.
    """
    hive = Hive(data, source)
    found = hive.find(path)
    if found is None:
        return None
    folded = fold(name)
    return next((value for value in hive.values(found) if fold(value.name) == folded), None)


def read_tree(data: bytes | mmap, *, source: str = "hive") -> Key:
    """Everything in a hive as one tree; subkeys in the order of the file."""
    hive = Hive(data, source)
    seen: set[int] = set()

    def tree(at: int, depth: int) -> Key:
        if at in seen or depth > MAX_DEPTH:
            raise hive.bad("a key lies below itself or too deep", at)
        seen.add(at)
        children = []  # a plain loop costs one frame a level, a generator expression two
        for child in hive.subkeys(at):
            children.append(tree(child, depth + 1))
        return Key(hive.key_name(at), tuple(hive.values(at)), tuple(children), hive.security(at), hive.class_name(at),
                   hive.key(at)[2])

    return tree(hive.root, 1)


class Hive:
    """A regf file whose keys are looked up by the offset of their cell, relative to the first bin."""

    def __init__(self, data: bytes | mmap, source: str = "hive") -> None:
        self.data = data
        self.source = source
        if len(data) < PAGE or data[:4] != b"regf":
            raise FormatError("cannot read a registry hive", offset=0, source=source,
                              why="it does not begin with a base block of 4096 bytes with the signature 'regf'")
        if unpack_from("<I", data, 508)[0] != checksum(data[:512]):
            raise FormatError("cannot read a registry hive", offset=508, source=source,
                              why="the checksum of the base block is wrong: the hive is damaged or needs its logs")
        self.root: int
        self.root, size = unpack_from("<II", data, 36)
        self.end = min(size, len(data) - PAGE)
        self.key(self.root)

    def bad(self, why: str, at: int) -> FormatError:
        """The error for a cell that is not what it claims to be."""
        return FormatError("cannot read a registry hive", why=why, offset=PAGE + at, source=self.source)

    def cell(self, at: int, need: int, what: str) -> bytes:
        """The content of an allocated cell that must hold at least ``need`` bytes."""
        if at & 7 or at + 8 > self.end:
            raise self.bad(f"{what} lies outside the hive", min(at, self.end))
        size = -unpack_from("<i", self.data, PAGE + at)[0]
        if size < need + 4 or at + size > self.end:
            raise self.bad(f"{what} is a cell of {size} bytes, at least {need + 4} and inside the hive are allowed", at)
        return self.data[PAGE + at + 4 : PAGE + at + size]

    def key(self, at: int) -> tuple[Any, ...]:
        """The fixed fields of a key, in the order of the file."""
        fields = _NK.unpack_from(self.cell(at, 76, "a key"))
        if fields[0] != b"nk":
            raise self.bad("a key does not begin with 'nk'", at)
        return fields

    def key_name(self, at: int) -> str:
        """A key's own name."""
        fields = self.key(at)
        return self._name(at, self.cell(at, 76 + fields[19], "a key")[76:], fields[19], fields[1] & COMPRESSED)

    def class_name(self, at: int) -> str | None:
        """A key's class name, None where it has none."""
        fields = self.key(at)
        if not fields[20]:
            return None
        return self.cell(fields[12], fields[20], "a class name")[: fields[20]].decode("utf-16-le", "replace")

    def security(self, at: int) -> bytes:
        """The self-relative security descriptor of a key."""
        where = self.key(at)[11]
        content = self.cell(where, 20, "a security descriptor")
        size = unpack_from("<I", content, 16)[0]
        if content[:2] != b"sk" or size > len(content) - 20:
            raise self.bad("a security descriptor is not 'sk' or longer than its cell", where)
        return content[20 : 20 + size]

    def find(self, path: str) -> int | None:
        """The key at a path below the root, None if there is none."""
        parts = [part for part in path.split("\\") if part]
        if parts and fold(parts[0]) == fold("CurrentControlSet"):
            current = next((value for value in self._values_at("Select") if fold(value.name) == fold("Current")), None)
            if current is None:
                return None
            parts[0] = f"ControlSet{int.from_bytes(current.data[:4], 'little'):03}"
        at = self.root
        for part in parts[:MAX_DEPTH]:
            folded = fold(part)
            child = next((child for child in self.subkeys(at) if fold(self.key_name(child)) == folded), None)
            if child is None:
                return None
            at = child
        return at

    def subkeys(self, at: int) -> Iterator[int]:
        """The subkeys of a key, in the order of its lists."""
        fields = self.key(at)
        if not fields[5]:
            return
        for count, child in enumerate(self._list(fields[7], fields[5], nested=False), 1):
            if count > fields[5]:
                raise self.bad(f"a key has more subkeys than the {fields[5]} it claims", at)
            yield child

    def _list(self, at: int, limit: int, *, nested: bool) -> Iterator[int]:
        content = self.cell(at, 4, "a list of subkeys")
        kind, count = content[:2], unpack_from("<H", content, 2)[0]
        width = {b"li": 4, b"ri": 4, b"lf": 8, b"lh": 8}.get(kind, 0)
        if not width or (nested and kind == b"ri") or 4 + count * width > len(content) or count > limit:
            raise self.bad(f"a list of subkeys is {kind!r} with {count} entries in a cell of {len(content)} bytes", at)
        for entry in unpack_from("<" + ("I" if width == 4 else "I4x") * count, content, 4):
            if kind == b"ri":
                yield from self._list(entry, limit, nested=True)
            else:
                yield entry

    def _values_at(self, path: str) -> Iterator[Value]:
        at = self.find(path)
        return iter(()) if at is None else self.values(at)

    def values(self, at: int) -> Iterator[Value]:
        """The values of a key in their order; deleted ones of a layered hive (tombstones) are left out."""
        fields = self.key(at)
        count = fields[9]
        if not count or count > self.end // 4:
            if count:
                raise self.bad(f"a key claims {count} values", at)
            return
        for where in unpack_from(f"<{count}I", self.cell(fields[10], 4 * count, "a list of values")):
            content = self.cell(where, 20, "a value")
            signature, length, size, data, kind, flags, _ = _VK.unpack_from(content)
            if signature != b"vk":
                raise self.bad("a value does not begin with 'vk'", where)
            if not flags & 2:
                yield Value(self._name(where, content[20:], length, flags & 1), kind, self._data(where, size, data))

    def _name(self, at: int, content: bytes, length: int, compressed: int) -> str:
        if length > len(content) or (not compressed and length & 1):
            raise self.bad(f"a name of {length} bytes does not fit its cell", at)
        return str(content[:length], "latin-1") if compressed else content[:length].decode("utf-16-le", "surrogatepass")

    def _data(self, at: int, size: int, where: int) -> bytes:
        if size & INLINE:
            if size & ~INLINE > 4:
                raise self.bad(f"a value claims {size & ~INLINE} bytes inside its own cell, 4 are allowed", at)
            return where.to_bytes(4, "little")[: size & ~INLINE]
        if not size:
            return b""
        if size > self.end:
            raise self.bad(f"a value claims {size} bytes, more than the hive has", at)
        content = self.cell(where, min(size, 8), "the data of a value")
        if len(content) >= size:
            return content[:size]
        if size <= SEGMENT or content[:2] != b"db":
            raise self.bad(f"a value claims {size} bytes, its cell has {len(content)}", where)
        count, listed = unpack_from("<HI", content, 2)
        parts, left = [], size
        for segment in unpack_from(f"<{count}I", self.cell(listed, 4 * count, "a list of segments")):
            parts.append(self.cell(segment, min(left, SEGMENT), "a segment of data")[: min(left, SEGMENT)])
            left -= len(parts[-1])
        if left:
            raise self.bad(f"{left} of the {size} bytes of a value are missing", where)
        return b"".join(parts)
