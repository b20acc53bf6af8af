# SPDX-License-Identifier: Apache-2.0
"""Which files of a layer are registry hives, and whether one can be a hive at all, by its first page and its size.

Layout of the base block: msuhanov/regf, "Windows registry file format specification".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from struct import Struct, unpack_from
from typing import Literal

from ..hive.places import MACHINE
from ..windows.upcase import fold

PAGE = 4096
HEAD = PAGE + 4
"""How much of the file has to be seen to know whether it can be a hive."""
CONFIG = "Files/Windows/System32/config"
BASE_HIVES = tuple(sorted(MACHINE))
BCD = "UtilityVM/Files/EFI/Microsoft/Boot/BCD"

Where = Literal["base", "delta", "user", "boot"]
"""A base's hive, a layer's delta, a user's hive, the boot configuration of the utility VM."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a hive is to Windows. ``hive`` is the machine's hive that it is, or changes: ``SYSTEM``."""

    where: Where
    hive: str = ""


PLACES = {
    **{fold(f"{CONFIG}/{name}"): Place("base", name) for name in MACHINE},
    **{fold(f"Hives/{delta}"): Place("delta", name) for name, delta in MACHINE.items()},
    fold(BCD): Place("boot"),
}
"""Hives that Windows looks for, by folded path."""
DELTAS = {delta.upper(): delta for delta in MACHINE.values()}
"""How the deltas are spelt, by their folded names."""
_USER = Place("user")
USER_FILES = frozenset({"NTUSER.DAT", "USRCLASS.DAT"})
"""How the files of users' hives are called, folded."""
_USERS_FILE = re.compile(r"FILES/(?:USERS|WINDOWS/SERVICEPROFILES)/[^/]+/"
                         r"(?:NTUSER\.DAT|APPDATA/LOCAL/MICROSOFT/WINDOWS/USRCLASS\.DAT)").fullmatch
_WORDS = Struct("<127I")


def place_of(key: str) -> Place | None:
    """What the file at a folded path is to Windows; ``None`` where it is no hive."""
    place = PLACES.get(key)
    if place is None and key.endswith(".DAT") and _USERS_FILE(key):
        return _USER
    return place


def problem_of(head: bytes, size: int) -> str:
    """Why a file with this beginning is no hive; empty when it can be one."""
    if not size:
        return "it is empty"
    if head[:4] != b"regf":
        return "it does not begin with 'regf'"
    if len(head) < HEAD or size < 2 * PAGE:
        return f"it has {size} bytes, a hive has at least {2 * PAGE}"
    total = 0
    for word in _WORDS.unpack_from(head):
        total ^= word
    total = {0: 1, 0xFFFFFFFF: 0xFFFFFFFE}.get(total, total)
    stored, (major, *_versions, root, bins) = unpack_from("<I", head, 508)[0], unpack_from("<6I", head, 20)
    if stored != total:
        return "the checksum of its first page is wrong"
    if major != 1:
        return f"its version is {major}, Windows reads 1"
    if head[PAGE:HEAD] != b"hbin" or not 0x20 <= root < bins or bins > size - PAGE:
        return f"its {size} bytes do not hold the {bins} that it speaks of"
    return ""


def is_dirty(head: bytes) -> bool:
    """Whether the hive was being written when it was copied."""
    first, second = unpack_from("<II", head, 4)
    return bool(first != second)


__all__ = ["BASE_HIVES", "BCD", "CONFIG", "DELTAS", "HEAD", "PLACES", "USER_FILES", "Place", "Where", "is_dirty",
           "place_of", "problem_of"]
