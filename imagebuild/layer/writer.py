# SPDX-License-Identifier: Apache-2.0
"""Writes a layer that Windows imports: entries in, tar, compression and both digests out in one pass.

What Windows' importers would refuse or misread is refused here, when the entry is added and before any of its bytes
are written: a parent that is missing or late, a name twice (as NTFS compares names), a whiteout away from its parent,
anything below a reparse point, a hard link to what is not there yet.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import BinaryIO, Self

from ..codec import BlockWriter, Compression, Sealed, Sink, Tail
from ..errors import ContextError, InputError, UnsupportedError
from ..windows.upcase import fold
from .batch import Batch
from .entry import Entry, Kind
from .header import BLOCK, Headers
from .rules import check_component, check_length, check_place, check_target, check_values
from .spellings import Spellings

Content = bytes | bytearray | memoryview | BinaryIO | str | os.PathLike[str] | None
"""What a file holds: bytes, a stream, or the path of a file (``str`` or ``PathLike``); ``None`` is empty."""
Heard = Callable[[bytes | bytearray | memoryview], object]

SMALL = 16 << 10
"""Up to this size a file of a batch is read at once and copied; a larger one is read where it goes."""

_PADDING = bytes(BLOCK)
_GATHERED = 128 << 10  # about so many bytes of small files, records not counted, are handed on together
_OPEN = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)  # a FIFO must not make us wait


class LayerWriter:
    """Writes one layer to ``sink``.

    ``base`` says that it is the first layer of an image: no ``Hives``, no whiteouts. ``in_parent`` answers whether a
    lower layer has a file at exactly that path, for hard links that reach into it. ``workers`` has no influence on
    the bytes. The order is the caller's (:func:`~imagebuild.layer.order` gives one that is accepted).

    End with :meth:`finish` or :meth:`abort`; as a context manager it aborts when left by an exception. An entry that
    is refused leaves the layer as it was; an error while content is read or written ends it, and the half-written
    blob is the caller's to remove.
    """

    def __init__(self, sink: Sink, compression: Compression | None = None, *, workers: int | None = None,
                 base: bool = False, in_parent: Callable[[str], bool] | None = None) -> None:
        self._out = BlockWriter(sink, compression or Compression(), workers=workers)
        self._base = base
        self._in_parent = in_parent
        self._headers = Headers()
        self._folders: dict[str, str] = {"": ""}  # spelling -> folded path with its slash
        self._seen = Spellings()
        self._no_files: set[str] = set()  # folded paths of all that a hard link cannot lead to
        self._whiteouts_in: str | None = None  # the folder whose whiteouts may come next
        self._last = Entry("", Kind.DIRECTORY)  # the entry whose values were checked last, and its template
        self._last_below = False
        self._template = self._headers.template(self._last)

    def add(self, entry: Entry, content: Content = None, *, heard: Heard | None = None) -> None:
        """Append one entry, and for a file its content, which must have exactly ``entry.size`` bytes.

        ``heard`` is called with each piece of the content as it goes into the layer (a hash's ``update``, say); it must
        not keep the piece.

        ``InputError`` or ``UnsupportedError`` when Windows would not take the entry; ``ContextError`` when the content
        cannot be read or has another size (a file that changes while it is read).
        """
        key = self._check(entry)
        if content is None:
            if entry.size:
                raise InputError(f"cannot put {entry.path} into a layer", why=f"no content for its {entry.size} bytes")
        elif entry.kind is not Kind.FILE:
            raise InputError(f"cannot put {entry.path} into a layer", why=f"a {entry.kind.value} has no content")
        header = self._template.encode(entry)
        self._remember(entry, key)
        try:
            if content is None:
                self._out.write(header)
            elif isinstance(content, (str, os.PathLike)):
                self._write_file(header, entry, content, heard)
            else:
                self._out.write(header)
                self._write_content(entry, content, heard)
                self._out.write(_PADDING[:-entry.size % BLOCK])
        except BaseException:
            self._out.abort()
            raise

    def add_batch(self, batch: Batch, places: Iterable[str], *, hashed: bool = False) -> bytes:
        """Append the files of a batch; ``places`` are the files on this machine that hold their content.

        Bytes and errors are those of :meth:`add` for one after the other. With ``hashed`` it gives the SHA-256 of each
        content, 32 bytes after 32 bytes; else nothing.
        """
        digests: list[bytes] = []
        self._check(batch.entry(0))  # and with it all but the names of the others
        folder = self._folders[batch.folder]
        if not self._last_below or self._seen.meets(folder, batch):
            for entry, place in zip(batch.entries(), places, strict=True):
                self._add_hashed(entry, place, digests)
            return b"".join(digests) if hashed else b""
        self._seen.add(folder, batch)
        self._whiteouts_in = None
        try:
            self._write_batch(batch, places, digests if hashed else None)
        except BaseException:
            self._out.abort()
            raise
        return b"".join(digests)

    def cut(self) -> None:
        """End the compressed block here: what follows gets the same bytes whatever stood before.

        Layers of one context for several bases begin with parents copied from each base; cut after them.
        """
        self._out.cut()

    def splice(self, tail: Tail, stream: BinaryIO) -> None:
        """Cut, and take what is compressed from here on out of another layer's blob (:meth:`BlockWriter.splice`)."""
        self._out.splice(tail, stream)

    def tell(self) -> int:
        """Bytes of tar so far."""
        return self._out.tell()

    def finish(self) -> Sealed:
        """End the tar and say what came out; ``InputError`` when ``Files`` or ``Hives`` never came."""
        self._out.reserve(1)  # UsageError when the layer was ended before
        missing = [name for name in ("Files",) + (() if self._base else ("Hives",)) if name not in self._folders]
        if missing:
            self.abort()
            raise InputError("cannot end the layer", why=f"it has no {' and no '.join(missing)}, and Windows would not "
                             "import it")
        try:
            self._out.zeros(2 * BLOCK)
            return self._out.close()
        except BaseException:
            self._out.abort()
            raise

    def abort(self) -> None:
        """Stop, end all threads, write nothing more. Safe at any time and more than once."""
        self._out.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if kind is not None:
            self.abort()

    def _check(self, entry: Entry) -> str:
        """Refuse what Windows would; the folded path of an entry that is fine."""
        path = entry.path
        parent, _unused, name = path.rpartition("/")
        check_component(name, path)
        folder = self._folders.get(parent)
        if folder is None:
            raise self._no_parent(path, parent)
        key = folder + fold(name)
        other = self._seen.get(key)
        if other is not None:
            raise InputError(f"cannot put {path} into a layer twice" if other == path else
                             f"cannot put {path} into a layer beside {other}",
                             why="a layer has each name once, and names that differ only in case are one to Windows",
                             path=path)
        if len(path) > 1000:
            check_length(path)
        below_files = path.startswith("Files/")
        if not below_files:
            check_place(entry, self._base)
        kind = entry.kind
        last = self._last
        if kind is not last.kind or entry.times is not last.times or entry.security is not last.security \
                or entry.attributes != last.attributes or entry.eas != last.eas \
                or not below_files or not self._last_below:
            check_values(entry, self._base)
            self._template = self._headers.template(entry)
            self._last, self._last_below = entry, below_files
        if kind is not Kind.FILE or entry.target or entry.size < 0:
            check_target(entry)
            if kind is Kind.HARD_LINK:
                self._check_hard_link(entry)
            elif kind is Kind.WHITEOUT:
                self._check_whiteout(entry, parent)
        return key

    def _check_whiteout(self, entry: Entry, parent: str) -> None:
        if self._base:
            raise UnsupportedError(f"cannot remove {entry.path} in a base layer", why="there is no layer below it",
                                   path=entry.path)
        if self._whiteouts_in != parent:
            raise InputError(f"cannot remove {entry.path} here", path=entry.path,
                             why=f"whiteouts stand right after their parent directory, {parent}, as Windows has it")

    def _check_hard_link(self, entry: Entry) -> None:
        target = entry.target
        if not target.startswith(("Files/", "UtilityVM/Files/")):
            raise InputError(f"cannot link {entry.path} to {target}", path=entry.path,
                             why="the target of a hard link is a path of the layer, below Files or UtilityVM/Files")
        key = fold(target)
        if self._seen.get(key) == target:
            if key in self._no_files:
                raise InputError(f"cannot link {entry.path} to {target}", path=entry.path,
                                 why="only files have hard links, and a link leads to the file, not to another link")
        elif self._in_parent is None or not self._in_parent(target):
            raise InputError(f"cannot link {entry.path} to {target}", path=entry.path,
                             why="Windows finds the target of a hard link only earlier in the same layer, spelt the "
                             "same, or in a layer below")

    def _no_parent(self, path: str, parent: str) -> InputError:
        key = fold(parent)
        other = self._seen.get(key)
        if other is None:
            why = f"its parent {parent} must come before it"
        elif other != parent:
            why = f"its parent was spelt {other} before"
        else:
            why = f"{parent} is not a plain directory: nothing can stand below a file, link or junction"
        return InputError(f"cannot put {path} into a layer", why=why, path=path)

    def _remember(self, entry: Entry, key: str) -> None:
        path, kind = entry.path, entry.kind
        self._seen[key] = path
        if kind is Kind.FILE:
            self._whiteouts_in = None
            return
        self._no_files.add(key)
        if kind is Kind.DIRECTORY:
            self._folders[path] = key + "/"
            self._whiteouts_in = path
        elif kind is not Kind.WHITEOUT:
            self._whiteouts_in = None

    def _add_hashed(self, entry: Entry, place: str, digests: list[bytes]) -> None:
        digest = hashlib.sha256()
        self.add(entry, place, heard=digest.update)
        digests.append(digest.digest())

    def _write_batch(self, batch: Batch, places: Iterable[str], digests: list[bytes] | None) -> None:
        """Headers and content. Whatever is not as it should be with a file is left to :meth:`_write_file` to say."""
        parts: list[bytes] = []
        gathered, read, sha256 = 0, os.read, hashlib.sha256
        headers = self._template.headers(batch)
        for at, (header, size, place) in enumerate(zip(headers, batch.sizes, places, strict=True)):
            if size <= SMALL:
                data: bytes | None = None
                try:
                    file = os.open(place, _OPEN)
                    try:
                        data = read(file, size + 1)
                    finally:
                        os.close(file)
                except OSError:
                    data = None  # it may have been read and not closed
                if data is not None and len(data) == size:
                    parts += header
                    parts += (data, _PADDING[:-size % BLOCK])
                    gathered += size + BLOCK
                    if digests is not None:
                        digests.append(sha256(data).digest())
                    if gathered >= _GATHERED:
                        self._out.write(b"".join(parts))
                        parts.clear()
                        gathered = 0
                    continue
            self._out.write(b"".join(parts))
            parts.clear()
            gathered = 0
            digest = sha256()
            self._write_file(b"".join(header), batch.entry(at), place, digest.update if digests is not None else None)
            if digests is not None:
                digests.append(digest.digest())
        self._out.write(b"".join(parts))

    def _write_file(self, header: bytes, entry: Entry, path: str | os.PathLike[str], heard: Heard | None) -> None:
        """Header, content of a file read straight into the block, and padding.

        Asking for one byte more than the file should have shows in one call whether it grew.
        """
        out, size, start = self._out, entry.size, len(header)
        try:
            file = os.open(path, _OPEN)
            try:
                room = out.reserve(start + size + BLOCK)
                if len(room) == start + size + BLOCK:  # most files of most layers: all of it fits the block
                    end = start + size
                    room[:start] = header
                    if _read_into(file, room[start:end + 1]) == size:
                        padding = -size % BLOCK
                        room[end:end + padding] = _PADDING[:padding]
                        if heard is not None:
                            heard(room[start:end])
                        out.advance(end + padding)
                        return
                    os.lseek(file, 0, os.SEEK_SET)
                out.write(header)
                self._copy_file(entry, file, path, heard)
            finally:
                os.close(file)
        except OSError as error:
            raise ContextError(f"cannot read {os.fspath(path)} for {entry.path}", why=error.strerror or str(error),
                               path=entry.path) from error
        out.write(_PADDING[:-size % BLOCK])

    def _copy_file(self, entry: Entry, file: int, path: str | os.PathLike[str], heard: Heard | None) -> None:
        """The content of an open file, which must end exactly where it should."""
        left = entry.size
        while True:
            room = self._out.reserve(left + 1)
            count = _read_into(file, room)
            if count > left:
                raise _changed(entry, os.fspath(path), f"more than {entry.size}")
            if not count:
                break
            if heard is not None:
                heard(room[:count])
            self._out.advance(count)
            left -= count
        if left:
            raise _changed(entry, os.fspath(path), f"only {entry.size - left}")

    def _write_content(self, entry: Entry, content: bytes | bytearray | memoryview | BinaryIO,
                       heard: Heard | None) -> None:
        if isinstance(content, (bytes, bytearray, memoryview)):
            content = memoryview(content).cast("B")  # a view may be of larger items
            if len(content) != entry.size:
                raise _changed(entry, "its content", str(len(content)))
            if heard is not None:
                heard(content)
            self._out.write(content)
        else:
            self._copy_stream(entry, content, heard)

    def _copy_stream(self, entry: Entry, stream: BinaryIO, heard: Heard | None) -> None:
        left = entry.size
        try:
            while left:
                data = stream.read(min(left, 1 << 18))
                if not data:
                    raise _changed(entry, "its content", f"only {entry.size - left}")
                if heard is not None:
                    heard(data)
                self._out.write(data)
                left -= len(data)
            more = stream.read(1)
        except OSError as error:
            raise ContextError(f"cannot read the content of {entry.path}", why=error.strerror or str(error),
                               path=entry.path) from error
        if more:
            raise _changed(entry, "its content", f"more than {entry.size}")


def _read_into_by_copy(file: int, room: memoryview) -> int:
    data = os.read(file, len(room))
    room[:len(data)] = data
    return len(data)


if hasattr(os, "readv"):
    def _read_into(file: int, room: memoryview) -> int:
        return os.readv(file, (room,))
else:  # Windows
    _read_into = _read_into_by_copy


def _changed(entry: Entry, what: str, found: str) -> ContextError:
    return ContextError(f"{what} has another size than announced for {entry.path}",
                        why=f"{entry.size} bytes were expected, {found} came", path=entry.path,
                        hint="nothing may change the files while a layer is written from them; try again")


__all__ = ["Content", "LayerWriter"]
