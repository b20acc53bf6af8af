# SPDX-License-Identifier: Apache-2.0
"""Windows programs and libraries without their debug information, which is most of what Debian's Wine is.

The linker puts its sections (``.debug_info`` and others) behind all that a program needs. A name that is longer than
eight letters is in the table of texts behind the symbols, as in Microsoft's "PE Format" specification, "Section Table".
"""

from __future__ import annotations

import struct
from typing import BinaryIO

_HEADERS = 4096
_SECTION = 40
_STRIPPED = 0x0200 | 0x0008  # IMAGE_FILE_DEBUG_STRIPPED, IMAGE_FILE_LOCAL_SYMS_STRIPPED
_LONGEST = 64
"""Bytes of a section's name that are looked at."""


def undebugged(stream: BinaryIO) -> bytes:
    """Return a PE32+ file without its debug sections and its symbols. What is left out is not read.

    ValueError or struct.error for a file of another kind, and for one that has none, or has something behind them.
    """
    out = bytearray(stream.read(_HEADERS))
    header = _number("<I", out, 0x3C)
    if out[header:header + 4] != b"PE\0\0" or _number("<H", out, header + 24) != 0x20B:
        raise ValueError("no PE32+ file")
    count, size = _number("<H", out, header + 6), _number("<H", out, header + 20)
    symbols, symbol_count = struct.unpack_from("<II", out, header + 12)
    table = header + 24 + size
    if table + _SECTION * count > len(out):
        raise ValueError("more sections than the headers have room for")
    long_names = _LongNames(stream, symbols + 18 * symbol_count if symbols else 0)
    names = [long_names.of(bytes(out[at:at + 8])) for at in range(table, table + _SECTION * count, _SECTION)]
    kept = next((number for number, name in enumerate(names) if name.startswith(b".debug")), count)
    if kept in (0, count) or not all(name.startswith(b".debug") for name in names[kept:]):
        raise ValueError("no debug sections behind all others")
    first = table + _SECTION * kept
    address, _size, end = struct.unpack_from("<III", out, first + 12)
    sections = [struct.unpack_from("<IIII", out, table + _SECTION * number + 8) for number in range(kept)]
    if any(start >= address or raw + raw_size > end for _memory, start, raw_size, raw in sections) or end < len(out):
        raise ValueError("the debug sections do not lie behind all others")
    texts = b""
    for number, name in enumerate(names[:kept]):
        if out[table + _SECTION * number] == ord("/"):
            out[table + _SECTION * number:table + _SECTION * number + 8] = f"/{4 + len(texts)}".encode().ljust(8, b"\0")
            texts += name + b"\0"
    out[first:table + _SECTION * count] = bytes(_SECTION * (count - kept))
    struct.pack_into("<H", out, header + 6, kept)
    struct.pack_into("<II", out, header + 12, end if texts else 0, 0)
    struct.pack_into("<H", out, header + 22, _number("<H", out, header + 22) | _STRIPPED)
    struct.pack_into("<I", out, header + 24 + 56, address)  # SizeOfImage
    struct.pack_into("<I", out, header + 24 + 64, 0)  # CheckSum: none
    stream.seek(len(out))
    out += stream.read(end - len(out))
    if len(out) != end:
        raise ValueError("the file is shorter than its sections")
    return bytes(out) + (struct.pack("<I", 4 + len(texts)) + texts if texts else b"")


class _LongNames:
    """Names of sections. Those that are longer than eight letters are in a table that begins ``at`` in the file."""

    def __init__(self, stream: BinaryIO, at: int) -> None:
        self._stream, self._at = stream, at

    def of(self, field: bytes) -> bytes:
        """The name of a section by what its header has of it."""
        name = field.rstrip(b"\0")
        if not name.startswith(b"/"):
            return name
        if not self._at or not name[1:].isdigit():
            raise ValueError("a section's name is nowhere")
        self._stream.seek(self._at + int(name[1:]))
        return self._stream.read(_LONGEST).partition(b"\0")[0]


def _number(form: str, data: bytes | bytearray, at: int) -> int:
    return int(struct.unpack_from(form, data, at)[0])
