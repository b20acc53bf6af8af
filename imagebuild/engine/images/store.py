# SPDX-License-Identifier: Apache-2.0
"""The images of an engine on its disk: an OCI layout, seen as Docker sees images, by the digest of their config.

``images/`` is the layout: names and digest references are entries of its ``index.json`` (an image without any has an
entry without a name), so a name never points at something incomplete, whoever is killed when. ``images.json`` keeps
what a layout has no place for: parents, times of tagging, sizes of layers; lost, it costs no image.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...errors import NotFoundError, UsageError, WcowError
from ...oci import Descriptor, Digest, Image, Manifest, Reference, from_bytes, is_manifest
from ...stores import LayoutStore, Opener
from ...stores.layout.collect import collect, reach
from ...stores.layout.names import is_referrers_tag, label, tag_of
from ..files import read_document, write_document

UNTAGGED = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """An image of the engine. ``id`` is the digest of its config; ``descriptor`` names one of its manifests (the same
    image may have come compressed and not). ``parent`` and ``tagged`` (RFC 3339) are empty when not known."""

    id: Digest
    descriptor: Descriptor
    image: Image
    tags: tuple[Reference, ...] = ()
    digests: tuple[Reference, ...] = ()
    parent: str = ""
    tagged: str = ""

    @property
    def names(self) -> tuple[Reference, ...]:
        """Tags, then digest references."""
        return (*self.tags, *self.digests)


class Shelf:
    """The images below ``root``. Safe from many threads; a second process may read and write the layout meanwhile.

    ``opener`` opens the registries that layers were only promised by.
    """

    def __init__(self, root: Path, opener: Opener | None = None) -> None:
        self.path = root / "images"
        self._facts_path = root / "images.json"
        self._opener = opener
        self.lock = threading.RLock()
        LayoutStore(self.path, create=True, durable=True).close()
        self.store = LayoutStore(self.path, opener=opener)
        self._parsed: dict[Digest, Image] = {}
        self._seen: tuple[object, dict[Digest, Kept]] | None = None
        self._facts = _facts(read_document(self._facts_path))

    @contextmanager
    def writing(self) -> Iterator[LayoutStore]:
        """A store to write to. What is written there is safe from :meth:`remove` until the block ends."""
        store = LayoutStore(self.path, create=True, durable=True, opener=self._opener)
        try:
            yield store
        finally:
            store.close()

    # --- reading --------------------------------------------------------------------------------------------------

    def all(self) -> dict[Digest, Kept]:
        """Every image by its id. One whose documents are damaged is left out."""
        with self.lock:
            status = (self.path / "index.json").stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if self._seen is None or self._seen[0] != stamp:
                self._seen = (stamp, self._read())
            return self._seen[1]

    def by_name(self, name: Reference) -> Kept | None:
        """The image of exactly this name."""
        wanted = replace(name, tag="") if name.digest is not None else name.tagged()
        return next((kept for kept in self.all().values() if wanted in kept.names), None)

    def by_prefix(self, text: str) -> Kept | None:
        """The image whose id begins so, with ``sha256:`` or without; none when two do."""
        digits = text.removeprefix("sha256:")
        found = [kept for kept in self.all().values() if kept.id.hex.startswith(digits)] if digits else []
        return found[0] if len(found) == 1 else None

    def children(self, identifier: str) -> list[Kept]:
        """The images that were made of this one here."""
        return [kept for kept in self.all().values() if kept.parent == identifier]

    def size_of(self, diff_id: Digest) -> int:
        """Bytes of a layer's plain tar; 0 when nobody counted them."""
        return int(self._facts["layers"].get(diff_id, 0))

    def _read(self) -> dict[Digest, Kept]:
        out: dict[Digest, Kept] = {}
        used: set[Digest] = set()
        for entry in self.store.entries():
            if is_referrers_tag(tag_of(entry)) or not is_manifest(entry.media_type):
                continue
            with suppress(WcowError):  # an image that cannot be read is no row of the list
                image = self._parsed.get(entry.digest) or self.load(entry)
                self._parsed[entry.digest] = image
                used.add(entry.digest)
                identifier = image.manifest.config.digest
                known = out.get(identifier) or self._kept(identifier, entry, image)
                out[identifier] = _with_name(known, tag_of(entry))
        for digest in self._parsed.keys() - used:
            del self._parsed[digest]
        return out

    def _kept(self, identifier: Digest, entry: Descriptor, image: Image) -> Kept:
        facts = self._facts["images"].get(identifier, {})
        return Kept(identifier, label(entry, UNTAGGED), image, parent=facts.get("parent", ""),
                    tagged=facts.get("tagged", ""))

    def load(self, descriptor: Descriptor, store: LayoutStore | None = None) -> Image:
        """The image behind a manifest that is here."""
        return load_image(store or self.store, descriptor)

    # --- writing --------------------------------------------------------------------------------------------------

    def keep(self, store: LayoutStore, descriptor: Descriptor, names: Iterable[Reference] = (), *,
             parent: str = "", moment: str = "") -> Kept:
        """Show an image, whose blobs and manifest ``store`` (of :meth:`writing`) has, under names, or without any.

        A name that another image had moves; that image stays, without a name if it was its last.
        """
        with self.lock:
            image = self.load(descriptor, store)
            data, kind = store.manifest(descriptor), descriptor.media_type or image.manifest.kind
            identifier = image.manifest.config.digest
            known = self.all().get(identifier)
            wanted = sorted(names, key=lambda name: name.digest is not None)  # tags first: if we are killed it has one
            if known is None and not wanted:
                store.put_manifest(data, kind, tag=UNTAGGED)
            for name in wanted:
                holder = self.by_name(name)
                if holder is not None and holder.id != identifier and len(holder.names) == 1:
                    store.put_manifest(store.manifest(holder.descriptor), holder.descriptor.media_type, tag=UNTAGGED)
                store.put_manifest(data, kind, tag=str(name))
            self.note(identifier, parent=parent or None, tagged=moment if wanted else None)
            return self.all()[identifier]

    def untag(self, kept: Kept, name: Reference) -> None:
        """Take a name away; the image stays, also when it was its last name."""
        with self.lock:
            if len(kept.names) <= 1:
                with self.writing() as store:
                    store.put_manifest(store.manifest(kept.descriptor), kept.descriptor.media_type, tag=UNTAGGED)
            with suppress(NotFoundError):
                self.store.untag(str(name))

    def remove(self, kept: Kept) -> None:
        """Take an image away with all its names, and free what no other needs."""
        with self.lock:
            with self.store.locked():
                gone = [entry for entry in self.store.entries() if self._is_of(entry, kept)]
                led_to = reach(self.store, gone, lenient=True)
                self.store.unlist(gone)
            collect(self.store, only=led_to)
            self._facts["images"].pop(kept.id, None)
            alive = {diff_id for other in self.all().values() for diff_id in other.image.diff_ids}
            for diff_id in set(self._facts["layers"]) - alive:
                del self._facts["layers"][diff_id]
            self._write_facts()

    def _is_of(self, entry: Descriptor, kept: Kept) -> bool:
        image = self._parsed.get(entry.digest)
        return entry.digest == kept.descriptor.digest or (
            image is not None and image.manifest.config.digest == kept.id)

    def free(self, image: Image, descriptor: Descriptor) -> None:
        """Free what was written of an image that is not kept after all, as far as no other needs it."""
        written = (descriptor.digest, image.manifest.config.digest, *(layer.digest for layer in image.layers))
        with suppress(WcowError):
            collect(self.store, only=written)

    def note(self, identifier: Digest, *, parent: str | None = None, tagged: str | None = None) -> None:
        """Remember of an image what its documents do not say; ``None`` leaves a fact as it is."""
        found = {name: value for name, value in (("parent", parent), ("tagged", tagged)) if value is not None}
        with self.lock:
            if found:
                self._facts["images"].setdefault(str(identifier), {}).update(found)
                self._write_facts()

    def note_sizes(self, sizes: dict[Digest, int]) -> None:
        """Remember how large the plain tars of layers are."""
        with self.lock:
            self._facts["layers"].update({str(diff_id): size for diff_id, size in sizes.items()})
            self._write_facts()

    def _write_facts(self) -> None:
        self._seen = None
        write_document(self._facts_path, self._facts)


def load_image(store: LayoutStore, descriptor: Descriptor) -> Image:
    """The image behind a manifest that a layout has."""
    data = store.manifest(descriptor)
    parsed = Manifest.from_bytes(data, source=str(descriptor.digest))
    return from_bytes(data, store.manifest(parsed.config), source=str(descriptor.digest))


def _with_name(kept: Kept, tag: str) -> Kept:
    try:
        name = Reference.parse(tag) if tag else None
    except UsageError:
        return kept  # a layout made by others may have tags that are no names
    if name is None:
        return kept
    if name.digest is not None:
        return replace(kept, digests=(*kept.digests, name))
    return replace(kept, tags=tuple(sorted((*kept.tags, name.tagged()), key=str)))


def _facts(document: Any) -> dict[str, dict[str, Any]]:
    """What ``images.json`` says, as far as it has the form we gave it."""
    out: dict[str, dict[str, Any]] = {"images": {}, "layers": {}}
    if not isinstance(document, dict):
        return out
    images, layers = document.get("images"), document.get("layers")
    if isinstance(images, dict):
        out["images"] = {name: {key: text for key, text in facts.items() if isinstance(text, str)}
                         for name, facts in images.items() if isinstance(facts, dict)}
    if isinstance(layers, dict):
        out["layers"] = {name: size for name, size in layers.items() if isinstance(size, int)}
    return out


__all__ = ["Kept", "Shelf", "load_image"]
