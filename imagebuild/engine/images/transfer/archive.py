# SPDX-License-Identifier: Apache-2.0
"""Images in and out as one tar: ``docker load`` and ``docker save`` (moby ``image/tarexport``).

Archives of docker and OCI layouts are read; what is written is both at once.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import BinaryIO

from ....dockerapi import faults
from ....dockerapi.duration import moment_text
from ....dockerapi.jsonlines import Message, Progress
from ....errors import WcowError
from ....images.copy import copy
from ....oci import Descriptor, Digest, Index, Manifest, Reference, from_bytes, is_index, parse
from ....stores import ArchiveStore
from ....stores.layout.names import full_name, is_referrers_tag, tag_of
from ..collection import Images
from ..layers import check_layers
from ..names import any_reference, missing, short
from ..store import Kept
from .stream import Say

_PIECE = 1 << 20
_STALE_SECONDS = 24 * 3600


@contextmanager
def scratch(images: Images) -> Iterator[Path]:
    """A folder for the time of a block, on the disk of the images."""
    parent = images.settings.root / "tmp"
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for old in parent.iterdir():  # of a process that was killed
        if old.stat().st_mtime < time.time() - _STALE_SECONDS:
            shutil.rmtree(old, ignore_errors=True)
    folder = Path(mkdtemp(dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def load(images: Images, tar: BinaryIO, *, quiet: bool, say: Say) -> None:
    """Take the images of an archive in, each with its names. All are judged before the first is kept."""
    with scratch(images) as folder:
        path = folder / "archive.tar"
        try:
            with path.open("wb") as out:
                shutil.copyfileobj(tar, out, _PIECE)
        except OSError as error:
            raise faults.Internal(f"cannot keep the archive: {error.strerror or error}") from error
        try:
            archive = ArchiveStore(path)
        except WcowError as error:
            raise faults.Internal(f"{error.what}: {error.why}".removesuffix(": ").replace(
                str(path), "the archive")) from error
        try:
            with archive:
                for descriptor, names in _images_in(images, archive):
                    _load(images, archive, descriptor, names, quiet=quiet, say=say)
        except WcowError as error:  # some name our copy, which the client never saw
            fault = faults.of_error(error)
            raise faults.of_status(fault.status, fault.message.replace(str(path), "the archive")) from error


def _images_in(images: Images, archive: ArchiveStore) -> list[tuple[Descriptor, list[Reference]]]:
    """The images of an archive with their names. Of an index, the one that fits here."""
    out: dict[Digest, tuple[Descriptor, list[Reference]]] = {}
    for entry in archive.entries():
        tag = tag_of(entry)
        if is_referrers_tag(tag):
            continue
        descriptor = replace(entry, annotations=())
        if is_index(descriptor.media_type):
            index = parse(archive.manifest(descriptor), descriptor.media_type)
            assert isinstance(index, Index)
            descriptor = images.host.pick(index)
        manifest = Manifest.from_bytes(archive.manifest(descriptor))
        images.host.check_loaded(from_bytes(archive.manifest(descriptor), archive.manifest(manifest.config)).config)
        for layer in manifest.layers:
            # moby opens no layer that it has (image/tarexport), so clients leave those out (moby/moby#18727).
            if not archive.has_blob(layer) and not images.shelf.store.has_blob(layer):
                raise faults.Internal(f"the archive lacks layer {layer.digest} of {tag or descriptor.digest}")
        found = out.setdefault(descriptor.digest, (descriptor, []))
        name = full_name(tag)
        if name is not None and name.tag and name not in found[1]:
            found[1].append(replace(name, digest=None))
    return list(out.values())


def _load(images: Images, archive: ArchiveStore, descriptor: Descriptor, names: list[Reference], *, quiet: bool,
          say: Say) -> None:
    manifest = Manifest.from_bytes(archive.manifest(descriptor))
    image = from_bytes(archive.manifest(descriptor), archive.manifest(manifest.config))
    ids = {layer.digest: short(diff_id) for layer, diff_id in zip(image.layers, image.diff_ids, strict=False)}

    def hear(layer: Descriptor, done: int) -> None:
        if not quiet:
            say(Message(status="Loading layer", id=ids.get(layer.digest, ""),
                        progress=Progress(layer.size if done < 0 else done, layer.size)))

    try:
        with images.shelf.writing() as store:
            result_of_copy(copy(archive, descriptor, store, tag=None))
            shown = names[0].familiar if names else str(image.manifest.config.digest)
            check_layers(images.shelf, store, image, hear, name=shown)
            for name in names:
                holder = images.shelf.by_name(name)
                if holder is not None and holder.id != image.manifest.config.digest:
                    say(Message(stream=f"The image {name.familiar} already exists, renaming the old one with ID "
                                       f"{holder.id} to empty string\n"))
            kept = images.shelf.keep(store, descriptor, names, moment=moment_text(time.time_ns()))
    except BaseException:
        images.shelf.free(image, descriptor)
        raise
    for name in names:
        say(Message(stream=f"Loaded image: {name.familiar}\n"))
    if not names:
        say(Message(stream=f"Loaded image ID: {kept.id}\n"))
    images.tell_of("load", kept)


def save(images: Images, texts: list[str], folder: Path) -> Path:
    """Write images, with the names that were asked for, as an archive below ``folder``. NotFound for a name that
    nobody has; a name without a tag means all tags of its repository."""
    chosen: dict[Digest, tuple[Kept, list[Reference]]] = {}
    for text in texts:
        for kept, name in _meant(images, text):
            names = chosen.setdefault(kept.id, (kept, []))[1]
            if name is not None and name not in names:
                names.append(name)
    path = folder / "images.tar"
    with ArchiveStore(path, create=True) as archive:
        for kept, names in chosen.values():
            for tag in [str(name) for name in names] or [""]:
                result_of_copy(copy(images.shelf.store, kept.descriptor, archive, tag=tag))
    for kept, _unused in chosen.values():
        images.tell_of("save", kept)
    return path


def _meant(images: Images, text: str) -> list[tuple[Kept, Reference | None]]:
    wanted = any_reference(text)
    if isinstance(wanted, Digest) or wanted.familiar.startswith("sha256:"):
        return [(images.get(text), None)]
    if not wanted.tag and wanted.digest is None:
        found: list[tuple[Kept, Reference | None]] = [
            (kept, name) for kept in images.shelf.all().values() for name in kept.tags
            if name.repository == wanted.repository]
        return found or [(images.get(text), None)]
    kept = images.shelf.by_name(wanted)
    if kept is None:
        raise missing(wanted)
    return [(kept, None if wanted.digest is not None else wanted)]


def result_of_copy(events: Iterator[object]) -> None:
    """Copy, and tell nobody."""
    for _unused in events:
        pass


def pieces_of(path: Path) -> Iterator[bytes]:
    """A file, piece by piece."""
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            yield piece


__all__ = ["load", "pieces_of", "result_of_copy", "save", "scratch"]
