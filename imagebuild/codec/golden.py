# SPDX-License-Identifier: Apache-2.0
"""Is this zlib the zlib whose bytes we know? A golden block says so before a reproducible layer is begun.

Some distributions put zlib-ng or another rewrite under zlib's name: valid deflate, other bytes, other digests. The
digests below were taken from zlib 1.3.1; a zlib that gives others is refused rather than used.
"""

from __future__ import annotations

import hashlib

from ..errors import UnsupportedError

GOLDEN = {
    1: "bf9e832f306d91a6",
    2: "33d9c62ff1e9a5b9",
    3: "a3cb8649d4ed7262",
    4: "8f4d5c1107b938e0",
    5: "5dc18b4c63dbabb4",
    6: "dee36c479867fc12",
    7: "8956c2c736812ab6",
    8: "de859b82b33d73a4",
    9: "3729dd1f9b4d4b5a",
}
"""Level to the first 16 hex digits of SHA-256 over the compressed golden block, sync flush and finish."""


def golden_block() -> bytes:
    """128 KiB that are the same everywhere: noise, text that repeats near and far, runs, and noise of few symbols."""
    noise = b"".join(hashlib.sha256(i.to_bytes(4, "little")).digest() for i in range(1024))
    text = b"".join(b"%d: the quick brown fox jumps over %s\r\n" % (i * i, noise[i:i + 3].hex().encode())
                    for i in range(700))
    few = bytes(b"ACGT"[b & 3] for b in noise)
    runs = b"".join(bytes([b]) * (b + 1) for b in noise[:140])
    return (noise[:20000] + text + few + runs + text[:9000] + noise[:9000] + few[::-1])[:1 << 17]


def digest_of_zlib(level: int) -> str:
    """What this interpreter's zlib makes of the golden block at ``level``."""
    import zlib

    block = golden_block()
    half = len(block) // 2
    deflate = zlib.compressobj(level, wbits=-15)
    out = deflate.compress(block[:half]) + deflate.flush(zlib.Z_SYNC_FLUSH)
    out += deflate.compress(block[half:]) + deflate.flush(zlib.Z_FINISH)
    return hashlib.sha256(out).hexdigest()[:16]


def check_zlib(level: int) -> None:
    """Refuse a zlib that does not give the bytes of classic zlib at ``level``; ``UnsupportedError`` names it."""
    import zlib

    found = digest_of_zlib(level)
    if found != GOLDEN[level]:
        raise UnsupportedError(f"zlib {zlib.ZLIB_RUNTIME_VERSION} cannot write reproducible layers",
                               why=f"its golden block at level {level} is {found}, classic zlib gives {GOLDEN[level]}",
                               hint="use --compression none, whose bytes are the same everywhere, or a Python with "
                               "classic zlib", expected=GOLDEN[level], found=found)
