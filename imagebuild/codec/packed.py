# SPDX-License-Identifier: Apache-2.0
"""Archives as ``docker build -`` and ``docker cp`` take them: packed in any way there is, told apart by their first
bytes (moby ``pkg/archive`` DetectCompression). However small an archive is and however much comes out of it, memory
stays bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ..errors import FormatError
from .readers import ChunkReader, Readable, open_reader

XZ_MEMORY = 512 << 20
"""Bytes for the dictionary of an xz stream; its strongest level needs 65 MiB."""


def decompressed(stream: Readable, name: str) -> Readable:
    """The content of a stream that may be compressed with gzip, zstd, bzip2 or xz, decompressed as it is read.

    FormatError for what is broken or cut off, and for what needs more than :data:`XZ_MEMORY`; ``name`` is what is read.
    """
    head = b""
    while len(head) < 6 and (data := stream.read(6 - len(head))):
        head += data
    joined = _Pushed(head, stream)
    if head[:3] == b"BZh":
        import bz2

        return ChunkReader(_chunks(joined, bz2.BZ2Decompressor, (OSError, ValueError), name))
    if head == b"\xfd7zXZ\0":
        import lzma

        make = partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, memlimit=XZ_MEMORY)
        return ChunkReader(_chunks(joined, make, (lzma.LZMAError,), name))
    return open_reader(joined)


def _chunks(source: Readable, make: Callable[[], Any], errors: tuple[type[Exception], ...],
            name: str) -> Iterator[bytes]:
    """Decompress bounded pieces, one member after another."""
    decompressor, data, at = make(), source.read(1 << 17), 0
    while True:
        try:
            out = decompressor.decompress(data, 1 << 18)
        except errors as error:
            raise FormatError(f"cannot read {name}", offset=at, source=name,
                              why=str(error)) from error
        if out:
            yield out
        if decompressor.eof:
            data = decompressor.unused_data or source.read(1 << 17)
            if not data.strip(b"\0"):
                return
            decompressor = make()
        elif decompressor.needs_input:
            at += len(data)
            data = source.read(1 << 17)
            if not data:
                raise FormatError(f"cannot read {name}", offset=at, source=name, why="it is cut off")
        else:
            data = b""


class _Pushed:
    """A stream with the bytes that were looked at put back in front."""

    def __init__(self, head: bytes, stream: Readable) -> None:
        self._head, self._stream = head, stream

    def read(self, size: int, /) -> bytes:
        if self._head:
            data, self._head = self._head[:size], self._head[size:]
            return data
        return self._stream.read(size)
