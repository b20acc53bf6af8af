# SPDX-License-Identifier: Apache-2.0
"""The table of contents of an image archive: which member lies where. Nothing is ever unpacked by name.

Reads ustar, GNU and PAX headers (POSIX pax(1); GNU tar manual, "Basic Tar Format") as far as ``docker save``,
skopeo, podman and BuildKit write them.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from ...errors import FormatError

BLOCK = 512
_MAX_MEMBERS = 200_000
_MAX_EXTENSION = 1 << 20


@dataclass(frozen=True, slots=True)
class Member:
    """A file (or, with ``link``, another name of one) and where its bytes lie in the archive."""

    name: str
    offset: int
    size: int
    link: str = ""


def scan(stream: BinaryIO, *, source: str) -> Iterator[Member]:
    """The files and links of a seekable tar. FormatError with the offset when it is none, cut short, or lies."""
    end = stream.seek(0, 2)
    at = 0
    members = 0
    pending: dict[str, str] = {}
    while at + BLOCK <= end:
        stream.seek(at)
        header = stream.read(BLOCK)
        if len(header) < BLOCK:
            break
        if not header.strip(b"\0"):
            return
        if not _checksum_right(header):
            raise FormatError("not a tar header", offset=at, source=source, why="its checksum is wrong")
        size = int(pending.get("size", "-1"))
        if size < 0:
            size = _number(header[124:136], at, source)
        kind = header[156:157]
        body = at + BLOCK
        if kind in (b"1", b"2", b"3", b"4", b"5", b"6"):
            size = 0
        if body + size > end:
            raise FormatError("the archive is cut short", offset=at, source=source,
                              why=f"a member of {size} bytes begins {end - body} bytes before the end")
        if kind in (b"x", b"g", b"L", b"K"):
            pending = _extension(stream, kind, size, pending, at, source)
        else:
            members += 1
            if members > _MAX_MEMBERS:
                raise FormatError("too many members for an image archive", offset=at, source=source,
                                  why=f"more than {_MAX_MEMBERS}")
            name = pending.get("path") or _ustar_name(header)
            link = pending.get("linkpath") or _text(header[157:257])
            pending = {}
            if kind in (b"0", b"\0", b"7"):
                yield Member(clean(name), body, size)
            elif kind == b"1":
                yield Member(clean(name), body, 0, clean(link))
            elif kind == b"2":
                # A symbolic link counts from its own folder; one that leaves the archive leads nowhere.
                yield Member(clean(name), body, 0, clean(posixpath.join(posixpath.dirname(clean(name)), link)))
        at = body + -(-size // BLOCK) * BLOCK
    if at == 0:
        raise FormatError("not a tar archive", offset=0, source=source, why="it is shorter than one header")


def clean(name: str) -> str:
    """A member's name in its one form, without ``./`` and ``..``."""
    return posixpath.normpath("/" + name).lstrip("/")


def header(name: str, size: int, *, folder: bool = False) -> bytes:
    """A ustar header of a file (or folder) of root's, mode 644 (755), of the year 1970."""
    encoded = name.encode()
    if len(encoded) > 100:
        raise FormatError("a name too long for a plain tar header", source=name)
    length = b"%011o\0" % size if size < 8 << 30 else b"\x80" + size.to_bytes(11, "big")
    block = bytearray(BLOCK)
    block[0:len(encoded)] = encoded
    block[100:108] = b"0000755\0" if folder else b"0000644\0"
    block[108:116] = block[116:124] = b"0000000\0"
    block[124:136] = length
    block[136:148] = b"00000000000\0"
    block[148:156] = b" " * 8
    block[156:157] = b"5" if folder else b"0"
    block[257:265] = b"ustar\x0000"
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padding(size: int) -> bytes:
    """What follows a member of this size."""
    return bytes(-size % BLOCK)


def _checksum_right(block: bytes) -> bool:
    try:
        said = int(block[148:156].strip(b" \0") or b"0", 8)
    except ValueError:  # not a tar's header
        return False
    return said == sum(block) - sum(block[148:156]) + 8 * 32


def _number(field: bytes, at: int, source: str) -> int:
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    try:
        size = int(field.strip(b" \0") or b"0", 8)
    except ValueError:  # refused by the caller
        size = -1
    if size < 0:
        raise FormatError("a tar header without a size", offset=at + 124, source=source)
    return size


def _extension(stream: BinaryIO, kind: bytes, size: int, pending: dict[str, str], at: int,
               source: str) -> dict[str, str]:
    if size > _MAX_EXTENSION:
        raise FormatError("an extended tar header is too large", offset=at, source=source,
                          why=f"{size} bytes, at most {_MAX_EXTENSION} are read")
    data = stream.read(size)
    if kind == b"g":
        return pending
    if kind in (b"L", b"K"):
        return {**pending, "path" if kind == b"L" else "linkpath": _text(data)}
    records = dict(pending)
    while data.strip(b"\0"):
        length_text, space, _unused = data[:24].partition(b" ")
        length = int(length_text) if length_text.isdigit() else 0
        record = data[len(length_text) + 1:length]
        if not space or length > len(data) or not record.endswith(b"\n") or b"=" not in record:
            raise FormatError("a broken PAX record", offset=at + BLOCK + size - len(data), source=source)
        key, _unused, value = record[:-1].partition(b"=")
        if key == b"size" and not (value.isdigit() and len(value) < 20):
            raise FormatError("a PAX size that is no number", offset=at + BLOCK, source=source)
        if key in (b"path", b"linkpath", b"size"):
            records[key.decode()] = value.decode("utf-8", "replace")
        data = data[length:]
    return records


def _ustar_name(block: bytes) -> str:
    name = _text(block[:100])
    prefix = _text(block[345:500]) if block[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "replace")
