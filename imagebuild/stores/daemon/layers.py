# SPDX-License-Identifier: Apache-2.0
"""Which layers of an image a docker daemon has already, and an archive without them.

moby's own store finds a layer by its chain of diff ids, and does not open the archive's member of one that it has
(moby/moby#18727, ``image/tarexport/load.go``). containerd's store wants all of them (containerd/containerd#11978).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ...dockerapi import Client
from ...errors import WcowError
from ..archive import tarscan

_CONTAINERD = "io.containerd.snapshotter"
_PIECE = 1 << 20
_MOST = 200
"""Images that are looked at: each is a call."""


def layers_there(client: Client, diff_ids: Sequence[str]) -> int:
    """How many of an image's layers, from the lowest on, the daemon has and need not be sent. None of them where its
    store wants all, or where it does not say."""
    try:
        if _wants_all(client.json("GET", "/info")):
            return 0
        best = 0
        for image in client.json("GET", "/images/json")[:_MOST]:
            found = client.json("GET", f"/images/{image['Id']}/json")
            layers = (found.get("RootFS") or {}).get("Layers") or ()
            best = max(best, _common(layers, diff_ids))
            if best == len(diff_ids):
                break
    except (WcowError, AttributeError, KeyError, TypeError):
        return 0
    return best


def archive_without(path: Path, places: Sequence[tuple[int, int]]) -> Iterator[bytes]:
    """The bytes of a tar without the members whose content is at these places (offset and size); each has a header of
    one block, as :mod:`..archive.write` writes it."""
    with path.open("rb") as file:
        for offset, size in sorted(places):
            yield from _read(file, offset - tarscan.BLOCK - file.tell())
            file.seek(offset + size + len(tarscan.padding(size)))
        yield from _read(file, path.stat().st_size - file.tell())


def _wants_all(info: Any) -> bool:
    rows = info.get("DriverStatus") or ()
    return any(_CONTAINERD in str(value) for row in rows for value in row)


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count


def _read(file: Any, size: int) -> Iterator[bytes]:
    while size > 0 and (data := file.read(min(size, _PIECE))):
        size -= len(data)
        yield data
