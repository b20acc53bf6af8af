# SPDX-License-Identifier: Apache-2.0
"""``RUN --mount`` of type bind, cache and tmpfs: what one asks for, and how an engine is asked for it. (Secrets:
:mod:`.secrets`.)

A bind's files become an image of one layer, as COPY would make it, whose folder :data:`INSIDE` is mounted read-only. A
cache is a volume of the engine, known by its id, that stays; tmpfs one without a name, which goes with its container.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from ...dockerfile.instructions import Run
from ...dockerfile.mounts import Mount, MountType, Sharing
from ...errors import UnsupportedError, UsageError
from ...oci import RunConfig
from ...windows.names import check_path, join, parse_path
from .plan import Files, Here, Origin, RunMount, Transfer

INSIDE = "m"
"""The folder of a bind's image that is mounted."""
VOLUME = "wcow-cache-"
"""How the names of volumes for caches begin."""


def run_mount(mount: Mount, folder: str, instruction: Run, origin: Callable[[str], Origin]) -> RunMount:
    """What a mount asks for; a target is relative to ``folder``, the working folder. ``origin`` finds what ``from``
    names. UsageError and UnsupportedError for what cannot be."""
    kind = mount.type
    if kind is MountType.SSH:
        return RunMount(kind.value)
    path = parse_path(mount.target, parse_path(folder)) if mount.target else ()
    if not path:
        raise UsageError(f"--mount={mount.word} cannot be used", why="it needs a target, a folder below C:\\",
                         hint="target=C:\\src")
    check_path(path)
    target = join(path)
    if kind is MountType.TMPFS:
        return RunMount(kind.value, target)
    if kind is MountType.CACHE:
        if mount.source_stage or mount.source:
            raise UnsupportedError(f"--mount={mount.word} is not there yet", why="a cache begins empty here",
                                   hint="copy into it in the RUN, and leave out from and source")
        sharing = mount.sharing or Sharing.SHARED
        return RunMount(kind.value, target, mount.id or target, mount.read_only, sharing.value)
    if not mount.read_only:
        raise UnsupportedError(f"--mount={mount.word} cannot be written to",
                               why="what a RUN writes into a bind is lost, so it is mounted read-only here",
                               hint="leave out rw, or COPY the files")
    place = origin(mount.source_stage) if mount.source_stage else Here()
    content = Transfer(instruction=instruction, text=f"--mount={mount.word}", run=RunConfig(),
                       sources=(Files(place, (mount.source or ".",)),), destination=(INSIDE,), into=False)
    return RunMount(kind.value, target, content=content)


def cache_volume(mount: RunMount) -> str:
    """The name of the volume that is a cache."""
    return VOLUME + hashlib.sha256(mount.id.encode()).hexdigest()[:24]


def host_config(mounts: tuple[RunMount, ...], names: Mapping[str, str]) -> dict[str, Any]:
    """What a create request's HostConfig says of caches and tmpfs. ``names`` are volumes that a cache has in place of
    its own, by target; an empty one is new and goes with its container."""
    found = [{"Type": "volume", "Target": one.target, **(
        {"Source": names.get(one.target, cache_volume(one)), "ReadOnly": one.read_only,
         "VolumeOptions": {"Labels": {"wcow.cache": one.id}}} if one.kind == "cache" else {})}
        for one in mounts if one.kind in ("cache", "tmpfs")]
    return {"Mounts": found} if found else {}


__all__ = ["INSIDE", "cache_volume", "host_config", "run_mount"]
