# SPDX-License-Identifier: Apache-2.0
"""A blob read in pieces through one buffer, on its way from a store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

PIECE = 256 << 10
"""What stays in a processor's cache between the file, the hash and the socket."""


def pieces(stream: BinaryIO) -> Iterator[memoryview]:
    """The bytes of ``stream`` to its end; each piece holds only until the next is asked for."""
    buffer = memoryview(bytearray(PIECE))
    while count := stream.readinto(buffer):  # type: ignore[attr-defined]  # every BinaryIO of ours has it
        yield buffer[:count]
