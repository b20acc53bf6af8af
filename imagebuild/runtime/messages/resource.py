# SPDX-License-Identifier: Apache-2.0
"""The tables of messages in a library's resources, all replaced by one. Bytes in, bytes out.

``kernelbase.dll`` has a table for each of Wine's 34 languages, one after another, a megabyte and a half in all. One
table with Windows' texts fits in their room, so nothing else in the file moves.

Source: Microsoft, "PE Format", "The .rsrc Section": a tree of type, id and language; its leaves say where the data is
in memory and how long it is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

from ...errors import FormatError
from .. import pe
from . import table

_RESOURCES = 2
_MESSAGES = 11  # RT_MESSAGETABLE
_ENGLISH = (0x409, 0x09)  # en-US, and English without a country, as Wine has it
_DEEPER = 1 << 31
_MOST = 4096
_GAP = 16
"""Bytes between two tables that count as padding."""


def with_messages(library: bytes, texts: Mapping[int, str]) -> bytes | None:
    """Return the library with ``texts`` (without line ends) over its English ones, in every language; ``None`` for a
    library of another kind, or one that lacks the room."""
    try:
        return _replaced(library, texts)
    except (struct.error, ValueError, IndexError, FormatError):
        return None


def messages_of(library: bytes) -> dict[int, str]:
    """Return the English messages of a library, with their line ends. Errors are those of :func:`.pe.imports`, and
    FormatError."""
    file = pe.File(library)
    leaves = dict(_leaves(file))
    leaf = next((leaves[language] for language in _ENGLISH if language in leaves), None)
    if leaf is None:
        raise ValueError("no English messages")
    rva, size = struct.unpack_from("<II", library, leaf)
    at = file.at(rva)
    return table.parse(library[at:at + size])


def _replaced(library: bytes, texts: Mapping[int, str]) -> bytes:
    file = pe.File(library)
    leaves = [leaf for _unused, leaf in _leaves(file)]
    merged = {**messages_of(library), **{identifier: f"{text}\r\n" for identifier, text in texts.items()}}
    data = table.serialise(merged)
    rva, room = _longest_run([struct.unpack_from("<II", library, leaf) for leaf in leaves])
    if len(data) > room:
        raise ValueError(f"{len(data)} bytes of messages do not fit in {room}")
    out = bytearray(library)
    at = file.at(rva)
    out[at:at + room] = data.ljust(room, b"\0")
    for leaf in leaves:
        struct.pack_into("<II", out, leaf, rva, len(data))
    return bytes(out)


def _longest_run(tables: list[tuple[int, int]]) -> tuple[int, int]:
    """Where the longest run of neighbouring tables begins in memory, and its size."""
    best, start, end = (0, 0), 0, -1
    for rva, size in sorted(tables):
        if end < 0 or not end <= rva <= end + _GAP:
            start = rva
        end = rva + size
        best = max(best, (end - start, start))
    return best[1], best[0]


def _leaves(file: pe.File) -> Iterator[tuple[int, int]]:
    """The language of each table of messages, and where the file describes it."""
    root = file.directory(_RESOURCES)
    if not root:
        raise ValueError("no resources")
    base = file.at(root)
    for kind, types in _entries(file, base, base):
        if kind == _MESSAGES:
            for _unused, names in _entries(file, base, types):
                yield from _entries(file, base, names)


def _entries(file: pe.File, base: int, at: int) -> Iterator[tuple[int, int]]:
    """The numbers in a directory of resources, and where each leads."""
    named, numbered = struct.unpack_from("<HH", file.data, at + 12)
    if named + numbered > _MOST:
        raise ValueError("too many resources")
    for number in range(named + numbered):
        identifier, where = struct.unpack_from("<II", file.data, at + 16 + 8 * number)
        yield identifier, base + (where & ~_DEEPER)
