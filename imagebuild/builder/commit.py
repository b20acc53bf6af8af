# SPDX-License-Identifier: Apache-2.0
"""Composed entries become a layer in the store: looked up in the cache first, written in one pass otherwise.

The key is a hash over everything the layer's bytes depend on: every entry with its metadata, the identity of every
file's content, and the compression. So a hit is the same layer whatever base or Dockerfile led to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from pathlib import Path

from ..codec import Compression
from ..images.events import Advance, Event, Finish, Step
from ..images.put import Layer, sealed_layer
from ..images.rootfs import Rootfs
from ..layer import Entry, Kind, LayerWriter, Times
from ..oci import Digest
from ..stores import Store
from ..windows import attributes as attribute
from .cache import VERSION, Cache
from .changes import Later, Local
from .compose import Composed

REPORT_EVERY = 16 << 20


Identities = dict[int, str]
"""Content of files of a context, by ``id`` of their change."""


def recipe(composed: Composed, compression: Compression, *, base: bool, known: Identities | None = None) -> str:
    """The cache key of a layer. Without ``known`` it is only the layer's shape: files of a context count by size."""
    out = hashlib.sha256(f"layer {VERSION} {compression.codec_id()} {base}\n".encode())
    for entry in (composed.root, *composed.parents):
        out.update(_line(entry, ""))
    out.update(b"--\n")  # the cut between what the base gave and what is ours
    for entry, change in composed.fresh:
        identity = ""
        if change is not None:
            identity = change.identity or (known or {}).get(id(change), "")
        out.update(_line(entry, identity))
    return out.hexdigest()


def _line(entry: Entry, identity: str) -> bytes:
    times = entry.times
    return repr((entry.path, entry.kind.value, entry.size, entry.attributes, entry.security, entry.target, entry.eas,
                 (times.created, times.modified, times.accessed, times.changed) if times else None,
                 identity)).encode("utf-8", "surrogatepass") + b"\n"


def commit(composed: Composed, store: Store, cache: Cache, compression: Compression, *, base: bool, epoch: int,
           title: str, step: str, scratch: Path) -> Generator[Event, None, Layer]:
    """Find or write the layer, and return it.

    ``scratch`` is a folder for files that must be taken out of other images first.
    """
    shape = recipe(composed, compression, base=base)
    digests: Identities = {}
    if cache.knows_shape(shape):
        digests = _hashed(composed)
        known = cache.get(recipe(composed, compression, base=base, known=digests))
        if known is not None and store.has_blob(known.descriptor):
            yield Step(step, title)
            yield Finish(step, "cached")
            return known
    fetched = yield from _fetch(composed, scratch)
    total = sum(entry.size for entry, _ in composed.fresh)
    yield Step(step, title, total)
    layer = yield from _write(composed, fetched, digests, store, compression, base=base, epoch=epoch, step=step)
    cache.put(recipe(composed, compression, base=base, known=digests), layer, shape=shape)
    yield Finish(step)
    return layer


def _hashed(composed: Composed) -> Identities:
    """The digests of all files of contexts, most of them remembered."""
    return {id(change): change.content.context.digest(change.content.path) for _, change in composed.fresh
            if change is not None and isinstance(change.content, Local)}


def _fetch(composed: Composed, scratch: Path) -> Generator[Event, None, dict[tuple[int, str], Path]]:
    """Take every file that comes out of an image, image by image; the return value maps them to local files."""
    wanted: dict[int, tuple[Rootfs, list[str]]] = {}
    for _, change in composed.fresh:
        if change is not None and isinstance(change.content, Later):
            later = change.content
            wanted.setdefault(id(later.rootfs), (later.rootfs, []))[1].append(later.path)
    out: dict[tuple[int, str], Path] = {}
    for number, (rootfs, paths) in wanted.items():
        local = yield from rootfs.fetch(paths, scratch)
        out.update({(number, path): file for path, file in local.items()})
    return out


def _write(composed: Composed, fetched: dict[tuple[int, str], Path], digests: Identities, store: Store,
           compression: Compression, *, base: bool, epoch: int, step: str) -> Generator[Event, None, Layer]:
    """Write the layer, and hash on the way the files whose ``digests`` are not known yet."""
    reported = 0
    with store.new_blob() as blob:
        with LayerWriter(blob, compression, base=base) as writer:
            writer.add(composed.root)
            for entry in composed.parents:
                writer.add(entry)
            writer.cut()
            for entry, change in composed.fresh:
                content = change.content if change is not None and entry.kind is Kind.FILE else None
                if isinstance(content, Local):
                    _add_local(writer, entry, content, id(change), digests)
                else:
                    writer.add(entry, fetched[(id(content.rootfs), content.path)] if isinstance(content, Later)
                               else content)
                if writer.tell() - reported >= REPORT_EVERY:
                    reported = writer.tell()
                    yield Advance(step, reported)
            if not base:
                writer.add(Entry("Hives", Kind.DIRECTORY, attributes=attribute.DIRECTORY, times=Times.all(epoch)))
            sealed = writer.finish()
        blob.commit(Digest(sealed.digest), sealed.size)
    return sealed_layer(sealed, compression)


def _add_local(writer: LayerWriter, entry: Entry, content: Local, key: int, digests: Identities) -> None:
    """Add a file of a context; its bytes are read once, for the layer and for the cache."""
    place = content.context.location(content.path)
    if key in digests:
        writer.add(entry, place)
        return
    digest = hashlib.sha256()
    writer.add(entry, place, heard=digest.update)
    digests[key] = f"sha256:{digest.hexdigest()}"
    content.context.learn(content.path, digests[key])
