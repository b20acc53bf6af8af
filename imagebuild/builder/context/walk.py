# SPDX-License-Identifier: Apache-2.0
"""A folder on this machine as a build context. Nothing in it is read before it is asked for."""

from __future__ import annotations

import hashlib
import os
import stat
from array import array
from collections.abc import Iterable, Sequence
from contextlib import suppress
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO

from ...errors import ContextError
from .statcache import StatCache, facts
from .tree import FACTS, MAX_DEPTH, UTF8, Item, Listing, Sort, chosen, from_system, shown, to_system, unreadable

_SPECIAL = ((stat.S_ISSOCK, "a socket"), (stat.S_ISFIFO, "a named pipe"), (stat.S_ISBLK, "a device"),
            (stat.S_ISCHR, "a device"))
# Never through a link that was put there after the listing, never waiting for the other end of a pipe.
_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) \
    | getattr(os, "O_BINARY", 0)


class FolderTree:
    """The items of a folder; ``cache`` remembers digests from build to build."""

    def __init__(self, root: Path, cache: StatCache | None = None) -> None:
        self.root = Path(os.path.realpath(root))
        self._prefix = os.path.join(self.root, "")  # noqa: PTH118 - a path object for each file costs more than the file
        self.name = str(root)
        self._cache = cache or StatCache()
        try:
            if not self.root.is_dir():
                raise NotADirectoryError(20, "it is not a folder" if self.root.exists() else "there is no such folder")
        except OSError as error:
            raise ContextError(f"cannot use {shown(self.name)} as the build context", path=self.name,
                               why=error.strerror or str(error), hint="name a folder, or - for a tarball") from error

    def list(self, folder: str) -> Listing:
        """What lies directly in a folder. Things that vanish meanwhile are left out."""
        if folder.count("/") >= MAX_DEPTH:
            raise ContextError(f"cannot read {shown(folder)[:200]}… of the build context", path=folder,
                               why=f"folders lie more than {MAX_DEPTH} deep")
        names, columns, others = list[str](), array("q"), dict[str, Item]()
        try:
            with os.scandir(self.location(folder)) as found:
                for entry in sorted(found, key=attrgetter("name")):
                    name = from_system(entry.name)
                    if _column(entry, columns):
                        names.append(name)
                        continue
                    del columns[FACTS * len(names):]
                    with suppress(FileNotFoundError):
                        others[name] = self._item(f"{folder}/{name}" if folder else name, entry)
        except OSError as error:
            raise unreadable(folder, error) from error
        if not UTF8 and names != sorted(names):
            order = sorted(range(len(names)), key=names.__getitem__)
            names, columns = [names[at] for at in order], chosen(columns, order)
        return Listing(folder, names, columns, others)

    def _item(self, path: str, entry: os.DirEntry[str]) -> Item:
        try:
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISREG(status.st_mode):
                return Item(path, Sort.FILE, status.st_size, status.st_mtime_ns)
            if stat.S_ISDIR(status.st_mode):
                return Item(path, Sort.DIRECTORY, 0, status.st_mtime_ns)
            if stat.S_ISLNK(status.st_mode):
                target = os.readlink(entry.path).replace(os.sep, "/")  # noqa: PTH115 - text, not a Path
                return Item(path, Sort.SYMLINK, 0, status.st_mtime_ns, from_system(target))
        except FileNotFoundError:
            raise
        except OSError as error:
            raise unreadable(path, error) from error
        note = next((words for is_kind, words in _SPECIAL if is_kind(status.st_mode)), "neither a file nor a folder")
        return Item(path, Sort.SPECIAL, 0, status.st_mtime_ns, note=note)

    def open(self, path: str) -> BinaryIO:
        """A stream of a file's bytes."""
        try:
            handle = os.open(self.location(path), _OPEN)
            try:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise OSError(0, "it is no longer a plain file")
                return os.fdopen(handle, "rb")
            except BaseException:
                os.close(handle)
                raise
        except OSError as error:
            raise unreadable(path, error) from error

    def location(self, path: str) -> Path:
        """The file itself."""
        return self.root / to_system(path)

    def place(self, path: str) -> str:
        """The file itself, as text."""
        return f"{self._prefix}{to_system(path)}"

    def places(self, folder: str, names: Sequence[str]) -> Iterable[str]:
        """The files themselves, as text."""
        prefix = self.place(f"{folder}/") if folder else self._prefix
        return map(prefix.__add__, names if UTF8 else map(to_system, names))

    def digests(self, folder: str, names: Sequence[str], facts: array[int]) -> bytes:
        """SHA-256 of files of one folder, from the cache for those that were listed as it knows them."""
        known = self._cache.get_all(folder, names, facts)
        return known if isinstance(known, bytes) else b"".join(
            digest or bytes.fromhex(self.digest(f"{folder}/{name}" if folder else name).removeprefix("sha256:"))
            for name, digest in zip(names, known, strict=True))

    def learn_all(self, folder: str, names: Sequence[str], facts: array[int], digests: bytes) -> None:
        """Remember digests that somebody else computed, for files that still look as they were listed.

        A file that was changed after it was listed looks otherwise by now: what is remembered for it is never found.
        """
        self._cache.put_all(folder, names, facts, digests)

    def digest(self, path: str) -> str:
        """``sha256:…`` of a file, from the cache where nothing about the file has changed."""
        with self.open(path) as file:
            before = facts(os.fstat(file.fileno()))
            known = self._cache.get(path, before)
            if known is not None:
                return known
            try:
                digest = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
            except OSError as error:
                raise unreadable(path, error) from error
            if facts(os.fstat(file.fileno())) != before:
                raise ContextError(f"cannot read {shown(path)} of the build context", path=path,
                                   why="it changed while it was read",
                                   hint="build again when nothing else is writing it")
        self._cache.put(path, before, digest)
        return digest

    def learn(self, item: Item, digest: str) -> None:
        """Remember a digest that somebody else computed, unless the file looks otherwise by now."""
        with suppress(OSError):
            now = facts(os.lstat(self.place(item.path)))
            if now[:2] == (item.size, item.mtime_ns):
                self._cache.put(item.path, now, digest)

    def close(self) -> None:
        """Save the cache."""
        self._cache.save()


def _column(entry: os.DirEntry[str], columns: array[int]) -> bool:
    """Append the facts of a plain file; false, and perhaps a part of them, for everything else."""
    try:
        status = entry.stat(follow_symlinks=False)
        if not stat.S_ISREG(status.st_mode):
            return False
        columns.extend(facts(status))
    except (OSError, OverflowError):  # what is wrong is looked at with the item; a time may be too far for a column
        return False
    return True
