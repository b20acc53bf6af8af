# SPDX-License-Identifier: Apache-2.0
"""Output of a container without a tty: frames of stdout and stderr on one connection.

Each frame has a header of eight bytes (stream, three zeros, length as 32 bits big-endian) before its bytes. Stream 0
is stdin echoed and counts as stdout, 3 is a trouble of the engine itself (moby ``pkg/stdcopy/stdcopy.go``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from struct import Struct
from typing import NamedTuple

from ..errors import FormatError

STDIN, STDOUT, STDERR, SYSTEM = 0, 1, 2, 3

#: Frames we write are not longer, so that a reader that holds a whole frame (moby's does) needs no more.
MAX_FRAME = 1 << 20
#: A length is not believed beyond this: nobody writes such frames, and what reads as one is a tty's raw bytes.
MAX_LENGTH = 1 << 30

_HEADER = Struct(">BxxxL")


class Piece(NamedTuple):
    """Some bytes of one stream; a frame may come in several pieces."""

    stream: int
    data: bytes


def frame(stream: int, data: bytes) -> bytes:
    """One frame; ``data`` is at most ``MAX_FRAME`` bytes (see :func:`frames`)."""
    return _HEADER.pack(stream, len(data)) + data


def frames(stream: int, data: bytes) -> Iterator[bytes]:
    """``data`` as frames; no data is no frame."""
    if len(data) <= MAX_FRAME:
        if data:
            yield frame(stream, data)
        return
    view = memoryview(data)
    for start in range(0, len(data), MAX_FRAME):
        part = view[start:start + MAX_FRAME]
        yield b"".join((_HEADER.pack(stream, len(part)), part))


def frame_each(stream: int, pieces: Iterable[bytes]) -> bytes:
    """A frame for each piece (at most ``MAX_FRAME`` bytes), as moby sends logs: a frame is a line."""
    pack = _HEADER.pack
    return b"".join([pack(stream, len(piece)) + piece for piece in pieces])


class Decoder:
    """Takes bytes as they come, gives pieces of the streams: ``for stream, data in decoder.feed(chunk)``.

    It keeps nothing but an unfinished header: bytes of a frame are given out when they arrive, in pieces.
    """

    def __init__(self) -> None:
        self._header = b""
        self._stream = STDOUT
        self._left = 0  # of the frame we are in
        self._offset = 0  # of the next byte that is fed

    def feed(self, data: bytes) -> Iterator[Piece]:
        """The pieces in ``data``. FormatError (with the offset in the stream) for a header that cannot be one."""
        position, length = 0, len(data)
        while position < length:
            if not self._left:
                wanted = _HEADER.size - len(self._header)
                header = self._header + data[position:position + wanted]
                position += len(header) - len(self._header)
                if len(header) < _HEADER.size:
                    self._header = header
                    break
                self._header = b""
                self._open(header, self._offset + position - _HEADER.size)
                continue
            piece = data[position:position + self._left]
            position += len(piece)
            self._left -= len(piece)
            yield Piece(self._stream, piece)
        self._offset += length

    @property
    def between_frames(self) -> bool:
        """Whether the stream may end here; a stream that ends elsewhere was cut."""
        return not self._left and not self._header

    def _open(self, header: bytes, offset: int) -> None:
        stream, length = _HEADER.unpack(header)
        if stream > SYSTEM or header[1:4] != b"\0\0\0" or length > MAX_LENGTH:
            raise FormatError("cannot separate the output of the container", offset=offset, source="multiplexed stream",
                              why=f"{header.hex()} is no header of a frame",
                              hint="a container with a tty sends its output without frames")
        self._stream, self._left = stream, length


def separate(chunks: Iterable[bytes]) -> Iterator[Piece]:
    """The pieces of a whole stream. FormatError when it ends within a frame."""
    decoder = Decoder()
    for chunk in chunks:
        yield from decoder.feed(chunk)
    if not decoder.between_frames:
        raise FormatError("cannot separate the output of the container", source="multiplexed stream",
                          why="it ends within a frame")
