# SPDX-License-Identifier: Apache-2.0
"""Volumes. Source: moby 26.1 ``api/types/volume/*.go``."""

from __future__ import annotations

from collections.abc import Mapping

from ..shape import Anything, Shape, key, shape


@shape("volume.UsageData")
class VolumeUsage(Shape):
    """What a volume takes; only ``GET /system/df`` tells it. -1 is what was not counted."""

    ref_count: int = key("RefCount", -1)
    size: int = key("Size", -1)


@shape("volume.Volume")
class Volume(Shape):
    """A volume, in lists and when inspected."""

    created_at: str = key("CreatedAt", omitempty=True)
    driver: str = key("Driver", "local")
    labels: Mapping[str, str] | None = key("Labels")
    mountpoint: str = key("Mountpoint")
    name: str = key("Name")
    options: Mapping[str, str] | None = key("Options")
    scope: str = key("Scope", "local")
    status: Mapping[str, Anything] | None = key("Status", omitempty=True)
    usage_data: VolumeUsage | None = key("UsageData", omitempty=True)


@shape("volume.ListResponse")
class VolumeList(Shape):
    """``GET /volumes``."""

    volumes: tuple[Volume, ...] = key("Volumes")
    warnings: tuple[str, ...] | None = key("Warnings")


@shape("volume.CreateOptions")
class VolumeCreate(Shape):
    """The body of ``POST /volumes/create``."""

    driver: str = key("Driver", omitempty=True)
    driver_opts: Mapping[str, str] | None = key("DriverOpts", omitempty=True)
    labels: Mapping[str, str] | None = key("Labels", omitempty=True)
    name: str = key("Name", omitempty=True)


@shape("types.VolumesPruneReport")
class VolumesPruned(Shape):
    """The answer of ``POST /volumes/prune``."""

    deleted: tuple[str, ...] | None = key("VolumesDeleted")
    space_reclaimed: int = key("SpaceReclaimed")
