# SPDX-License-Identifier: Apache-2.0
"""The cells of a hive, of which nothing is believed; and the damage that is met on the way.

A cell is allocated, aligned, inside its bin and large enough for what it is to hold; all that is read through cells is
never more than the hive has. What breaks this is a :class:`~imagebuild.errors.FormatError` with its offset.
"""

from __future__ import annotations

from collections.abc import Iterator
from mmap import mmap
from struct import Struct, unpack_from

from ..errors import FormatError
from .base_block import PRIMARY, BaseBlock, parse_base_block
from .layout import BIN_SIZE, PAGE

HEAD, OLD_HEAD = 4, 8
"""Bytes of a cell before its content: its size, and in version 1.1 the offset of the cell before it too."""


class CellReader:
    """A hive's file, cell by cell. Offsets are relative to the first bin, errors tell those in the file."""

    def __init__(self, data: bytes | mmap, source: str, forgiving: bool) -> None:
        self.data = data
        self.source = source
        self.forgiving = forgiving
        self.damage: list[FormatError] = []
        self._met: set[tuple[str, int | None]] = set()
        self.block: BaseBlock = parse_base_block(data, source)
        self._examine_block()
        self.layered = self.block.layered()
        self.end = min(self.block.size, len(data) - PAGE)
        self._head = OLD_HEAD if self.block.version <= (1, 1) else HEAD
        self._ends = [0] * ((self.end >> 12) + 1)  # where the bin of each page ends, once it was asked for
        self._chained = False
        self._hopeless: set[int] = set()  # pages that are in no bin
        self._owners: dict[int, int] = {}
        self._room = self.end

    def _cell(self, at: int, need: int, what: str) -> bytes:
        """The content of an allocated cell that must hold at least ``need`` bytes."""
        if at & 7 or at + 8 > self.end:
            raise self._bad(f"{what} lies outside the hive", min(at, self.end))
        size = -_I(self.data, PAGE + at)[0]
        if size < 0:
            raise self._bad(f"{what} lies in a cell that is free", at)
        end = at + size
        if end > self._ends[at >> 12] and end > self._bin_end(at):
            raise self._bad(f"{what} has a cell of {size} bytes, which ends behind its bin", at)
        if size < need + self._head:
            raise self._bad(f"{what} has a cell of {size} bytes, at least {need + self._head} are needed", at)
        return self.data[PAGE + at + self._head : PAGE + end]

    def _own(self, cell: int, owner: int, size: int, what: str) -> None:
        """Book a cell, and that many bytes that are read through it, for the one record that may point to it.

        Cells do not overlap, so what all records have together is never more than the bins: a small file that would
        come to gigabytes, because its lists or data are shared, is refused.
        """
        known = self._owners.get(cell)
        if known == owner:
            return
        if known is not None:
            raise self._bad(f"{what} belongs to two keys", cell)
        self._room -= size
        if self._room < 0:
            raise self._bad(f"{what} shares its bytes with others: all together are more than the hive has", cell)
        self._owners[cell] = owner

    def _bin_end(self, at: int) -> int:
        """Where the bin around an offset ends. The header found by looking back from it is believed first; before it is
        said that a cell breaks out of its bin, all bins were gone through from the first on."""
        ends = self._ends
        if at >> 12 in self._hopeless:
            return 0
        page = at & ~(PAGE - 1)
        while page >= 0 and self.data[PAGE + page : PAGE + page + 8] != b"hbin" + page.to_bytes(4, "little"):
            if ends[page >> 12] > at:
                break  # a bin that is known reaches here: a header inside it is no header
            page -= PAGE
        start, end = self._bin(page)
        if start <= at < end:
            self._fill(start, end)
            return end
        if not self._chained:
            self._chained = True
            for start, end in self._bins():
                self._fill(start, end)
        if ends[at >> 12] <= at:
            self._hopeless.add(at >> 12)
            return 0
        return ends[at >> 12]

    def _fill(self, start: int, end: int) -> None:
        for number in range(start >> 12, min(end, self.end) + PAGE - 1 >> 12):
            self._ends[number] = end

    def _bin(self, page: int) -> tuple[int, int]:
        if page < 0 or page + BIN_SIZE > self.end:
            return (0, 0)
        size, = unpack_from("<I", self.data, PAGE + page + 8)
        return (page, page + size) if size and not size & (PAGE - 1) and page + size <= self.end else (0, 0)

    def _bins(self) -> Iterator[tuple[int, int]]:
        """The bins, from the first on, up to one that is damaged."""
        page = 0
        while self.data[PAGE + page : PAGE + page + 8] == b"hbin" + page.to_bytes(4, "little"):
            start, end = self._bin(page)
            if not end:
                return
            yield start, end
            page = end

    def _wide(self, name: bytes, at: int) -> str:
        if len(name) & 1:
            self._pass_over(self._bad(f"a name of {len(name)} bytes is no UTF-16", at))
            name = name[:-1]
        return name.decode("utf-16-le", "surrogatepass")

    def _examine_block(self) -> None:
        block = self.block
        if block.kind != PRIMARY:
            self._pass_over(self._bad_block(28, f"it is a transaction log (kind {block.kind}), not the hive itself"))
        if not block.intact:
            self._pass_over(self._bad_block(508, "the checksum of the base block is wrong: the hive is damaged, or "
                                                 "needs its logs"))
        if block.version[0] != 1 or block.version[1] > 6:
            self._pass_over(self._bad_block(20, f"its version is {block.version[0]}.{block.version[1]}, 1.1 to 1.6 are "
                                                "known"))

    def _bad_block(self, offset: int, why: str) -> FormatError:
        return FormatError("cannot read a registry hive", why=why, offset=offset, source=self.source)

    def _bad(self, why: str, at: int) -> FormatError:
        """The error for a cell that is not what it claims to be."""
        return FormatError("cannot read a registry hive", why=why, offset=PAGE + at, source=self.source)

    def _pass_over(self, error: FormatError) -> None:
        """Raise, or note and go on."""
        if not self.forgiving:
            raise error
        self._note(error)

    def _note(self, error: FormatError) -> None:
        if (error.why, error.offset) not in self._met and len(self._met) < 10_000:
            self._met.add((error.why, error.offset))
            self.damage.append(error)


_I = Struct("<i").unpack_from
