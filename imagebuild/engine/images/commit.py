# SPDX-License-Identifier: Apache-2.0
"""``docker commit``: what a container changed becomes a layer, its config an image (moby ``daemon/commit.go``).

The container says what it changed (:class:`Commitable`); files get the security that Windows would have given them, and
the registry goes into deltas, as in a layer that Windows made.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import BinaryIO

from ...builder.cache.cache import RunLayer
from ...builder.run.layers import added_layers
from ...codec import Compression
from ...dockerapi import faults
from ...dockerapi.duration import moment_text
from ...errors import Interrupted, WcowError
from ...events import Result
from ...hive.edits.edit import moved
from ...images.hives.edit import Edited, RegistryEdit, edit_registry
from ...images.inspect.rootfs import IndexCache, Rootfs
from ...images.library import Found
from ...images.put import Layer, put_image, put_layer
from ...layer import LayerWriter
from ...oci import History, Image, Location, Reference, RunConfig, append, with_config
from ...runtime.registry.registry import HiveChange
from ...runtime.snapshots.changes import Changed
from ...runtime.snapshots.merged import Parts
from ...stores import LayoutStore
from ...windows.filetime import from_unix_ns
from ..validation.runtime import check_commit
from .collection import Images
from .config import changed_by, merged
from .entries import Entries
from .layers import check_layers
from .store import Kept

COMPRESSION = "gzip"


@dataclass(frozen=True, slots=True)
class Commitable:
    """A container as a commit sees it.

    ``image`` is the id of what it stands on, ``run`` its own config. ``changes`` gives what it changed on its drive,
    ``content`` opens a file of those, and ``hives`` gives what it changed in its registry; they are called only when it
    does not run.
    """

    container: str
    image: str
    running: bool
    run: RunConfig
    changes: Callable[[], Iterable[Changed]]
    content: Callable[[Parts], BinaryIO]
    hives: Callable[[], Iterable[HiveChange]]


@dataclass(frozen=True, slots=True)
class CommitCall:
    """What the client says: the name, the author, the comment, instructions, a config of its own."""

    name: Reference | None = None
    author: str = ""
    comment: str = ""
    instructions: tuple[str, ...] = ()
    run: RunConfig | None = None


def commit(images: Images, source: Commitable, call: CommitCall, given_up: Callable[[], bool] = lambda: False
           ) -> Kept:
    """Make the image and keep it. Internal for a running container, which Windows cannot commit, and once ``given_up``
    says so: then nothing of it is left."""
    check_commit(source.running)
    base = images.get(source.image)
    wanted = changed_by(call.run or source.run, call.instructions, base.image.config)
    run = merged(wanted, source.run)
    now = time.time_ns()
    with images.shelf.writing() as store:
        image = _changed(images, base, source, call, run, store, now, given_up)
        descriptor = put_image(store, image)
        check_layers(images.shelf, store, image, lambda layer, done: None, name="the image")
        kept = images.shelf.keep(store, descriptor, [call.name] if call.name else [], parent=str(base.id),
                                 moment=moment_text(now))
    if call.name is not None:
        images.tell_of("tag", kept, call.name.familiar)
    return kept


def step_layers(images: Images, source: Commitable, store: LayoutStore) -> list[RunLayer]:
    """Write what the container of a RUN changed into ``store``, and return the layers; none if it changed nothing."""
    base = images.get(source.image)
    run = base.image.config.run
    image = _changed(images, base, source, CommitCall(), run, store, time.time_ns(), lambda: False)
    layers = added_layers(base.image, image)
    if layers:
        check_layers(images.shelf, store, image, lambda layer, done: None, name="the image")
    return layers


def _changed(images: Images, base: Kept, source: Commitable, call: CommitCall, run: RunConfig, store: LayoutStore,
             now: int, given_up: Callable[[], bool]) -> Image:
    """The image of a container, with its settings ``run`` and layers of what it changed, in ``store``; ``now`` is in
    nanoseconds since 1970."""
    layer = _layer(images, base, source, store, from_unix_ns(now), given_up)
    command = " ".join(source.run.cmd or ())
    image = append(base.image, layer.descriptor, layer.diff_id, History(
        created=moment_text(now), created_by=command, author=call.author, comment=call.comment))
    image = with_config(image, run=run, created=moment_text(now), author=call.author)
    if hives := tuple(source.hives()):
        image = _with_registry(images, image, hives, store, from_unix_ns(now), command)
    return image


def _layer(images: Images, base: Kept, source: Commitable, store: LayoutStore, epoch: int,
           given_up: Callable[[], bool]) -> Layer:
    def heard(_unused: object = None) -> None:
        if given_up():
            raise Interrupted("the commit was given up: the engine is stopping")

    rootfs = Rootfs(base.image, store, IndexCache(images.cache / "indexes"), name=str(base.id))
    try:
        for _unused in rootfs.prepare():
            pass
        entries = Entries(rootfs, epoch)
        for change in source.changes():
            heard()
            entries.add(change)

        def fill(writer: LayerWriter) -> None:
            for entry, content in entries.ordered():
                if isinstance(content, tuple):
                    with source.content(content) as stream:
                        writer.add(entry, stream, heard=heard)
                else:
                    writer.add(entry, content)

        return put_layer(store, fill, Compression.parse(COMPRESSION))
    except WcowError as error:
        raise error if isinstance(error, faults.Fault) else faults.Internal(str(error)) from error
    finally:
        rootfs.close()


def _with_registry(images: Images, image: Image, hives: tuple[HiveChange, ...], store: LayoutStore, epoch: int,
                   says: str) -> Image:
    """The image with what changed in the registry, in a layer of its own where CimFS takes it: directly above the
    base, or above the topmost layer that has such a delta (as ``wcow reg`` places them)."""
    edits = tuple(moved(edit, "\\".join(part for part in (change.hive.root, edit.path) if part))
                  for change in hives for edit in change.edits)
    descriptor = put_image(store, image)
    name = str(descriptor.digest)
    found = Found(image, store, name, Location(""), descriptor)
    rootfs = Rootfs(image, store, IndexCache(images.cache / "indexes"), name=name)
    try:
        for event in edit_registry(found, rootfs, RegistryEdit(
                edits=edits, epoch=epoch, compression=Compression.parse(COMPRESSION), says=says,
                user=image.config.run.user, new_profiles=True), store):
            if isinstance(event, Result) and isinstance(event.value, Edited):
                image = event.value.image
    except WcowError as error:
        raise error if isinstance(error, faults.Fault) else faults.Internal(str(error)) from error
    finally:
        rootfs.close()
    return image


__all__ = ["CommitCall", "Commitable", "commit", "step_layers"]
