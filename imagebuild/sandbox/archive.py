# SPDX-License-Identifier: Apache-2.0
"""``docker cp``: files of a container read as a tar and written from one, whether it runs or not.

Paths are looked up as Windows does, without regard to case, links on the way followed; but they are followed here, name
by name in the container's own view, and never by this machine's kernel. What is written goes to the upper folder, below
descriptors that were opened without following anything.

Modes are those that an engine on Windows tells: 0666 or 0444 for files and 0777 for folders in a stat (Go's
``os.Lstat``), 0755 for all in a tar (moby ``pkg/archive`` ``chmodTarEntry``) [from memory, unproven on a real host].
"""

from __future__ import annotations

import errno
import os
import stat
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, cast

from ..errors import FormatError, InputError, NotFoundError, StoreError, UnsupportedError
from ..layer import Kind
from ..windows.names import check_name, join
from ..windows.upcase import fold
from . import links
from .merged import Merged, Node, Parts
from .overlay import OPEN_FILE, OPEN_FOLDER, Sort, make_opaque, open_folder, opened, remove

MODE_FOLDER, MODE_LINK = 1 << 31, 1 << 27
"""Bits of Go's ``os.FileMode``."""
MAX_LINKS = 63
PIECE = 1 << 20

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class PathStat:
    """What ``docker cp`` asks about a path first: ``mode`` is Go's, ``modified`` nanoseconds since 1970, ``target`` a
    link's in Windows' form."""

    name: str
    size: int
    mode: int
    modified: int
    target: str = ""


class Drive:
    """The drive of one container: ``view`` is what it sees, its topmost folder the one that is written to.

    For a container that runs that is one folder, its mounted drive (``/proc/PID/root/prefix/drive_c``); for one that
    does not, Wine's drive, the layers and the upper folder. ``owner`` is whose what is written becomes.
    """

    def __init__(self, view: Merged, owner: int | None = None) -> None:
        self._view = view
        self._upper = view.folders[-1]
        self._owner = owner if owner != os.geteuid() else None

    def stat(self, path: Parts) -> PathStat:
        """The facts of a path; NotFoundError when there is nothing. A link at its end is not followed."""
        place, node = self._find(path)
        number = self._open_above(place, node)
        try:
            found = os.stat(node.name or ".", dir_fd=number, follow_symlinks=False)
            if node.sort is Sort.LINK:
                return PathStat(node.name, 0, MODE_LINK | 0o777, found.st_mtime_ns, self._target(number, node, place))
        except FileNotFoundError:
            raise _missing(place) from None
        finally:
            os.close(number)
        name = node.name or "\\"
        if node.sort is Sort.FOLDER:
            return PathStat(name, 0, MODE_FOLDER | 0o777, found.st_mtime_ns)
        return PathStat(name, found.st_size, 0o666 if found.st_mode & 0o222 else 0o444, found.st_mtime_ns)

    def read(self, path: Parts) -> Iterator[bytes]:
        """A file, link or folder with all below it as a tar, in pieces. NotFoundError comes before any of them."""
        place, node = self._find(path)
        return self._tar(place, node)

    def write(self, path: Parts, archive: BinaryIO, *, replace_folders: bool = True) -> int:
        """Put what a tar holds into the folder at ``path``, and say how many entries there were.

        A folder is added to; a file replaces a file. A file comes in place of a folder, or the other way round, only
        with ``replace_folders``. NotFoundError when the folder is not there, InputError when it is none or a name leads
        out of it, UnsupportedError for a name that Windows cannot have, FormatError for a bad tar. What was written
        before an error stays, as with ``docker cp``.
        """
        folder = self.folder(path)
        count = 0
        try:
            with tarfile.open(fileobj=archive, mode="r|*", bufsize=PIECE >> 2) as tar:
                for member in tar:
                    self._member(folder, tar, member, replace_folders)
                    count += 1
        except (tarfile.TarError, EOFError, ValueError) as error:
            raise FormatError("cannot read the archive", why=str(error)) from error
        except OSError as error:
            if error.errno is None:  # said by a decompressor
                raise FormatError("cannot read the archive", why=str(error)) from error
            raise StoreError(f"cannot write to {join(path)}", why=error.strerror or str(error),
                             code=error.errno) from error
        finally:
            self._view.forget()
        return count

    def folder(self, path: Parts) -> Parts:
        """A folder as it is spelt, all links followed. NotFoundError, InputError when it is no folder."""
        place = self._resolve(path)
        node = self._view.get(place)
        if node is None:
            raise _missing(path)
        if node.sort is not Sort.FOLDER:
            raise InputError(f"{join(path)} is no folder", path=join(path))
        return place

    def _find(self, path: Parts) -> tuple[Parts, Node]:
        place = (*self._resolve(path[:-1]), path[-1]) if path else ()
        node = self._view.get(place)
        if node is None or node.sort is Sort.OTHER:
            raise _missing(path)
        return (*place[:-1], node.name) if place else (), node

    def _resolve(self, path: Parts) -> Parts:
        """A path with all links followed, spelt as what is there."""
        todo, seen = list(path), 0
        out: Parts = ()
        while todo:
            name = todo.pop(0)
            node = self._view.names(out).get(fold(name))
            if node is None or node.sort in (Sort.FILE, Sort.OTHER):
                return (*out, name, *todo)
            if node.sort is Sort.LINK:
                seen += 1
                target = None
                if seen <= MAX_LINKS:
                    with opened(self._view.place(node), out) as number:
                        if number is not None:
                            target = links.linux_destination(_read_link(number, node.name), out)
                if target is None:
                    raise NotFoundError(f"cannot follow {join(path)}", path=join(path),
                                        why="a link on the way runs in a circle or leads out of C:")
                todo, out = [*target, *todo], ()
                continue
            out = (*out, node.name)
        return out

    def _open_above(self, place: Parts, node: Node) -> int:
        number = open_folder(self._view.place(node), place[:-1])
        if number is None:
            raise _missing(place)
        return number

    def _target(self, folder: int, node: Node, place: Parts) -> str:
        link = links.from_linux(_read_link(folder, node.name), place[:-1])
        return "" if link is None else link.target

    def _tar(self, place: Parts, node: Node) -> Iterator[bytes]:
        base = node.name or "."
        yield from self._entry(place, node, base)
        if node.sort is Sort.FOLDER:
            for path, inner in self._view.walk(place):
                yield from self._entry(path, inner, "/".join((base, *path[len(place):])))
        yield bytes(1024)

    def _entry(self, place: Parts, node: Node, name: str) -> Iterator[bytes]:
        if node.sort is Sort.OTHER:
            return
        info = tarfile.TarInfo(name)
        info.mode = 0o755
        try:
            above = self._open_above(place, node)
        except NotFoundError:
            return
        try:
            found = os.stat(node.name or ".", dir_fd=above, follow_symlinks=False)
            info.mtime = found.st_mtime_ns // 1_000_000_000
            if node.sort is Sort.FOLDER:
                info.type, info.name = tarfile.DIRTYPE, name + "/"
            elif node.sort is Sort.LINK:
                info.type, info.linkname = tarfile.SYMTYPE, self._target(above, node, place)
            else:
                number = os.open(node.name, OPEN_FILE, dir_fd=above)
                try:
                    yield from _content(number, info)
                finally:
                    os.close(number)
                return
            yield info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
        except FileNotFoundError:
            return  # taken away while we read
        finally:
            os.close(above)

    def _member(self, folder: Parts, tar: tarfile.TarFile, member: tarfile.TarInfo, replace_folders: bool) -> None:
        names = tuple(name for name in member.name.replace("\\", "/").split("/") if name not in ("", "."))
        if ".." in names:
            raise InputError(f"cannot unpack {member.name[:200]!r}", why="it leads out of the folder it is put into")
        if not names:
            return
        for name in names:
            check_name(name)
        above = self._make(self._inside(folder, names[:-1]), replace_folders)
        node = self._view.names(above).get(fold(names[-1]))
        if member.isdir():
            if node is not None and node.sort is Sort.LINK:
                self._make(self._resolve((*above, names[-1])), replace_folders)
            else:
                self._make((*above, node.name if node is not None else names[-1]), replace_folders)
            return
        if not (member.isreg() or member.issym() or member.islnk()) or member.issparse():
            raise UnsupportedError(f"cannot unpack {member.name[:200]!r}",
                                   why="it is a device, a pipe or sparse, which a container on Windows does not get")
        if node is not None and node.sort is Sort.FOLDER and not replace_folders:
            raise InputError(f"cannot put {member.name[:200]!r} in place of a folder", path=join((*above, node.name)))
        name = node.name if node is not None else names[-1]
        source = None if member.issym() else self._linked(folder, member) if member.islnk() else tar.extractfile(member)
        number = self._open_upper(above)
        try:
            self._put(number, (*above, name), member, cast("BinaryIO | None", source))
        finally:
            os.close(number)
            if source is not None:
                source.close()
        self._view.learn(above, name, Sort.LINK if member.issym() else Sort.FILE)

    def _inside(self, folder: Parts, names: Parts) -> Parts:
        """Where the names of a tar lead, links in the container followed; only below ``C:\\``, as all of them do."""
        return self._resolve((*folder, *names))

    def _linked(self, folder: Parts, member: tarfile.TarInfo) -> BinaryIO:
        """The file that a hard link of the tar means; its content is copied."""
        names = tuple(name for name in member.linkname.replace("\\", "/").split("/") if name not in ("", "."))
        if names and ".." not in names:
            place = self._inside(folder, names)
            node = self._view.get(place)
            if node is not None and node.sort is Sort.FILE:
                with opened(self._view.place(node), place[:-1]) as number:
                    if number is not None:
                        return os.fdopen(os.open(node.name, OPEN_FILE, dir_fd=number), "rb")
        raise InputError(f"cannot unpack {member.name[:200]!r}",
                         why=f"it links to {member.linkname[:200]!r}, which is no file of the archive")

    def _put(self, above: int, place: Parts, member: tarfile.TarInfo, source: BinaryIO | None) -> None:
        """A file with this content, or without any a link, in place of whatever has its name."""
        name, text = place[-1], ""
        if source is None:
            target = links.destination(member.linkname, place[:-1])
            if target is None:
                raise InputError(f"cannot unpack {member.name[:200]!r}", why=f"it links to {member.linkname[:200]!r}, "
                                 "which is not on C:")
            node = self._view.get(target)
            kind = Kind.DIRECTORY_SYMLINK if node is not None and node.sort is Sort.FOLDER else Kind.SYMLINK
            text = links.to_linux(links.Link(kind, member.linkname), place[:-1], self._view.spelt(target))
        remove(above, name)
        if source is None:
            os.symlink(text, name, dir_fd=above)
        else:
            number = os.open(name, _CREATE, 0o644, dir_fd=above)
            try:
                while data := source.read(PIECE):
                    while (done := os.write(number, data)) < len(data):
                        data = data[done:]
                os.fchmod(number, 0o644 if member.mode & 0o200 else 0o444)
                with suppress(ValueError, OverflowError):  # a time that nobody has
                    os.utime(number, (member.mtime, member.mtime))
            finally:
                os.close(number)
        if self._owner is not None:
            os.chown(name, self._owner, self._owner, dir_fd=above, follow_symlinks=False)

    def _make(self, path: Parts, replace_folders: bool) -> Parts:
        """A folder that a container sees, made where it is missing; its path as it is spelt."""
        out: Parts = ()
        for name in path:
            node = self._view.names(out).get(fold(name))
            if node is not None and node.sort is Sort.FOLDER:
                out = (*out, node.name)
                continue
            if node is not None and not replace_folders:
                raise InputError(f"cannot put a folder in place of {join((*out, node.name))}", path=join((*out, name)))
            self._new_folder(out, name if node is None else node.name)
            self._view.learn(out, name if node is None else node.name, Sort.FOLDER)
            out = (*out, name if node is None else node.name)
        return out

    def _new_folder(self, above: Parts, name: str) -> None:
        number = self._open_upper(above)
        try:
            remove(number, name)  # a file, or a whiteout
            os.mkdir(name, 0o755, dir_fd=number)
            made = os.open(name, OPEN_FOLDER, dir_fd=number)
            try:
                if len(self._view.folders) > 1:  # what is below was not to be seen before
                    make_opaque(made)
                if self._owner is not None:
                    os.fchown(made, self._owner, self._owner)
            finally:
                os.close(made)
        finally:
            os.close(number)

    def _open_upper(self, path: Parts) -> int:
        """A folder that is seen, in the upper folder, where it may have to be made first: there it only adds to it."""
        number = os.open(self._upper, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for name in path:
            try:
                try:
                    inner = os.open(name, OPEN_FOLDER, dir_fd=number)
                except FileNotFoundError:
                    with suppress(FileExistsError):
                        os.mkdir(name, 0o755, dir_fd=number)
                    inner = os.open(name, OPEN_FOLDER, dir_fd=number)
                    if self._owner is not None:
                        os.fchown(inner, self._owner, self._owner)
            except OSError as error:
                if error.errno in (errno.ELOOP, errno.ENOTDIR):
                    raise InputError(f"{join(path)} is no folder any more", path=join(path)) from error
                raise
            finally:
                os.close(number)
            number = inner
        return number


def _content(number: int, info: tarfile.TarInfo) -> Iterator[bytes]:
    """The header and content of an open file, which may change while it is read: the tar keeps the size it said."""
    found = os.fstat(number)
    if not stat.S_ISREG(found.st_mode):
        return
    info.size = left = found.st_size
    yield info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    while left and (data := os.read(number, min(left, PIECE))):
        left -= len(data)
        yield data
    while left:
        yield bytes(min(left, PIECE))
        left -= min(left, PIECE)
    if info.size % 512:
        yield bytes(-info.size % 512)


def _read_link(folder: int, name: str) -> str:
    try:
        return os.readlink(name, dir_fd=folder)
    except OSError:
        return links.NOWHERE


def _missing(path: Parts) -> NotFoundError:
    return NotFoundError(f"there is no {join(path)} in the container", path=join(path))
