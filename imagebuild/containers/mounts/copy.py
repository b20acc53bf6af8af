# SPDX-License-Identifier: Apache-2.0
r"""Copies into and out of a container, in a way that works on Windows.

The engine's archive call writes into the container's own layer: what it puts "into" a mount lies beneath the mount and
is never seen (moby/moby#34428), and against a running container with Hyper-V isolation it is refused. So:

1. a path in a mounted folder of this machine is copied there, on this machine;
2. a path in any other mount goes through a folder outside of it, and ``xcopy`` in the container does the rest;
3. all else is the archive call, with a container of Hyper-V isolation through a ``tar`` program in it.
"""

from __future__ import annotations

import io
import ntpath
import posixpath
import secrets
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ...dockerapi import faults, shapes
from ...errors import DaemonError, NotFoundError, UsageError, quoted

if TYPE_CHECKING:
    from ..container import Container

STAGE = "C:\\wcow-copy-"
ADMINISTRATOR = "ContainerAdministrator"
COPY_SECONDS = 300.0
TAR = "application/x-tar"


def copy_in(container: Container, source: Path, target: str) -> None:
    """Copy a file or a folder's content of this machine to a path in the container; folders on the way are made.

    Raises NotFoundError when the source is not there, UsageError for a target that is not an absolute Windows path.
    """
    if not source.exists():
        raise NotFoundError(f"cannot copy {source}", why="nothing is there")
    put(container, target, _packed(source, ntpath.basename(_whole(target))), folder=source.is_dir())


def write_file(container: Container, target: str, data: bytes) -> None:
    """Write one file in the container."""
    name = ntpath.basename(_whole(target))
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o666
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info, io.BytesIO(data))
    put(container, target, out.getvalue(), folder=False)


def put(container: Container, target: str, archive: bytes, *, folder: bool) -> None:
    """Unpack an archive whose top is ``target``'s own name (a file), or ``.`` (a folder's content)."""
    target = _whole(target)
    place = target if folder else ntpath.dirname(target)
    mounted = mount_of(container, target)
    if mounted is None:
        _make_folder(container, place)
        _put(container, place, archive)
        return
    mount, rest = mounted
    if not mount.rw:
        raise UsageError(f"cannot copy to {target}", why=f"{mount.destination} is mounted read-only")
    local = _local(container, mount, rest)
    if local is not None:
        _unpack(archive, local if folder else local.parent)
        return
    with _stage(container) as stage:
        _put(container, stage, archive)
        _make_folder(container, place)
        container.run(["xcopy", f"{stage}\\*", place, "/e", "/i", "/y", "/q", "/h", "/k", "/r"], user=ADMINISTRATOR,
                      timeout=COPY_SECONDS).check()


def copy_out(container: Container, source: str, target: Path) -> None:
    """Copy a file, or a folder with all that is in it, from the container to a path of this machine.

    ``target`` is the copy's own name. Raises NotFoundError when the source is not there.
    """
    with get(container, source) as archive, tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as packed:
        top = packed.getnames()[0].split("/")[0] if packed.getnames() else ""
        target.parent.mkdir(parents=True, exist_ok=True)
        for member in packed:
            rest = posixpath.relpath(member.name, top) if top else member.name
            member.name = target.name if rest == "." else f"{target.name}/{rest}"
            _extract(packed, member, target.parent)


def _extract(packed: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Write one entry below a folder, and nothing outside. Python before 3.11.4 has no filters for that."""
    if hasattr(tarfile, "data_filter"):
        packed.extract(member, folder, filter="data")
    elif (member.isfile() or member.isdir()) and not (member.name.startswith("/") or ".." in member.name.split("/")):
        packed.extract(member, folder)


def read_file(container: Container, source: str) -> bytes:
    """The content of one file. Raises NotFoundError when it is not there, UsageError when it is a folder."""
    source = _whole(source)
    mounted = mount_of(container, source)
    if mounted is not None:
        local = _local(container, *mounted)
        if local is not None and local.is_file():
            return local.read_bytes()
    with get(container, source) as archive, tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as packed:
        member = packed.next()
        stream = packed.extractfile(member) if member is not None else None
        if stream is None:
            raise UsageError(f"cannot read {source}", why="it is a folder")
        return stream.read()


@contextmanager
def get(container: Container, source: str) -> Iterator[bytes]:
    """An archive of a path, with the path's own name at its top."""
    source = _whole(source)
    mounted = mount_of(container, source)
    if mounted is None:
        yield _get(container, source)
        return
    local = _local(container, *mounted)
    if local is not None:
        if not local.exists():
            raise _missing(source)
        yield _packed(local, local.name, top=True)
        return
    with _stage(container) as stage:
        copy = f"{stage}\\{ntpath.basename(source)}"
        words = ["xcopy", source, copy, "/e", "/i", "/y", "/q", "/h", "/k", "/r"] if is_folder(container, source) else \
            ["cmd", "/d", "/c", "copy", "/y", "/b", source, copy]
        if container.run(words, user=ADMINISTRATOR, timeout=COPY_SECONDS).exit_code:
            raise _missing(source)
        yield _get(container, copy)


def mount_of(container: Container, path: str) -> tuple[shapes.MountPoint, tuple[str, ...]] | None:
    """The innermost mount that a path is in, and the rest of the path below it."""
    parts = _parts(path)
    found = [(mount, _parts(mount.destination)) for mount in container.mounts if mount.type != "npipe"]
    inner = [(mount, at) for mount, at in found
             if [part.casefold() for part in parts[:len(at)]] == [part.casefold() for part in at]]
    if not inner:
        return None
    mount, at = max(inner, key=lambda one: len(one[1]))
    return mount, tuple(parts[len(at):])


def is_folder(container: Container, path: str) -> bool:
    """Whether a path is a folder, by ``cmd``."""
    return container.cmd_path("if exist {}\\* (exit 0) else (exit 1)", path).ok


def _local(container: Container, mount: shapes.MountPoint, rest: tuple[str, ...]) -> Path | None:
    """The path of this machine that a path in a mount is; names are found in any case."""
    if mount.type != "bind" or not container.home.local:
        return None
    path = Path(mount.source)
    if not path.is_dir():
        return None
    for part in rest:
        exact = path / part
        if not exact.exists() and path.is_dir():
            exact = next((one for one in path.iterdir() if one.name.casefold() == part.casefold()), exact)
        path = exact
    return path


def _put(container: Container, folder: str, archive: bytes) -> None:
    if container.hyperv:
        container.run(["tar", "-xf", "-", "-C", folder], stdin=archive, user=ADMINISTRATOR,
                      timeout=COPY_SECONDS).check()
        return
    with container.client.call("PUT", f"/containers/{container.id}/archive", query={"path": folder}, body=archive,
                               content_type=TAR, deadline=COPY_SECONDS) as answer:
        answer.read()


def _get(container: Container, source: str) -> bytes:
    if container.hyperv:
        folder, name = ntpath.split(source)
        said = container.run(["tar", "-cf", "-", "-C", folder, name], user=ADMINISTRATOR, timeout=COPY_SECONDS)
        if not said.ok:
            raise _missing(source)
        return said.raw.stdout
    try:
        with container.client.call("GET", f"/containers/{container.id}/archive", query={"path": source}) as answer:
            return b"".join(answer)
    except faults.NotFound as fault:
        raise _missing(source) from fault


def _make_folder(container: Container, folder: str) -> None:
    if not _parts(folder)[1:]:
        return
    said = container.cmd_path("if not exist {}\\ mkdir {}", folder, user=ADMINISTRATOR)
    if not said.ok:
        raise DaemonError(f"cannot make the folder {folder}", status=0, why=(said.stderr or said.stdout).strip())


@contextmanager
def _stage(container: Container) -> Iterator[str]:
    stage = STAGE + secrets.token_hex(6)
    container.run(["cmd", "/d", "/c", "mkdir", stage], user=ADMINISTRATOR).check()
    try:
        yield stage
    finally:
        container.run(["cmd", "/d", "/c", "rmdir", "/s", "/q", stage], user=ADMINISTRATOR)


def _packed(source: Path, name: str, *, top: bool = False) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, dereference=True) as archive:
        archive.add(source, name if top or not source.is_dir() else ".", filter=_plain)
    return out.getvalue()


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """A member without what only this machine knows; what is neither file nor folder stays behind."""
    if not (info.isfile() or info.isdir()):
        return None
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


def _unpack(archive: bytes, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as packed:
        for member in packed:
            path = folder / member.name
            if member.isdir():
                path.mkdir(parents=True, exist_ok=True)
            elif (stream := packed.extractfile(member)) is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("wb") as out:
                    shutil.copyfileobj(stream, out)


def _missing(path: str) -> NotFoundError:
    return NotFoundError(f"cannot read {path} in the container", why="nothing is there")


def _whole(path: str) -> str:
    """A path with a drive and backslashes. Raises UsageError for another."""
    found = ntpath.normpath(str(path).replace("/", "\\"))
    drive, rest = ntpath.splitdrive(found)
    if len(drive) != 2 or not rest.startswith("\\"):
        raise UsageError(f"{quoted(path)} is not an absolute path of Windows", hint=r"like C:\app\a.txt")
    return found


def _parts(path: str) -> list[str]:
    drive, rest = ntpath.splitdrive(path.replace("/", "\\").removeprefix("\\\\?\\"))
    return [drive, *(part for part in rest.split("\\") if part)]
