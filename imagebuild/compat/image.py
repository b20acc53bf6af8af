# SPDX-License-Identifier: Apache-2.0
"""What is known of an image, as far as verdicts ask for it."""

from __future__ import annotations

from dataclasses import dataclass

from ..oci import Image
from ..oci.descriptor import Platform


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """An image, or an entry of an index: ``os``, ``architecture`` (Go's names), ``os_version`` as the config or the
    index says it (any text, perhaps empty), ``os_features``.

    ``utility_vm``: one of its layers has ``UtilityVM/``, which Hyper-V isolation boots; ``hive_version`` is the version
    in the SOFTWARE hive of its base; ``None`` and ``""`` mean that nobody looked. ``name`` is what people call it.
    """

    os: str = ""
    architecture: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()
    variant: str = ""
    utility_vm: bool | None = None
    hive_version: str = ""
    name: str = ""


def from_platform(platform: Platform | None, *, name: str = "") -> ImageFacts:
    """What an index says of one of its entries; ``None`` is an entry without a platform."""
    if platform is None:
        return ImageFacts(name=name)
    return ImageFacts(platform.os, platform.architecture, platform.os_version, tuple(platform.os_features),
                      platform.variant, name=name)


def from_image(image: Image, *, name: str = "") -> ImageFacts:
    """What an image's config says of it."""
    return from_platform(image.config.platform, name=name)
