# SPDX-License-Identifier: Apache-2.0
"""The pages of a transaction log as Windows wrote it until Windows 8 (type 1 and 2): a bitmap, then the pages it names.

Source: msuhanov/regf, "Format of transaction log files", the old format.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..layout import PAGE
from .entries import HEAD

SECTOR = 512
"""Bytes of the page that one bit stands for, whatever the disk."""


def dirty_pages(log: bytes, size: int) -> list[tuple[int, bytes]] | None:
    """The pages of a log for ``size`` bytes of bins, as (offset in the bins, 512 bytes); None when it is not whole.

    A log without pages is whole. What stands behind the last page is left from earlier uses of the file.
    """
    bitmap = HEAD + 4
    start = -(-(bitmap + size // PAGE) // SECTOR) * SECTOR  # a bit for 512 bytes of bins: a byte for 4096
    if not size or size % PAGE or log[HEAD:bitmap] != b"DIRT":
        return None
    pages = [(SECTOR * bit, log[start + SECTOR * index : start + SECTOR * (index + 1)])
             for index, bit in enumerate(_bits(log[bitmap : bitmap + size // PAGE]))]
    return pages if start + SECTOR * len(pages) <= len(log) else None


def _bits(bitmap: bytes) -> Iterator[int]:
    """The numbers of the bits that are set, from the lowest of the first byte on."""
    for index, byte in enumerate(bitmap):
        if byte:
            yield from (8 * index + bit for bit in range(8) if byte >> bit & 1)
