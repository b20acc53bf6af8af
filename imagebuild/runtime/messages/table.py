# SPDX-License-Identifier: Apache-2.0
"""The table of messages of a Windows library. Bytes in, a mapping out, and back.

Source: Microsoft, MESSAGE_RESOURCE_DATA, _BLOCK and _ENTRY (winnt.h): the number of blocks, then for each the first and
last id and the offset of its entries; an entry is its length with this head, flags (1: UTF-16) and the text, which ends
with a NUL and is padded to four bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from ...errors import FormatError

_BLOCK = struct.Struct("<III")
_ENTRY = struct.Struct("<HH")
_UNICODE = 1
_LONGEST = 0xFFFC


def parse(data: bytes) -> dict[int, str]:
    """Return the messages by id, each with the line end that it has. FormatError for bytes that are not a table."""
    out: dict[int, str] = {}
    try:
        count = int.from_bytes(data[:4], "little")
        if count > len(data) // _BLOCK.size:
            raise FormatError("cannot read a table of messages", why=f"{count} blocks do not fit", offset=0)
        for number in range(count):
            first, last, at = _BLOCK.unpack_from(data, 4 + _BLOCK.size * number)
            for identifier in range(first, last + 1):
                length, flags = _ENTRY.unpack_from(data, at)
                if length < _ENTRY.size or at + length > len(data):
                    raise FormatError("cannot read a table of messages", offset=at,
                                      why=f"message {identifier} has no end")
                raw = data[at + _ENTRY.size:at + length]
                text = raw.decode("utf-16-le", "replace") if flags & _UNICODE else raw.decode("cp1252", "replace")
                out[identifier] = text.partition("\0")[0]
                at += length
    except struct.error as error:
        raise FormatError("cannot read a table of messages", why=str(error)) from error
    return out


def serialise(messages: Mapping[int, str]) -> bytes:
    """Return a table of these messages (ids 0 to 0xFFFFFFFF), in UTF-16, neighbouring ids in one block."""
    blocks: list[list[int]] = []
    for identifier in sorted(messages):
        if blocks and blocks[-1][-1] == identifier - 1:
            blocks[-1].append(identifier)
        else:
            blocks.append([identifier])
    heads, entries = bytearray(struct.pack("<I", len(blocks))), bytearray()
    start = 4 + _BLOCK.size * len(blocks)
    for block in blocks:
        heads += _BLOCK.pack(block[0], block[-1], start + len(entries))
        for identifier in block:
            raw = (messages[identifier] + "\0").encode("utf-16-le")[:_LONGEST - _ENTRY.size]
            length = _ENTRY.size + len(raw) + -len(raw) % 4
            entries += _ENTRY.pack(length, _UNICODE) + raw.ljust(length - _ENTRY.size, b"\0")
    return bytes(heads + entries)
