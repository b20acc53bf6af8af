# SPDX-License-Identifier: Apache-2.0
"""Two images to compare, as sides of a :class:`~imagebuild.images.compare.compare.Side`, and the end of a comparison.

::

    pair = Sides(tmp_path)
    before = pair.image(images.file("Files/a.txt", b"1"))
    found = pair.compare(before, pair.image(images.file("Files/a.txt", b"2")))
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from imagebuild.events import Event, Result
from imagebuild.images.compare.compare import Options, Side, compare, side_of
from imagebuild.images.compare.difference import Difference
from imagebuild.images.compare.pairs import side_of_layer
from imagebuild.images.inspect.rootfs import IndexCache
from imagebuild.images.library import Found
from imagebuild.images.put import Layer, put_image
from imagebuild.layer import order
from imagebuild.oci import Image, Location, media, with_config
from imagebuild.oci.digest import Digest
from imagebuild.stores import MemoryStore, put_bytes

from . import images
from .images import Content


def finish(events: Iterator[Event]) -> Any:
    """What the last event carries."""
    value: Any = None
    for event in events:
        if isinstance(event, Result):
            value = event.value
    return value


class Sides:
    """Makes images in a store of its own."""

    def __init__(self, folder: Path) -> None:
        self.store = MemoryStore()
        self.cache = IndexCache(folder / "indexes")
        self.reads = 0
        self._open = self.store.open_blob
        self.store.open_blob = self._counted  # type: ignore[method-assign]

    def _counted(self, *args: Any, **options: Any) -> Any:
        self.reads += 1
        return self._open(*args, **options)

    def layer(self, *entries: Content, base: bool = False, compression: str = "gzip:1") -> Layer:
        """A layer of these entries; ``Files`` and, above a base, ``Hives`` are added, parents that lack, too."""
        found = {entry.path: (entry, content) for entry, content in entries}
        tops = [images.folder("Files", security=False)] + ([] if base else [images.folder("Hives", security=False)])
        for path in list(found):
            for end in [at for at, char in enumerate(path) if char == "/"]:
                if path[:end] not in found and path[:end] not in ("Files", "Hives"):
                    found[path[:end]] = images.folder(path[:end])
        for entry, content in tops:
            found.setdefault(entry.path, (entry, content))
        entries_in_order = [found[entry.path] for entry in order([entry for entry, _ in found.values()])]
        return images.layer(self.store, entries_in_order, base=base, compression=compression)

    def raw_layer(self, tar: bytes) -> Layer:
        """A layer of any bytes."""
        return Layer(put_bytes(self.store, tar, media.OCI_LAYER), Digest.of(tar), len(tar))

    def side(self, *layers: Layer, name: str = "app:1", os: str = "windows", **config: Any) -> Side:
        """An image of these layers."""
        image, _ = images.image(self.store, None, *layers, os=os)
        if config:
            image = with_config(image, **config)
        return self.of(image, name)

    def of(self, image: Image, name: str) -> Side:
        """An image as a side."""
        descriptor = put_image(self.store, image)
        return side_of(Found(image, self.store, name, Location.parse(name), descriptor), self.cache)

    def image(self, *entries: Content, name: str = "app:1", **config: Any) -> Side:
        """An image of one layer with these entries."""
        return self.side(self.layer(*entries), name=name, **config)

    def compare(self, before: Side | None, after: Side, **options: Any) -> Difference:
        """What differs."""
        found: Difference = finish(compare(before, after, Options(**options)))
        return found

    def lines(self, before: Side, after: Side, **options: Any) -> Sequence[tuple[str, ...]]:
        """The files that differ, shortly: mark, path, and what changed."""
        return [(change.mark, change.path, *(one.value for one in change.aspects))
                for change in self.compare(before, after, **options).files]


def with_times(content: Content, moment: int) -> Content:
    """The entry with another time."""
    return replace(content[0], times=images.Times.all(moment)), content[1]


__all__ = ["Sides", "finish", "side_of_layer", "with_times"]
