# SPDX-License-Identifier: Apache-2.0
"""Every registry hive in the layers of an image, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from ...codec.readers import open_reader
from ...layer.tarstream import TarStream
from ...oci import Image
from ...windows.upcase import fold
from ..hives import place_of
from ..images import Blobs
from ..spool import Content, spool


def hives_in(image: Image, store: Blobs) -> Iterator[tuple[int, str, Content]]:
    """The number of the layer, the path there, and the content of each file that is a hive by its place and name: a
    base's hives, deltas, users' hives, the boot configuration. Of one larger than :data:`spool.SPOOL` the first page.

    Layers are streamed once, the base first; FormatError for one that cannot be read.
    """
    for number, descriptor in enumerate(image.layers):
        with store.open_blob(descriptor) as blob:
            stream = TarStream(open_reader(blob), source=f"layer {number}", sparse=True)
            while (header := stream.next()) is not None:
                path = header.name.decode("utf-8", "replace").removeprefix("./")
                if header.typeflag in b"07" and place_of(fold(path)) is not None:
                    yield number, path, spool(stream.body(), header.size)


__all__ = ["hives_in"]
