# SPDX-License-Identifier: Apache-2.0
"""The bins and cells of a hive, examined; and who uses which cell, so that none is used twice."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from mmap import mmap
from struct import Struct, unpack_from
from typing import TypeVar

from ...errors import quoted
from ..layout import BIN_SIZE, NONE, PAGE
from .damage import Damage, found

T = TypeVar("T")
Found = Generator[Damage, None, T]
"""What a part of the examination finds, and at the end what it hands to the next part."""
_SIZE = Struct("<i").unpack_from


class Cells:
    """The cells of a hive by where they begin. A cell is claimed by the one record that points to it."""

    def __init__(self, data: bytes | mmap, end: int, version: tuple[int, int]) -> None:
        self.data = data
        self.end = end
        self.head = 8 if version <= (1, 1) else 4
        self.sizes: dict[int, int] = {}
        """Size of each cell as it stands in the file: below 0 where it is allocated."""
        self.claimed: set[int] = set()

    def examine(self, *, heads: bool = False) -> Iterator[Damage]:
        """Go through bins and cells, up to a bin that is damaged; through the heads of bins alone with ``heads``."""
        at = 0
        while at < self.end:
            if at + BIN_SIZE > self.end:
                yield found("bin-size", PAGE + at, "", f"there are {self.end - at} bytes behind the last bin")
                return
            signature, own, size = unpack_from("<4sII", self.data, PAGE + at)
            if signature != b"hbin":
                yield found("bin-signature", PAGE + at, "", f"a bin begins with {quoted(signature)}, not with 'hbin'")
                return
            if own != at:
                yield found("bin-offset", PAGE + at, "", f"a bin says that it is at {own}, and it is at {at}")
            if not size or size % PAGE or size > self.end - at:
                yield found("bin-size", PAGE + at, "", f"a bin has {size} bytes, {self.end - at} are left")
                return
            if not heads:
                yield from self._bin(at + BIN_SIZE, at + size)
            at += size

    def _bin(self, at: int, end: int) -> Iterator[Damage]:
        step, sizes, data = 2 * self.head - 1, self.sizes, self.data
        while at < end:
            size, = _SIZE(data, PAGE + at)
            length = abs(size)
            if not length or length & step or length > end - at:
                yield found("cell-size", PAGE + at, "", f"a cell has {length} bytes, its bin has {end - at} left")
                return
            sizes[at] = size
            at += length

    def claim(self, at: int, need: int, what: str, holder: int, path: str) -> Found[bytes | None]:
        """The content of the cell at ``at`` for the record at ``holder``; None when it is not there, free, too small
        for ``need`` bytes, or somebody else's."""
        size = self.sizes.get(at)
        if size is None:
            if at & 7 or at >= self.end:
                said = "nowhere" if at == NONE else f"at {at}, outside the bins"
                yield found("cell-outside", PAGE + holder, path, f"{what} is {said}")
            else:
                yield found("cell-missing", PAGE + at, path, f"{what} is where no cell begins")
            return None
        if at in self.claimed:
            yield found("cell-shared", PAGE + at, path, f"{what} has a cell that something else has too")
            return None
        if size > 0:
            yield found("cell-free", PAGE + at, path, f"{what} is in a cell that is free")
            return None
        self.claimed.add(at)
        if -size < need + self.head:
            yield found("cell-small", PAGE + at, path,
                        f"{what} needs {need} bytes, its cell has room for {-size - self.head}")
            return None
        return self.data[PAGE + at + self.head : PAGE + at - size]

    def unused(self) -> Iterator[Damage]:
        """Allocated cells that nothing points to."""
        for at, size in self.sizes.items():
            if size < 0 and at not in self.claimed:
                yield found("cell-unused", PAGE + at, "", f"an allocated cell of {-size} bytes belongs to nothing")
