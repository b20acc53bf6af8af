# SPDX-License-Identifier: Apache-2.0
"""Windows programs and libraries as files: what they import and export. Bytes in, values out.

The PE format as in Microsoft's "PE Format" specification, sections "Optional Header", "The .edata Section" and "The
.idata Section"; PE32+ files (64-bit) only.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

EXPORTS, IMPORTS = 0, 1
"""Numbers of tables, for :meth:`File.directory`."""

_PE32_PLUS = 0x20B
_DIRECTORIES_AT = 24 + 112
_DESCRIPTOR = struct.Struct("<IIIII")  # lookup table, time, forwarder chain, name, address table
_BY_ORDINAL = 1 << 63


@dataclass(frozen=True, slots=True)
class Import:
    """What a program takes from one library; where the library's name is, in the file and in memory, and where the file
    says so."""

    library: str
    names: tuple[str, ...]
    name_at: int
    name_rva: int
    name_field_at: int


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the file: where its header is, its size in memory and where it begins there, its size in the file and
    where it begins there."""

    header: int
    size: int
    start: int
    raw_size: int
    raw: int


class File:
    """A PE32+ file; ValueError, IndexError or struct.error for anything else."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._header = self.number("<I", 0x3C)
        if data[self._header:self._header + 4] != b"PE\0\0" or self.number("<H", self._header + 24) != _PE32_PLUS:
            raise ValueError("no PE32+ file")
        count, optional = self.number("<H", self._header + 6), self.number("<H", self._header + 20)
        table = self._header + 24 + optional
        self._sections = [Section(table + 40 * i, *struct.unpack_from("<IIII", data, table + 40 * i + 8))
                          for i in range(count)]

    def number(self, form: str, at: int) -> int:
        """One number of the file."""
        return int(struct.unpack_from(form, self.data, at)[0])

    def directory_at(self, which: int) -> int:
        """Where the file says where one of the tables is: its address in memory and its size."""
        return self._header + _DIRECTORIES_AT + 8 * which

    def directory(self, which: int) -> int:
        """Where one of the tables begins in memory; 0: there is none."""
        return self.number("<I", self.directory_at(which))

    def section(self, rva: int) -> Section:
        """The section that has something in memory."""
        for one in self._sections:
            if one.start <= rva < one.start + max(one.size, one.raw_size):
                return one
        raise ValueError(f"no section has {rva:#x}")

    def at(self, rva: int) -> int:
        """Where something in memory is in the file."""
        section = self.section(rva)
        return section.raw + rva - section.start

    def function_at(self, name: str) -> int:
        """Where the table of exports has the address of a function; ValueError for one that is not exported."""
        if name not in self._exported:
            raise ValueError(f"{name} is not exported")
        table = self.at(self.directory(EXPORTS))
        functions, _unused, ordinals = struct.unpack_from("<III", self.data, table + 28)
        index = self._exported[name]
        return self.at(functions) + 4 * self.number("<H", self.at(ordinals) + 2 * index)

    @cached_property
    def _exported(self) -> dict[str, int]:
        """Places in the table of names."""
        return {name: index for index, name in enumerate(self.exports())}

    def exports(self) -> Iterator[str]:
        """The names of the functions that the library has, in the table's order."""
        table = self.at(self.directory(EXPORTS))
        count, names = self.number("<I", table + 24), self.number("<I", table + 32)
        for _unused, rva in zip(range(count), self.numbers("<I", names), strict=False):
            yield self.text(rva)

    def text(self, rva: int) -> str:
        """The name at an address."""
        at = self.at(rva)
        return self.data[at:self.data.index(b"\0", at)].decode("ascii")

    def numbers(self, form: str, rva: int) -> Iterator[int]:
        """Numbers from an address on, until the file ends."""
        at = self.at(rva)
        while True:
            yield self.number(form, at)
            at += struct.calcsize(form)


def imports(data: bytes) -> Iterator[Import]:
    """What a program takes from each library. ValueError, IndexError or struct.error for a file of another kind."""
    file = File(data)
    at = file.at(file.directory(IMPORTS))
    while True:
        lookup, _unused, _unused, name, _unused = _DESCRIPTOR.unpack_from(data, at)
        if not name:
            return
        names = []
        for entry in file.numbers("<Q", lookup):
            if not entry:
                break
            names.append(f"#{entry & 0xFFFF}" if entry & _BY_ORDINAL else file.text(entry + 2))
        yield Import(file.text(name), tuple(names), file.at(name), name, at + 12)
        at += _DESCRIPTOR.size


def exports(data: bytes) -> Iterator[str]:
    """The names of the functions that a library has; errors as :func:`imports`."""
    yield from File(data).exports()
