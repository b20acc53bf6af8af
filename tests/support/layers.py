# SPDX-License-Identifier: Apache-2.0
"""Layers for tests: a security descriptor, times, entries with all that Windows wants, tars by Python's ``tarfile``."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from typing import Any

from imagebuild.codec import Compression
from imagebuild.layer import Entry, Kind, LayerWriter, Times

SECURITY = bytes.fromhex("010000800000000000000000000000000000000000000000")[:20]
OTHER_SECURITY = bytes.fromhex("0100048000000000000000000000000000000000")
TIMES = Times(133_000_000_000_000_000, 133_111_111_111_111_111, 133_222_222_222_222_220, 133_333_333_300_000_000)

_ATTRIBUTES = {Kind.FILE: 0x20, Kind.DIRECTORY: 0x10, Kind.SYMLINK: 0x420, Kind.DIRECTORY_SYMLINK: 0x410,
               Kind.JUNCTION: 0x410, Kind.HARD_LINK: 0x20}


def entry(path: str, kind: Kind = Kind.FILE, **values: Any) -> Entry:
    """An entry that the writer takes, unless ``values`` break it."""
    if kind is Kind.WHITEOUT:
        return Entry(path, kind, **values)
    secured = path.startswith(("Files/", "UtilityVM")) and kind is not Kind.HARD_LINK
    defaults: dict[str, Any] = {"attributes": _ATTRIBUTES[kind], "times": TIMES,
                                "security": SECURITY if secured else None}
    return Entry(path, kind, **{**defaults, **values})


def folder(path: str, **values: Any) -> Entry:
    """A directory."""
    return entry(path, Kind.DIRECTORY, **values)


TOP = (folder("Files"),)
HIVES = (folder("Hives"),)


def write(entries: Iterable[Entry | tuple[Entry, Any]], compression: str = "none", **options: Any) -> bytes:
    """The bytes of a layer of these entries, with their content; ``Hives`` is added unless it is a base."""
    sink = io.BytesIO()
    with LayerWriter(sink, Compression.parse(compression), **options) as layer:
        for item in entries:
            layer.add(*item) if isinstance(item, tuple) else layer.add(item)
        if not options.get("base"):
            layer.add(*HIVES)
        layer.finish()
    return sink.getvalue()


def tar(*members: tuple[str, dict[str, Any]], format: int = tarfile.PAX_FORMAT, **options: Any) -> bytes:
    """A tar made by Python: members are a name and attributes of its ``TarInfo``, ``data`` among them."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format, **options) as archive:
        for name, values in members:
            info = tarfile.TarInfo(name)
            data = values.pop("data", b"")
            info.size = len(data)
            for key, value in values.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()
