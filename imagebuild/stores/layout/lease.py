# SPDX-License-Identifier: Apache-2.0
"""Leases: which blobs a running process relies on though no name refers to them yet.

A lease is a file of digests, one a line, that its owner appends to and holds (:mod:`imagebuild.files.liveness`). It
ends when the store is closed or the process dies. The order is what makes it safe: first the digest is written down,
then it is looked whether the blob is there; the collector first moves a blob aside, then reads the leases, and only
then deletes.
"""

from __future__ import annotations

import os
import secrets
import threading
import weakref
from contextlib import suppress
from pathlib import Path

from ...errors import FormatError, StoreError
from ...files import abandoned, hold, still_there
from ...oci import Digest

_TRIES = 5


class Lease:
    """What one store object relies on. ``folder`` is where all leases of the place are. Safe from many threads.

    Where no lease can be written (a read-only or a full disk) there is none: what then goes missing is noticed before
    a name is given, never after.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: set[str] = set()
        self._fd: int | None = None
        self._guard = threading.Lock()
        self._finalizer: weakref.finalize[[Path, int, int], Lease] | None = None

    def add(self, digest: Digest) -> None:
        """Rely on a blob from now on, whether or not it is there."""
        if digest in self._known:
            return
        with self._guard, suppress(OSError):
            if self._fd is None:
                self._begin()
            if self._fd is not None and digest not in self._known:
                # A line that a full disk cut short must not spoil the next one: that begins anew.
                line = f"\n{digest}\n".encode()
                if os.write(self._fd, line) == len(line):
                    self._known.add(digest)

    def end(self) -> None:
        """Rely on nothing any more. Safe to call twice; :meth:`add` begins anew."""
        with self._guard:
            if self._finalizer is not None:
                self._finalizer()
            self._finalizer = self._fd = None
            self._known.clear()

    def _begin(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
        for _unused in range(_TRIES):
            path = self._folder / f"{os.getpid()}-{secrets.token_hex(8)}"
            fd = os.open(path, flags, 0o666)
            hold(fd)
            if still_there(path, fd):
                self._fd = fd
                self._finalizer = weakref.finalize(self, _end, path, fd, os.getpid())
                return
            os.close(fd)  # a collector took it for a dead one's, in the moment before it was held


def leased(folder: Path) -> set[Digest]:
    """Everything that living processes rely on; the leases of dead ones are removed. StoreError for a lease that
    cannot be read (another user's): what it names would be deleted under its owner's hands."""
    out: set[Digest] = set()
    try:
        for path in list(folder.iterdir()):
            if abandoned(path):
                with suppress(OSError):  # the next collection tries again
                    path.unlink()
                continue
            with suppress(FileNotFoundError):  # its owner has ended meanwhile
                whole, _unused, _unused = path.read_text("ascii", "replace").rpartition("\n")
                for line in whole.splitlines():
                    with suppress(FormatError):  # half a line, of a disk that was full
                        out.add(Digest.parse(line))
    except (FileNotFoundError, NotADirectoryError):  # nobody has ever begun one
        return out
    except OSError as error:
        raise StoreError("cannot tell what other processes are using", why=f"{error.filename}: {error.strerror}",
                         hint="run this as the user whose store it is", errno=error.errno) from error
    return out


def _end(path: Path, fd: int, owner: int) -> None:
    if os.getpid() == owner:  # a forked child must not end its parent's lease
        with suppress(OSError):
            path.unlink()
    with suppress(OSError):  # a lease of a closed file is no lease: the next collection takes it
        os.close(fd)
