# SPDX-License-Identifier: Apache-2.0
"""Digests of files remembered from build to build, by what the file system says of a file.

A file whose size, mtime, ctime and inode are the same has the same content, with one exception that git calls
"racily clean": written again within one tick of the clock, a file looks unchanged. So a digest is kept only if the file
was last touched well before it was looked at; others are computed again next time.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import time
from array import array
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

VERSION = 2
MARGIN_NS = 2_000_000_000
"""Two seconds: FAT, the coarsest clock a context can lie on."""

Facts = tuple[int, int, int, int]
"""size, mtime_ns, ctime_ns, inode."""
FACTS = 4
_DIGEST = 32
_UNTRUSTED = array("q", (-1, 0, 0, 0))
"""The facts of a file that was touched too late: no file has them, and they hide what was known before."""


def facts(status: os.stat_result) -> Facts:
    """What identifies the content of a file, from its status."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


class _Shelf:
    """What is remembered of one folder, in columns: a few long values instead of some for each file."""

    __slots__ = ("_places", "digests", "facts", "names")

    def __init__(self, names: Sequence[str], facts: array[int], digests: bytes) -> None:
        self.names = list(names)
        self.facts = facts
        self.digests = digests
        self._places: dict[str, int] | None = None

    def find(self, name: str) -> int | None:
        """Where a file is in the columns."""
        if self._places is None:
            self._places = dict(zip(self.names, range(len(self.names)), strict=True))
        return self._places.get(name)

    def digest(self, at: int, facts: array[int]) -> bytes | None:
        """The digest of a file, if it was kept for exactly these facts."""
        if self.facts[FACTS * at:FACTS * at + FACTS] != facts:
            return None
        return self.digests[_DIGEST * at:_DIGEST * at + _DIGEST]

    def rows(self) -> Iterator[tuple[str, array[int], bytes]]:
        """Name, facts and digest of each file."""
        for at, name in enumerate(self.names):
            yield (name, self.facts[FACTS * at:FACTS * at + FACTS], self.digests[_DIGEST * at:_DIGEST * at + _DIGEST])


class StatCache:
    """The remembered digests of one folder. ``path`` None keeps them only as long as this object.

    A cache that cannot be read or written is no error: files are hashed again. ``now`` gives nanoseconds since 1970.
    """

    def __init__(self, path: Path | None = None, *, now: Callable[[], int] = time.time_ns) -> None:
        self.path = path
        self._now = now
        self._opened = now()
        self._shelves: dict[str, list[_Shelf]] = {}  # by folder, the latest last
        self._single: dict[str, dict[str, tuple[array[int], bytes]]] = {}  # by folder and name: later than any shelf
        self._changed = False
        if path is not None:
            # a cache that cannot be read is an empty one: files are hashed again
            with suppress(OSError, ValueError, TypeError, KeyError, RecursionError, AttributeError):
                self._shelves = _load(path)

    @classmethod
    def for_folder(cls, root: Path, folder: Path, *, now: Callable[[], int] = time.time_ns) -> StatCache:
        """The cache of the context at ``root``, among others in ``folder``."""
        real = os.fsencode(os.path.realpath(root))
        return cls(folder / f"{hashlib.sha256(real).hexdigest()[:32]}.json", now=now)

    def get(self, name: str, found: Facts) -> str | None:
        """The digest of a file, if it was kept for exactly these facts."""
        folder, _unused, base = name.rpartition("/")
        with suppress(OverflowError):
            digest = self._find(folder, base, array("q", found))
            return f"sha256:{digest.hex()}" if digest else None
        return None

    def get_all(self, folder: str, names: Sequence[str], found: array[int]) -> bytes | list[bytes | None]:
        """The digests of files of one folder, 32 bytes after 32 bytes; one by one where some are not known."""
        shelves = self._shelves.get(folder, ())
        if len(shelves) == 1 and folder not in self._single:
            (shelf,) = shelves
            if shelf.facts == found and shelf.names == list(names):
                return shelf.digests
        digests = [self._find(folder, name, found[FACTS * at:FACTS * at + FACTS]) for at, name in enumerate(names)]
        return digests if None in digests else b"".join(map(bytes, filter(None, digests)))

    def put(self, name: str, found: Facts, digest: str) -> None:
        """Keep a digest for a file that looked like this before and after it was read."""
        folder, _unused, base = name.rpartition("/")
        with suppress(OverflowError, ValueError):
            column, kept = array("q", found), bytes.fromhex(digest.removeprefix("sha256:"))
            if len(kept) == _DIGEST:
                trusted = column if _settled(column, self._now()) else _UNTRUSTED
                self._single.setdefault(folder, {})[base] = trusted, kept
                self._changed = True

    def put_all(self, folder: str, names: Sequence[str], found: array[int], digests: bytes) -> None:
        """Keep the digests of files of one folder that looked like this before they were read.

        That was after the cache was opened, and a file that was touched since looks otherwise from then on.
        """
        self._changed = True
        if not _settled(found, self._opened):
            each = (found[at:at + FACTS] for at in range(0, len(found), FACTS))
            found = array("q", chain.from_iterable(one if _settled(one, self._opened) else _UNTRUSTED for one in each))
        single = self._single.get(folder)
        if single:
            for name in names:
                single.pop(name, None)
        self._shelves.setdefault(folder, []).append(_Shelf(names, found, digests))

    def _find(self, folder: str, name: str, found: array[int]) -> bytes | None:
        if folder in self._single and name in self._single[folder]:
            facts, digest = self._single[folder][name]
            return digest if facts == found else None
        for shelf in reversed(self._shelves.get(folder, ())):
            at = shelf.find(name)
            if at is not None:
                return shelf.digest(at, found)
        return None

    def save(self) -> None:
        """Write the cache, if anything is new, replacing the old one in one step. Files not met stay known."""
        if self.path is None or not self._changed:
            return
        table = [_columns(folder, self._shelves.get(folder, []), self._single.get(folder, {}))
                 for folder in sorted({*self._shelves, *self._single})]
        data = json.dumps({"version": VERSION, "folders": table}, separators=(",", ":"))
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


def _settled(column: array[int], looked: int) -> bool:
    """Whether all files were last touched well before they were looked at."""
    touched = (max(column[at::FACTS]) for at in (1, 2))
    return not column or max(touched) + MARGIN_NS <= looked


def _columns(folder: str, shelves: list[_Shelf], single: dict[str, tuple[array[int], bytes]]
             ) -> tuple[str, str, str, str]:
    """One folder as it is written: its path, names divided by slashes, facts and digests in base64."""
    if len(shelves) == 1 and not single and _UNTRUSTED[0] not in shelves[0].facts[::FACTS]:
        shelf = shelves[0]
    else:
        latest = {name: (facts, digest) for each in shelves for name, facts, digest in each.rows()}
        latest = {name: row for name, row in {**latest, **single}.items() if row[0] != _UNTRUSTED}
        shelf = _Shelf(list(latest), array("q", chain.from_iterable(facts for facts, _unused in latest.values())),
                       b"".join(digest for _unused, digest in latest.values()))
    kept = shelf.facts if sys.byteorder == "little" else _swapped(shelf.facts)
    return (folder, "/".join(shelf.names), b64encode(kept.tobytes()).decode(), b64encode(shelf.digests).decode())


def _load(path: Path) -> dict[str, list[_Shelf]]:
    data: Any = json.loads(path.read_bytes())
    if data["version"] != VERSION:
        return {}
    known: dict[str, list[_Shelf]] = {}
    for folder, names, packed, digests in data["folders"]:
        column = array("q", b64decode(packed, validate=True))
        shelf = _Shelf(names.split("/") if names else [], column, b64decode(digests, validate=True))
        if not len(shelf.names) * FACTS * _DIGEST == len(shelf.facts) * _DIGEST == len(shelf.digests) * FACTS:
            return {}
        known[str(folder)] = [shelf if sys.byteorder == "little" else
                              _Shelf(shelf.names, _swapped(shelf.facts), shelf.digests)]
    return known


def _swapped(facts: array[int]) -> array[int]:
    other = facts[:]
    other.byteswap()
    return other
