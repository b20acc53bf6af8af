# SPDX-License-Identifier: Apache-2.0
"""The entries of a transaction log as Windows 8.1 and later write it (type 6): pages of a hive, numbered and hashed.

Source: msuhanov/regf, "Format of transaction log files", the new format; Marvin32 as Microsoft published it with .NET.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import iter_unpack, unpack, unpack_from

from ...errors import FormatError
from ..layout import PAGE

HEAD = 512
"""Bytes at the beginning of a log of any kind: a copy of the base block's first sector."""
SEED = 0x82EF4D887A4E55C5
"""What both hashes of an entry are seeded with."""
ENTRY = 40
"""Bytes of an entry before its references: signature, size, flags, sequence number, bytes of the hive's bins, count of
references, a hash of what follows the 40 bytes, a hash of the first 32 bytes."""
_MASK = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: the number it carries, the hive's size after it, and its pages as (offset in the bins, bytes).

    ``flags`` has bit 0 of the base block's flags, ``at`` is where the entry stands in its log.
    """

    at: int
    sequence: int
    flags: int
    size: int
    pages: tuple[tuple[int, bytes], ...]


def entries(log: bytes, first: int, source: str) -> Iterator[Entry]:
    """The entries of a log, numbered ``first`` and on without a gap, up to the first one that is not whole.

    That they end so is no damage: behind the last entry stands what earlier uses of the file left, or one that was
    being written when the machine stopped. FormatError is for an entry with right hashes whose pages do not fit it,
    which Windows never wrote.
    """
    at, sequence = HEAD, first
    while (end := _end(log, at, sequence)) is not None:
        yield _entry(log, at, end, source)
        at, sequence = end, (sequence + 1) & _MASK


def _end(log: bytes, at: int, sequence: int) -> int | None:
    """Where the entry at ``at`` ends; None when it is not whole, or not the one expected."""
    if at + ENTRY > len(log):
        return None
    signature, length, _unused, number, size, count, content_hash, head_hash = unpack_from("<4s5IQQ", log, at)
    if signature != b"HvLE" or number != sequence or length < HEAD or length % HEAD or at + length > len(log):
        return None
    if not size or size % PAGE or not count:
        return None
    if marvin32(log[at : at + 32]) != head_hash or marvin32(log[at + ENTRY : at + length]) != content_hash:
        return None
    return int(at + length)


def _entry(log: bytes, at: int, end: int, source: str) -> Entry:
    flags, sequence, size, count = unpack_from("<4I", log, at + 8)
    where = at + ENTRY + 8 * count
    if where > end:
        raise _bad(f"a log entry names {count} pages, more than it has room for", at, source)
    pages = []
    for offset, length in iter_unpack("<II", log[at + ENTRY : where]):
        if offset + length > size or where + length > end:
            raise _bad(f"a log entry has a page of {length} bytes for offset {offset}, outside the {size} bytes of the "
                       "bins or of the entry", at, source)
        pages.append((offset, log[where : where + length]))
        where += length
    return Entry(at, sequence, flags, size, tuple(pages))


def _bad(why: str, at: int, source: str) -> FormatError:
    return FormatError("cannot recover a registry hive", why=why, offset=at, source=source)


def marvin32(data: bytes, seed: int = SEED) -> int:
    """The Marvin32 hash of ``data``: 64 bits, the second half above the first."""
    low, high = seed & _MASK, seed >> 32
    whole = len(data) & ~3
    tail, = unpack("<I", (data[whole:] + b"\x80").ljust(4, b"\0"))
    for word in (*unpack(f"<{whole // 4}I", data[:whole]), tail, 0):
        low = (low + word) & _MASK
        high ^= low
        low = (((low << 20) & _MASK | low >> 12) + high) & _MASK
        high = ((high << 9) & _MASK | high >> 23) ^ low
        low = (((low << 27) & _MASK | low >> 5) + high) & _MASK
        high = (high << 19) & _MASK | high >> 13
    return high << 32 | low
