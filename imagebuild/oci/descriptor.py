# SPDX-License-Identifier: Apache-2.0
"""Descriptors: where content is named by digest, size and media type (image-spec ``descriptor.md``)."""

from __future__ import annotations

from dataclasses import dataclass

from .digest import Digest
from .document import Extra, Object, Pairs, Writer, pairs, read

_MAX_SIZE = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Platform:
    """What a manifest runs on. ``os_version`` is ``10.0.<build>.<revision>`` for Windows, empty for HostProcess
    images; ``os_features`` has ``win32k`` where an image needs more than nanoserver has (``image-index.md``)."""

    os: str = ""
    architecture: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()
    variant: str = ""
    extra: Extra = ()

    def to_json(self) -> str:
        """The platform as canonical JSON text."""
        out = Writer()
        out.string("architecture", self.architecture, always=True)
        out.string("os", self.os, always=True)
        out.string("os.version", self.os_version)
        out.strings("os.features", self.os_features)
        out.string("variant", self.variant)
        out.extra(self.extra)
        return out.text()

    @classmethod
    def from_object(cls, fields: Object) -> Platform:
        """The platform in a JSON object."""
        return cls(os=fields.string("os"), architecture=fields.string("architecture"),
                   os_version=fields.string("os.version"), os_features=fields.strings("os.features") or (),
                   variant=fields.string("variant"), extra=fields.rest())

    def __str__(self) -> str:
        version = f"({self.os_version})" if self.os_version else ""
        variant = f"/{self.variant}" if self.variant else ""
        return f"{self.os}{version}/{self.architecture}{variant}"


@dataclass(frozen=True, slots=True)
class Descriptor:
    """Content by digest. ``size`` counts the bytes of the blob as stored (compressed, for most layers).

    ``urls`` is where a foreign layer is to be had. ``extra`` are fields of later specifications, kept as they stood.
    """

    media_type: str
    digest: Digest
    size: int
    urls: tuple[str, ...] = ()
    annotations: Pairs = ()
    platform: Platform | None = None
    artifact_type: str = ""
    extra: Extra = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "annotations", pairs(self.annotations))

    def annotation(self, name: str) -> str | None:
        """The value of one annotation."""
        return dict(self.annotations).get(name)

    def to_json(self) -> str:
        """The descriptor as canonical JSON text."""
        out = Writer()
        out.string("mediaType", self.media_type, always=True)
        out.string("digest", self.digest)
        out.raw("size", str(self.size))
        out.strings("urls", self.urls)
        out.string_map("annotations", self.annotations)
        out.raw("platform", self.platform.to_json() if self.platform else "")
        out.string("artifactType", self.artifact_type)
        out.extra(self.extra)
        return out.text()

    @classmethod
    def from_json(cls, data: bytes | str) -> Descriptor:
        """The descriptor in a JSON text. FormatError when it is none."""
        return cls.from_object(read(data.encode() if isinstance(data, str) else data, source="descriptor"))

    @classmethod
    def from_object(cls, fields: Object) -> Descriptor:
        """The descriptor in a JSON object. FormatError for a missing digest, a size below 0 or above 63 bits."""
        size = fields.integer("size")
        if not 0 <= size <= _MAX_SIZE:
            fields.fail(f"size: {str(size)[:24]} is no size of a blob")
        if not fields.has("digest"):
            fields.fail("the field 'digest' is missing")
        platform = fields.object("platform")
        return cls(
            media_type=fields.string("mediaType"), digest=Digest.parse(fields.string("digest"), source="descriptor"),
            size=size, urls=fields.strings("urls") or (), annotations=fields.string_map("annotations"),
            platform=Platform.from_object(platform) if platform else None,
            artifact_type=fields.string("artifactType"), extra=fields.rest())
