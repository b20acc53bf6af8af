# SPDX-License-Identifier: Apache-2.0
"""An image as a value, and the edits that give a new one."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from ..errors import IntegrityError, UsageError
from . import media
from .config import Config, History, RunConfig
from .descriptor import Descriptor
from .digest import Digest
from .document import Pairs
from .manifest import Manifest, describe

BASE_NAME = "org.opencontainers.image.base.name"
BASE_DIGEST = "org.opencontainers.image.base.digest"

_CONFIG_FIELDS = frozenset(item.name for item in fields(Config) if item.init)
_RUN_FIELDS = frozenset(item.name for item in fields(RunConfig)) - {"extra"}


@dataclass(frozen=True, slots=True)
class Image:
    """A manifest and the config it names; they always belong together. Layers are only named, not held."""

    manifest: Manifest
    config: Config

    @property
    def layers(self) -> tuple[Descriptor, ...]:
        """The layers as stored, lowest first."""
        return self.manifest.layers

    @property
    def diff_ids(self) -> tuple[Digest, ...]:
        """The layers' plain tars, lowest first."""
        return self.config.diff_ids

    @property
    def annotations(self) -> Pairs:
        """The manifest's annotations."""
        return self.manifest.annotations

    @property
    def family(self) -> media.Family:
        """Whether the manifest is OCI's or Docker's."""
        return media.family_of(self.manifest.kind) or "oci"

    def manifest_bytes(self) -> bytes:
        """The manifest to store."""
        return self.manifest.to_bytes()

    def config_bytes(self) -> bytes:
        """The config to store."""
        return self.config.to_bytes()

    def descriptor(self) -> Descriptor:
        """Digest and size of the manifest: the image's name."""
        return self.manifest.descriptor()

    def index_entry(self) -> Descriptor:
        """The descriptor an index holds: with the platform of the config."""
        return replace(self.descriptor(), platform=self.config.platform)


def create(config: Config, *, layers: tuple[Descriptor, ...] = (), family: media.Family = "oci",
           annotations: Pairs = ()) -> Image:
    """A new image of a config and the layers its diff ids speak of."""
    manifest = Manifest(config=describe(config.to_bytes(), media.in_family(media.OCI_CONFIG, family)), layers=layers,
                        media_type=media.in_family(media.OCI_MANIFEST, family), annotations=annotations)
    return Image(manifest, config)


def from_bytes(manifest: bytes, config: bytes, *, source: str = "image") -> Image:
    """The image two stored documents describe. FormatError when one is bad, IntegrityError when the manifest names
    another config."""
    parsed = Manifest.from_bytes(manifest, source=f"manifest of {source}")
    found = Digest.of(config) if parsed.config.digest.algorithm == "sha256" else _digest(parsed.config.digest, config)
    if found != parsed.config.digest:
        raise IntegrityError(f"the config of {source} is not the one its manifest names",
                             why=f"wanted {parsed.config.digest}, found {found}",
                             expected=parsed.config.digest, found=found)
    return Image(parsed, Config.from_bytes(config, source=f"config of {source}"))


def append(image: Image, layer: Descriptor, diff_id: Digest, history: History | None = None) -> Image:
    """The image with one more layer on top. The layer's media type becomes the one of the image's family."""
    config = replace(image.config, diff_ids=(*image.config.diff_ids, diff_id),
                     history=image.config.history + ((history,) if history else ()))
    layer = replace(layer, media_type=media.in_family(layer.media_type, image.family))
    return _rebuilt(image, config, layers=(*image.layers, layer))


def with_config(image: Image, **changes: Any) -> Image:
    """The image with fields of its config changed, those of its ``config`` part (``env``, ``cmd``, ``labels`` …)
    by their own names. UsageError for a name that is neither."""
    unknown = sorted(set(changes) - _CONFIG_FIELDS - _RUN_FIELDS)
    if unknown:
        raise UsageError(f"an image config has no field {', '.join(unknown)}",
                         hint="fields: " + ", ".join(sorted(_CONFIG_FIELDS | _RUN_FIELDS)))
    config = replace(image.config, **{name: value for name, value in changes.items() if name in _CONFIG_FIELDS})
    run = {name: value for name, value in changes.items() if name in _RUN_FIELDS}
    if run:
        config = replace(config, run=replace(config.run, **run))
    return _rebuilt(image, config)


def add_history(image: Image, *steps: History) -> Image:
    """The image with steps appended to its history, layers unchanged."""
    return _rebuilt(image, replace(image.config, history=image.config.history + steps))


def annotate(image: Image, annotations: Pairs) -> Image:
    """The image with annotations added to its manifest; an equal name is replaced."""
    return Image(replace(image.manifest, annotations=image.manifest.annotations + tuple(annotations)), image.config)


def with_base(image: Image, name: str, digest: Digest) -> Image:
    """The image with a note of what it was built on (image-spec ``annotations.md``)."""
    return annotate(image, ((BASE_NAME, name), (BASE_DIGEST, str(digest))))


def convert(image: Image, family: media.Family) -> Image:
    """The image under the other family's media types. Docker's manifests have no annotations: they are dropped."""
    manifest = replace(
        image.manifest, media_type=media.in_family(image.manifest.kind, family),
        config=replace(image.manifest.config, media_type=media.in_family(image.manifest.config.media_type, family)),
        layers=tuple(replace(layer, media_type=media.in_family(layer.media_type, family)) for layer in image.layers),
        annotations=image.annotations if family == "oci" else ())
    return Image(manifest, image.config)


def _rebuilt(image: Image, config: Config, layers: tuple[Descriptor, ...] | None = None) -> Image:
    data = config.to_bytes()
    described = replace(image.manifest.config, digest=Digest.of(data), size=len(data), extra=())
    return Image(replace(image.manifest, config=described, layers=image.layers if layers is None else layers), config)


def _digest(like: Digest, data: bytes) -> Digest:
    hasher = like.hasher()
    hasher.update(data)
    return Digest(f"{like.algorithm}:{hasher.hexdigest()}")
