# SPDX-License-Identifier: Apache-2.0
"""Layers of earlier builds from a registry or a folder, and those of this build to one: ``--cache-from``,
``--cache-to``.

A cache is one OCI artefact under a name of its own. Its layers are the layers; its config says which step made which::

    {"version": 1, "records": {"<key>": {"layer": 0, "diffID": "sha256:…", "diffSize": 1, "shape": "<shape>"}, …}}

``layer`` counts the manifest's layers, keys and shapes are those of :mod:`.cache`. Any registry keeps it, any tool
copies it. Who can write to a cache decides what the layers of later builds hold, as with every builder's cache.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import FormatError, NotFoundError, UsageError, WcowError
from ...images.put import Layer
from ...oci import Descriptor, Digest, Location, Manifest, Reference, media, parse
from ...stores import Store, copy_blob, put_bytes
from .cache import VERSION, Cache

ARTIFACT = "application/vnd.wcow.cache.v1+json"
_KEY = re.compile(r"[0-9a-f]{64}")
_MAX_RECORDS = 20_000


@dataclass(frozen=True, slots=True)
class CachePlace:
    """Where a cache is: a tag of a repository, or of an OCI layout. ``whole`` keeps the layers of every stage, else
    those of the image alone."""

    location: Location
    whole: bool = False

    @property
    def tag(self) -> str:
        """Its name in the store that the location names."""
        reference = self.location.reference
        return reference.target if reference is not None else self.location.tag

    @classmethod
    def parse(cls, text: str, option: str) -> CachePlace:
        """``type=registry,ref=NAME`` (or only NAME), ``type=local,src=DIR`` (``dest=DIR`` for ``--cache-to``), both
        with ``mode=min|max``. UsageError for anything else."""
        fields = {"type": "registry", "ref": text}
        if "=" in text:
            fields = dict(part.partition("=")[::2] for part in text.split(","))
        kind, mode = fields.pop("type", ""), fields.pop("mode", "min")
        name = {"registry": "ref", "local": "dest" if option == "--cache-to" else "src"}.get(kind)
        if name is None:
            raise UsageError(f"{option} type={kind} is not known", why="known are registry and local")
        place, tag = fields.pop(name, ""), fields.pop("tag", "latest") if kind == "local" else ""
        if not place or fields or mode not in ("min", "max"):
            raise UsageError(f"{option} {text} is not understood",
                             why=f"it has no {name}" if not place else f"mode={mode}: known are min and max"
                             if mode not in ("min", "max") else f"it has no field {', '.join(sorted(fields))}",
                             hint=f"{option} type={kind},{name}=" + ("NAME:TAG" if kind == "registry" else "DIR"))
        if kind == "local":
            return cls(Location("oci", path=place, tag=tag), mode == "max")
        return cls(Location("docker", Reference.parse(place).tagged()), mode == "max")


@dataclass(frozen=True, slots=True)
class Record:
    """What a step made."""

    layer: Layer
    shape: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A cache that was read: its records, and the store that has the layers."""

    store: Store
    records: dict[str, Record] = field(default_factory=dict)


def read_cache(store: Store, tag: str) -> Source:
    """The cache under a tag. NotFoundError when there is none, FormatError when something else has that name."""
    descriptor = store.resolve(tag)
    source = f"cache {tag}"
    manifest = parse(store.manifest(descriptor), descriptor.media_type, source=source)
    if not isinstance(manifest, Manifest) or manifest.config.media_type != ARTIFACT:
        raise FormatError(f"{tag} is no build cache", source=source, why=f"its config is not of the type {ARTIFACT}")
    try:
        document = json.loads(store.manifest(manifest.config))
        if document["version"] != VERSION:
            return Source(store)  # another version's layers have other bytes: that cache is empty for us
        found = document["records"]
        if len(found) > _MAX_RECORDS:
            raise FormatError(f"cannot use the build cache {tag}", source=source, why=f"over {_MAX_RECORDS} records")
        return Source(store, {key: _record(item, manifest.layers) for key, item in found.items()
                              if _KEY.fullmatch(key)})
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise FormatError(f"the build cache {tag} is damaged", source=source, why=type(error).__name__) from None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _record(item: dict[str, Any], layers: Sequence[Descriptor]) -> Record:
    number, size, shape = item["layer"], item["diffSize"], item.get("shape", "")
    if not _is_count(number) or not _is_count(size) or not isinstance(shape, str):
        raise ValueError
    return Record(Layer(layers[number], Digest.parse(item["diffID"]), size), shape if _KEY.fullmatch(shape) else "")


class RemoteCache(Cache):
    """The user's own cache with others behind it. A layer that only they have is brought into ``store``.

    A cache that cannot be read is no reason not to build: ``warnings`` says what went wrong, for people.
    """

    def __init__(self, folder: Path | None, store: Store, sources: Sequence[Source] = ()) -> None:
        super().__init__(folder)
        self.warnings: list[str] = []
        self._store = store
        self._sources = list(sources)
        self._used: dict[str, Record] = {}

    def add(self, store: Store, place: CachePlace) -> None:
        """Read one more cache. One that is not there yet is simply empty."""
        try:
            self._sources.append(read_cache(store, place.tag))
        except NotFoundError:
            self.warnings.append(f"the build cache {place.location} is not there yet")
        except WcowError as error:
            self.warnings.append(f"cannot use the build cache {place.location}: {error}")

    def get(self, key: str) -> Layer | None:
        """The layer recorded under ``key`` here or elsewhere; one from elsewhere is in the store afterwards."""
        own = super().get(key)
        if own is not None and self._store.has_blob(own.descriptor):
            self._used.setdefault(key, Record(own, self._shape_of(key)))
            return own
        for source in self._sources:
            record = source.records.get(key)
            if record is None:
                continue
            try:
                copy_blob(source.store, self._store, record.layer.descriptor)
            except WcowError as error:
                self.warnings.append(f"cannot use a layer of the build cache: {error}")
                continue
            self.put(key, record.layer, shape=record.shape)
            return record.layer
        return None

    def knows_shape(self, shape: str) -> bool:
        """As :class:`.cache.Cache`: whether it is worth hashing files."""
        return super().knows_shape(shape) or any(
            record.shape == shape for source in self._sources for record in source.records.values())

    def put(self, key: str, layer: Layer, *, shape: str = "") -> None:
        """Record a layer in the user's own cache, and for :meth:`export`."""
        super().put(key, layer, shape=shape)
        self._used[key] = Record(layer, shape)

    def export(self, target: Store, tag: str, *, only: Collection[Digest] | None = None) -> Descriptor:
        """Keep the layers this build used or made under ``tag``, instead of what was there; ``only`` those of an image
        where given. Layers first, the name last."""
        used = {key: record for key, record in sorted(self._used.items())
                if only is None or record.layer.descriptor.digest in only}
        layers = {record.layer.descriptor.digest: record.layer.descriptor for record in used.values()}
        ordered = [layers[digest] for digest in sorted(layers)]
        for layer in ordered:
            copy_blob(self._store, target, layer)
        numbers = {layer.digest: number for number, layer in enumerate(ordered)}
        records = {key: {"layer": numbers[record.layer.descriptor.digest], "diffID": str(record.layer.diff_id),
                         "diffSize": record.layer.diff_size, **({"shape": record.shape} if record.shape else {})}
                   for key, record in used.items()}
        document = json.dumps({"version": VERSION, "records": records}, sort_keys=True, separators=(",", ":"))
        config = put_bytes(target, document.encode(), ARTIFACT)
        manifest = Manifest(config=config, layers=tuple(ordered), media_type=media.OCI_MANIFEST, artifact_type=ARTIFACT)
        return target.put_manifest(manifest.to_bytes(), manifest.kind, tag=tag)

    def _shape_of(self, key: str) -> str:
        own = self.shape_of(key)
        if own:
            return own
        for source in self._sources:
            with suppress(KeyError):  # the next cache may know the step
                return source.records[key].shape
        return ""


__all__ = ["ARTIFACT", "CachePlace", "Record", "RemoteCache", "Source", "read_cache"]
