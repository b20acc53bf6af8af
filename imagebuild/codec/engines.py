# SPDX-License-Identifier: Apache-2.0
"""The codecs behind one shape: a block in, bytes out, that joined in order are one valid stream.

gzip (RFC 1952): one member. Each block is raw deflate ended by a sync flush, which leaves the stream at a byte
boundary, so that blocks compressed apart can be joined; the last one ends the deflate stream. zstd (RFC 8878): one
frame per block, and a decoder reads frames one after another. No block sees another block's content, therefore the
bytes depend on the block and the codec alone, never on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import DependencyError

if TYPE_CHECKING:
    from .compression import Compression

_GZIP_HEADER = bytes.fromhex("1f8b08 00 00000000 00 ff")  # no name, no time, no hint on the level, unknown system

Compress = Callable[[memoryview, bool], bytes]


@dataclass(frozen=True, slots=True)
class Engine:
    """A codec ready for use.

    ``maker()`` gives one ``compress(block, last)`` per thread (a zstd context must not be shared). ``crc`` is
    ``None`` where the format has no checksum over the whole stream; else the stream begins with ``header`` and ends
    with ``trailer(crc, size)``.
    """

    codec_id: str
    maker: Callable[[], Compress]
    header: bytes = b""
    crc: Callable[[memoryview, int], int] | None = None
    needs_last: bool = False
    """Whether the stream is only whole once a last block, even an empty one, was compressed as the last."""

    def trailer(self, crc: int, size: int) -> bytes:
        """The end of the stream: CRC-32 and size modulo 2**32 for gzip, nothing for the rest."""
        if self.crc is None:
            return b""
        return crc.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")


def engine(compression: Compression) -> Engine:
    """The engine for a compression.

    gzip is ISA-L, and zlib where the ``isal`` package is missing (slower; other bytes, so another ``codec_id``).
    ``reproducible`` is zlib after its golden block came out right (``UnsupportedError`` if not). zstd without the
    ``zstandard`` package raises ``DependencyError``.
    """
    if compression.name == "none":
        return Engine("none", lambda: _copy)
    level = compression.level or 1
    if compression.name == "zstd":
        return _zstd(level)
    if compression.reproducible:
        from .golden import check_zlib

        check_zlib(level)
        return _zlib(level)
    return _isal(level) or _zlib(level)


def has_isal() -> bool:
    """Whether the fast gzip codec is installed; without it gzip layers take about three times as long."""
    try:
        from isal import isal_zlib  # noqa: F401
    except ImportError:
        return False
    return True


def _copy(block: memoryview, last: bool) -> bytes:
    return bytes(block)


def _isal(level: int) -> Engine | None:
    try:
        from isal import isal_zlib
    except ImportError:
        return None
    make, sync, finish = isal_zlib.compressobj, isal_zlib.Z_SYNC_FLUSH, isal_zlib.Z_FINISH

    def compress(block: memoryview, last: bool) -> bytes:
        deflate = make(level, wbits=-15)
        return deflate.compress(block) + deflate.flush(finish if last else sync)

    return Engine(f"gzip-isal{level}-{_family()}-1m", lambda: compress, _GZIP_HEADER, isal_zlib.crc32, True)


def _zlib(level: int) -> Engine:
    import zlib

    def compress(block: memoryview, last: bool) -> bytes:
        deflate = zlib.compressobj(level, wbits=-15)
        return deflate.compress(block) + deflate.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)

    return Engine(f"gzip-zlib{level}-1m", lambda: compress, _GZIP_HEADER, zlib.crc32, True)


def _zstd(level: int) -> Engine:
    try:
        import zstandard
    except ImportError as error:
        raise DependencyError("cannot compress with zstd", why="the Python package zstandard is not installed",
                              hint="pip install zstandard, or choose gzip", program="python",
                              package="zstandard") from error

    def maker() -> Compress:
        frame = zstandard.ZstdCompressor(level=level).compress
        return lambda block, last: frame(block)

    version = ".".join(map(str, zstandard.ZSTD_VERSION))
    return Engine(f"zstd{level}-{version}-1m", maker)


def _family() -> str:
    """The kind of processor, as far as ISA-L's bytes depend on it."""
    import os
    import sys

    machine = os.uname().machine if hasattr(os, "uname") else ("arm64" if "ARM" in sys.version else "amd64")
    return {"x86_64": "x86", "amd64": "x86", "AMD64": "x86", "aarch64": "arm64"}.get(machine, machine)
