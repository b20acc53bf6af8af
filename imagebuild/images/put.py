# SPDX-License-Identifier: Apache-2.0
"""Layers and images into a store: blobs first, then the config, then the manifest and its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from ..codec import Compression, Sealed
from ..events import Event, Finish, Step
from ..layer import LayerWriter
from ..oci import Descriptor, Digest, Image, media
from ..stores import LayoutStore, Store, copy_blob, put_bytes

if TYPE_CHECKING:
    from .library import Found


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


def promise_layers(local: Store, image: Image, sources: Iterable[Found]) -> Iterator[Event]:
    """A local store need not hold the layers that an image has from others, but it must know who does.

    Where it cannot remember that, they are copied.
    """
    owners = {layer.digest: found for found in sources for layer in found.image.layers}
    for layer in image.layers:
        found = owners.get(layer.digest)
        if found is None or found.store is local or local.has_blob(layer):
            continue
        if isinstance(local, LayoutStore) and found.location.transport in ("docker", "oci"):
            local.remember_origin(layer.digest, found.location)
        else:
            yield Step(f"keep {layer.digest}", f"copying layer {layer.digest.hex[:12]} of {found.name}", layer.size)
            copy_blob(found.store, local, layer)
            yield Finish(f"keep {layer.digest}")
