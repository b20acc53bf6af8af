# SPDX-License-Identifier: Apache-2.0
"""Blobs that end alike: one compresses its tail, the others take it over.

Layers of one context for several bases differ in the folders they copy from their base, which stand first, and in
nothing after the cut behind them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from ..errors import InputError, StoreError


@dataclass(frozen=True, slots=True)
class Tail:
    """The blocks after the last cut as they stand in the blob: where they begin, the compressed size of each, and the
    CRC-32 of the tar they came from."""

    offset: int
    sizes: tuple[int, ...]
    crc: int


class Splice:
    """Compressed blocks that come out of another blob, one after the other."""

    def __init__(self, tail: Tail, stream: BinaryIO) -> None:
        self._tail = tail
        self._stream = stream
        self._next = 0

    def block(self) -> bytes:
        """The next block."""
        if self._next >= len(self._tail.sizes):
            raise self._differs()
        size = self._tail.sizes[self._next]
        self._next += 1
        data = self._stream.read(size)
        while len(data) < size:
            more = self._stream.read(size - len(data))
            if not more:
                raise StoreError("cannot write the layer", why="the layer whose end it shares was cut off meanwhile",
                                 hint="try again")
            data += more
        return data

    def check(self, found: Tail | None) -> None:
        """Everything was taken, and it was made of the same bytes."""
        if found is None or (found.sizes, found.crc) != (self._tail.sizes, self._tail.crc):
            raise self._differs()

    def _differs(self) -> InputError:
        return InputError("cannot write the layer",
                          why="its files are no longer those of the layer whose end it shares",
                          hint="nothing may change the files while a layer is written from them; try again")
