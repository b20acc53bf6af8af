# SPDX-License-Identifier: Apache-2.0
"""Reading blobs: what they are compressed with, and whether they are what was promised.

All readers stream: a few hundred KiB of memory, however large or hostile the blob. Bad bytes raise ``FormatError``
with the offset in the compressed stream, and nothing else.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, cast

from ..errors import DependencyError, FormatError, IntegrityError, UsageError, quoted
from .aside import HasherAside

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK_IN = 128 << 10
CHUNK_OUT = 256 << 10
"""More at a time is slower: the output leaves the processor's cache."""

_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD_WINDOW = 1 << 27
"""The largest zstd window accepted, 128 MiB, as the zstd program's own default."""


class Readable(Protocol):
    """A source of bytes; ``read`` may return less than asked, and ``b""`` only at the end."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes."""


def open_reader(stream: Readable, hint: str | None = None) -> BinaryIO:
    """The content of a blob, decompressed as it is read.

    Looks at the first bytes: gzip (any number of members), zstd (any number of frames, skippable ones too), else the
    bytes as they are. ``hint`` (``gzip``, ``zstd`` or ``none``) says what it must be instead: a blob that is not
    raises ``FormatError``. ``stream`` needs only ``read`` and stays the caller's to close.
    """
    if hint not in (None, "gzip", "zstd", "none"):
        raise UsageError(f"unknown compression {quoted(hint)}", why="known are gzip, zstd and none")
    source = _Source(stream)
    head = source.peek(4)
    if hint is None:
        skippable = head[1:] == b"\x2a\x4d\x18" and head[:1] and head[0] & 0xF0 == 0x50
        hint = "gzip" if head[:2] == _GZIP_MAGIC else "zstd" if head == _ZSTD_MAGIC or skippable else "none"
    chunks = {"gzip": _gunzip, "zstd": _unzstd, "none": _plain}[hint](source)
    return cast(BinaryIO, ChunkReader(chunks))


class ChunkReader(io.RawIOBase):
    """A file of the chunks that an iterator gives; ``read1`` hands them on uncopied."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        super().__init__()
        self._chunks = chunks
        self._rest = b""

    def readable(self) -> bool:
        """Always."""
        return True

    def read1(self, size: int = -1) -> bytes:
        """The next bytes, as many as are at hand, at most ``size``; ``b""`` at the end."""
        data = self._rest
        if data:
            self._rest = b""
        else:
            data = next(self._chunks, b"")
        if 0 <= size < len(data):
            self._rest = data[size:]
            return data[:size]
        return data

    def read(self, size: int | None = -1) -> bytes:
        """Exactly ``size`` bytes, or fewer at the end; everything when negative."""
        if size is None or size < 0:
            return b"".join(iter(self.read1, b""))
        data = self.read1(size)
        if len(data) == size or not data:
            return data
        parts, missing = [data], size - len(data)
        while missing and (data := self.read1(missing)):
            parts.append(data)
            missing -= len(data)
        return b"".join(parts)

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill ``buffer``, or less of it at the end."""
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[:len(data)] = data
        return len(data)


class VerifyingReader(io.RawIOBase):
    """Passes a stream through and raises ``IntegrityError`` at its end when digest or size are not as promised.

    ``digest`` is ``sha256:<hex>`` (or another algorithm of hashlib's); ``size`` may be ``None`` when only the digest is
    known. A stream that grows past ``size`` is stopped at once. With ``start``, the stream begins at that byte of the
    content, and only the size can be checked. Only a read that reaches the end has verified anything; after that
    ``verified`` is true. ``what`` names the content in the error, ``hint`` says what to do about it. ``owned``
    closes the stream with this one.

    ``readinto`` goes straight into the caller's buffer where the stream can do that. What ``read`` gives is hashed on
    another thread, since whoever reads so has more to do with it (decompressing, parsing) than to pass it on.
    """

    def __init__(self, stream: Readable, digest: str, size: int | None = None, *, what: str = "blob", start: int = 0,
                 owned: bool = False, hint: str = "") -> None:
        super().__init__()
        self._stream = stream
        self._owned = False  # until we are whole: a failed start is the caller's to clean up
        algorithm = digest.partition(":")[0]
        if algorithm not in ("sha256", "sha384", "sha512"):
            raise FormatError(f"cannot verify digest {quoted(digest)}", why="known are sha256, sha384 and sha512")
        self.verified = False
        self._readinto = getattr(stream, "readinto", None)
        self._hash = hashlib.new(algorithm) if start == 0 else None
        self._aside = HasherAside(self._hash) if self._hash is not None else None
        self._digest = digest
        self._size = size
        self._seen = start
        self._what = what if digest in what else f"{what} {digest}"
        self._owned = owned
        self._hint = hint or "fetch it again; if it stays wrong, the place it comes from is damaged"
        if size is not None and start > size:
            raise IntegrityError(f"cannot read {self._what} from byte {start}", why=f"it has {size} bytes",
                                 expected=size, found=start)

    def readable(self) -> bool:
        """Always."""
        return True

    def read(self, size: int | None = -1) -> bytes:
        """As the stream's own read; an empty result means verified."""
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(CHUNK_OUT), b""))
        data = self._stream.read(size)
        if data:
            self._count(len(data))
            if self._aside is not None:
                self._aside.update(data)
        elif size:
            self._end()
        return data

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill ``buffer``, or part of it, with the next bytes; 0 means verified."""
        view = memoryview(buffer).cast("B")
        if self._readinto is None:
            data = self.read(len(view))
            view[:len(data)] = data
            return len(data)
        count = cast(int, self._readinto(view) or 0)
        if count:
            self._count(count)
            if self._hash is not None and self._aside is not None:
                self._aside.settle()
                self._hash.update(view[:count])
        elif view:
            self._end()
        return count

    def close(self) -> None:
        """Close the stream, too, where it is ours."""
        if self._owned and not self.closed:
            cast(BinaryIO, self._stream).close()
        aside = getattr(self, "_aside", None)  # a reader that could not begin has none
        if aside is not None:
            aside.close()
        super().close()

    def _count(self, more: int) -> None:
        self._seen += more
        if self._size is not None and self._seen > self._size:
            raise self._wrong(f"it is longer than {self._size} bytes", self._size, self._seen)

    def _end(self) -> None:
        if self.verified:
            return
        if self._size is not None and self._seen != self._size:
            raise self._wrong(f"it ended after {self._seen} bytes, {self._size} were promised", self._size, self._seen)
        if self._hash is not None and self._aside is not None:
            self._aside.settle()
            found = f"{self._hash.name}:{self._hash.hexdigest()}"
            if found != self._digest:
                raise self._wrong(f"its digest is {found}", self._digest, found, "its digest says")
        self.verified = True

    def _wrong(self, why: str, expected: object, found: object, than: str = "it should be") -> IntegrityError:
        return IntegrityError(f"{self._what} is not what {than}", why=why,
                              hint=self._hint,
                              expected=expected, found=found)


class LimitedReader(io.RawIOBase):
    """Passes a stream through and raises ``FormatError`` as soon as more than ``limit`` bytes come out of it.

    Against bombs: put it around what :func:`open_reader` gives. ``what`` names the content in the error.
    """

    def __init__(self, stream: Readable, limit: int, *, what: str = "stream") -> None:
        super().__init__()
        self._stream = stream
        self._limit = limit
        self._seen = 0
        self._what = what

    def readable(self) -> bool:
        """Always."""
        return True

    def read(self, size: int | None = -1) -> bytes:
        """As the stream's own read."""
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(CHUNK_OUT), b""))
        data = self._stream.read(size)
        self._seen += len(data)
        if self._seen > self._limit:
            raise FormatError(f"{self._what} is too large", offset=self._limit, source=self._what,
                              why=f"at most {self._limit} bytes are accepted")
        return data

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill ``buffer`` with the next bytes."""
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[:len(data)] = data
        return len(data)


class _Source:
    """The compressed side: reads on demand, can look ahead, and knows the offset."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._data = b""
        self._at = 0
        self._before = 0

    @property
    def offset(self) -> int:
        """How many bytes were taken."""
        return self._before + self._at

    def peek(self, size: int) -> bytes:
        """The next ``size`` bytes without taking them; fewer at the end."""
        while len(self._data) - self._at < size and (data := self._stream.read(CHUNK_IN)):
            self._keep(self._data[self._at:] + data)
        return self._data[self._at:self._at + size]

    def chunk(self) -> bytes:
        """Some bytes, or ``b""`` at the end."""
        if self._at == len(self._data):
            self._keep(self._stream.read(CHUNK_IN))
        data = self._data[self._at:]
        self._at = len(self._data)
        return data

    def give_back(self, size: int) -> None:
        """The last ``size`` bytes of the last chunk were not used after all."""
        self._at -= size

    def exactly(self, size: int, what: str) -> bytes:
        """The next ``size`` bytes; ``FormatError`` when the stream ends before."""
        data = self.peek(size)
        self._at += len(data)
        if len(data) < size:
            raise FormatError(f"{what} is cut off", offset=self.offset, why=f"{size - len(data)} bytes are missing")
        return data

    def _keep(self, data: bytes) -> None:
        self._before += self._at
        self._data, self._at = data, 0


def _plain(source: _Source) -> Iterator[bytes]:
    while data := source.chunk():
        yield data


def _gunzip(source: _Source) -> Iterator[bytes]:
    """Members one after another (RFC 1952 2.2); zero bytes may pad the end, as gzip itself allows."""
    make, errors = _inflater()
    while data := source.chunk():
        if source.offset > len(data):  # not the first member: zeros may stand before it
            data = data.lstrip(b"\0")
            if not data:
                continue
        start = source.offset - len(data)
        inflate = make(wbits=31)
        try:
            while True:
                out = inflate.decompress(data, CHUNK_OUT)
                if out:
                    yield out
                if inflate.eof:
                    break
                data = inflate.unconsumed_tail
                if not data and len(out) < CHUNK_OUT:
                    data = source.chunk()
                    if not data:
                        raise FormatError("gzip stream is cut off", offset=source.offset,
                                          why=f"the member that began at byte {start} has no end")
        except errors as error:
            raise FormatError("gzip stream is damaged", offset=source.offset, why=str(error)) from error
        source.give_back(len(inflate.unused_data))


def _inflater() -> tuple[Any, tuple[type[Exception], ...]]:
    import zlib

    try:
        from isal import isal_zlib
    except ImportError:
        return zlib.decompressobj, (zlib.error,)
    isal_error: Any = isal_zlib.error
    return isal_zlib.decompressobj, (isal_error, zlib.error)


def _unzstd(source: _Source) -> Iterator[bytes]:
    """Frames one after another (RFC 8878 3.1), fed block by block: a block never becomes more than 128 KiB.

    Walking the blocks ourselves bounds the memory and tells a frame that is cut off from one that ended.
    """
    try:
        import zstandard
    except ImportError as error:
        raise DependencyError("cannot read a zstd layer", why="the Python package zstandard is not installed",
                              hint="pip install zstandard", program="python", package="zstandard") from error
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    while source.peek(1):
        start = source.offset
        magic = source.exactly(4, "zstd stream")
        if magic[1:] == b"\x2a\x4d\x18" and magic[0] & 0xF0 == 0x50:
            left = int.from_bytes(source.exactly(4, "zstd stream"), "little")
            while left:
                left -= len(source.exactly(min(left, CHUNK_IN), "zstd stream"))
            continue
        if magic != _ZSTD_MAGIC:
            raise FormatError("zstd stream is damaged", offset=start, why=f"a frame begins with {magic.hex()}")
        frame = decompressor.decompressobj()
        try:
            for piece in _zstd_pieces(source, magic):
                if out := frame.decompress(piece):
                    yield out
            ended = frame.eof
        except zstandard.ZstdError as error:
            raise FormatError("zstd stream is damaged", offset=source.offset, why=str(error)) from error
        if not ended:
            raise FormatError("zstd stream is damaged", offset=source.offset, why="a frame does not end where it says")


def _zstd_pieces(source: _Source, magic: bytes) -> Iterator[bytes]:
    """One frame: its header, then each block with its three-byte header, then the checksum (RFC 8878 3.1.1)."""
    descriptor = source.exactly(1, "zstd stream")
    flags = descriptor[0]
    single = flags >> 5 & 1
    header = (1 - single) + (0, 1, 2, 4)[flags & 3] + (single, 2, 4, 8)[flags >> 6]
    piece = magic + descriptor + source.exactly(header, "zstd stream")
    last = False
    while not last:
        block = source.exactly(3, "zstd stream")
        number = int.from_bytes(block, "little")
        last, kind, size = bool(number & 1), number >> 1 & 3, number >> 3
        if kind == 3 or (kind != 1 and size > 1 << 17):
            raise FormatError("zstd stream is damaged", offset=source.offset - 3,
                              why="a block of impossible kind or size")
        yield piece + block + source.exactly(1 if kind == 1 else size, "zstd stream")
        piece = b""
    if flags & 4:
        yield source.exactly(4, "zstd stream")
