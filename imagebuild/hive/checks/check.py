# SPDX-License-Identifier: Apache-2.0
"""A hive examined strictly: everything that is wrong with it, whether or not a reader would stumble over it.

The reader in ``reader.py`` stops at what it cannot read. Here every bin, cell, list, record and count is looked at,
and what is wrong is named: see ``damage.KINDS`` for the kinds and how bad they are. Format facts: msuhanov/regf.
"""

from __future__ import annotations

from collections.abc import Iterator
from mmap import mmap
from struct import unpack_from

from ...errors import FormatError
from ..base_block import PRIMARY, BaseBlock, parse_base_block
from ..layout import BINS_LIMIT, PAGE
from .cells import Cells
from .damage import ERROR, KINDS, NOTE, WARNING, Damage, found
from .keys import KeyCheck
from .security import Securities


def check(data: bytes | mmap, *, quick: bool = False) -> Iterator[Damage]:
    """Everything that is wrong with the hive in these bytes, in this order: base block, bins, keys from the root down,
    security, cells that belong to nothing. ``quick`` stops at the heads of the bins, which takes milliseconds.

    A hive without any is one that Windows loads as it is. Nothing is raised: bytes that are no hive are one finding.
    What can be examined is bounded by the file: a cell is looked at once, for the first record that points to it.
    """
    try:
        block = parse_base_block(data)
    except FormatError as error:
        yield found("block-signature", 0, "", error.why)
        return
    yield from _base_block(data, block)
    cells = Cells(data, min(block.size, len(data) - PAGE), block.version)
    yield from cells.examine(heads=quick)
    if quick:
        return
    securities = Securities(cells)
    yield from KeyCheck(cells, block, securities).examine()
    yield from securities.examine_ring()
    yield from cells.unused()


def _base_block(data: bytes | mmap, block: BaseBlock) -> Iterator[Damage]:
    form, = unpack_from("<I", data, 32)
    sector, = unpack_from("<I", data, 44)
    if not block.intact:
        yield found("block-checksum", 508, "", "the checksum of the base block is wrong")
    elif block.dirty():
        yield found("block-dirty", 4, "", "it was not closed cleanly: its sequence numbers are "
                                          f"{block.sequences[0]} and {block.sequences[1]}")
    if block.kind != PRIMARY:
        yield found("block-kind", 28, "", f"it is of type {block.kind}, a hive is of type 0")
    if block.version[0] != 1 or not 1 <= block.version[1] <= 6:
        yield found("block-version", 20, "", f"its version is {block.version[0]}.{block.version[1]}, 1.1 to 1.6 are "
                                             "known")
    if form != 1:
        yield found("block-format", 32, "", f"its format is {form}, 1 is allowed")
    if sector != 1:
        yield found("block-sector", 44, "", f"its clustering factor is {sector}, Windows writes 1")
    rest = len(data) - PAGE - block.size
    if not block.size or block.size % PAGE or block.size > BINS_LIMIT or rest < 0:
        yield found("block-size", 40, "", f"it says that its bins have {block.size} bytes, the file has "
                                          f"{len(data) - PAGE}")
    elif rest:
        yield found("block-rest", PAGE + block.size, "", f"{rest} bytes follow the last bin")


__all__ = ["ERROR", "KINDS", "NOTE", "WARNING", "Damage", "check"]
