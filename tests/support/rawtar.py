# SPDX-License-Identifier: Apache-2.0
"""Layers written byte for byte, right or wrong: headers by hand, so that every fault can be made.

::

    rawtar.layer(rawtar.folder("Files"), rawtar.file("Files/a", b"1"), rawtar.folder("Hives"))
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping

from imagebuild.hive import Key, write
from imagebuild.windows.acl.sddl import parse_sddl

SD = b64encode(parse_sddl("O:BAG:SYD:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)").to_bytes())
TIMES = {b"mtime": b"1700000000.5", b"atime": b"1700000000.5", b"ctime": b"1700000000.5",
         b"LIBARCHIVE.creationtime": b"1700000000.5"}
HIVE = write(Key("ROOT"), name="x")
DELTA = write(Key("ROOT"), name="x", layered=True)
CONFIG_HIVES = ("DEFAULT", "SAM", "SECURITY", "SOFTWARE", "SYSTEM")
Records = Mapping[bytes, bytes | None]


def pax(records: Mapping[bytes, bytes], typeflag: bytes = b"x") -> bytes:
    """An extended header and its records."""
    body = b""
    for key, value in sorted(records.items()):
        rest = len(key) + len(value) + 3
        length = rest + len(str(rest))
        length += len(str(length)) + rest - length
        body += b"%d %b=%b\n" % (length, key, value)
    return header(b"PaxHeaders.0/entry", typeflag, len(body)) + body + bytes(-len(body) % 512)


def broken_pax(body: bytes) -> bytes:
    """An extended header with exactly this body."""
    return header(b"PaxHeaders.0/entry", b"x", len(body)) + body + bytes(-len(body) % 512)


def header(name: bytes, typeflag: bytes, size: int = 0, linkname: bytes = b"", extra: bytes = b"") -> bytes:
    """One header block; ``extra`` goes to byte 345 and beyond."""
    block = bytearray(512)
    block[0:len(name[:100])] = name[:100]
    block[100:124] = b"0000644\0" + b"0000000\0" * 2
    block[124:148] = b"%011o\0" % size + b"%011o\0" % 1_700_000_000
    block[148:156] = b" " * 8
    block[156:157] = typeflag
    block[157:157 + len(linkname[:100])] = linkname[:100]
    block[257:265] = b"ustar\x0000"
    block[345:345 + len(extra)] = extra
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def member(name: str | bytes, typeflag: bytes = b"0", data: bytes = b"", *, target: str | bytes = b"",
           records: Records | None = None) -> bytes:
    """One entry with exactly these records; long names get a record."""
    name = name.encode() if isinstance(name, str) else name
    target = target.encode() if isinstance(target, str) else target
    found = {key: value for key, value in (records or {}).items() if value is not None}
    if len(name) > 100:
        found[b"path"] = name
    if len(target) > 100:
        found[b"linkpath"] = target
    head = pax(found) if found else b""
    return head + header(name, typeflag, len(data), target) + data + bytes(-len(data) % 512)


def entry(name: str | bytes, typeflag: bytes, attributes: int, data: bytes = b"", *, target: str = "",
          **records: bytes | None) -> bytes:
    """An entry with all that Windows writes; ``records`` change it: ``fileattr=None``, ``atime=b"x"``."""
    full: dict[bytes, bytes | None] = {**TIMES, b"MSWINDOWS.fileattr": b"%d" % attributes, b"MSWINDOWS.rawsd": SD}
    for key, value in records.items():
        full[key.encode() if key in ("atime", "mtime", "ctime") else b"LIBARCHIVE.creationtime" if key == "created"
             else b"MSWINDOWS." + key.replace("__", ".").encode()] = value
    return member(name, typeflag, data, target=target, records=full)


def folder(name: str, attributes: int = 0x10, **records: bytes | None) -> bytes:
    """A directory; ``Files`` and what is not below it has no security, as Windows exports it."""
    if not name.startswith("Files/"):
        records.setdefault("rawsd", None)
    return entry(name, b"5", attributes, **records)


def file(name: str | bytes, data: bytes = b"", attributes: int = 0x20, **records: bytes | None) -> bytes:
    """A file."""
    return entry(name, b"0", attributes, data, **records)


def symlink(name: str, target: str, attributes: int = 0x420, **records: bytes | None) -> bytes:
    """A symlink; to a folder with 0x410."""
    return entry(name, b"2", attributes, target=target, **records)


def junction(name: str, target: str, attributes: int = 0x410, **records: bytes | None) -> bytes:
    """A junction."""
    return entry(name, b"2", attributes, target=target, mountpoint=b"1", **records)


def link(name: str, target: str) -> bytes:
    """A hard link as Windows writes it: attributes and creation time only."""
    return member(name, b"1", target=target, records={b"MSWINDOWS.fileattr": b"32", b"LIBARCHIVE.creationtime": b"1"})


def whiteout(path: str) -> bytes:
    """A whiteout as Windows writes it: a name and nothing else."""
    return member(path)


def tar(*members: bytes) -> bytes:
    """The members and the end of the tar."""
    return b"".join(members) + bytes(1024)


def layer(*members: bytes) -> bytes:
    """A layer above the base: ``Files``, the members, ``Hives``."""
    return tar(folder("Files"), *members, folder("Hives"))


def base(*members: bytes, hives: Mapping[str, bytes | None] | None = None) -> bytes:
    """A base with its five hives; ``hives`` replaces or (with ``None``) removes some."""
    content: dict[str, bytes | None] = {**dict.fromkeys(CONFIG_HIVES, HIVE), **(hives or {})}
    config = "Files/Windows/System32/config"
    return tar(folder("Files"), folder("Files/Windows"), folder("Files/Windows/System32"), folder(config),
               *(file(f"{config}/{name}", data) for name, data in content.items() if data is not None), *members)
