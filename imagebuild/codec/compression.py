# SPDX-License-Identifier: Apache-2.0
"""Which compression a layer gets, as the user writes it (``gzip:1``) and as a cache key names it.

What may be asked for follows from what was measured (``docs/decisions``): ISA-L levels 1 and 2 give the same bytes on
every x86 processor, level 3 picks another code path per processor, level 0 is slower *and* bigger than level 1.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import UnsupportedError, UsageError, quoted

BLOCK_SIZE = 1 << 20
"""Bytes of tar in one compressed block. Fixed: it is part of what decides the bytes of a layer."""

_DEFAULT_LEVEL = {"gzip": 1, "zstd": 1, "none": None}


@dataclass(frozen=True, slots=True)
class Compression:
    """How a layer is compressed: ``name`` is ``gzip``, ``zstd`` or ``none``.

    ``level`` ``None`` becomes the default of the name (1 for gzip and zstd). ``reproducible`` asks for classic zlib
    instead of ISA-L, so that gzip bytes are the same on every kind of processor; levels 1 to 9 are allowed then.
    """

    name: str = "gzip"
    level: int | None = None
    reproducible: bool = False

    def __post_init__(self) -> None:
        if self.name not in _DEFAULT_LEVEL:
            raise UsageError(f"unknown compression {quoted(self.name)}", why="known are gzip, zstd and none")
        if self.level is None:
            object.__setattr__(self, "level", _DEFAULT_LEVEL[self.name])
        else:
            _check_level(self.name, self.level, self.reproducible)

    @classmethod
    def parse(cls, text: str, *, reproducible: bool = False) -> Compression:
        """The compression that ``gzip``, ``gzip:2``, ``zstd:3`` or ``none`` asks for.

        Raises ``UsageError`` for what has no meaning and ``UnsupportedError`` for a level that is refused, with the
        reason.
        """
        name, colon, level = text.strip().partition(":")
        if not colon:
            return cls(name, None, reproducible)
        if not (level.isascii() and level.isdigit() and len(level) <= 3):
            raise UsageError(f"cannot read compression {quoted(text)}", why="write NAME or NAME:LEVEL, such as gzip:1")
        return cls(name, int(level), reproducible)

    def __str__(self) -> str:
        return self.name if self.level is None else f"{self.name}:{self.level}"

    def codec_id(self) -> str:
        """What decides the compressed bytes, as one word for cache keys and annotations.

        Equal ids on one machine mean equal bytes; ids differ between ISA-L on x86 and on ARM, and between ISA-L and
        zlib, because their bytes do. Looks which codec is installed here.
        """
        from .engines import engine

        return engine(self).codec_id


def _check_level(name: str, level: int, reproducible: bool) -> None:
    if name == "none":
        raise UsageError("compression none takes no level", hint="write --compression none")
    if name == "zstd":
        if not 1 <= level <= 19:
            raise UsageError(f"zstd has no level {level} here", why="allowed are 1 to 19")
        return
    if reproducible:
        if not 1 <= level <= 9:
            raise UsageError(f"zlib has no level {level} here", why="allowed are 1 to 9")
        return
    if level == 0:
        raise UnsupportedError("gzip level 0 is refused", why="with ISA-L it is slower than level 1 and its layers are "
                               "bigger", hint="use gzip:1, or none for no compression at all")
    if level == 3:
        raise UnsupportedError("gzip level 3 is refused", why="ISA-L writes different bytes at level 3 on different "
                               "processors, so the same input would get different digests", hint="use gzip:1 or gzip:2")
    if level not in (1, 2):
        raise UnsupportedError(f"gzip level {level} is refused", why="ISA-L has levels 1 and 2 whose bytes do not "
                               "depend on the processor",
                               hint="use gzip:1 or gzip:2, or --reproducible for zlib's levels 1 to 9")
