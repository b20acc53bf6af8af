# SPDX-License-Identifier: Apache-2.0
"""Layers and images into a store: blobs first, then the config, then the manifest and its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from ..codec import Compression, Sealed
from ..layer import LayerWriter
from ..oci import Descriptor, Digest, Image, media
from ..stores import Store, put_bytes


@dataclass(frozen=True, slots=True)
class Layer:
    """A finished layer: its blob, and the digest and size of the tar inside."""

    descriptor: Descriptor
    diff_id: Digest
    diff_size: int


def put_layer(store: Store, fill: Callable[[LayerWriter], None], compression: Compression, *,
              base: bool = False) -> Layer:
    """Write one layer into ``store``: ``fill`` adds the entries. Nothing is visible unless all of it was written."""
    with store.new_blob() as blob:
        with LayerWriter(blob, compression, base=base) as writer:
            fill(writer)
            sealed = writer.finish()
        blob.commit(Digest(sealed.digest), sealed.size)
    return sealed_layer(sealed, compression)


def sealed_layer(sealed: Sealed, compression: Compression) -> Layer:
    """What a layer writer sealed, as a layer of an OCI image."""
    kind = media.layer_type("oci", cast(media.LayerCompression, compression.name))
    return Layer(Descriptor(kind, Digest(sealed.digest), sealed.size), Digest(sealed.diff_id), sealed.diff_size)


def put_image(store: Store, image: Image, *, tag: str | None = None) -> Descriptor:
    """Keep an image's config and manifest, whose layers are there already, and give it a name."""
    put_bytes(store, image.config_bytes(), image.manifest.config.media_type)
    return store.put_manifest(image.manifest_bytes(), image.descriptor().media_type, tag=tag)
