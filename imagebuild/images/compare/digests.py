# SPDX-License-Identifier: Apache-2.0
"""Digests of single files in layers: each layer is streamed once, and only as far as the last file that is wanted."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable

from ...codec import open_reader
from ...errors import IntegrityError
from ...events import Advance, Event, Finish, Step
from ...layer import read
from ...windows.upcase import fold
from ..inspect.rootfs import REPORT_EVERY
from .pairs import Side

_KEPT = ("HIVES/", fold("Files/Windows/System32/config/"))
"""Where the files lie whose content an index keeps; asking it for all others takes longer than the answer is worth."""

Place = tuple[int, str]
"""A file: the number of its layer in a side's rootfs, and its path there."""


def digest_files(side: Side, places: Iterable[Place]) -> Generator[Event, None, dict[Place, bytes]]:
    """The SHA-256 of each file. IntegrityError when a layer does not hold what its index names."""
    linux = not side.windows()
    wanted: dict[int, dict[str, list[Place]]] = {}
    out: dict[Place, bytes] = {}
    for place in places:
        layer, path = place
        kept = side.rootfs.union().indexes[layer].kept(path) if fold(path).startswith(_KEPT) else None
        if kept is not None:
            out[place] = hashlib.sha256(kept).digest()
        else:
            wanted.setdefault(layer, {}).setdefault(path if linux else fold(path), []).append(place)
    for layer in sorted(wanted):
        yield from _digest_layer(side, layer, wanted[layer], linux, out)
    return out


def _digest_layer(side: Side, layer: int, wanted: dict[str, list[Place]], linux: bool,
                  out: dict[Place, bytes]) -> Generator[Event, None, None]:
    descriptor = side.rootfs.image.layers[layer]
    step = f"digest {side.name} {descriptor.digest}"
    yield Step(step, f"comparing {len(wanted)} file(s) of layer {descriptor.digest.hex[:12]} of {side.name}",
               descriptor.size)
    left = dict(wanted)
    reported = done = 0
    with side.store.open_blob(descriptor) as blob:
        for entry, content in read(open_reader(blob), linux=linux):
            if content is None:
                continue
            places = left.pop(entry.path if linux else fold(entry.path), None)
            if places is not None:
                digest = hashlib.sha256()
                while data := content.read(1 << 18):
                    digest.update(data)
                out.update(dict.fromkeys(places, digest.digest()))
                if not left:
                    break
            done += entry.size
            if done - reported >= REPORT_EVERY:
                reported = done
                yield Advance(step, min(done, descriptor.size))
    if left:
        (name, *_more), *_others = left.values()
        raise IntegrityError(f"cannot read {name[1]} of {side.name}",
                             why="its layer's index names it and its layer does not hold it",
                             hint="pull or build the image again")
    yield Finish(step)


__all__ = ["Place", "digest_files"]
