# SPDX-License-Identifier: Apache-2.0
"""File attributes: the bits NTFS keeps for a file, as ``attrib`` and Explorer name them.

Values: [MS-FSCC] 2.6 and winnt.h. Letters: ``attrib /?`` for the settable ones, Explorer's attribute column for the
rest.
"""

from __future__ import annotations

from ..errors import FormatError, UnsupportedError, quoted

READONLY = 0x0000_0001
HIDDEN = 0x0000_0002
SYSTEM = 0x0000_0004
DIRECTORY = 0x0000_0010
ARCHIVE = 0x0000_0020
DEVICE = 0x0000_0040
NORMAL = 0x0000_0080
TEMPORARY = 0x0000_0100
SPARSE_FILE = 0x0000_0200
REPARSE_POINT = 0x0000_0400
COMPRESSED = 0x0000_0800
OFFLINE = 0x0000_1000
NOT_CONTENT_INDEXED = 0x0000_2000
ENCRYPTED = 0x0000_4000
INTEGRITY_STREAM = 0x0000_8000
VIRTUAL = 0x0001_0000
NO_SCRUB_DATA = 0x0002_0000
EA = 0x0004_0000
"""Also RECALL_ON_OPEN: a file on disk cannot have both, and only directory queries show the latter."""
PINNED = 0x0008_0000
UNPINNED = 0x0010_0000
RECALL_ON_DATA_ACCESS = 0x0040_0000

NAMES: tuple[tuple[int, str, str], ...] = (
    (READONLY, "R", "read-only"),
    (HIDDEN, "H", "hidden"),
    (SYSTEM, "S", "system"),
    (DIRECTORY, "D", "directory"),
    (ARCHIVE, "A", "archive"),
    (DEVICE, "", "device"),
    (NORMAL, "N", "normal"),
    (TEMPORARY, "T", "temporary"),
    (SPARSE_FILE, "", "sparse"),
    (REPARSE_POINT, "L", "reparse point"),
    (COMPRESSED, "C", "compressed"),
    (OFFLINE, "O", "offline"),
    (NOT_CONTENT_INDEXED, "I", "not content indexed"),
    (ENCRYPTED, "E", "encrypted"),
    (INTEGRITY_STREAM, "V", "integrity stream"),
    (VIRTUAL, "", "virtual"),
    (NO_SCRUB_DATA, "X", "no scrub data"),
    (EA, "", "has extended attributes"),
    (PINNED, "P", "pinned"),
    (UNPINNED, "U", "unpinned"),
    (RECALL_ON_DATA_ACCESS, "M", "recall on data access"),
)
"""Every attribute: value, letter (empty when it has none), words. In the order of the bits."""

SETTABLE: dict[str, int] = {"R": READONLY, "H": HIDDEN, "S": SYSTEM, "A": ARCHIVE, "I": NOT_CONTENT_INDEXED}
"""What ``change`` (and SetFileAttributes on any NTFS file) can set and clear; the others say what a file *is*."""

_LETTERS = tuple((value, letter) for value, letter, _unused in NAMES if letter)


def letters(attributes: int) -> str:
    """The attributes as letters in the order of their bits: ``RHSD``; empty for a file with none."""
    return "".join(letter for value, letter in _LETTERS if attributes & value)


def describe(attributes: int) -> list[str]:
    """The attributes in words; bits without a name as one hexadecimal number at the end."""
    words = [word for value, _unused, word in NAMES if attributes & value]
    rest = attributes & ~sum(value for value, _unused, _unused in NAMES)
    return words + ([f"0x{rest:x}"] if rest else [])


def change(attributes: int, text: str) -> int:
    """The attributes after ``text`` was applied as ``attrib`` would: ``+RH-S``, ``-A``, ``+R +H``, any case.

    ``+`` and ``-`` hold until the next sign. NORMAL means "no other attribute": it goes away as soon as another bit is
    set, and clearing the last bit leaves 0, not NORMAL. ``FormatError`` when a letter has no meaning,
    ``UnsupportedError`` when it names an attribute that cannot be chosen (compressed, reparse point, directory ...).
    """
    sign = ""
    changed = False
    for at, char in enumerate(text.upper()):
        if char in "+-":
            sign = char
        elif char in SETTABLE:
            if not sign:
                raise FormatError(f"cannot change attributes by {quoted(text)}", why="it must begin with + or -",
                                  offset=at)
            bit = SETTABLE[char]
            attributes = (attributes | bit) & ~NORMAL if sign == "+" else attributes & ~bit
            changed = True
        elif not char.isspace():
            raise _bad_letter(text, char, at)
    if not changed:
        raise FormatError(f"cannot change attributes by {quoted(text)}", why="it names no attribute; write like +RH-S")
    if attributes & ~NORMAL:
        attributes &= ~NORMAL
    return attributes


def _bad_letter(text: str, char: str, at: int) -> FormatError | UnsupportedError:
    allowed = "allowed are R H S A I"
    for _unused, letter, word in NAMES:
        if letter == char:
            return UnsupportedError(f"cannot change attributes by {quoted(text)}",
                                    why=f"{char} ({word}) says what the file is and cannot be set; {allowed}")
    return FormatError(f"cannot change attributes by {quoted(text)}", why=f"{quoted(char)} is no attribute; {allowed}",
                       offset=at)
