# SPDX-License-Identifier: Apache-2.0
"""The base block of a hive: the page that says what the file is, and whether it was closed cleanly."""

from __future__ import annotations

from dataclasses import dataclass
from mmap import mmap
from struct import pack_into, unpack_from

from ..errors import FormatError
from .layout import LAYERED, PAGE, checksum

PRIMARY = 0
"""Kind of a primary file; 1 and 2 are old transaction logs, 6 is a new one."""
_NAME = 31
"""Characters of the file name that a base block keeps: the last ones."""


@dataclass(frozen=True, slots=True)
class BaseBlock:
    """What the first page says. Times are FILETIMEs, ``size`` and ``root`` bytes after the page.

    ``reorganized`` and ``serialized`` are when the hive was last reorganized and when offreg.dll wrote it; ``offreg``
    says whether that library left its mark. ``name`` is the end of the file's path, for debuggers.
    """

    version: tuple[int, int]
    root: int
    size: int
    sequences: tuple[int, int] = (1, 1)
    last_written: int = 0
    kind: int = PRIMARY
    name: str = ""
    flags: int = 0
    reorganized: int = 0
    serialized: int = 0
    offreg: bool = False
    intact: bool = True

    def layered(self) -> bool:
        """Whether the layer byte of its keys counts: minor version 6 or later, and the flag."""
        return self.version >= (1, 6) and bool(self.flags & LAYERED)

    def dirty(self) -> bool:
        """Whether it was not closed cleanly: what is missing stands in its transaction logs."""
        return not self.intact or self.sequences[0] != self.sequences[1]


def parse_base_block(data: bytes | mmap, source: str = "hive") -> BaseBlock:
    """What the first page of a file says; FormatError when it is no base block. A wrong checksum leaves ``intact``
    False, and nothing else of it should be believed then."""
    if len(data) < PAGE or data[:4] != b"regf":
        raise FormatError("cannot read a registry hive", offset=0, source=source,
                          why="it does not begin with a base block of 4096 bytes with the signature 'regf'")
    first, second, written, major, minor, kind, _unused, root, size = unpack_from("<IIQIIIIII", data, 4)
    flags, = unpack_from("<I", data, 144)
    offreg = data[176:180] == b"OfRg" or data[168:172] == b"OfRg"
    return BaseBlock((major, minor), root, size, (first, second), written, kind,
                     data[48:112].decode("utf-16-le", "replace").split("\0", 1)[0], flags,
                     unpack_from("<Q", data, 168)[0] if data[168:172] != b"OfRg" else 0,
                     unpack_from("<Q", data, 512)[0], offreg, unpack_from("<I", data, 508)[0] == checksum(data[:512]))


def serialise_base_block(block: BaseBlock) -> bytes:
    """The page, with its checksum."""
    page = bytearray(PAGE)
    pack_into("<4sIIQIIIIIII", page, 0, b"regf", *block.sequences, block.last_written, *block.version, block.kind, 1,
              block.root, block.size, 1)
    name = block.name[-_NAME:].encode("utf-16-le", "surrogatepass")[-2 * _NAME:]
    page[48 : 48 + len(name)] = name
    pack_into("<I", page, 144, block.flags)
    pack_into("<Q", page, 168, block.reorganized)
    if block.offreg:
        pack_into("<4sI", page, 176, b"OfRg", 1)
    pack_into("<Q", page, 512, block.serialized)
    pack_into("<I", page, 508, checksum(page))
    return bytes(page)
