# SPDX-License-Identifier: Apache-2.0
"""A tree of keys to the bytes of a regf file that Windows loads.

Layout: "Windows registry file format specification" (msuhanov/regf), checked against hives made by Windows. One
forward pass: a key's own cell is reserved, then its security, class, values and subkeys follow it, then the list of
subkeys, and last the reserved cell is filled. The same tree gives the same bytes everywhere.
"""

from __future__ import annotations

from itertools import pairwise
from struct import Struct, pack, pack_into, unpack_from

from ..errors import InputError, UsageError
from ..windows.upcase import fold
from .tree import Key, Value

PAGE = 4096
NONE = 0xFFFFFFFF
SEGMENT = 16344
"""Bytes in one segment of big data; anything longer needs a ``db`` cell (regf minor 4 and later)."""
LEAF = 507
"""Subkeys in one ``lh`` leaf, as offreg.dll splits them: 4 + 8 * 507 bytes fit one page with both headers."""
MAX_DEPTH = 512
MAX_KEY_NAME = 255
MAX_VALUE_NAME = 16383
MAX_SEGMENTS = 0xFFFF

ROOT_FLAGS = 0x2C
"""Hive entry (4), no delete (8), compressed name (0x20): what every root key on disk carries."""
COMPRESSED = 0x20

_NK = Struct("<2sHQ10I2H4I2H")
_VK = Struct("<2sHIIIHH")

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


def make_hive(root: Key, *, name: str = "", version: tuple[int, int] = (1, 5), timestamp: int = 0) -> bytes:
    """The bytes of a clean primary hive file that holds ``root`` and everything below it.

    ``name`` is the file name kept in the header for debuggers (its last 31 characters), ``version`` is (1, 5) or
    (1, 6), ``timestamp`` the FILETIME of the file and of every key that has none of its own. Raises InputError for a
    tree that no registry can hold: two siblings of one name, a backslash in a key's name, a limit exceeded.
    """
    if version not in ((1, 5), (1, 6)):
        raise UsageError(f"cannot write a hive of version {version[0]}.{version[1]}", why="1.5 and 1.6 are allowed")
    writer = _Writer(timestamp)
    writer.key(root, NONE, DEFAULT_SECURITY, 1, root.name)
    bins = writer.finish()
    head = bytearray(PAGE)
    tail = name[-31:].encode("utf-16-le", "surrogatepass")[-62:]
    pack_into("<4sIIQIIIIIII", head, 0, b"regf", 1, 1, timestamp, *version, 0, 1, 0x20, len(bins), 1)
    head[48 : 48 + len(tail)] = tail
    pack_into("<I", head, 508, checksum(head))
    return bytes(head) + bins


def checksum(head: bytes | bytearray) -> int:
    """The checksum of a base block: XOR of its first 127 dwords, where 0 and 0xFFFFFFFF are written as neighbours."""
    total = 0
    for (word,) in Struct("<I").iter_unpack(bytes(head[:508])):
        total ^= word
    return {0: 1, NONE: NONE - 1}.get(total, total)


def name_hash(folded: str) -> int:
    """The hash an ``lh`` leaf keeps of an upcased name: H = 37 * H + code unit, modulo 2**32."""
    total = 0
    for unit in units(folded):
        total = total * 37 + unit
    return total & NONE


def units(text: str) -> tuple[int, ...]:
    """The UTF-16 code units of a text, lone surrogates included: the order and the hash of names go by these."""
    data = text.encode("utf-16-le", "surrogatepass")
    return unpack_from(f"<{len(data) // 2}H", data)


class _Writer:
    """The bins of one hive while they grow; offsets are relative to the first bin, as all offsets in a hive are."""

    def __init__(self, timestamp: int) -> None:
        self.timestamp = timestamp
        self.data = bytearray()
        self.used = 0
        self.security: dict[bytes, tuple[int, list[int]]] = {}

    def cell(self, size: int) -> int:
        """Reserve an allocated cell for ``size`` bytes and return its offset; a cell never crosses a bin."""
        size = (size + 4 + 7) & ~7
        if self.used + size > len(self.data):
            if rest := len(self.data) - self.used:
                pack_into("<i", self.data, self.used, rest)
            start = len(self.data)
            length = (size + 32 + PAGE - 1) & ~(PAGE - 1)
            self.data += bytes(length)
            pack_into("<4sIIQQI", self.data, start, b"hbin", start, length, 0, 0 if start else self.timestamp, 0)
            self.used = start + 32
        offset = self.used
        pack_into("<i", self.data, offset, -size)
        self.used += size
        return offset

    def put(self, content: bytes) -> int:
        """A cell with this content."""
        offset = self.cell(len(content))
        self.data[offset + 4 : offset + 4 + len(content)] = content
        return offset

    def key(self, key: Key, parent: int, inherited: bytes, depth: int, path: str) -> int:
        if depth > MAX_DEPTH:
            raise InputError("cannot write a hive", why=f"key {path[:200]} is more than {MAX_DEPTH} levels deep")
        _check_name(key.name, path)
        name, compressed = _encoded(key.name)
        offset = self.cell(76 + len(name))
        descriptor = inherited if key.security is None else key.security
        security = self.secure(descriptor)
        class_name = (key.class_name or "").encode("utf-16-le", "surrogatepass")
        if len(class_name) > 0xFFFF:
            raise InputError("cannot write a hive", why=f"the class name of key {path} is longer than 65535 bytes")
        class_cell = self.put(class_name) if class_name else NONE
        values = [self.value(value, path) for value in _distinct_values(key, path)]
        value_list = self.put(pack(f"<{len(values)}I", *values)) if values else NONE

        children = _sorted_subkeys(key, path)
        entries = []  # a plain loop: before Python 3.12 a comprehension is a second frame at each of 512 levels
        for folded, child in children:
            entries.append((self.key(child, offset, descriptor, depth + 1, f"{path}\\{child.name}"), name_hash(folded)))
        subkey_list = self.subkeys(entries)

        flags = ROOT_FLAGS & ~COMPRESSED if depth == 1 else 0
        _NK.pack_into(
            self.data, offset + 4, b"nk", flags | (COMPRESSED if compressed else 0),
            self.timestamp if key.last_write is None else key.last_write, 0, 0 if depth == 1 else parent,
            len(children), 0, subkey_list, NONE, len(values), value_list, security, class_cell,
            max((2 * len(units(child.name)) for child in key.subkeys), default=0), 0,
            max((2 * len(units(child.class_name or "")) for child in key.subkeys), default=0),
            max((2 * len(units(value.name)) for value in key.values), default=0),
            max((len(value.data) for value in key.values), default=0), 0, len(name), len(class_name),
        )
        self.data[offset + 80 : offset + 80 + len(name)] = name
        return offset

    def secure(self, descriptor: bytes) -> int:
        """The ``sk`` cell of a security descriptor: equal ones share a cell that counts the keys that use it."""
        known = self.security.get(descriptor)
        if known is None:
            offset = self.put(pack("<2sHIIII", b"sk", 0, 0, 0, 0, len(descriptor)) + descriptor)
            self.security[descriptor] = known = (offset, [0])
        known[1][0] += 1
        return known[0]

    def value(self, value: Value, path: str) -> int:
        size = len(value.data)
        if size <= 4:
            kept, where = size | 0x80000000, int.from_bytes(value.data.ljust(4, b"\0"), "little")
        elif size <= SEGMENT:
            kept, where = size, self.put(value.data)
        else:
            parts = [value.data[at : at + SEGMENT] for at in range(0, size, SEGMENT)]
            if len(parts) > MAX_SEGMENTS:
                raise InputError("cannot write a hive", why=f"value {value.name!r} of key {path} has {size} bytes, "
                                                            f"{MAX_SEGMENTS * SEGMENT} are allowed")
            kept = size
            segments = [self.put(part) for part in parts]
            segment_list = self.put(pack(f"<{len(segments)}I", *segments))
            where = self.put(pack("<2sHI", b"db", len(segments), segment_list))
        name, compressed = _encoded(value.name)
        flags = 1 if compressed and name else 0
        return self.put(_VK.pack(b"vk", len(name), kept, where, value.type, flags, 0) + name)

    def subkeys(self, entries: list[tuple[int, int]]) -> int:
        """The list of subkeys: one ``lh`` leaf, or several below an ``ri`` when there are more than fit in one."""
        if not entries:
            return NONE
        leaves = []
        for at in range(0, len(entries), LEAF):
            part = entries[at : at + LEAF]
            flat = [number for entry in part for number in entry]
            leaves.append(self.put(pack(f"<2sH{len(flat)}I", b"lh", len(part), *flat)))
        return leaves[0] if len(leaves) == 1 else self.put(pack(f"<2sH{len(leaves)}I", b"ri", len(leaves), *leaves))

    def finish(self) -> bytes:
        """Close the last bin and link the security cells into a ring, each with its exact count."""
        if rest := len(self.data) - self.used:
            pack_into("<i", self.data, self.used, rest)
        ring = list(self.security.values())
        for index, (offset, count) in enumerate(ring):
            after, before = ring[(index + 1) % len(ring)][0], ring[index - 1][0]
            pack_into("<III", self.data, offset + 8, after, before, count[0])
        return bytes(self.data)


def _encoded(name: str) -> tuple[bytes, bool]:
    """A name as kept on disk: Latin-1 ("compressed") where it fits, else UTF-16LE."""
    try:
        return name.encode("latin-1"), True
    except UnicodeEncodeError:
        return name.encode("utf-16-le", "surrogatepass"), False


def _check_name(name: str, path: str) -> None:
    if not name or "\\" in name or "\0" in name:
        raise InputError("cannot write a hive", why=f"key {path!r}: a name is not empty and holds no backslash, no NUL")
    if len(units(name)) > MAX_KEY_NAME:
        raise InputError("cannot write a hive", why=f"key {path[:200]} has a name of {len(units(name))} characters, "
                                                    f"{MAX_KEY_NAME} are allowed")


def _sorted_subkeys(key: Key, path: str) -> list[tuple[str, Key]]:
    """Subkeys by upcased code unit: Windows finds them by binary search in this order."""
    children = sorted(((fold(child.name), child) for child in key.subkeys), key=lambda pair: units(pair[0]))
    for (folded, one), (other_folded, other) in pairwise(children):
        if folded == other_folded:
            raise InputError("cannot write a hive",
                             why=f"key {path} has two subkeys of one name: {one.name}, {other.name}")
    return children


def _distinct_values(key: Key, path: str) -> tuple[Value, ...]:
    seen: set[str] = set()
    for value in key.values:
        if len(units(value.name)) > MAX_VALUE_NAME:
            raise InputError("cannot write a hive", why=f"a value of key {path} has a name of more than "
                                                        f"{MAX_VALUE_NAME} characters")
        if (folded := fold(value.name)) in seen:
            raise InputError("cannot write a hive", why=f"key {path} has two values of one name: {value.name}")
        seen.add(folded)
    return key.values
