# SPDX-License-Identifier: Apache-2.0
"""The attributes of a file as Wine finds them on this machine: read-only, hidden, system.

Wine's ``dlls/ntdll/unix/file.c`` [from memory, not tried with a program]: a file without write permission is read-
only; the others are in the extended attribute that Samba made up for them, ``user.DOSATTRIB``, a number in text. All
others Wine does not keep.
"""

from __future__ import annotations

import os
import stat

from ...windows import attributes as attribute
from .file import ATTRIBUTES

NAME = ATTRIBUTES
KEPT = attribute.HIDDEN | attribute.SYSTEM
OF_A_FOLDER = KEPT
"""What a folder can have here: read-only means nothing on a folder to Windows either."""


def text_of(attributes: int) -> bytes:
    """The extended attribute that says those of them which Wine keeps there; empty where there is nothing to say."""
    return f"0x{attributes & (KEPT | attribute.ARCHIVE):x}".encode() if attributes & KEPT else b""


def write_attributes(number: int, attributes: int, *, folder: bool = False) -> None:
    """Give an open file or folder those of its attributes that Wine can see."""
    if attributes & KEPT:  # before the mode: only root may give it to a file that its owner cannot write
        os.setxattr(number, NAME, text_of(attributes))
    if attributes & attribute.READONLY and not folder:
        os.fchmod(number, 0o444)


def read_attributes(number: int, found: os.stat_result) -> int:
    """The attributes of an open file or folder that Wine kept: READONLY, HIDDEN and SYSTEM; 0 for none of them."""
    out = attribute.READONLY if stat.S_ISREG(found.st_mode) and not found.st_mode & 0o222 else 0
    try:
        text = os.getxattr(number, NAME)
    except OSError:
        return out
    digits = text.removesuffix(b"\0")
    try:
        return out | int(digits[:12], 16) & KEPT if digits.startswith(b"0x") else out
    except ValueError:
        return out
