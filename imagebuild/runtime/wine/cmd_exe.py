# SPDX-License-Identifier: Apache-2.0
"""Wine's ``cmd.exe``, altered for boxes: it finds our ``mklink``, and starts in half the time. Bytes in, bytes out.

Its code stays as it is. What is not as we know it is left alone: another Wine then has its own cmd.
"""

from __future__ import annotations

import struct
from pathlib import Path

from .. import pe

LIBRARY = "wcowcmd.dll"
"""Ours (``programs/cmdlib.c``): the few functions that cmd takes from :data:`REPLACED`."""
REPLACED = ("advapi32.dll", "shell32.dll", "user32.dll")

_BUILTIN = b"Wine builtin DLL"
"""What Wine's own files have at 0x40; one without it is taken for a program like any other (Wine ``dlls/ntdll``)."""
_BUILTIN_AT = 0x40
_WORD = 20
"""The bytes of a name in the table of cmd's built-in commands (``WCHAR inbuilt[][10]``, Wine ``programs/cmd``)."""


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
        imports = [one for one in pe.imports(cmd) if one.library.lower() in REPLACED]
        known = set(pe.exports(library.read_bytes()))
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
