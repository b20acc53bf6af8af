# SPDX-License-Identifier: Apache-2.0
"""Folders that an overlay is mounted from: what stands in one, read without following a link out of it.

Programs of a container write the upper folder, and layers of strangers are unpacked into the lower ones, so a name may
be anything: a link to this machine's own files, a device, a pipe that nobody ever writes to. Everything here goes down
from a folder that is ours, one name at a time, and never through a link.

Source of the marks: Linux ``Documentation/filesystems/overlayfs.rst``; the mount is made with ``userxattr``, so they
are in ``user.overlay``.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ...errors import StoreError
from .. import descent
from ..descent import Descent
from ..way import Way, open_below

OPAQUE = "user.overlay.opaque"
"""On a folder: ``y`` when lower folders of its path do not count, ``x`` when whiteouts of the second form may be in
it."""
WHITEOUT = "user.overlay.whiteout"
"""On an empty file: it is a whiteout. The first form is a character device 0:0, which any user may make."""

OPEN_FOLDER = descent.OPEN_FOLDER
OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # a pipe must not make us wait


class Sort(Enum):
    """What a name of a folder is."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    WHITEOUT = "whiteout"
    OTHER = "other"
    """A pipe, a socket, a device: nothing that Windows knows."""


@dataclass(frozen=True, slots=True)
class Item:
    """A name of a folder, as it is on this machine."""

    name: str
    sort: Sort


@contextmanager
def opened(root: Path, parts: tuple[str, ...], way: Way | None = None) -> Iterator[int | None]:
    """The folder at ``parts`` below ``root`` as a descriptor; ``None`` where there is no folder (a link is none).
    ``way`` is that of a walk that opens many."""
    number = open_folder(root, parts, way)
    try:
        yield number
    finally:
        if number is not None:
            os.close(number)


def open_folder(root: Path, parts: tuple[str, ...], way: Way | None = None) -> int | None:
    """The same, the descriptor being the caller's to close. ``root`` itself is trusted and may be a link."""
    try:
        return open_below(root, parts, way)
    except OSError as error:
        raise cannot("read", root, parts, error) from error


def items(folder: int) -> list[Item]:
    """What stands in an open folder, in no order. Names that are no UTF-8, which Wine cannot show, are left out."""
    marked = opacity(folder) == b"x"
    with os.scandir(folder) as found:
        return [Item(one.name, _sort(folder, one, marked)) for one in found if is_text(one.name)]


def opacity(folder: int) -> bytes:
    """``y`` where the open folder hides those below it, ``x`` where it may hold marked whiteouts, else nothing."""
    try:
        return os.getxattr(folder, OPAQUE)
    except OSError as error:
        if error.errno not in (errno.ENODATA, errno.ENOTSUP):  # it may hide files that would come back
            raise
        return b""


def is_text(name: str) -> bool:
    """Whether a name of this machine is UTF-8."""
    return name.isascii() or not any("\udc80" <= char <= "\udcff" for char in name)


def is_whiteout(found: os.stat_result) -> bool:
    """Whether it is the character device 0:0."""
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == 0


def cannot(verb: str, root: Path, parts: tuple[str, ...], error: OSError) -> StoreError:
    """What an operating system's refusal becomes."""
    return StoreError(f"cannot {verb} {'/'.join((str(root), *parts))}", why=error.strerror or str(error),
                      path="/".join((str(root), *parts)), code=error.errno)


def make_whiteout(folder: int, name: str, owner: int | None = None) -> None:
    """Put a whiteout into an open folder: as a device, or where that is forbidden, by marks."""
    try:
        os.mknod(name, stat.S_IFCHR | 0o644, 0, dir_fd=folder)
    except PermissionError:
        number = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644,
                         dir_fd=folder)
        try:
            os.setxattr(number, WHITEOUT, b"y")
        finally:
            os.close(number)
        if opacity(folder) != b"y":
            os.setxattr(folder, OPAQUE, b"x")
    if owner is not None:
        os.chown(name, owner, owner, dir_fd=folder, follow_symlinks=False)


def make_opaque(folder: int) -> None:
    """Make an open folder hide those of its path in lower folders."""
    os.setxattr(folder, OPAQUE, b"y")


def remove(folder: int, name: str) -> None:
    """Remove whatever has this name in an open folder, with all below it; nothing happens where there is nothing.
    Needs no more descriptors and no more of Python's stack for a deep tree than for a flat one. What cannot be removed
    is left with the folders that it is in, all else goes, and the first OSError of it is raised."""
    if _unlinked(folder, name):
        return
    failed: OSError | None = None
    with Descent(_open_to_clear(folder, name)) as place:
        levels = [(name, _names(place.here))]
        while True:
            folder_name, names = levels[-1]
            if names:
                one = names.pop()
                try:
                    if not _unlinked(place.here, one):
                        place.down(one, _open_to_clear)
                        levels.append((one, []))
                        levels[-1][1].extend(_names(place.here))
                except OSError as error:
                    failed = failed or error
                continue
            levels.pop()
            if not levels:
                break
            place.up()
            try:
                os.rmdir(folder_name, dir_fd=place.here)
            except OSError as error:
                failed = failed or error
    if failed is not None:
        raise failed
    os.rmdir(name, dir_fd=folder)


def sizes(folder: Path) -> Iterator[os.stat_result]:
    """What the kernel says of everything below a folder that is not a folder, no link being followed; what cannot be
    looked at is left out, and the rest where a program moves the folder that is being read."""
    top = open_folder(folder, ())
    if top is None:
        return
    with Descent(top) as place:
        levels = [_listed(place.here)]
        while levels:
            if not levels[-1]:
                levels.pop()
                try:
                    if levels:
                        place.up()
                except OSError:
                    return
                continue
            name = levels[-1].pop()
            try:
                about = os.stat(name, dir_fd=place.here, follow_symlinks=False)
                if stat.S_ISDIR(about.st_mode):
                    place.down(name)
                    levels.append(_listed(place.here))
                    continue
            except OSError:
                continue
            yield about


def read_small(path: Path, limit: int) -> bytes:
    """The content of a plain file that programs of a container could write, or put something else in place of. No link
    is followed. StoreError for what is not a plain file, or has more bytes than ``limit``."""
    try:
        number = os.open(path, OPEN_FILE)
    except OSError as error:
        raise cannot("read", path, (), error) from error
    with os.fdopen(number, "rb") as stream:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise StoreError(f"cannot read {path}", why="it is not a plain file", path=str(path))
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise StoreError(f"cannot read {path}", why=f"it has more than {limit >> 20} MiB", path=str(path))
    return data


def remove_path(path: Path) -> None:
    """The same for a path whose parent folder is trusted; nothing happens where that is gone. OSError."""
    try:
        parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        remove(parent, path.name)
    finally:
        os.close(parent)


def _names(folder: int) -> list[str]:
    with os.scandir(folder) as found:
        return [one.name for one in found]


def _listed(folder: int) -> list[str]:
    try:
        return _names(folder)
    except OSError:  # a folder that has just gone is empty
        return []


def _unlinked(folder: int, name: str) -> bool:
    """Remove a name that is not a folder's; whether it is gone now. OSError."""
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        pass
    except (IsADirectoryError, PermissionError):  # Linux says EISDIR, POSIX EPERM
        if not stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise
        return False
    return True


def _open_to_clear(folder: int, name: str) -> int:
    """Open a folder that is to go, and let its owner list and empty it. The kernel gives an overlay's work folder no
    permissions at all, and a program may do so with its own: only root could open those before they have some."""
    path = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        with suppress(OSError):  # another user's: what the permissions forbid then fails below
            os.chmod(f"/proc/self/fd/{path}", 0o700)  # noqa: PTH101  # fchmod refuses such a descriptor
        return os.open(".", OPEN_FOLDER, dir_fd=path)
    finally:
        os.close(path)


def _sort(folder: int, one: os.DirEntry[str], marked: bool) -> Sort:
    if one.is_symlink():
        return Sort.LINK
    if one.is_dir(follow_symlinks=False):
        return Sort.FOLDER
    if one.is_file(follow_symlinks=False):
        return Sort.WHITEOUT if marked and _has_mark(folder, one.name) else Sort.FILE
    try:
        found = os.stat(one.name, dir_fd=folder, follow_symlinks=False)
    except OSError:  # what has just gone is passed over
        return Sort.OTHER
    return Sort.WHITEOUT if is_whiteout(found) else Sort.OTHER


def _has_mark(folder: int, name: str) -> bool:
    try:
        number = os.open(name, OPEN_FILE, dir_fd=folder)
    except OSError:  # without the mark it is a plain file
        return False
    try:
        os.getxattr(number, WHITEOUT)
        return os.fstat(number).st_size == 0
    except OSError:  # without the mark it is a plain file
        return False
    finally:
        os.close(number)
