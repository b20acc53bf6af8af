# SPDX-License-Identifier: Apache-2.0
"""Whether a file can be a registry hive, by its first page and its size: enough to tell a placeholder from a hive.

Layout of the base block: msuhanov/regf, "Windows registry file format specification".
"""

from __future__ import annotations

from struct import Struct, unpack_from

from .report import Report

PAGE = 4096
HEAD = PAGE + 4
"""How much of the file has to be seen."""
DELTAS = {name.upper(): name for name in ("DefaultUser_Delta", "Sam_Delta", "Security_Delta", "Software_Delta",
                                          "System_Delta")}
CONFIG = "Files/Windows/System32/config"
BASE_HIVES = ("DEFAULT", "SAM", "SECURITY", "SOFTWARE", "SYSTEM")
BCD = "UtilityVM/Files/EFI/Microsoft/Boot/BCD"

_WORDS = Struct("<127I")


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
    stored, (major, _, _, _, root, bins) = unpack_from("<I", head, 508)[0], unpack_from("<6I", head, 20)
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


def check_hive(path: str, key: str, head: bytes, size: int, offset: int | None, report: Report) -> None:
    """A file that has to be a hive: one of the base's, a delta, or the boot configuration."""
    problem = problem_of(head, size)
    if key.startswith("HIVES/"):
        if problem:
            report("delta-invalid", f"it is no hive: {problem}", path, offset)
    elif key.startswith("UTILITYVM/"):
        if problem:
            report("utilityvm-bcd", f"it is no hive: {problem}", path, offset)
    elif problem:
        report("base-hive-invalid", f"it is no hive: {problem}", path, offset)
    elif is_dirty(head):
        report("base-hive-dirty", "its two sequence numbers differ", path, offset)


__all__ = ["BASE_HIVES", "BCD", "CONFIG", "DELTAS", "HEAD", "check_hive", "is_dirty", "problem_of"]
