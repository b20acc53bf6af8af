# SPDX-License-Identifier: Apache-2.0
"""The records of a regf file: what lies where in them, and the numbers that are computed over names and pages.

Source: msuhanov/regf, "Windows registry file format specification", and the structures of public Windows symbols
(_CM_KEY_NODE); checked against hives made by Windows. Offsets in a hive count from the end of its base block
(:data:`PAGE` bytes). All numbers are little-endian.
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct, unpack_from

from ..windows.upcase import fold

PAGE = 4096
NONE = 0xFFFFFFFF
"""No cell."""
INLINE = 0x80000000
"""In the size of a value's data: they stand in the field of their offset, four bytes at most."""
SEGMENT = 16344
"""Bytes in one segment of big data; anything longer needs a ``db`` cell (minor version 4 and later)."""
MAX_SEGMENTS = 0xFFFF
LEAF = 507
"""Subkeys in one ``lh`` leaf, as offreg.dll splits them: 4 + 8 * 507 bytes fit one page with both headers."""
MAX_DEPTH = 512
MAX_KEY_NAME = 255
MAX_VALUE_NAME = 16383
BINS_LIMIT = 0x80000000
"""A hive's bins have less than 2 GiB."""

ROOT = 0x04
COMPRESSED = 0x20
ROOT_FLAGS = 0x2C
"""Hive entry (4), no delete (8), compressed name (0x20): what every root key on disk carries."""
PREDEFINED = 0x40
"""The key is a handle that Windows predefines: its count of values is no count."""
RECORD_FLAGS = ROOT | 0x02 | COMPRESSED | PREDEFINED
"""Flags that say something about the record; the others belong to the key."""

LAYERED = 0x2
"""In the base block's flags: the layer byte of keys counts."""
VALUE_COMPRESSED = 1
VALUE_TOMBSTONE = 2
INHERIT_CLASS = 0x80

# Cell size, signature, flags, last write, access bits, layer byte, spare, parent, subkeys, volatile ones, their lists,
# values, their list, security, class, longest subkey name, user and virtualization flags, debug, longest class, value
# name, value data, work, name bytes, class bytes.
KEY = Struct("<i2sHQBBH9IHBB4I2H")
KEY_SIZE = 76
"""Bytes of the record before the name, without the cell's size."""
# Cell size, signature, name bytes, data size, data offset, type, flags, spare.
VALUE = Struct("<i2sHIIIHH")
VALUE_SIZE = 20
# Cell size, signature, reserved, next, previous, uses, bytes.
SECURITY = Struct("<i2sH4I")
SECURITY_SIZE = 20
# Signature, own offset, size, reserved, time, spare.
BIN = Struct("<4sIIQQI")
BIN_SIZE = 32

_WORDS = Struct("<127I")


def checksum(head: bytes | bytearray) -> int:
    """The checksum of a base block: XOR of its first 127 dwords, where 0 and 0xFFFFFFFF are written as neighbours."""
    total = 0
    for word in _WORDS.unpack_from(head):
        total ^= word
    return {0: 1, NONE: NONE - 1}.get(total, total)


@lru_cache(maxsize=65536)
def name_hash(folded: str) -> int:
    """The hash an ``lh`` leaf keeps of an upcased name: H = 37 * H + code unit, modulo 2**32."""
    total = 0
    for unit in folded.encode("latin-1") if folded.isascii() else units(folded):
        total = total * 37 + unit
    return total & NONE


def units(text: str) -> tuple[int, ...]:
    """The UTF-16 code units of a text, lone surrogates included: the order and the hash of names go by these."""
    data = text.encode("utf-16-le", "surrogatepass")
    return unpack_from(f"<{len(data) // 2}H", data)


def unit_count(text: str) -> int:
    """How many UTF-16 code units a text has."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def by_units(text: str) -> str:
    """A text that compares with others of its kind as their code units do: beyond U+FFFF, Python's order differs."""
    return text if text.isascii() else "".join(map(chr, units(text)))


@lru_cache(maxsize=65536)
def sort_key(name: str) -> str:
    """What a list of subkeys is sorted by: the upcased name, by code units."""
    return by_units(fold(name))
