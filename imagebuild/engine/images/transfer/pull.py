# SPDX-License-Identifier: Apache-2.0
"""``docker pull``: an image of a registry, chosen as a Windows engine chooses, with the progress that clients draw.

Order and words are those of moby ``distribution/pull.go``, ``pull_v2.go`` and ``xfer/download.go``.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, replace

from ....dockerapi.duration import moment_text
from ....dockerapi.jsonlines import Message, Progress
from ....errors import WcowError
from ....events import Advance, Event, Finish
from ....images.copy import copy
from ....oci import Descriptor, Image, Index, Manifest, Platform, Reference, from_bytes, is_index, parse
from ....stores import Credentials, Store
from ..collection import Images
from ..layers import check_layers
from ..names import repository_of, short
from ..store import Kept
from .registry import pull_fault
from .stream import Say


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is pulled: a name (without a tag: every tag of the repository), for which platform, as whom."""

    name: Reference
    credentials: Credentials
    platform: Platform | None = None


def pull(images: Images, wanted: Wanted, say: Say) -> None:
    """Pull, and keep the image under its name and its digest. NotFound and other faults in Docker's words; what was
    downloaded when it failed is freed."""
    name = wanted.name
    with images.registries.opened(name, wanted.credentials) as store:
        try:
            names = [name] if name.tag or name.digest else [name.with_tag(tag) for tag in store.tags()]
            newer = [_pull_one(images, replace(wanted, name=one), store, say) for one in names]
        except WcowError as error:
            raise pull_fault(error, name) from error
    done = "Downloaded newer image" if any(newer) else "Image is up to date"
    say(Message(status=f"Status: {done} for {name.familiar}"))


def pulled(images: Images, wanted: Wanted, say: Say) -> Kept:
    """Pull one image, and give it."""
    pull(images, replace(wanted, name=wanted.name.tagged()), say)
    return images.get(str(wanted.name.tagged()))


def _pull_one(images: Images, wanted: Wanted, store: Store, say: Say) -> bool:
    """Pull one name; false when the same image had it already."""
    name = wanted.name
    listed = store.resolve(name.target)
    data = store.manifest(listed)
    say(Message(status=f"Pulling from {name.path}", id=name.tag or str(name.digest)))
    descriptor = listed
    if is_index(listed.media_type):
        index = parse(data, listed.media_type, source=name.familiar)
        assert isinstance(index, Index)
        descriptor = replace(images.host.pick(index, wanted.platform), platform=None, annotations=())
        data = store.manifest(descriptor)
    manifest = Manifest.from_bytes(data, source=name.familiar)
    image = from_bytes(data, store.manifest(manifest.config), source=name.familiar)
    images.host.check_pulled(image.config)
    before = images.shelf.by_name(name)
    pinned = Reference(name.domain, name.path, digest=listed.digest)
    try:
        with images.shelf.writing() as target:
            _download(images, store, descriptor, image, target, say, name.familiar)
            kept = images.shelf.keep(target, descriptor, [pinned] if name.digest else [pinned, name],
                                     moment=moment_text(time.time_ns()))
    except BaseException:
        images.shelf.free(image, descriptor)
        raise
    say(Message(status=f"Digest: {listed.digest}"))
    images.tell("pull", name.familiar, name=repository_of(name), labels=dict(image.config.run.labels))
    return before is None or before.id != kept.id


def _download(images: Images, store: Store, descriptor: Descriptor, image: Image, target: Store, say: Say,
              name: str) -> None:
    layers = {f"copy {layer.digest}": layer for layer in image.layers}
    there = {layer.digest for layer in image.layers if target.has_blob(layer)}
    for layer in layers.values():
        say(Message(status="Already exists" if layer.digest in there else "Pulling fs layer", id=short(layer.digest)))
    with closing(copy(store, descriptor, target, tag=None)) as events:
        for event in events:
            layer_said = layers.get(getattr(event, "id", ""))
            if layer_said is not None and layer_said.digest not in there:
                _tell(event, layer_said, say)

    def hear(layer: Descriptor, done: int) -> None:
        if layer.digest in there:
            return
        if done < 0:
            say(Message(status="Pull complete", id=short(layer.digest)))
        else:
            say(Message(status="Extracting", id=short(layer.digest), progress=Progress(done, layer.size)))

    check_layers(images.shelf, target, image, hear, name=name)


def _tell(event: Event, layer: Descriptor, say: Say) -> None:
    identifier = short(layer.digest)
    if isinstance(event, Advance):
        say(Message(status="Downloading", id=identifier, progress=Progress(event.done, layer.size)))
    elif isinstance(event, Finish):
        say(Message(status="Verifying Checksum", id=identifier))
        say(Message(status="Download complete", id=identifier))


__all__ = ["Wanted", "pull", "pulled"]
