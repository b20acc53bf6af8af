# SPDX-License-Identifier: Apache-2.0
"""A container's files and registry from outside: what it sees, what it changed, its drive for ``docker cp``.

The drive of one that runs is the one its programs see, opened in its box; of one that does not, Wine's drive, the
image's layers and what was written over them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator

from ...dockerapi import faults, shapes
from ...errors import FormatError
from ...runtime.registry import identity
from ...runtime.registry.registry import HiveChange, Prefix, changes_of
from ...runtime.registry.winereg_reduce import reduced
from ...runtime.snapshots.archive import Asked
from ...runtime.snapshots.changes import Changed, How, changes
from ...runtime.snapshots.drive import Drive
from ...runtime.snapshots.merged import Merged, Parts
from ...runtime.snapshots.overlay import read_small
from ...windows.names import parse_path
from ..gotext import quoted
from ..images.collection import Images
from ..images.unpack import FILES, Ground
from ..settings import EngineSettings
from ..volumes.mountspec import plain_target
from .container import Container
from .run import Run

MOST_REGISTRY = 64 << 20
"""Bytes of one registry file of a container: its programs write it, and Wine's own has a few MiB."""


def ground_of(images: Images) -> Ground:
    """What images are laid over."""
    if images.ground is None:
        raise faults.Internal("this engine has no sandbox to run images in")
    return images.ground()


def below(images: Images, container: Container) -> Merged:
    """What lies under what the container wrote."""
    return Merged((*ground_of(images).folders, *images.unpack(container.image).layers))


def running_drive(run: Run) -> Drive:
    """The drive ``C:`` of a container that runs, with what is mounted there. NotFoundError when it has just ended."""
    return Drive.of_running(run.box.drive())


def stopped_drive(images: Images, container: Container) -> Drive:
    """The drive ``C:`` of a container that does not run, to read and write: without what is mounted, as on Windows."""
    ground = ground_of(images)
    upper = container.folder / "box" / "upper"
    if not upper.is_dir():
        upper.mkdir(parents=True)
    if ground.owner is not None and upper.lstat().st_uid != ground.owner:  # the container's programs write here, too
        os.chown(upper, ground.owner, ground.owner, follow_symlinks=False)
    return Drive(Merged((*ground.folders, *images.unpack(container.image).layers, upper)), ground.owner)


def files(images: Images, container: Container) -> Iterator[Changed]:
    """What the container changed on its drive; folders that only hold a mount are not its doing."""
    upper = container.folder / "box" / "upper"
    if not upper.is_dir():
        return
    yield from changes(upper, below(images, container), ignore=mounted(container))


def listed(changed: Iterable[Changed]) -> tuple[shapes.Change, ...]:
    """Changes as ``GET /containers/{id}/changes`` of a Windows engine tells them: paths of the layer that a commit
    would write (``Files/app/x``), what was added as changed, and of a folder what is gone before what is there.

    Source: moby ``daemon/graphdriver/windows/windows.go`` Changes, and hcsshim ``internal/wclayer/legacy.go`` for the
    names and their order. That reader names the registry's hives, too; they are left out here (docs/unproven.md).
    """
    found = sorted(changed, key=lambda one: (*((1, name) for name in one.path[:-1]),
                                             (int(one.how is not How.DELETED), one.path[-1])))
    rows = [shapes.Change(kind=int(How.DELETED if one.how is How.DELETED else How.MODIFIED),
                          path="/".join(("Files", *one.path))) for one in found]
    return (shapes.Change(kind=int(How.MODIFIED), path="Files"), *rows) if rows else ()


def mounted(container: Container) -> list[Parts]:
    """Where something is mounted on drive ``C:``; of files the folders above them, too, which were made for them."""
    places = (plain_target(mount.destination) for mount in container.mounts)
    found = [parts for place in places if place[:2].upper() == "C:" and (parts := parts_of(place))]
    files = [parts_of(path) for path in (container.secrets.files if container.secrets else ())]
    found += [parts_of(place) for place in container.folders]
    return [*found, *(parts[:count] for parts in files for count in range(1, len(parts) + 1))]


def parts_of(path: str) -> Parts:
    r"""``C:\a\b``, ``/a/b`` or ``a\b`` as its parts; Internal, in moby's words (``pkg/archive/path_windows.go``), for
    another drive and for a drive alone."""
    text = path.replace("/", "\\")
    if re.match(r"\\[A-Za-z]:", text):  # as a client on Linux makes a path absolute
        text = text[1:]
    if len(text) == 2 and text[1] == ":":
        raise faults.Internal(f"no relative path specified in {quoted(text)}")
    if text[1:2] == ":" and text[:1].upper() != "C":
        raise faults.Internal("the specified path is not on the system drive (C:)")
    return tuple(parse_path(text[2:] if text[1:2] == ":" else text))


def asked(path: str) -> Asked:
    r"""The same for a path of ``docker cp``, with its last name and whether a folder has to be there."""
    parts, end = parts_of(path), re.split(r"[\\/]", path)[-1]
    return Asked(parts, "." if end == "." else parts[-1] if parts else "\\", end in ("", "."))


def hives(settings: EngineSettings, images: Images, container: Container) -> tuple[HiveChange, ...]:
    """What the container changed in its registry. It does not run."""
    prefix = container.folder / "box" / "prefix"
    if not prefix.is_dir():
        return ()
    image, ground = images.unpack(container.image), ground_of(images)
    given = image.registry
    name = container.config.hostname or container.short
    user = container.config.user or identity.ADMINISTRATOR
    own = {"system.reg": identity.system(name, settings.build, settings.revision, user),
           "user.reg": identity.user(name, user)}
    before = [((given if given is not None and (given / file).is_file() else ground.registry) / file).read_bytes()
              for file in FILES]
    before = [(identity.profile(data, user) if file == "user.reg" else data) + own.get(file, b"")
              for file, data in zip(FILES, before, strict=True)]
    if image.powershell:
        for number, (file, data) in enumerate(zip(FILES, before, strict=True)):
            at, lines = identity.before_all(file, data, settings.build, settings.revision)
            before[number] = data[:at] + lines + data[at:]
    after = [read_small(prefix / file, MOST_REGISTRY) for file in FILES]
    pairs = [reduced(old, new) for old, new in zip(before, after, strict=True)]
    try:
        return changes_of(Prefix.parse(*(old for old, _new in pairs)), Prefix.parse(*(new for _old, new in pairs)))
    except FormatError:  # the whole file says where it is damaged
        return changes_of(Prefix.parse(*before), Prefix.parse(*after))
