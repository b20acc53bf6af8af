# SPDX-License-Identifier: Apache-2.0
"""A tree of keys to the bytes of a regf file that Windows loads: a plain hive, or the delta of a layer.

Layout: "Windows registry file format specification" (msuhanov/regf), checked against hives made by Windows; of deltas,
against the two real ones known, one written by the kernel and one by offreg.dll. One forward pass: a key's own cell is
reserved, then its security, class, values and subkeys follow it, then the list of subkeys, and last the reserved cell
is filled. The same tree gives the same bytes everywhere. To edit a hive is to write it anew.
"""

from __future__ import annotations

from struct import pack, pack_into

from ..errors import InputError, quoted
from ..windows.upcase import fold
from .base_block import BaseBlock, serialise_base_block
from .layout import (
    BIN,
    BIN_SIZE,
    BINS_LIMIT,
    COMPRESSED,
    INHERIT_CLASS,
    INLINE,
    KEY,
    KEY_SIZE,
    LAYERED,
    LEAF,
    MAX_DEPTH,
    MAX_KEY_NAME,
    MAX_SEGMENTS,
    MAX_VALUE_NAME,
    NONE,
    PAGE,
    RECORD_FLAGS,
    ROOT_FLAGS,
    SECURITY,
    SEGMENT,
    VALUE,
    VALUE_COMPRESSED,
    VALUE_TOMBSTONE,
    name_hash,
    sort_key,
    unit_count,
)
from .tree import TOMBSTONE, KeyLike, Value

# O:BAG:SYD:PAI(A;CIIO;KA;;;CO)(A;CI;KA;;;SY)(A;CI;KA;;;BA)(A;CI;KR;;;BU)(A;CI;KR;;;AC), as the root of HKLM\SOFTWARE.
DEFAULT_SECURITY = bytes.fromhex(
    "01000494 8c000000 9c000000 00000000 14000000 02007800 05000000"
    "000a1400 3f000f00 01010000 00000003 00000000"
    "00021400 3f000f00 01010000 00000005 12000000"
    "00021800 3f000f00 01020000 00000005 20000000 20020000"
    "00021800 19000200 01020000 00000005 20000000 21020000"
    "00021800 19000200 01020000 0000000f 02000000 01000000"
    "01020000 00000005 20000000 20020000"
    "01010000 00000005 12000000"
)
_DELTA_ACCESS = 2
"""Access bits of every key in the deltas that Windows wrote: "accessed since the registry was initialized"."""
_GROW = 1 << 20


def write(root: KeyLike, *, name: str = "", layered: bool = False, timestamp: int = 0) -> bytes:
    """The bytes of a clean primary hive file that holds ``root`` and everything below it.

    ``name`` is the file name kept in the header for debuggers (its last 31 characters), ``timestamp`` the FILETIME of
    the file and of every key that has none of its own. A key without security takes its parent's, the root without any
    that of ``HKLM\\SOFTWARE``. ``layered`` makes a delta (version 1.6), in which keys may delete and supersede those of
    lower layers; a plain hive (1.5) has no such keys. Raises InputError for a tree that no registry can hold: two
    siblings of one name, a backslash in a key's name, a limit exceeded.
    """
    writer = _Writer(timestamp, layered)
    writer.key(root, NONE, DEFAULT_SECURITY, 1, "")
    bins = writer.finish()
    if layered:
        # As offreg.dll leaves it, down to its mark: no time of writing, but one of reorganizing.
        block = BaseBlock((1, 6), 0x20, len(bins), name=name, flags=LAYERED, reorganized=timestamp, offreg=True)
    else:
        block = BaseBlock((1, 5), 0x20, len(bins), last_written=timestamp, name=name)
    return serialise_base_block(block) + bins


class _Writer:
    """The bins of one hive while they grow; offsets are relative to the first bin, as all offsets in a hive are."""

    __slots__ = ("_data", "_end", "_layered", "_security", "_timestamp", "_used")

    def __init__(self, timestamp: int, layered: bool) -> None:
        self._timestamp = timestamp
        self._layered = layered
        self._data = bytearray()
        self._end = 0  # of the last bin; behind it are zeros that were reserved
        self._used = 0
        self._security: dict[bytes, list[int]] = {}  # descriptor -> its cell, how many keys have it

    def key(self, key: KeyLike, parent: int, inherited: bytes, depth: int, path: str) -> int:
        """Write a key and everything below it; returns its cell."""
        name = key.name
        semantics, flags = key.semantics, key.flags & ~RECORD_FLAGS
        if semantics or key.inherit_class:
            self._check_layered(path, name)
        elif depth == 1:
            flags |= ROOT_FLAGS & ~COMPRESSED
        check_key_name(name, path)
        if name.isascii():
            stored, flags = name.encode("ascii"), flags | COMPRESSED
        else:
            stored, compressed = _encoded(name)
            flags |= COMPRESSED if compressed else 0
        offset = self._cell(KEY_SIZE + len(stored))
        descriptor = key.security or inherited
        security = self._secure(descriptor)
        class_name = (key.class_name or "").encode("utf-16-le", "surrogatepass")
        class_cell = self._put(class_name) if class_name else NONE
        if len(class_name) > 0xFFFF:
            raise InputError("cannot write a hive", why=f"the class name of key {path} is longer than 65535 bytes")

        values = key.values
        value_list, longest_name, longest_data = NONE, 0, 0
        if values:
            value_list, longest_name, longest_data = self._values(values, path)

        children = key.subkeys
        subkey_list, longest_child, longest_class = NONE, 0, 0
        if children:
            if depth >= MAX_DEPTH:
                raise InputError("cannot write a hive",
                                 why=f"key {path[:200]} has subkeys more than {MAX_DEPTH} levels deep")
            cells: list[int] = []  # cell, hash, cell, hash ...
            before, prefix = None, f"{path}\\" if path else ""
            for folded, _unused, child in sorted([(sort_key(child.name), number, child)
                                                  for number, child in enumerate(children)]):
                if folded == before:
                    raise InputError("cannot write a hive", why=f"key {path or 'at the root'} has two subkeys of one "
                                                                f"name: {child.name}")
                before = folded
                child_name = child.name
                cells.append(self.key(child, offset, descriptor, depth + 1, prefix + child_name))
                cells.append(name_hash(fold(child_name)))
                longest_child = max(longest_child, unit_count(child_name))
                if child.class_name:
                    longest_class = max(longest_class, unit_count(child.class_name))
            subkey_list = self._subkeys(cells)

        written = key.last_write
        if written is None:
            written = self._timestamp
        layer = semantics | (INHERIT_CLASS if key.inherit_class else 0)
        if semantics == TOMBSTONE:
            written = 0
        KEY.pack_into(
            self._data, offset, -(KEY_SIZE + 4 + len(stored) + 7 & ~7), b"nk", flags, written,
            _DELTA_ACCESS if self._layered else 0, layer, 0, 0 if depth == 1 else parent, len(children), 0,
            subkey_list, NONE, len(values), value_list, security, class_cell, 2 * longest_child, key.control, 0,
            2 * longest_class, longest_name, longest_data, 0, len(stored), len(class_name))
        self._data[offset + 80 : offset + 80 + len(stored)] = stored
        return offset

    def _check_layered(self, path: str, name: str) -> None:
        if not self._layered:
            raise InputError("cannot write a hive", why=f"key {path or name} deletes, supersedes or inherits from "
                                                        "lower layers, which only a delta can")

    def _cell(self, size: int) -> int:
        """Reserve an allocated cell for ``size`` bytes and return its offset; a cell never crosses a bin."""
        size = size + 11 & ~7
        offset = self._used
        if offset + size > self._end:
            offset = self._bin(size)
        self._used = offset + size
        return offset

    def _bin(self, size: int) -> int:
        """A new bin with room for a cell of ``size`` bytes; returns where its first cell begins."""
        data, start = self._data, self._end
        if rest := start - self._used:
            pack_into("<i", data, self._used, rest)
        length = size + BIN_SIZE + PAGE - 1 & ~(PAGE - 1)
        if start + length > BINS_LIMIT:
            raise InputError("cannot write a hive", why="it would have more than 2 GiB")
        if start + length > len(data):
            data += bytes(max(length, min(len(data), _GROW)))
        BIN.pack_into(data, start, b"hbin", start, length, 0, 0 if start or self._layered else self._timestamp, 0)
        self._end = start + length
        return start + BIN_SIZE

    def _put(self, content: bytes) -> int:
        """A cell with this content."""
        offset = self._cell(len(content))
        pack_into("<i", self._data, offset, -(len(content) + 11 & ~7))
        self._data[offset + 4 : offset + 4 + len(content)] = content
        return offset

    def _secure(self, descriptor: bytes) -> int:
        """The ``sk`` cell of a security descriptor: equal ones share a cell that counts the keys that use it."""
        known = self._security.get(descriptor)
        if known is None:
            offset = self._cell(20 + len(descriptor))
            SECURITY.pack_into(self._data, offset, -(24 + len(descriptor) + 7 & ~7), b"sk", 0, 0, 0, 0, len(descriptor))
            self._data[offset + 24 : offset + 24 + len(descriptor)] = descriptor
            self._security[descriptor] = known = [offset, 0]
        known[1] += 1
        return known[0]

    def _values(self, values: tuple[Value, ...], path: str) -> tuple[int, int, int]:
        """The values of a key: the cell of their list, the longest name and the longest data in bytes."""
        check_values(values, path)
        pack_value, cells = VALUE.pack_into, []
        longest_name = longest_data = 0
        for name, kind, content, deleted in values:
            size = len(content)
            if deleted:
                self._check_layered(path, name)
                kept, where, kind, flags = 0, NONE, 0, VALUE_TOMBSTONE
            elif size <= 4:
                kept, where, flags = size | INLINE, int.from_bytes(content, "little"), 0
            else:
                kept, flags = size, 0
                where = self._put(content) if size <= SEGMENT else self._big(content, name, path)
                if size > longest_data:
                    longest_data = size
            if size <= 4 and not deleted and size > longest_data:
                longest_data = size
            if name.isascii():
                stored, length = name.encode("ascii"), len(name)
                flags |= VALUE_COMPRESSED if length else 0
            else:
                stored, compressed = _encoded(name)
                flags |= VALUE_COMPRESSED if compressed else 0
                length = unit_count(name)
            if length > longest_name:
                longest_name = length
            count = len(stored)
            need = count + 31 & ~7
            offset = self._used
            if offset + need > self._end:
                offset = self._bin(need)
            self._used = offset + need
            pack_value(self._data, offset, -need, b"vk", count, kept, where, kind, flags, 0)
            if count:
                self._data[offset + 24 : offset + 24 + count] = stored
            cells.append(offset)
        return self._put(pack(f"<{len(cells)}I", *cells)), 2 * longest_name, longest_data

    def _big(self, content: bytes, name: str, path: str) -> int:
        """Big data: segments, their list, and the ``db`` cell that names it.

        Windows gives the last segment a cell as large as the others; hivex and libregf count on some room behind it.
        """
        parts = [content[at : at + SEGMENT] for at in range(0, len(content), SEGMENT)]
        if len(parts) > MAX_SEGMENTS:
            raise InputError("cannot write a hive", why=f"value {quoted(name)} of key {path} has {len(content)} bytes, "
                                                        f"{MAX_SEGMENTS * SEGMENT} are allowed")
        segments = [self._put(part.ljust(SEGMENT, b"\0")) for part in parts]
        listed = self._put(pack(f"<{len(segments)}I", *segments))
        return self._put(pack("<2sHI", b"db", len(segments), listed))

    def _subkeys(self, cells: list[int]) -> int:
        """The list of subkeys: one ``lh`` leaf, or several below an ``ri`` when there are more than fit in one."""
        leaves = []
        for at in range(0, len(cells), 2 * LEAF):
            part = cells[at : at + 2 * LEAF]
            leaves.append(self._put(pack(f"<2sH{len(part)}I", b"lh", len(part) // 2, *part)))
        if len(leaves) == 1:
            return leaves[0]
        return self._put(pack(f"<2sH{len(leaves)}I", b"ri", len(leaves), *leaves))

    def finish(self) -> bytes:
        """Close the last bin and link the security cells into a ring, each with its exact count."""
        data = self._data
        if rest := self._end - self._used:
            pack_into("<i", data, self._used, rest)
        ring = list(self._security.values())
        for index, (offset, count) in enumerate(ring):
            pack_into("<III", data, offset + 8, ring[(index + 1) % len(ring)][0], ring[index - 1][0], count)
        return bytes(memoryview(data)[: self._end])


def check_key_name(name: str, path: str) -> None:
    """InputError for a name that no key can have. One may hold a NUL, which only the kernel's own calls can name."""
    if not name or "\\" in name:
        raise InputError("cannot write a hive", why=f"key {quoted(path)}: a name is not empty and holds no backslash")
    if len(name) > MAX_KEY_NAME or (not name.isascii() and unit_count(name) > MAX_KEY_NAME):
        raise InputError("cannot write a hive", why=f"key {path[:200]} has a name of {unit_count(name)} characters, "
                                                    f"{MAX_KEY_NAME} are allowed")


def check_values(values: tuple[Value, ...], path: str) -> None:
    """InputError for values that no key can have together."""
    seen = set()
    for value in values:
        name = value[0]
        if len(name) > MAX_VALUE_NAME // 2 and unit_count(name) > MAX_VALUE_NAME:
            raise InputError("cannot write a hive", why=f"a value of key {path} has a name of more than "
                                                        f"{MAX_VALUE_NAME} characters")
        seen.add(name.upper() if name.isascii() else fold(name))
    if len(seen) != len(values):
        twice = next(value.name for number, value in enumerate(values)
                     if fold(value.name) in {fold(other.name) for other in values[:number]})
        raise InputError("cannot write a hive", why=f"key {path} has two values of one name: {twice}")


def _encoded(name: str) -> tuple[bytes, bool]:
    """A name as kept on disk: Latin-1 ("compressed") where it fits, else UTF-16LE."""
    try:
        return name.encode("latin-1"), True
    except UnicodeEncodeError:
        return name.encode("utf-16-le", "surrogatepass"), False


__all__ = ["DEFAULT_SECURITY", "check_key_name", "check_values", "write"]
