# SPDX-License-Identifier: Apache-2.0
"""Media types of images, and what can be read off them.

Sources: image-spec ``media-types.md`` and ``layer.md``, distribution ``spec/manifest-v2-2.md``. A type that is not
in these tables is carried through untouched; the questions below answer "no" for it.
"""

from __future__ import annotations

from typing import Literal

Family = Literal["oci", "docker"]
LayerCompression = Literal["none", "gzip", "zstd"]

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
OCI_LAYER_GZIP = OCI_LAYER + "+gzip"
OCI_LAYER_ZSTD = OCI_LAYER + "+zstd"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_LAYER_GZIP = DOCKER_LAYER + ".gzip"
DOCKER_LAYER_ZSTD = DOCKER_LAYER + ".zstd"

DOCKER_SCHEMA1 = frozenset({
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
})

# type -> (family, compression, foreign). Foreign (docker) and nondistributable (OCI) layers are fetched from the
# ``urls`` of their descriptor; Microsoft used them for its bases until 2023 (MicrosoftDocs#1937).
_LAYERS: dict[str, tuple[Family, LayerCompression, bool]] = {
    OCI_LAYER: ("oci", "none", False),
    OCI_LAYER_GZIP: ("oci", "gzip", False),
    OCI_LAYER_ZSTD: ("oci", "zstd", False),
    "application/vnd.oci.image.layer.nondistributable.v1.tar": ("oci", "none", True),
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip": ("oci", "gzip", True),
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd": ("oci", "zstd", True),
    DOCKER_LAYER: ("docker", "none", False),
    DOCKER_LAYER_GZIP: ("docker", "gzip", False),
    DOCKER_LAYER_ZSTD: ("docker", "zstd", False),
    "application/vnd.docker.image.rootfs.foreign.diff.tar": ("docker", "none", True),
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip": ("docker", "gzip", True),
}
_LAYER_BY_TRAITS = {traits: name for name, traits in _LAYERS.items()}

_FAMILY: dict[str, Family] = {
    OCI_MANIFEST: "oci", OCI_INDEX: "oci", OCI_CONFIG: "oci",
    DOCKER_MANIFEST: "docker", DOCKER_INDEX: "docker", DOCKER_CONFIG: "docker",
    **{name: traits[0] for name, traits in _LAYERS.items()},
}
_ROLE: dict[tuple[Family, str], str] = {
    ("oci", "manifest"): OCI_MANIFEST, ("oci", "index"): OCI_INDEX, ("oci", "config"): OCI_CONFIG,
    ("docker", "manifest"): DOCKER_MANIFEST, ("docker", "index"): DOCKER_INDEX, ("docker", "config"): DOCKER_CONFIG,
}

ACCEPT = (OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_INDEX)
"""What to ask a registry for, as values of ``Accept``."""


def is_manifest(media_type: str) -> bool:
    """Whether this is one image's manifest."""
    return media_type in (OCI_MANIFEST, DOCKER_MANIFEST)


def is_index(media_type: str) -> bool:
    """Whether this is an index (docker: manifest list)."""
    return media_type in (OCI_INDEX, DOCKER_INDEX)


def is_config(media_type: str) -> bool:
    """Whether this is the config of a runnable image."""
    return media_type in (OCI_CONFIG, DOCKER_CONFIG)


def is_layer(media_type: str) -> bool:
    """Whether this is a file system layer, foreign ones included."""
    return media_type in _LAYERS


def is_foreign(media_type: str) -> bool:
    """Whether this layer may be missing from registries and archives, to be had from its ``urls``."""
    traits = _LAYERS.get(media_type)
    return traits is not None and traits[2]


def compression_of(media_type: str) -> LayerCompression | None:
    """How a layer of this type is compressed; None when the type is no layer we know."""
    traits = _LAYERS.get(media_type)
    return traits[1] if traits else None


def family_of(media_type: str) -> Family | None:
    """``oci`` or ``docker``; None for a type we do not know."""
    return _FAMILY.get(media_type)


def layer_type(family: Family, compression: LayerCompression, *, foreign: bool = False) -> str:
    """The media type of a layer. Docker has no foreign zstd layers; OCI's name is used for them."""
    return _LAYER_BY_TRAITS.get((family, compression, foreign)) or _LAYER_BY_TRAITS[("oci", compression, foreign)]


def in_family(media_type: str, family: Family) -> str:
    """The same kind of content under the other family's name; an unknown type stays as it is."""
    traits = _LAYERS.get(media_type)
    if traits:
        return layer_type(family, traits[1], foreign=traits[2])
    for (_unused, role), name in _ROLE.items():
        if name == media_type:
            return _ROLE[(family, role)]
    return media_type
