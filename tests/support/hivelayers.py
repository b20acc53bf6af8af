# SPDX-License-Identifier: Apache-2.0
"""Layers with one hive in them, right or wrong: a delta, a base's, a user's."""

from __future__ import annotations

import struct

from imagebuild.hive.layout import checksum

from . import rawtar
from .hivebytes import RawHive


def delta_layer(delta: bytes, name: str = "System_Delta") -> bytes:
    return rawtar.tar(rawtar.folder("Files"), rawtar.folder("Hives"),
                      rawtar.file(f"Hives/{name}", delta, rawsd=None))


def user_layer(hive: bytes, path: str = "Files/Users/me/NTUSER.DAT") -> bytes:
    parts = path.split("/")[:-1]
    folders = [rawtar.folder("/".join(parts[:depth])) for depth in range(2, len(parts) + 1)]
    return rawtar.layer(*folders, rawtar.file(path, hive))


def base(hive: bytes, name: str = "SYSTEM") -> bytes:
    return rawtar.base(hives={name: hive})


def dirty(hive: bytes) -> bytes:
    """The hive with a sequence number that differs from the other, and the right checksum."""
    data = bytearray(hive)
    data[4:8] = struct.pack("<I", 7)
    data[508:512] = struct.pack("<I", checksum(data))
    return bytes(data)


def two_keys(first: str, second: str, *, kind: bytes = b"lh", wrong: int = 0, layered: bool = True) -> bytes:
    """Two subkeys in a list in this order; ``wrong`` is added to the first hash or hint."""
    raw = RawHive((1, 6), 2) if layered else RawHive()
    cells = [(raw.key(name), name) for name in (first, second)]
    raw.below(raw.root, *cells)
    if kind == b"lf":
        hints = [number for at, name in cells for number in (at, int.from_bytes(name.encode()[:4], "little"))]
        raw.patch(raw.root + 4 + 28, "<I", raw.leaf(b"lf", hints[0], hints[1] + wrong, *hints[2:]))
    elif wrong:
        listed, = struct.unpack_from("<I", raw.bins, raw.root + 4 + 28)
        raw.patch(listed + 4 + 8, "<I", wrong)
    return raw.hive()
