# SPDX-License-Identifier: Apache-2.0
"""Wine's ``kernelbase.dll`` and ``ntdll.dll``, altered for boxes: some of their functions are those of a library of
ours. Bytes in, bytes out.

In a library's table of functions an entry may be text in place of an address, ``library.function``: the loader then
looks there. The texts are put behind the table, where the section has room to its end. No code is touched, and a file
of another kind is left alone.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from .. import pe

NAME = "kernelbase.dll"
SYSTEM = "ntdll.dll"
"""It has the functions whose names begin with :data:`CALLS`. Under the same names with ``Zw`` they stay Wine's."""
CALLS = "Nt"
LIBRARY = "wcowbase.dll"
"""Ours (``programs/base.c``)."""
USER = "user32.dll"
MESSAGES = "wcowuser.dll"
"""Ours (``programs/messagebox.c``): what a program that shows a message gets in place of :data:`USER`'s functions."""

KERNEL = "kernel32.dll"
JOBS = "wcowjob.dll"
"""Ours (``programs/jobs.c``): what :data:`KERNEL` has not of jobs and processor groups."""


def with_library(data: bytes, library: bytes, *, calls: bool = False) -> bytes | None:
    """``kernelbase.dll``, or with ``calls`` ``ntdll.dll``, with those functions of ``library`` that it has in place of
    its own; ``None`` where it has no room for their names, lacks one of them, or is another kind of file."""
    try:
        return _forwarding(data, [name for name in pe.exports(library) if name.startswith(CALLS) is calls])
    except (struct.error, ValueError, IndexError):
        return None


def with_messages(user: bytes, library: bytes) -> bytes | None:
    """``user32.dll`` with the functions of ``library`` (:data:`MESSAGES`) in place of its own; ``None`` as above."""
    try:
        return _forwarding(user, list(pe.exports(library)), MESSAGES)
    except (struct.error, ValueError, IndexError):
        return None


def with_jobs(kernel: bytes, library: bytes) -> bytes | None:
    """``kernel32.dll`` with the functions of ``library`` (:data:`JOBS`) in place of its own; ``None`` as above."""
    try:
        return _forwarding(kernel, list(pe.exports(library)), JOBS)
    except (struct.error, ValueError, IndexError):
        return None


def _forwarding(data: bytes, names: Iterable[str], library: str = LIBRARY) -> bytes:
    file = pe.File(data)
    place, table = file.directory_at(pe.EXPORTS), file.directory(pe.EXPORTS)
    section = file.section(table)
    end = section.start + section.size  # in memory: the first free byte
    if file.number("<I", place + 4) != end - table:
        raise ValueError("something lies behind the table of functions")
    out = bytearray(data)
    for name in names:
        text = f"{library.removesuffix('.dll')}.{name}".encode() + b"\0"
        struct.pack_into("<I", out, file.function_at(name), end)
        out[section.raw + end - section.start:section.raw + end - section.start + len(text)] = text
        end += len(text)
    if end > section.start + section.raw_size or len(out) != len(data):
        raise ValueError("there is no room behind the table of functions")
    struct.pack_into("<I", out, section.header + 8, end - section.start)
    struct.pack_into("<I", out, place + 4, end - table)
    return bytes(out)
