# SPDX-License-Identifier: Apache-2.0
"""Files that appear whole or not at all, and what the disk's complaints mean."""

from __future__ import annotations

import errno
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ...errors import IntegrityError, NotFoundError, StoreError
from ...files import STALE_SECONDS, Draft, abandoned, write_whole
from ...oci import Digest
from .lease import Lease

_ARCHIVE_DRAFT = re.compile(r"\.(?P<name>.{1,80})\.\d+-[0-9a-f]{16}", re.DOTALL)

_HINTS = {
    errno.ENOSPC: "free some space there, or choose another place; nothing half-written was kept",
    errno.EDQUOT: "the disk quota is used up; nothing half-written was kept",
    errno.EFBIG: "the file system or a limit (ulimit -f) allows no file of this size",
    errno.EROFS: "choose a place that can be written to",
    errno.EACCES: "check who owns it, or choose another place",
    errno.EPERM: "check who owns it, or choose another place",
}


def trouble(what: str, error: OSError) -> StoreError:
    """An error of the operating system as ours."""
    return StoreError(what, why=error.strerror or str(error), hint=_HINTS.get(error.errno or 0, ""), errno=error.errno)


@contextmanager
def translated(what: str, *, missing: bool = False) -> Iterator[None]:
    """Turn an OSError inside into a StoreError that says what was attempted; with ``missing`` not one of a file that is
    not there, which the caller looks at."""
    try:
        yield
    except OSError as error:
        if missing and isinstance(error, FileNotFoundError):
            raise
        raise trouble(what, error) from error


def write_file(path: Path, data: bytes, *, temporary: Path, mode: int = 0o666, durable: bool = False) -> None:
    """Put a small file in place in one step; ``temporary`` is a folder of the same file system. StoreError."""
    with translated(f"cannot write {path}"):
        write_whole(path, data, temporary=temporary, mode=mode, durable=durable)


class DraftBlob:
    """A blob of a store that is made of files: the BlobWriter of LayoutStore.

    ``place`` says where a finished blob goes.
    """

    def __init__(self, folder: Path, what: str, place: BlobPlace) -> None:
        self._what = what
        self._place = place
        with translated(f"cannot write a blob to {what}"):
            self._draft = Draft(folder)

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        """Append bytes; StoreError when the disk is full, and the draft is gone."""
        try:
            return self._draft.write(data)
        except OSError as error:
            self._draft.discard()
            raise trouble(f"cannot write a blob to {self._what}", error) from error

    def commit(self, digest: Digest, size: int) -> None:
        """Make the blob visible under its digest."""
        check_size(self._draft.size, digest, size)
        path = self._place.blob_path(digest)
        with translated(f"cannot keep blob {digest} in {self._what}"):
            try:
                # Also where it is there already: the old one may have been damaged, the new one was just hashed.
                self._place.size_of(digest)
                self._draft.keep(path, durable=self._place.durable)
            finally:
                self._draft.discard()

    def __enter__(self) -> DraftBlob:
        return self

    def __exit__(self, *exc: object) -> None:
        self._draft.discard()


class BlobPlace:
    """Where a folder store keeps its blobs, and whether it waits for the disk.

    With a ``lease``, a blob that was asked for is relied on. A collector moves blobs aside before it deletes them
    (``decisions/0019``); until then they are found there and put back.
    """

    def __init__(self, root: Path, *, durable: bool, lease: Lease | None = None) -> None:
        self.root = root
        self.durable = durable
        self.lease = lease

    def blob_path(self, digest: Digest) -> Path:
        """The file of a blob."""
        return self.root / "blobs" / digest.algorithm / digest.hex

    def aside_path(self, digest: Digest) -> Path:
        """Where a collector puts a blob that it is about to delete."""
        return self.root / ".wcow" / "trash" / digest.algorithm / digest.hex

    def claim(self, digest: Digest) -> None:
        """Rely on a blob, before it is looked for."""
        if self.lease is not None:
            self.lease.add(digest)

    def size_of(self, digest: Digest) -> int | None:
        """The size of a blob, which is relied on from now on; None when it is not there."""
        self.claim(digest)
        size = size_of(self.blob_path(digest))
        if size is None and self.put_back(digest):
            size = size_of(self.blob_path(digest))
        return size

    def put_back(self, digest: Digest) -> bool:
        """Put a blob back that was moved aside. Whether it may be there now."""
        try:
            self.aside_path(digest).replace(self.blob_path(digest))
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True  # nothing can be moved in a store that we may only read, or another did it
        return True

    def open(self, digest: Digest, what: str) -> int:
        """A file descriptor to read a blob, wherever it is just now. NotFoundError when it is nowhere."""
        try:
            return open_file(self.blob_path(digest), what)
        except NotFoundError:
            if not self.put_back(digest):
                # Another may have put it back between the two looks.
                return open_file(self.blob_path(digest), what)
        try:
            return open_file(self.blob_path(digest), what)
        except NotFoundError:
            return open_file(self.aside_path(digest), what)


def check_size(written: int, digest: Digest, size: int) -> None:
    """IntegrityError when a blob is about to be kept under a size it does not have."""
    if written != size:
        raise IntegrityError(f"blob {digest} was not written whole", why=f"{written} bytes of {size}",
                             expected=size, found=written)


def size_of(path: Path) -> int | None:
    """The size of a regular file; None when there is none."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def open_file(path: Path, what: str) -> int:
    """A file descriptor to read a regular file; a pipe or device put in its place is refused, not waited for."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    try:
        fd = os.open(path, flags)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(f"{what} is not there", why=f"no file {path}") from None
    except OSError as error:
        raise trouble(f"cannot open {what}", error) from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise StoreError(f"cannot open {what}", why=f"{path} is not a file")
    return fd


def lost_drafts(folder: Path, name: str = "") -> list[Path]:
    """Drafts of archives (of the one called ``name``, when given) that processes left that are gone."""
    out: list[Path] = []
    with suppress(OSError):
        for path in sorted(folder.iterdir()):
            found = _ARCHIVE_DRAFT.fullmatch(path.name)
            if found and (not name or found["name"] == name[:80]) and path.is_file() and abandoned(path):
                out.append(path)
    return out


def sweep(folder: Path, *, now: float | None = None) -> None:
    """Remove drafts that a killed process left, by their age."""
    oldest = (time.time() if now is None else now) - STALE_SECONDS
    with suppress(OSError):
        for path in folder.iterdir():
            with suppress(OSError):
                if path.stat().st_mtime < oldest:
                    path.unlink()
