# SPDX-License-Identifier: Apache-2.0
"""``docker cp`` out of a container: the facts of a path, and a file, link or folder as a tar.

Names are those that a client asked with: it renames what comes by them. Modes are those that an engine on Windows
tells: 0666 or 0444 for files and 0777 for folders in a stat (Go's ``os.Lstat``), 0755 or 0555 in a tar (moby
``pkg/archive`` ``chmodTarEntry``) [from memory, unproven on a real host].
"""

from __future__ import annotations

import errno
import os
import stat as modes
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from ...errors import InputError, NotFoundError, StoreError
from ...windows.names import join
from .. import links
from .drive import Drive, missing
from .merged import Node, Parts
from .overlay import OPEN_FILE, Sort

MODE_FOLDER, MODE_LINK = 1 << 31, 1 << 27
"""Bits of Go's ``os.FileMode``."""
PIECE: Final = 1 << 20
_EXCHANGED = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO})
"""What opening a file says when another thing has its name by now."""


@dataclass(frozen=True, slots=True)
class Asked:
    r"""A path as a client wrote it.

    ``name`` is what it ends with: ``\`` for the root of the drive, ``.`` where that stands at the end. ``folder`` says
    that only a folder may be there, and that a link is followed: a slash or a ``.`` stands at the end.
    """

    parts: Parts
    name: str
    folder: bool = False


@dataclass(frozen=True, slots=True)
class PathStat:
    r"""What ``docker cp`` asks about a path first: ``mode`` is Go's, ``modified`` nanoseconds since 1970, ``target``
    where a link leads in the end, without the drive (``\app\x``); of one that leads nowhere, its text."""

    name: str
    size: int
    mode: int
    modified: int
    target: str = ""


def stat(drive: Drive, asked: Asked) -> PathStat:
    """The facts of a path; NotFoundError when nothing is there, InputError when it is not the folder it has to be."""
    with drive.acting():
        place, node = _find(drive, asked)
        number = drive.open_above(place, node)
        try:
            found = os.stat(node.name or ".", dir_fd=number, follow_symlinks=False)
        except FileNotFoundError:
            raise missing(place) from None
        finally:
            os.close(number)
        modified = found.st_mtime_ns
        if node.sort is Sort.LINK:
            return PathStat(asked.name, 0, MODE_LINK | 0o777, modified, _end_of(drive, place, node))
        if node.sort is Sort.FOLDER:
            return PathStat(asked.name, 0, MODE_FOLDER | 0o777, modified)
        return PathStat(asked.name, found.st_size, 0o666 if found.st_mode & 0o222 else 0o444, modified)


def read(drive: Drive, asked: Asked, *, slashes: bool = False) -> Iterator[bytes]:
    """A file, link or folder with all below it as a tar, in pieces of about a MiB.

    With ``slashes`` relative links that stay in the folder are written for a client that is not on Windows.
    NotFoundError and InputError as of :func:`stat`, before any piece. What is taken away while it is read is left out;
    a file that changes keeps the size that it had at first. StoreError for what the machine does not let us read,
    ToolError when a running container has ended.
    """
    with drive.acting():
        place, node = _find(drive, asked)
    return _Steps(drive, _joined(_tar(drive, place, node, asked.name, slashes)))


class _Steps:
    """Pieces, each made in a block of :meth:`.drive.Drive.acting`, on whatever thread asks for it."""

    def __init__(self, drive: Drive, pieces: Iterator[bytes]) -> None:
        self._drive, self._pieces = drive, pieces

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with self._drive.acting():
            piece = next(self._pieces, None)
        if piece is None:
            raise StopIteration
        return piece


def _joined(pieces: Iterable[bytes]) -> Iterator[bytes]:
    kept: list[bytes] = []
    length = 0
    for piece in pieces:
        kept.append(piece)
        length += len(piece)
        if length >= PIECE:
            yield b"".join(kept)
            kept, length = [], 0
    yield b"".join(kept)


def _find(drive: Drive, asked: Asked) -> tuple[Parts, Node]:
    place, node = drive.find(asked.parts, follow=asked.folder)
    if asked.folder and node.sort is not Sort.FOLDER:
        raise InputError("\\".join(("", *asked.parts, "")) + ": not a directory")  # moby's words
    return place, node


def _end_of(drive: Drive, place: Parts, node: Node) -> str:
    try:
        return "\\" + "\\".join(drive.resolve(place))
    except NotFoundError:  # a link that leads nowhere is told as it stands
        return _target(drive.link_text(node, place[:-1]), place[:-1])


def _target(text: str, folder: Parts) -> str:
    link = links.from_linux(text, folder)
    return "\\\\?\\unix" + text.replace("/", "\\") if link is None else link.target


def _tar(drive: Drive, place: Parts, node: Node, name: str, slashes: bool) -> Iterator[bytes]:
    base = "" if name == "\\" else name
    yield from _entry(drive, place, node, base, place if slashes else None)
    if node.sort is Sort.FOLDER:
        for path, inner in drive.view.walk(place):
            yield from _entry(drive, path, inner, "/".join((base, *path[len(place):])), place if slashes else None)
    yield bytes(1024)


def _entry(drive: Drive, place: Parts, node: Node, name: str, root: Parts | None) -> Iterator[bytes]:
    """One entry. Links below ``root`` are written with slashes."""
    if node.sort is Sort.OTHER:
        return
    info = tarfile.TarInfo(name)
    info.mode = 0o755
    try:
        above = drive.open_above(place, node)
    except NotFoundError:
        return
    try:
        found = os.stat(node.name or ".", dir_fd=above, follow_symlinks=False)
        info.mtime = found.st_mtime_ns // 1_000_000_000
        if node.sort is Sort.FOLDER:
            info.type, info.name = tarfile.DIRTYPE, name + "/"
        elif node.sort is Sort.LINK:
            text = drive.link_text(node, place[:-1])
            if text == links.NOWHERE:
                return
            info.type, info.linkname = tarfile.SYMTYPE, _written(drive, place, text, root)
        else:
            number = os.open(node.name, OPEN_FILE, dir_fd=above)
            try:
                yield from _content(number, info)
            finally:
                os.close(number)
            return
        yield info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    except OSError as error:
        if error.errno not in _EXCHANGED:  # else it was taken away while we read
            raise StoreError(f"cannot read {join(place)}", why=error.strerror or str(error), path=join(place),
                             code=error.errno) from error
    finally:
        os.close(above)


def _written(drive: Drive, place: Parts, text: str, root: Parts | None) -> str:
    """What a tar says of a link: its target as Windows has it, or with slashes."""
    target = _target(text, place[:-1])
    end = links.destination(target, place[:-1])
    if root is None or end is None or links.is_absolute(target):
        return target
    spelt = drive.view.spelt(end)
    if spelt[:len(root)] != root:
        return target
    return os.path.relpath("/".join(("", *spelt)), "/".join(("", *place[:-1])))


def _content(number: int, info: tarfile.TarInfo) -> Iterator[bytes]:
    """The header and content of an open file, which may change while it is read: the tar keeps the size it said."""
    found = os.fstat(number)
    if not modes.S_ISREG(found.st_mode):
        return
    info.size = left = found.st_size
    if not found.st_mode & 0o222:
        info.mode = 0o555
    yield info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    while left and (data := os.read(number, min(left, PIECE))):
        left -= len(data)
        yield data
    while left:
        yield bytes(min(left, PIECE))
        left -= min(left, PIECE)
    if info.size % 512:
        yield bytes(-info.size % 512)
