# SPDX-License-Identifier: Apache-2.0
"""Transaction logs written by code: what lies between two states of one hive, in the old format and in the new one."""

from __future__ import annotations

from struct import pack, pack_into

from imagebuild.hive.layout import PAGE, checksum
from imagebuild.hive.logs.entries import marvin32

NAME = "SYSTEM"


def dirty(hive: bytes, first: int, second: int, *, time: int = 0) -> bytes:
    """The hive with these sequence numbers and this time in its base block."""
    return _head(hive[:PAGE], first, second, 0, time) + hive[PAGE:]


def old_log(before: bytes, after: bytes, *, sequence: int = 2, time: int = 0, kind: int = 1) -> bytes:
    """A log of the old format with every page in which the hives differ, tracked as Windows does by 4096 bytes."""
    size = len(after) - PAGE
    bitmap, pages = bytearray(size // PAGE), b""
    for at, page in _differing(before, after):
        bitmap[at // PAGE] = 0xFF
        pages += page
    vector = b"DIRT" + bytes(bitmap)
    vector += bytes(-len(vector) % 512)
    return _head(after[:512], sequence, sequence, kind, time) + vector + pages


def entry(before: bytes, after: bytes, sequence: int, *, flags: int = 0) -> bytes:
    """One entry of a log of the new format with every page in which the hives differ."""
    return raw_entry(_differing(before, after), sequence, len(after) - PAGE, flags=flags)


def raw_entry(pages: list[tuple[int, bytes]], sequence: int, size: int, *, flags: int = 0) -> bytes:
    """An entry with these pages and right hashes, whatever it asks for."""
    content = b"".join(pack("<II", at, len(page)) for at, page in pages) + b"".join(page for _, page in pages)
    length = -(-(40 + len(content)) // 512) * 512
    content = content.ljust(length - 40, b"\0")
    head = pack("<4s5IQ", b"HvLE", length, flags, sequence, size, len(pages), marvin32(content))
    return head + pack("<Q", marvin32(head)) + content


def new_log(hive: bytes, first: int, *entries: bytes, time: int = 0) -> bytes:
    """A log of the new format whose entries begin at ``first``."""
    return _head(hive[:512], first, first, 6, time) + b"".join(entries)


def _head(page: bytes, first: int, second: int, kind: int, time: int) -> bytes:
    head = bytearray(page)
    pack_into("<IIQ", head, 4, first, second, time)
    pack_into("<I", head, 28, kind)
    pack_into("<I", head, 508, checksum(head))
    return bytes(head)


def _differing(before: bytes, after: bytes) -> list[tuple[int, bytes]]:
    """The pages of ``after`` that ``before`` does not have so, as (offset in the bins, page)."""
    return [(at - PAGE, after[at : at + PAGE]) for at in range(PAGE, len(after), PAGE)
            if before[at : at + PAGE] != after[at : at + PAGE]]
