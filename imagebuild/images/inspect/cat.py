# SPDX-License-Identifier: Apache-2.0
"""One file of an image, without unpacking the layers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...errors import InputError
from ...events import Event, Result
from ...layer import Kind
from .listing import Files
from .rootfs import Rootfs


def cat_file(rootfs: Rootfs, path: str, folder: Path) -> Iterator[Event]:
    """Copy the file at ``path`` (links followed) into ``folder``; ends with the :class:`~pathlib.Path` of the copy.

    NotFoundError when there is none, InputError for a folder. The caller removes ``folder``.
    """
    yield from rootfs.prepare()
    files = Files(rootfs)
    item = files.target(path)
    if item.entry.kind not in (Kind.FILE, Kind.HARD_LINK):
        raise InputError(f"cannot print {item.path}", why=f"it is a {item.entry.kind.value}",
                         hint=f"'wcow ls {rootfs.name} {path}' shows what is in it", path=path)
    inside = files.layer_path(item)
    fetched = yield from rootfs.fetch([inside], folder)
    yield Result(fetched[inside], {"path": item.path, "size": item.size, "layer": item.layer})


__all__ = ["cat_file"]
