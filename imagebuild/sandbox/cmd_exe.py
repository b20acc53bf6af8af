# SPDX-License-Identifier: Apache-2.0
"""Wine's ``cmd.exe``, altered for boxes: it finds our ``mklink``, and starts in half the time. Bytes in, bytes out.

Its code stays as it is. What is not as we know it is left alone: another Wine then has its own cmd.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LIBRARY = "wcowcmd.dll"
"""Ours (``programs/cmdlib.c``): the few functions that cmd takes from :data:`REPLACED`."""
REPLACED = ("advapi32.dll", "shell32.dll", "user32.dll")

_BUILTIN = b"Wine builtin DLL"
"""What Wine's own files have at 0x40; one without it is taken for a program like any other (Wine ``dlls/ntdll``)."""
_BUILTIN_AT = 0x40
_WORD = 20
"""The bytes of a name in the table of cmd's built-in commands (``WCHAR inbuilt[][10]``, Wine ``programs/cmd``)."""

# The PE format as in Microsoft's "PE Format" specification, sections "Optional Header", "The .edata Section" and "The
# .idata Section"; a PE32+ file.
_PE32_PLUS = 0x20B
_DIRECTORIES_AT = 24 + 112
_EXPORTS, _IMPORTS = 0, 1
_DESCRIPTOR = struct.Struct("<IIIII")  # lookup table, time, forwarder chain, name, address table
_BY_ORDINAL = 1 << 63


def without_mklink(cmd: bytes) -> bytes | None:
    """Wine's ``cmd.exe`` without its built-in ``mklink``, which makes nothing and says nothing. A built-in never looks
    for a program; without it, ours is found. ``None`` for a cmd that is not as we know it."""
    table = b"".join(word.encode("utf-16-le").ljust(_WORD, b"\0") for word in ("CHOICE", "MKLINK", "", "EXIT"))
    marked = cmd[_BUILTIN_AT:].startswith(_BUILTIN)
    if cmd.count(table) != 1 or not marked:
        return None
    at = cmd.index(table) + _WORD
    out = bytearray(cmd)
    out[at:at + 2] = b"\x01\x00"  # a name that nobody can type
    out[_BUILTIN_AT:_BUILTIN_AT + len(_BUILTIN)] = bytes(len(_BUILTIN))
    return bytes(out)


def with_library(cmd: bytes, library: Path) -> bytes:
    """``cmd.exe`` with :data:`LIBRARY` in place of :data:`REPLACED`; unchanged where the library lacks one of the
    functions that this cmd takes from them, and for what is no such program."""
    try:
        imports = [one for one in _imports(cmd) if one.library.lower() in REPLACED]
        known = set(_exports(library.read_bytes()))
    except (struct.error, ValueError, IndexError):
        return cmd
    needed = {name for one in imports for name in one.names}
    longest = max(imports, key=lambda one: len(one.library), default=None)
    if longest is None or len(longest.library) < len(LIBRARY) or not needed <= known:
        return cmd
    out = bytearray(cmd)
    end = longest.name_at + len(longest.library)
    out[longest.name_at:end] = LIBRARY.encode().ljust(len(longest.library), b"\0")
    for one in imports:  # all of them by this one name
        struct.pack_into("<I", out, one.name_field_at, longest.name_rva)
    return bytes(out)


@dataclass(frozen=True, slots=True)
class _Import:
    """What a program takes from one library; where the library's name is, in the file and in memory, and where the file
    says so."""

    library: str
    names: tuple[str, ...]
    name_at: int
    name_rva: int
    name_field_at: int


class _File:
    """A PE32+ file; ValueError, IndexError or struct.error for anything else."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._header = self._number("<I", 0x3C)
        if data[self._header:self._header + 4] != b"PE\0\0" or self._number("<H", self._header + 24) != _PE32_PLUS:
            raise ValueError("no PE32+ file")
        count, optional = self._number("<H", self._header + 6), self._number("<H", self._header + 20)
        table = self._header + 24 + optional
        self._sections = [struct.unpack_from("<IIII", data, table + 40 * i + 8) for i in range(count)]

    def _number(self, form: str, at: int) -> int:
        return int(struct.unpack_from(form, self.data, at)[0])

    def directory(self, which: int) -> int:
        """Where one of the tables begins in memory; 0: there is none."""
        return self._number("<I", self._header + _DIRECTORIES_AT + 8 * which)

    def at(self, rva: int) -> int:
        """Where something in memory is in the file."""
        for size, start, raw_size, raw in self._sections:
            if start <= rva < start + max(size, raw_size):
                return int(raw + rva - start)
        raise ValueError(f"no section has {rva:#x}")

    def text(self, rva: int) -> str:
        """The name at an address."""
        at = self.at(rva)
        return self.data[at:self.data.index(b"\0", at)].decode("ascii")

    def numbers(self, form: str, rva: int) -> Iterator[int]:
        """Numbers from an address on, until the file ends."""
        at = self.at(rva)
        while True:
            yield self._number(form, at)
            at += struct.calcsize(form)


def _imports(data: bytes) -> Iterator[_Import]:
    file = _File(data)
    at = file.at(file.directory(_IMPORTS))
    while True:
        lookup, _, _, name, _ = _DESCRIPTOR.unpack_from(data, at)
        if not name:
            return
        names = []
        for entry in file.numbers("<Q", lookup):
            if not entry:
                break
            names.append(f"#{entry & 0xFFFF}" if entry & _BY_ORDINAL else file.text(entry + 2))
        yield _Import(file.text(name), tuple(names), file.at(name), name, at + 12)
        at += _DESCRIPTOR.size


def _exports(data: bytes) -> Iterator[str]:
    file = _File(data)
    table = file.at(file.directory(_EXPORTS))
    count, names = struct.unpack_from("<I", data, table + 24)[0], struct.unpack_from("<I", data, table + 32)[0]
    for _, rva in zip(range(count), file.numbers("<I", names), strict=False):
        yield file.text(rva)
