# SPDX-License-Identifier: Apache-2.0
"""Small archives that ask for much: headers of gigabytes, names without an end, files that grow when they are unpacked,
dictionaries larger than the machine. Each is a stream, made while it is read."""

from __future__ import annotations

import io
import lzma
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat
from typing import BinaryIO

from .rawtar import header, member, pax

GIB = 1 << 30
PIECE = bytes(1 << 20)


class _Stream(io.RawIOBase):
    """A file of what an iterator gives."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        data, self._rest = self._rest[:len(view)], self._rest[len(view):]
        view[:len(data)] = data
        return len(data)


def _size(block: bytes, size: int) -> bytes:
    """A header whose size does not fit its octal field."""
    new = bytearray(block)
    new[124:136] = b"\x80" + size.to_bytes(11, "big")
    new[148:156] = b" " * 8
    new[148:156] = b"%06o\0 " % sum(new)
    return bytes(new)


def _zeros(mebibytes: int) -> Iterator[bytes]:
    return repeat(PIECE, mebibytes)


def _gzipped(first: bytes, mebibytes: int) -> Iterator[bytes]:
    """Members, one after another: what begins, then zeros of which each MiB is a kilobyte."""
    def packed(data: bytes) -> bytes:
        made = zlib.compressobj(9, zlib.DEFLATED, 31)
        return made.compress(data) + made.flush()

    return chain([packed(first)], repeat(packed(PIECE), mebibytes))


def _huge_dictionary() -> bytes:
    """An xz stream whose header asks for a dictionary of 4 GiB."""
    data = bytearray(lzma.compress(member("a", data=b"a") + bytes(1024)))
    length = (data[12] + 1) * 4
    at = data.index(b"\x21\x01", 12) + 2  # LZMA2, one byte of properties
    data[at] = 40
    data[12 + length - 4:12 + length] = struct.pack("<I", zlib.crc32(data[12:12 + length - 4]))
    return bytes(data)


BOMBS: dict[str, Callable[[], Iterable[bytes]]] = {
    "a PAX header of 4 GiB": lambda: chain([_size(header(b"x", b"x"), 4 * GIB)], _zeros(64)),
    "global headers without an end": lambda: (pax({b"comment%d" % number: b"x" * 500_000}, b"g")
                                              for number in range(5_000)),
    "a name of 4 GiB": lambda: chain([_size(header(b"././@LongLink", b"L"), 4 * GIB)], _zeros(64)),
    "a target of 4 GiB": lambda: chain([_size(header(b"././@LongLink", b"K"), 4 * GIB)], _zeros(64)),
    "a name of half a million folders": lambda: [member("a/" * 500_000 + "b"), bytes(1024)],
    "a sparse file of 4 TiB": lambda: [_size(header(b"sparse", b"S"), 512), bytes(1536)],
    "a sparse file of 4 TiB, in PAX": lambda: [member("sparse", records={
        b"GNU.sparse.major": b"1", b"GNU.sparse.minor": b"0", b"GNU.sparse.realsize": b"%d" % (4096 * GIB)})],
    "gzip that grows to 8 GiB": lambda: _gzipped(_size(header(b"zeros", b"0"), 8 * GIB), 8 << 10),
    "xz that asks for 4 GiB": lambda: [_huge_dictionary()],
    # A frame header with a window of 2 GiB, and a block of zeros of 128 KiB (RFC 8878).
    "zstd that asks for 2 GiB": lambda: [b"\x28\xb5\x2f\xfd\x00\xa8" + struct.pack("<I", 2 | 131072 << 3)[:3] + b"\0"],
}


def opened(name: str) -> BinaryIO:
    """One of them as a file."""
    return io.BufferedReader(_Stream(BOMBS[name]()))
