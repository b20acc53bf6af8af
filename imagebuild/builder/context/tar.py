# SPDX-License-Identifier: Apache-2.0
"""A tarball as a build context: read once from front to back into one temporary file.

Names and links never become names and links on this machine, so there is nothing an archive could escape to: each
file's bytes are a piece of the spool, everything else is a table in memory.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import threading
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from ...codec.packed import decompressed
from ...codec.readers import Readable
from ...errors import ContextError, StoreError, quoted
from ...layer.tarstream import Header, TarStream
from ...layer.tarstream import Limits as TarLimits
from .tree import MAX_DEPTH, Item, Listing, Sort, shown, text_of

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a tarball may unpack to: ``size`` in bytes of all files together, ``entries`` in number."""

    size: int = 64 << 30
    entries: int = 2_000_000


@dataclass(frozen=True, slots=True)
class _Piece:
    """Where a file's bytes lie in the spool."""

    offset: int
    size: int
    digest: str


class TarTree:
    """The items of a tarball. ``stream`` is read to its end at once and stays the caller's to close.

    Plain, gzip, zstd, bzip2 and xz are told apart by their first bytes. ``folder`` takes the temporary file. Raises
    FormatError for a broken archive and ContextError for one that tries to leave its root, holds devices or is too big.
    """

    def __init__(self, stream: Readable, *, name: str = "-", folder: Path | None = None,
                 limits: Limits | None = None) -> None:
        self.name = name
        self._limits = limits or Limits()
        self._items: dict[str, Item] = {}
        self._below: dict[str, set[str]] = {"": set()}
        self._pieces: dict[str, _Piece] = {}
        self._at = 0
        self._folder = folder
        self._copies: dict[str, Path] = {}
        self._lock = threading.Lock()
        try:
            self._spool: BinaryIO = tempfile.TemporaryFile(prefix="wcow-context-", dir=folder)  # noqa: SIM115
        except OSError as error:
            raise self._cannot_keep(error) from error
        try:
            tar = TarStream(decompressed(stream, f"the build context {name}"), TarLimits(entries=self._limits.entries),
                            source=f"build context {name}")
            while (header := tar.next()) is not None:
                self._add(header, tar)
        except BaseException:
            self.close()
            raise

    def list(self, folder: str) -> Listing:
        """What lies directly in a folder."""
        return Listing.of(folder, (self._items[path] for path in self._below.get(folder, ())))

    def open(self, path: str) -> BinaryIO:
        """A stream of a file's bytes; several can be open at once."""
        piece = self._pieces[path]
        return io.BufferedReader(_Slice(self._spool.fileno(), self._lock, piece.offset, piece.size))

    def location(self, path: str) -> Path:
        """A copy of one file, removed when the context is closed."""
        copy = self._copies.get(path)
        if copy is None:
            try:
                handle, name = tempfile.mkstemp(prefix="wcow-context-", dir=self._folder)
                self._copies[path] = copy = Path(name)
                with os.fdopen(handle, "wb") as file, self.open(path) as source:
                    while data := source.read(CHUNK):
                        file.write(data)
            except OSError as error:
                raise self._cannot_keep(error) from error
        return copy

    def place(self, path: str) -> str:
        """A copy of the file, as text."""
        return str(self.location(path))

    def digest(self, path: str) -> str:
        """``sha256:…`` of a file, computed while it was unpacked."""
        return self._pieces[path].digest

    def places(self, folder: str, names: Sequence[str]) -> Iterator[str]:
        """Copies of files of one folder, each made when it is asked for."""
        return (self.place(f"{folder}/{name}" if folder else name) for name in names)

    def digests(self, folder: str, names: Sequence[str], facts: array[int]) -> bytes:
        """SHA-256 of files of one folder, 32 bytes after 32 bytes."""
        return b"".join(bytes.fromhex(self.digest(f"{folder}/{name}" if folder else name).removeprefix("sha256:"))
                        for name in names)

    def learn_all(self, folder: str, names: Sequence[str], facts: array[int], digests: bytes) -> None:
        """Nothing to learn: every file was hashed when the tarball was read."""

    def learn(self, item: Item, digest: str) -> None:
        """Nothing to learn: every file was hashed when the tarball was read."""

    def close(self) -> None:
        """Remove the temporary files. Safe to call twice."""
        with suppress(OSError):  # a full disk was an error before
            self._spool.close()
        for copy in self._copies.values():
            copy.unlink(missing_ok=True)
        self._copies.clear()

    def _add(self, header: Header, tar: TarStream) -> None:
        path = self._path(header.name)
        mtime = header.modified
        kind = header.typeflag
        if not path:
            if kind != b"5":
                raise self._refused(header.name, "it is not a folder, but has the name of the context itself")
            return
        self._parents(path, header.name)
        if kind == b"5":
            old = self._items.get(path)
            if old is not None and old.sort is not Sort.DIRECTORY:
                self._forget(path)
            self._put(Item(path, Sort.DIRECTORY, 0, mtime))
            self._below.setdefault(path, set())
            return
        self._forget(path)
        if kind == b"2":
            self._put(Item(path, Sort.SYMLINK, 0, mtime, text_of(header.linkname)))
        elif kind == b"1":
            self._hard_link(path, header)
        elif kind in (b"0", b"7"):
            self._put(Item(path, Sort.FILE, header.size, mtime))
            self._pieces[path] = self._keep(path, tar)
        elif kind in (b"3", b"4", b"6"):
            raise self._refused(header.name, "it is a device or a named pipe", "make the archive without it")
        else:
            raise self._refused(header.name, f"its type {quoted(kind)} is unknown")

    def _path(self, raw: bytes) -> str:
        """A name of the archive as a path in the context, ``""`` for the context itself."""
        name = text_of(raw)
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if ".." in parts or name.startswith("/"):
            raise self._refused(raw, "its name leads out of the archive")
        if len(parts) > MAX_DEPTH:
            raise self._refused(raw[:200], f"folders lie more than {MAX_DEPTH} deep")
        return "/".join(parts)

    def _parents(self, path: str, raw: bytes) -> None:
        """The folders above a path, made where the archive does not name them."""
        folder = path.rpartition("/")[0]
        missing = []
        while folder and folder not in self._below:
            missing.append(folder)
            folder = folder.rpartition("/")[0]
        for made in reversed(missing):
            if made in self._items:
                raise self._refused(raw, f"{shown(made)} above it is a {self._items[made].sort.value}, not a folder")
            self._put(Item(made, Sort.DIRECTORY))
            self._below[made] = set()

    def _put(self, item: Item) -> None:
        self._items[item.path] = item
        self._below[item.path.rpartition("/")[0]].add(item.path)
        if len(self._items) > self._limits.entries:
            raise ContextError(f"cannot use the build context {self.name}",
                               why=f"it holds more than the {self._limits.entries} entries that are allowed")

    def _forget(self, path: str) -> None:
        """A later entry of a name replaces the earlier one, with all below it."""
        if self._items.pop(path, None) is None:
            return
        self._below[path.rpartition("/")[0]].discard(path)
        self._pieces.pop(path, None)
        todo = [path]
        while todo:
            for below in self._below.pop(todo.pop(), ()):
                self._items.pop(below, None)
                self._pieces.pop(below, None)
                todo.append(below)

    def _hard_link(self, path: str, header: Header) -> None:
        other = self._path(header.linkname)
        item, piece = self._items.get(other), self._pieces.get(other)
        if item is None or piece is None:
            raise self._refused(header.name, f"it is a hard link to {shown(other)}, which is no file before it")
        self._put(replace(item, path=path))
        self._pieces[path] = piece

    def _keep(self, path: str, tar: TarStream) -> _Piece:
        """Copy the content of the current entry into the spool."""
        body, digest, start = tar.body(), hashlib.sha256(), self._at
        while data := body.read(CHUNK):
            self._at += len(data)
            if self._at > self._limits.size:
                raise ContextError(f"cannot use the build context {self.name}", path=path,
                                   why=f"it unpacks to more than the {self._limits.size} bytes that are allowed")
            digest.update(data)
            try:
                self._spool.write(data)
            except OSError as error:
                raise self._cannot_keep(error) from error
        try:
            self._spool.flush()
        except OSError as error:
            raise self._cannot_keep(error) from error
        return _Piece(start, self._at - start, f"sha256:{digest.hexdigest()}")

    def _refused(self, raw: bytes, why: str, hint: str = "") -> ContextError:
        path = text_of(raw)
        return ContextError(f"cannot use {shown(path)} of the build context {self.name}", path=path, why=why, hint=hint)

    def _cannot_keep(self, error: OSError) -> StoreError:
        return StoreError(f"cannot unpack the build context {self.name}", why=error.strerror or str(error),
                          hint="make room where temporary files go, or point TMPDIR elsewhere")


class _Slice(io.RawIOBase):
    """A part of a file, read at its own position; ``lock`` is shared by all readers of the file."""

    def __init__(self, handle: int, lock: threading.Lock, offset: int, size: int) -> None:
        super().__init__()
        self._handle, self._lock, self._offset, self._left = handle, lock, offset, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        with self._lock:  # os.pread would do, but Windows has none
            os.lseek(self._handle, self._offset, os.SEEK_SET)
            data = os.read(self._handle, min(len(view), self._left))
        view[: len(data)] = data
        self._offset += len(data)
        self._left -= len(data)
        return len(data)
