# SPDX-License-Identifier: Apache-2.0
"""Digests of files remembered from build to build, by what the file system says of a file.

A file whose size, mtime, ctime and inode are the same has the same content, with one exception that git calls
"racily clean": written again within one tick of the clock, a file looks unchanged. So a digest is kept only if the file
was last touched well before it was read; others are computed again next time.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

VERSION = 1
MARGIN_NS = 2_000_000_000
"""Two seconds: FAT, the coarsest clock a context can lie on."""

Facts = tuple[int, int, int, int]
"""size, mtime_ns, ctime_ns, inode."""


def facts(status: os.stat_result) -> Facts:
    """What identifies the content of a file, from its status."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


class StatCache:
    """The remembered digests of one folder. ``path`` None keeps them only as long as this object.

    A cache that cannot be read or written is no error: files are hashed again. ``now`` gives nanoseconds since 1970.
    """

    def __init__(self, path: Path | None = None, *, now: Callable[[], int] = time.time_ns) -> None:
        self.path = path
        self._now = now
        self._known: dict[str, tuple[Facts, str]] = {}
        self._used: set[str] = set()
        self._changed = False
        if path is not None:
            with suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
                self._known = _load(path)

    @classmethod
    def for_folder(cls, root: Path, folder: Path, *, now: Callable[[], int] = time.time_ns) -> StatCache:
        """The cache of the context at ``root``, among others in ``folder``."""
        real = os.fsencode(os.path.realpath(root))
        return cls(folder / f"{hashlib.sha256(real).hexdigest()[:32]}.json", now=now)

    def get(self, name: str, found: Facts) -> str | None:
        """The digest of a file, if it was kept for exactly these facts."""
        known = self._known.get(name)
        if known is None or known[0] != found:
            return None
        self._used.add(name)
        return known[1]

    def put(self, name: str, found: Facts, digest: str) -> None:
        """Keep a digest for a file that looked like this before and after it was read."""
        self._changed = True
        if max(found[1], found[2]) + MARGIN_NS > self._now():
            self._known.pop(name, None)
            return
        self._known[name] = (found, digest)
        self._used.add(name)

    def save(self) -> None:
        """Write the cache, if anything is new, replacing the old one in one step. Files not met stay known."""
        if self.path is None or not self._changed:
            return
        table = {name: [*found, digest] for name, (found, digest) in sorted(self._known.items())}
        data = json.dumps({"version": VERSION, "files": table}, separators=(",", ":"))
        temporary = ""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(prefix=".statcache-", dir=self.path.parent)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(data)
            Path(temporary).replace(self.path)
            self._changed = False
        except OSError:
            pass
        finally:
            if temporary:
                Path(temporary).unlink(missing_ok=True)

    def forget_unused(self) -> None:
        """Drop what this object was not asked about: files that are gone."""
        gone = self._known.keys() - self._used
        self._changed |= bool(gone)
        for name in gone:
            del self._known[name]


def _load(path: Path) -> dict[str, tuple[Facts, str]]:
    data: Any = json.loads(path.read_bytes())
    known: dict[str, tuple[Facts, str]] = {}
    if data["version"] != VERSION:
        return known
    for name, row in data["files"].items():
        size, mtime, ctime, inode, digest = row
        if not all(type(number) is int for number in (size, mtime, ctime, inode)) or not digest.startswith("sha256:"):
            return {}
        known[name] = ((size, mtime, ctime, inode), digest)
    return known
