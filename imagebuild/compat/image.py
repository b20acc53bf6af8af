# SPDX-License-Identifier: Apache-2.0
"""What is known of an image, as far as verdicts ask for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..oci import Image
    from ..oci.descriptor import Platform

_VERSION = re.compile(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?")


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


@lru_cache(4096)
def read(text: str) -> tuple[int, int, int, int | None] | None:
    """A version as numbers, ``None`` for what is none."""
    found = _VERSION.fullmatch(text) if text.isascii() else None
    if found is None:
        return None
    major, minor, build, revision = found.groups()
    return int(major), int(minor), int(build), None if revision is None else int(revision)
