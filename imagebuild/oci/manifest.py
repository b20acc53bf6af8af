# SPDX-License-Identifier: Apache-2.0
"""Manifests and indexes, OCI's and Docker's (image-spec ``manifest.md``, ``image-index.md``; ``manifest-v2-2.md``)."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import UnsupportedError
from . import media
from .descriptor import Descriptor
from .digest import Digest
from .document import Extra, Object, Pairs, Writer, pairs, read


@dataclass(frozen=True, slots=True)
class Manifest:
    """One image (or artefact): its config and its layers, lowest first.

    ``media_type`` is the field of that name in the document, which OCI lets be empty; :attr:`kind` is never empty.
    Unedited, it gives back the bytes it was read from.
    """

    config: Descriptor
    layers: tuple[Descriptor, ...] = ()
    media_type: str = media.OCI_MANIFEST
    artifact_type: str = ""
    subject: Descriptor | None = None
    annotations: Pairs = ()
    extra: Extra = ()
    _raw: bytes | None = field(default=None, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "annotations", pairs(self.annotations))

    @property
    def kind(self) -> str:
        """The media type to serve it under."""
        return self.media_type or media.OCI_MANIFEST

    def to_bytes(self) -> bytes:
        """The document."""
        if self._raw is not None:
            return self._raw
        out = _head(self.media_type, self.artifact_type)
        out.raw("config", self.config.to_json())
        out.objects("layers", self.layers, Descriptor.to_json)
        return _tail(out, self.subject, self.annotations, self.extra)

    def descriptor(self) -> Descriptor:
        """Digest, size and type of the document."""
        return describe(self.to_bytes(), self.kind)

    @classmethod
    def from_bytes(cls, data: bytes, *, source: str = "manifest") -> Manifest:
        """The manifest in a document. FormatError for anything else, UnsupportedError for Docker's schema 1."""
        fields = read(data, source=source)
        _check_schema(fields, source)
        config = fields.object("config")
        if config is None:
            fields.fail("the field 'config' is missing: not an image manifest")
        if fields.has("manifests"):
            # CVE-2021-41190: readers disagree on what such a document is.
            fields.fail("both 'layers' and 'manifests': neither a manifest nor an index")
        subject = fields.object("subject")
        manifest = cls(
            config=Descriptor.from_object(config),
            layers=tuple(Descriptor.from_object(item) for item in fields.objects("layers") or ()),
            media_type=fields.string("mediaType"), artifact_type=fields.string("artifactType"),
            subject=Descriptor.from_object(subject) if subject else None,
            annotations=fields.string_map("annotations"), extra=fields.rest())
        object.__setattr__(manifest, "_raw", bytes(data))
        return manifest


@dataclass(frozen=True, slots=True)
class Index:
    """Many manifests under one name, in the order a client tries them. Docker calls it a manifest list."""

    manifests: tuple[Descriptor, ...] = ()
    media_type: str = media.OCI_INDEX
    artifact_type: str = ""
    subject: Descriptor | None = None
    annotations: Pairs = ()
    extra: Extra = ()
    _raw: bytes | None = field(default=None, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "annotations", pairs(self.annotations))

    @property
    def kind(self) -> str:
        """The media type to serve it under."""
        return self.media_type or media.OCI_INDEX

    def to_bytes(self) -> bytes:
        """The document."""
        if self._raw is not None:
            return self._raw
        out = _head(self.media_type, self.artifact_type)
        out.objects("manifests", self.manifests, Descriptor.to_json)
        return _tail(out, self.subject, self.annotations, self.extra)

    def descriptor(self) -> Descriptor:
        """Digest, size and type of the document."""
        return describe(self.to_bytes(), self.kind)

    @classmethod
    def from_bytes(cls, data: bytes, *, source: str = "index") -> Index:
        """The index in a document. FormatError for anything else."""
        fields = read(data, source=source)
        _check_schema(fields, source)
        manifests = fields.objects("manifests")
        if fields.has("layers") or fields.has("config"):
            fields.fail("both 'manifests' and 'layers' or 'config': neither a manifest nor an index")
        subject = fields.object("subject")
        index = cls(
            manifests=tuple(Descriptor.from_object(item) for item in manifests or ()),
            media_type=fields.string("mediaType"), artifact_type=fields.string("artifactType"),
            subject=Descriptor.from_object(subject) if subject else None,
            annotations=fields.string_map("annotations"), extra=fields.rest())
        object.__setattr__(index, "_raw", bytes(data))
        return index


def parse(data: bytes, media_type: str = "", *, source: str = "manifest") -> Manifest | Index:
    """The manifest or index in a document. ``media_type`` (of its descriptor or HTTP answer) decides, then the
    document's own, then its shape."""
    kind = media_type or sniff(data, source=source)
    if kind in media.DOCKER_SCHEMA1:
        raise _schema1(source)
    if media.is_index(kind):
        return Index.from_bytes(data, source=source)
    return Manifest.from_bytes(data, source=source)


def sniff(data: bytes, *, source: str = "manifest") -> str:
    """The media type of a manifest or index of which only the bytes are known."""
    fields = read(data, source=source)
    said = fields.string("mediaType")
    if said:
        return said
    if fields.has("manifests"):
        return media.OCI_INDEX
    if fields.has("config"):
        return media.OCI_MANIFEST
    _check_schema(fields, source)
    return fields.fail("neither a manifest nor an index")


def describe(data: bytes, media_type: str) -> Descriptor:
    """The descriptor of bytes at hand."""
    return Descriptor(media_type, Digest.of(data), len(data))


def choose(index: Index, os: str, architecture: str, os_version: str | None = None) -> tuple[Descriptor, ...]:
    """The entries for a platform, in list order. ``os_version`` matches whole components from the left:
    ``10.0.20348`` takes every revision of that build."""
    wanted = os_version.split(".") if os_version else []
    out: list[Descriptor] = []
    for entry in index.manifests:
        platform = entry.platform
        if platform is None or platform.os != os or platform.architecture != architecture:
            continue
        if platform.os_version.split(".")[:len(wanted)] == wanted:
            out.append(entry)
    return tuple(out)


def _head(media_type: str, artifact_type: str) -> Writer:
    out = Writer()
    out.raw("schemaVersion", "2")
    out.string("mediaType", media_type)
    out.string("artifactType", artifact_type)
    return out


def _tail(out: Writer, subject: Descriptor | None, annotations: Pairs, extra: Extra) -> bytes:
    out.raw("subject", subject.to_json() if subject else "")
    out.string_map("annotations", annotations)
    out.extra(extra)
    return out.text().encode()


def _check_schema(fields: Object, source: str) -> None:
    version = fields.integer("schemaVersion", default=0)
    if version == 1:
        raise _schema1(source)
    if version != 2:
        fields.fail(f"schemaVersion is {version}, wanted 2")


def _schema1(source: str) -> UnsupportedError:
    return UnsupportedError(f"cannot read {source}", why="it is in Docker's schema 1 format, which has no config",
                            hint="push the image again with a current client")
