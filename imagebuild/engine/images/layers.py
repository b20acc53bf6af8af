# SPDX-License-Identifier: Apache-2.0
"""Layers as Docker counts them: by chain id and by the size of the plain tar, which is checked against its diff id."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ...codec import open_reader
from ...dockerapi import faults
from ...errors import FormatError, IntegrityError
from ...oci import Descriptor, Digest, Image
from ...stores import Store
from .store import Kept, Shelf

_PIECE = 1 << 18
_REPORT_EVERY = 4 << 20

Hear = Callable[[Descriptor, int], None]
"""Is told how many bytes of a layer's blob are behind us; -1 when the layer is good."""


def chain_ids(diff_ids: Iterable[Digest]) -> list[Digest]:
    """A layer together with all below it, for each layer (OCI image-spec ``config.md``, "Layer ChainID")."""
    out: list[Digest] = []
    for diff_id in diff_ids:
        out.append(Digest.of(f"{out[-1]} {diff_id}".encode()) if out else diff_id)
    return out


def check_layers(shelf: Shelf, store: Store, image: Image, hear: Hear, *, name: str) -> None:
    """Read the layers of an image that nobody read yet, and remember their sizes. Internal, and nothing remembered,
    when one is not the tar that the config says."""
    unread = set(unread_layers(shelf, image))
    sizes: dict[Digest, int] = {}
    for number, (layer, diff_id) in enumerate(zip(image.layers, image.diff_ids, strict=True)):
        if number in unread:
            sizes[diff_id] = check_layer(store, layer, diff_id, number, hear, name)
        hear(layer, -1)
    shelf.note_sizes(sizes)


def unread_layers(shelf: Shelf, image: Image) -> list[int]:
    """The numbers of the layers that nobody compared with their diff id yet."""
    if len(image.layers) != len(image.diff_ids):
        raise faults.Internal("layers from manifest don't match image configuration")
    good = {(layer.digest, diff_id) for kept in shelf.all().values()
            for layer, diff_id in zip(kept.image.layers, kept.image.diff_ids, strict=False)}
    return [number for number, (layer, diff_id) in enumerate(zip(image.layers, image.diff_ids, strict=True))
            if (layer.digest, diff_id) not in good or not shelf.size_of(diff_id)]


def check_layer(store: Store, layer: Descriptor, diff_id: Digest, number: int, hear: Hear, name: str) -> int:
    """Read one layer, and give the size of its plain tar. Internal when it is not the tar that the config says."""
    hasher = diff_id.hasher()
    size = reported = 0
    try:
        with store.open_blob(layer) as blob:
            plain = open_reader(blob)
            while piece := plain.read(_PIECE):
                hasher.update(piece)
                size += len(piece)
                if size - reported >= _REPORT_EVERY:
                    reported = size
                    hear(layer, min(size, layer.size))
    except (FormatError, IntegrityError) as error:
        raise faults.Internal(f"layer {layer.digest} of {name} is damaged: {error}") from error
    if hasher.hexdigest() != diff_id.hex:
        raise faults.Internal(f'invalid diffID for layer {number}: expected "{diff_id}", got '
                              f'"{diff_id.algorithm}:{hasher.hexdigest()}"')
    return size


def image_size(shelf: Shelf, kept: Kept) -> int:
    """Bytes of all layers of an image."""
    return sum(shelf.size_of(diff_id) for diff_id in kept.image.diff_ids)


def layer_sizes(shelf: Shelf) -> dict[Digest, tuple[int, int]]:
    """Every layer there is by its chain id: its size, and how many images have it."""
    out: dict[Digest, tuple[int, int]] = {}
    for kept in shelf.all().values():
        for chain, diff_id in zip(chain_ids(kept.image.diff_ids), kept.image.diff_ids, strict=True):
            out[chain] = (shelf.size_of(diff_id), out.get(chain, (0, 0))[1] + 1)
    return out
