# SPDX-License-Identifier: Apache-2.0
"""``docker cp`` into a container: a tar put into a folder, by moby's rules for what may replace what."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import BinaryIO, cast

from ...codec.packed import decompressed
from ...errors import InputError, StoreError, UnsupportedError, quoted
from ...layer import Kind
from ...layer.tarstream import Header, Limits, TarStream, is_sparse
from ...windows.names import check_name, join
from ...windows.upcase import fold
from .. import links
from .archive import PIECE
from .drive import Drive, overwrites
from .merged import Parts
from .overlay import OPEN_FILE, Sort, opened

LIMITS = Limits(entries=2_000_000)
"""Of an archive: as of a build context. A header has at most 1 MiB (as in Go's ``archive/tar``, which dockerd reads
with), so no name and no record of a header fills the memory."""
LONGEST = 32_767
"""Characters of a path: what Windows can hold."""
NAMES = 10_000
"""So many names that are right are remembered."""
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def write(drive: Drive, path: Parts, archive: BinaryIO, *, replace_folders: bool = True) -> int:
    """Put what a tar holds into the folder at ``path``, and say how many entries there were.

    A folder is added to; a file replaces a file. A file comes in place of a folder, or the other way round, only with
    ``replace_folders``. NotFoundError when the folder is not there, InputError when it is another thing or a name leads
    out of it, UnsupportedError for a name that Windows cannot have, FormatError for a bad tar, StoreError when the
    machine does not let us write, ToolError when a running container has ended. What was written before an error
    stays, as with ``docker cp``, but for the file that was half written.
    """
    with drive.acting():
        folder = drive.folder(path)
    writer = _Writer(drive, folder, replace_folders)
    count = 0
    try:
        tar = TarStream(decompressed(archive, "the archive"), LIMITS, source="archive", sparse=True)
        while (header := tar.next()) is not None:
            with drive.acting():
                writer.put(tar, header)
            count += 1
        with drive.acting():
            writer.set_times()
    except OSError as error:
        raise StoreError(f"cannot write to {join(path)}", why=error.strerror or str(error), code=error.errno) from error
    finally:
        drive.view.forget()
    return count


class _Writer:
    """Puts entries into one folder."""

    def __init__(self, drive: Drive, folder: Parts, replace: bool) -> None:
        self._drive, self._folder, self._replace = drive, folder, replace
        self._times: dict[Parts, int] = {}
        self._checked: set[str] = set()  # a folder's name stands in that of everything below it

    def put(self, tar: TarStream, header: Header) -> None:
        """One entry of the tar, whose content is read here."""
        name = header.name.decode("utf-8", "surrogateescape")
        drive, names = self._drive, self._names(name)
        if not names:
            return
        if len(name) > LONGEST:
            raise UnsupportedError(f"cannot unpack {quoted(name[:200])}…",
                                   why=f"a path of Windows has at most {LONGEST} "
                                   f"characters, and this one {len(name)}")
        for one in names:
            if one not in self._checked:
                check_name(one)
                self._checked.add(one)
        if len(self._checked) > NAMES:
            self._checked.clear()
        above = drive.make(drive.resolve((*self._folder, *names[:-1])), replace=self._replace)
        node = drive.view.names(above).get(fold(names[-1]))
        place = (*above, names[-1] if node is None else node.name)
        if header.typeflag == b"5":
            place = drive.resolve(place) if node is not None and node.sort is Sort.LINK else place
            self._times[drive.make(place, replace=self._replace)] = header.modified
            return
        if header.typeflag not in (b"0", b"1", b"2", b"7") or is_sparse(header.typeflag, header.pax):
            raise UnsupportedError(f"cannot unpack {quoted(name[:200])}",
                                   why="it is a device, a pipe or sparse, which a container on Windows does not get")
        if node is not None and node.sort is Sort.FOLDER and not self._replace:
            raise overwrites("directory", place, "non-directory")
        target = header.linkname.decode("utf-8", "surrogateescape")
        source: BinaryIO | None = None
        if header.typeflag != b"2":
            source = self._linked(name, target) if header.typeflag == b"1" else cast("BinaryIO", tar.body())
        number = drive.open_to_write(above)
        try:
            if source is None:
                self._put_link(number, place, name, target)
            else:
                self._put_file(number, place, header, source)
        finally:
            os.close(number)
            if source is not None:
                source.close()
        drive.view.learn(above, place[-1], Sort.LINK if source is None else Sort.FILE)

    def set_times(self) -> None:
        """Give folders their times, when nothing more is put into them."""
        for place, modified in self._times.items():
            number = self._drive.open_to_write(place)
            try:
                _set_time(number, modified)
            finally:
                os.close(number)

    def _names(self, text: str) -> Parts:
        r"""The names that an entry's leads along, from the folder. A client on Linux takes ``C:\app\x`` for one name in
        its current folder, which is the root of the drive: there the drive in front is no part of the name."""
        inside = text[3:] if not self._folder and text[:3].upper() == "C:\\" else text
        names = tuple(name for name in inside.replace("\\", "/").split("/") if name not in ("", "."))
        if ".." in names:
            raise InputError(f"cannot unpack {quoted(text[:200])}", why="it leads out of the folder it is put into")
        return names

    def _linked(self, name: str, target: str) -> BinaryIO:
        """The file that a hard link of the tar means; its content is copied."""
        drive = self._drive
        names = tuple(part for part in target.replace("\\", "/").split("/") if part not in ("", "."))
        if names and ".." not in names:
            place = drive.resolve((*self._folder, *names))
            node = drive.view.get(place)
            if node is not None and node.sort is Sort.FILE:
                with opened(drive.view.place(node), place[:-1]) as number:
                    if number is not None:
                        return os.fdopen(os.open(node.name, OPEN_FILE, dir_fd=number), "rb")
        raise InputError(f"cannot unpack {quoted(name[:200])}",
                         why=f"it links to {quoted(target[:200])}, which is no file of the archive")

    def _put_link(self, above: int, place: Parts, name: str, written: str) -> None:
        view = self._drive.view
        target = links.destination(written, place[:-1])
        if target is None:
            raise InputError(f"cannot unpack {quoted(name[:200])}",
                             why=f"it links to {quoted(written[:200])}, which is not on C:")
        node = view.get(target)
        kind = Kind.DIRECTORY_SYMLINK if node is not None and node.sort is Sort.FOLDER else Kind.SYMLINK
        text = links.to_linux(links.Link(kind, written), place[:-1], view.spelt(target))
        self._drive.remove(above, place)
        os.symlink(text, place[-1], dir_fd=above)
        self._drive.own_link(above, place[-1])

    def _put_file(self, above: int, place: Parts, header: Header, source: BinaryIO) -> None:
        self._drive.remove(above, place)
        number = os.open(place[-1], _CREATE, 0o644, dir_fd=above)
        try:
            while data := source.read(PIECE):
                while (done := os.write(number, data)) < len(data):
                    data = data[done:]
            os.fchmod(number, 0o644 if header.mode & 0o200 else 0o444)
            _set_time(number, header.modified)
            self._drive.own(number)
        except BaseException:
            with suppress(OSError):  # the error before it counts, and is raised
                os.unlink(place[-1], dir_fd=above)
            raise
        finally:
            os.close(number)


def _set_time(number: int, modified: int) -> None:
    with suppress(OSError, OverflowError):  # a time that no file can have
        os.utime(number, ns=(modified, modified))
