# SPDX-License-Identifier: Apache-2.0
"""The mounts of a container: read from its create request, given their volumes, and brought into its box.

:func:`plan` is pure but for a look at the machine's folders; :func:`claim` makes volumes; :func:`for_box` is asked at
every start, so that a folder that was taken away or replaced by a link is noticed. Order and texts: moby 26.1
``daemon/volumes.go`` registerMountPoints, ``daemon/create_windows.go``, ``daemon/volumes_windows.go``. There is no
copy of an image's content into a new volume on Windows.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ...dockerapi import faults, shapes
from ...dockerapi.versions import ApiVersion
from ...runtime.port import Mount
from ...windows.upcase import fold
from ..gotext import quoted
from ..interfaces import VolumePart
from .hostpath import HostPaths, open_below
from .mountspec import PIPE, Point, SpecError, is_pipe, parse_mount, parse_spec, parse_volumes_from, plain_target

VOLUMES = "C:\\ProgramData\\docker\\volumes"
"""Where an engine on Windows keeps volumes; shown, not used."""

_OPTIONS = (("volume_options", "VolumeOptions", "volume"), ("bind_options", "BindOptions", "bind"),
            ("tmpfs_options", "TmpfsOptions", "tmpfs"))

Lookup = Callable[[str], Sequence[shapes.MountPoint]]
"""The mounts of another container by its name or id; ``faults.no_such_container`` when there is none."""


def mountpoint(name: str) -> str:
    """Where a volume is, as a client is told: ``C:\\ProgramData\\docker\\volumes\\data\\_data``."""
    return f"{VOLUMES}\\{name}\\_data"


def plan(config: shapes.Config, host_config: shapes.HostConfig, paths: HostPaths, *, version: ApiVersion,
         lookup: Lookup) -> tuple[Point, ...]:
    """Every mount that a create request asks for, ``config`` being merged with the image's.

    What a ``Mount`` does wrong is status 400, what a line of ``Binds`` or ``Volumes`` does is 500, as in moby.
    """
    asked = _check_options(host_config.mounts or (), version)
    with _refused(faults.BadRequest):
        typed = [parse_mount(mount, paths) for mount in asked]
    found: dict[str, Point] = {}
    for line in host_config.volumes_from or ():
        found.update((_place(point.destination), point) for point in _from(line, lookup))
    taken: set[str] = set()
    for line in host_config.binds or ():
        with _refused(faults.Internal):
            point = parse_spec(line, paths, host_config.volume_driver)
        _add(found, taken, point)
    for mount, point in zip(asked, typed, strict=True):
        _add(found, taken, point, shown=mount.target)
    for line in config.volumes or ():
        with _refused(faults.Internal, "Unrecognised volume spec: "):
            point = parse_spec(line, paths, host_config.volume_driver)
        # Only the place counts here, whatever else the line says.
        found.setdefault(_place(point.destination),
                         Point("volume", point.destination, driver=host_config.volume_driver, writable=point.writable))
    return tuple(found.values())


def claim(points: Sequence[Point], volumes: VolumePart, container: str) -> tuple[shapes.MountPoint, ...]:
    """Make or find the volumes; from now on the container uses them. Gives what inspection shows and later starts use.

    When one cannot be had, those that were made for this container are given back.
    """
    try:
        return tuple(_claim(point, volumes, container) for point in points)
    except BaseException:
        volumes.release(container, remove_anonymous=True)
        raise


def for_box(mounts: Sequence[shapes.MountPoint], host_config: shapes.HostConfig, volumes: VolumePart, container: str,
            paths: HostPaths) -> tuple[Mount, ...]:
    """The mounts as a sandbox takes them, outer ones first, each with its folder open: what is checked here is what is
    mounted. Pipes are none of them (:func:`pipes_for`). A fault for a source that is gone."""
    subpaths = {_place(mount.target): mount.volume_options.subpath for mount in host_config.mounts or ()
                if mount.volume_options}
    out = []
    for mount in sorted(mounts, key=lambda one: (_depth(one.destination), fold(one.destination))):
        if _is_pipe(mount):
            continue
        if mount.type == "volume":
            folder = volumes.use(mount.name, container, driver=mount.driver)
            subpath = subpaths.get(_place(mount.destination), "")
            found = open_below(folder, subpath.replace("\\", "/").split("/"))
        else:
            found = paths.open(mount.source)
        if found is None:
            raise faults.BadRequest(f"bind source path does not exist: {mount.source}")
        out.append(Mount(found.path, plain_target(mount.destination), read_only=not mount.rw, folder=found))
    return tuple(out)


def pipes_for(mounts: Sequence[shapes.MountPoint], known: Mapping[str, Path], container: str) -> dict[str, Path]:
    """The named pipes that a container shall have, by name, each with the socket of this machine that is its other end;
    ``known`` are those that this machine has. A fault for another one."""
    out = {}
    for mount in filter(_is_pipe, mounts):
        found = known.get(mount.source[len(PIPE):].lower()) if is_pipe(mount.source) else None
        if found is None or not is_pipe(mount.destination):
            # What HCS says of a pipe that no program listens on. moby takes the sentence for that of a program that is
            # not there (daemon/errors.go isInvalidCommand), hence the status.
            raise faults.BadRequest(f"hcs::CreateComputeSystem {container}: The system cannot find the file specified.")
        out[mount.destination[len(PIPE):]] = found
    return out


def _is_pipe(mount: shapes.MountPoint) -> bool:
    return mount.type == "npipe" or is_pipe(mount.destination)


def _claim(point: Point, volumes: VolumePart, container: str) -> shapes.MountPoint:
    if point.kind != "volume":
        return shapes.MountPoint(type=point.kind, source=point.source, destination=point.destination,
                                 rw=point.writable)
    name = (point.name or secrets.token_hex(32)).lower()
    if point.options:
        raise faults.BadRequest(f"create {name}: options are not supported on this platform")
    volumes.use(name, container, driver=point.driver, labels=point.labels, anonymous=not point.name)
    return shapes.MountPoint(type="volume", name=name, source=mountpoint(name), destination=point.destination,
                             driver=point.driver or "local", rw=point.writable)


def _from(line: str, lookup: Lookup) -> list[Point]:
    """The mounts of another container, read-only when the line says so."""
    with _refused(faults.BadRequest):
        name, writable = parse_volumes_from(line)
    try:
        others = lookup(name)
    except faults.Fault as fault:
        raise faults.BadRequest(fault.message) from None
    out = []
    for mount in others:
        both = mount.rw and writable
        if mount.type == "volume":
            out.append(Point("volume", mount.destination, name=mount.name, driver=mount.driver, writable=both))
        else:
            out.append(Point("npipe" if mount.type == "npipe" else "bind", mount.destination, source=mount.source,
                             writable=both))
    return out


def _add(found: dict[str, Point], taken: set[str], point: Point, shown: str = "") -> None:
    place = _place(point.destination)
    if place in taken:
        raise faults.BadRequest(f"Duplicate mount point: {shown or point.destination}")
    taken.add(place)
    found[place] = point


def _check_options(mounts: Sequence[shapes.Mount], version: ApiVersion) -> tuple[shapes.Mount, ...]:
    """Options that do not belong to the mount's type, and what the client's version did not have."""
    out = []
    for mount in mounts:
        for name, title, kind in _OPTIONS:
            if getattr(mount, name) is None or mount.type == kind:
                continue
            if version.at_least("1.42"):
                raise faults.BadRequest(f"{title} must not be specified on mount type {quoted(mount.type)}")
            mount = replace(mount, volume_options=None if kind == "volume" else mount.volume_options,
                            tmpfs_options=None if kind == "tmpfs" else mount.tmpfs_options)
        if mount.type == "bind" and mount.bind_options and mount.bind_options.read_only_force_recursive \
                and not version.at_least("1.44"):
            raise faults.BadRequest("BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer")
        if mount.volume_options and mount.volume_options.subpath and not version.at_least("1.45"):
            raise faults.BadRequest("VolumeOptions.Subpath needs API v1.45 or newer")
        out.append(mount)
    return tuple(out)


def _place(destination: str) -> str:
    """What two destinations have in common when they are one folder: Windows does not look at case."""
    return fold(plain_target(destination.replace("/", "\\")).rstrip("\\"))


def _depth(destination: str) -> int:
    return plain_target(destination).rstrip("\\").count("\\")


@contextmanager
def _refused(fault: type[faults.Fault], before: str = "") -> Iterator[None]:
    """A sentence of the parser as a refusal."""
    try:
        yield
    except SpecError as error:
        raise fault(f"{before}{error}") from None
