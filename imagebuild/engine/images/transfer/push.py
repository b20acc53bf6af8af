# SPDX-License-Identifier: Apache-2.0
"""``docker push``, and what a registry says of an image without pulling it.

Order and words are those of moby ``distribution/push.go``, ``push_v2.go`` and
``api/server/router/distribution/distribution_routes.go``.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any

from ....dockerapi import faults
from ....dockerapi.jsonlines import Message, Progress
from ....errors import WcowError
from ....events import Advance, Finish
from ....images.copy import copy
from ....oci import Index, Manifest, Platform, Reference, from_bytes, is_foreign, parse
from ....stores import Credentials, Store
from ..collection import Images
from ..names import repository_of, short
from ..store import Kept
from .registry import pull_fault, push_fault
from .stream import Say


def push(images: Images, name: Reference, credentials: Credentials, say: Say) -> None:
    """Push what has a name, or without a tag every tag of the repository. The manifest goes as it is, so that its
    digest stays."""
    if name.digest is not None:
        raise faults.Internal("cannot push a digest reference")
    mine = [(tag, kept) for kept in images.shelf.all().values() for tag in kept.tags
            if tag.repository == name.repository]
    say(Message(status=f"The push refers to repository [{name.repository}]"))
    if not mine:
        raise faults.Internal(f"An image does not exist locally with the tag: {repository_of(name)}")
    chosen = sorted(((tag, kept) for tag, kept in mine if name.tag in ("", tag.tag)), key=lambda item: item[0].tag)
    if not chosen:
        raise faults.Internal(f"tag does not exist: {name.familiar}")
    with images.registries.opened(name, credentials) as store:
        try:
            for tag, kept in chosen:
                _push_one(images, tag, kept, store, say)
        except WcowError as error:
            raise push_fault(error, name) from error


def _push_one(images: Images, name: Reference, kept: Kept, store: Store, say: Say) -> None:
    image = kept.image
    shown = {layer.digest: short(diff_id) for layer, diff_id in zip(image.layers, image.diff_ids, strict=False)}
    for layer in reversed(image.layers):
        foreign = bool(layer.urls) and is_foreign(layer.media_type)
        say(Message(status="Skipped foreign layer" if foreign else "Preparing", id=shown[layer.digest]))
    layers = {f"copy {layer.digest}": layer for layer in image.layers}
    with closing(copy(images.shelf.store, kept.descriptor, store, tag=name.tag)) as events:
        for event in events:
            layer_said = layers.get(getattr(event, "id", ""))
            if layer_said is None:
                continue
            identifier = shown[layer_said.digest]
            if isinstance(event, Advance):
                say(Message(status="Pushing", id=identifier, progress=Progress(event.done, layer_said.size)))
            elif isinstance(event, Finish):
                say(Message(status="Layer already exists" if event.note else "Pushed", id=identifier))
    digest, size = kept.descriptor.digest, kept.descriptor.size
    say(Message(status=f"{name.tag}: digest: {digest} size: {size}"))
    with images.shelf.writing() as own:
        images.shelf.keep(own, kept.descriptor, [Reference(name.domain, name.path, digest=digest)])
    images.tell("push", name.familiar, name=repository_of(name), labels=dict(image.config.run.labels))
    say(Message(aux={"Tag": name.tag, "Digest": str(digest), "Size": size}))


def distribution(images: Images, name: Reference, credentials: Credentials) -> dict[str, Any]:
    """What a registry has under a name: the descriptor and the platforms, as ``GET /distribution`` tells."""
    with images.registries.opened(name, credentials) as store:
        try:
            descriptor = store.resolve(name.target)
            data = store.manifest(descriptor)
            document = parse(data, descriptor.media_type, source=name.familiar)
            if isinstance(document, Index):
                found = [entry.platform for entry in document.manifests if entry.platform is not None]
            else:
                found = [_own_platform(data, document, store)]
        except WcowError as error:
            raise pull_fault(error, name) from error
    return {"Descriptor": {"mediaType": descriptor.media_type, "digest": str(descriptor.digest),
                           "size": descriptor.size},
            "Platforms": [_platform(platform) for platform in found]}


def _own_platform(data: bytes, manifest: Manifest, store: Store) -> Platform:
    return from_bytes(data, store.manifest(manifest.config)).config.platform


def _platform(platform: Platform) -> dict[str, Any]:
    out: dict[str, Any] = {"architecture": platform.architecture, "os": platform.os}
    out.update({name: value for name, value in (("os.version", platform.os_version), ("os.features", list(
        platform.os_features)), ("variant", platform.variant)) if value})
    return out


__all__ = ["distribution", "push"]
