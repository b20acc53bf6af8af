# SPDX-License-Identifier: Apache-2.0
"""Two comparisons of dockerd on Windows: what it refuses to pull, and what its classic builder takes from its cache."""

from __future__ import annotations

import re

from ...oci.descriptor import Platform
from ...windows.facts.host import WindowsVersion

NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
"""What Go's ``strconv.Atoi`` reads."""


def above(os_version: str, build: int) -> bool:
    """Whether the third part of an ``os.version``, when it is a number, is above a host's build."""
    pieces = os_version.split(".")
    return len(pieces) >= 3 and NUMBER.fullmatch(pieces[2]) is not None and int(pieces[2]) > build


def refuses(host: WindowsVersion, os_version: str) -> str:
    """What dockerd prints when it refuses an image at pull, load and run, in either isolation; empty when it does not.

    Only the third part counts, and only upwards (moby ``daemon/internal/distribution/pull_v2_windows.go``,
    ``checkImageCompatibility``).
    """
    if not above(os_version, host.build):
        return ""
    shown = ".".join(os_version.split(".")[:3])
    return f"a Windows version {shown}-based image is incompatible with a {host.short} host"


def cache_matches(builder: Platform, image: Platform) -> bool:
    """Whether the classic builder on Windows may take an image's layer from its cache: it compares major and minor
    version and the processor, no more (moby ``daemon/internal/image/cache/compare.go``; moby/moby#47307)."""
    return (builder.os, builder.architecture) == (image.os, image.architecture) and (
        builder.os != "windows" or builder.os_version.split(".")[:2] == image.os_version.split(".")[:2])
