# SPDX-License-Identifier: Apache-2.0
"""What a layer holds, looked up in a tenth of a millisecond: one pass over the blob, once in its life.

An index is an SQLite file beside the blob, keyed by folder and name as NTFS compares them. It keeps every entry but no
content, except for the few files later steps need (the registry hives). It is built under another name and renamed
into place, so a file with the final name is whole; it is opened read-only and immutable, from any number of processes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from ..codec.readers import Readable
from ..errors import FormatError, NotFoundError, StoreError
from ..windows.upcase import fold
from .entry import Entry, Kind, Times
from .reader import OPAQUE, read
from .tarstream import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    import sqlite3

SCHEMA = 1
"""Raised whenever an index written before would be misread; an index of another version is built anew."""
KEEP = ("Files/Windows/System32/config/*", "Hives/*")
"""The files whose content an index keeps when nothing else is asked: the registry hives."""
KEEP_LIMIT = 512 << 20

_KINDS = tuple(Kind)
_NUMBER = {kind: number for number, kind in enumerate(_KINDS)}
_APPLICATION = 0x77636C69  # "wcli"
_TABLES = """
CREATE TABLE entries (parent TEXT, name TEXT, whiteout INTEGER, path TEXT, kind INTEGER, size INTEGER,
  attributes INTEGER, security INTEGER, created INTEGER, modified INTEGER, accessed INTEGER, changed INTEGER,
  target TEXT, eas TEXT, PRIMARY KEY (parent, name, whiteout)) WITHOUT ROWID;
CREATE TABLE security (id INTEGER PRIMARY KEY, descriptor BLOB);
CREATE TABLE kept (id INTEGER PRIMARY KEY, path TEXT UNIQUE, content BLOB);
CREATE TABLE facts (linux INTEGER);
"""
_SELECT = """SELECT path, kind, size, attributes, descriptor, created, modified, accessed, changed, target, eas, name,
  whiteout FROM entries LEFT JOIN security ON entries.security = security.id WHERE parent = ?"""


class Index:
    """The entries of one layer, by path.

    Paths are those of :class:`Entry`; case does not matter (with ``linux`` it does). ``Entry.attributes`` and
    ``Entry.times`` are ``None`` for a directory that the tar only implies. Alternate streams are left out. Where a
    tar has a name twice, the later entry counts. Damage found while reading raises ``FormatError``.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, linux: bool) -> None:
        self.path = path
        self.linux = linux
        self._connection = connection
        self._kinds: dict[str, tuple[int, int]] = {}

    @classmethod
    def build(cls, stream: Readable, path: str | os.PathLike[str], *,
              keep: Callable[[str], bool] | Iterable[str] = KEEP, linux: bool = False,
              limits: Limits = DEFAULT_LIMITS, source: str = "layer") -> Index:
        """Read a layer (compressed or not) to its end and write its index to ``path``, replacing one that is there.

        ``keep`` says which files' content is kept: patterns of paths, where ``*`` stands for anything within one
        component, or a function; files over 512 MiB are not. ``FormatError`` for a bad layer, ``StoreError`` when the
        file cannot be written; then ``path`` is as it was before.
        """
        import tempfile

        final = Path(path)
        try:
            handle, name = tempfile.mkstemp(prefix=f".{final.name}.", suffix=".tmp", dir=final.parent)
            os.close(handle)
        except OSError as error:
            raise _cannot_write(final, error.strerror or str(error)) from error
        temporary = Path(name)
        try:
            _fill(temporary, final, read(stream, linux=linux, limits=limits, source=source),
                  keep if callable(keep) else _matcher(keep, linux), linux, limits, source)
            temporary.replace(final)
        except OSError as error:
            raise _cannot_write(final, error.strerror or str(error)) from error
        finally:
            temporary.unlink(missing_ok=True)
        return cls.open(final)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Index:
        """Open an index that was built before.

        ``NotFoundError`` when there is none, ``FormatError`` when it is damaged or of another version: build it anew.
        """
        import sqlite3

        file = Path(path)
        if not file.is_file():
            raise NotFoundError(f"there is no index {file}", path=str(file))
        uri = f"{file.absolute().as_uri()}?mode=ro&immutable=1"
        connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        try:
            application = connection.execute("PRAGMA application_id").fetchone()[0]
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if application != _APPLICATION or version != SCHEMA:
                raise FormatError(f"cannot use the index {file}", source=str(file), why="it is no index of a layer"
                                  if application != _APPLICATION else f"it has version {version}, not {SCHEMA}")
            linux = bool(connection.execute("SELECT linux FROM facts").fetchone()[0])
        except (sqlite3.Error, TypeError) as error:
            connection.close()
            raise _damaged(file, error) from error
        except FormatError:
            connection.close()
            raise
        return cls(file, connection, linux)

    def key(self, path: str) -> str:
        """The form under which this index compares paths."""
        path = path.strip("/")
        return path if self.linux else fold(path)

    def get(self, path: str) -> Entry | None:
        """The entry at ``path``, or the whiteout that removes it from lower layers, or ``None``."""
        parent, _unused, name = self.key(path).rpartition("/")
        for row in self._rows(_SELECT + " AND name = ? ORDER BY whiteout LIMIT 1", parent, name):
            return _entry(row)
        return None

    def children(self, path: str = "") -> list[Entry]:
        """What stands directly in a directory (the top of the layer when empty), whiteouts included, by name."""
        return [_entry(row) for row in self._rows(_SELECT + " ORDER BY name, whiteout", self.key(path))]

    def walk(self) -> Iterator[Entry]:
        """All entries, each directory before what it holds, siblings by name."""
        stack = [iter(self.children())]
        while stack:
            entry = next(stack[-1], None)
            if entry is None:
                stack.pop()
                continue
            yield entry
            if entry.kind is Kind.DIRECTORY:
                stack.append(iter(self.children(entry.path)))

    def kept(self, path: str) -> bytes | None:
        """The content of a file that was kept, or ``None``."""
        for row in self._rows("SELECT content FROM kept WHERE path = ?", self.key(path)):
            return bytes(row[0])
        return None

    def named(self, key: str) -> list[tuple[str, bool, Entry]]:
        """What stands in the folder of a key, each with its compared name and whether it is a whiteout."""
        return [(row[11], bool(row[12]), _entry(row)) for row in self._rows(_SELECT + " ORDER BY name, whiteout", key)]

    def at(self, key: str) -> Entry | None:
        """The entry of a key, whiteouts left out."""
        parent, _unused, name = key.rpartition("/")
        for row in self._rows(_SELECT + " AND name = ? AND whiteout = 0", parent, name):
            return _entry(row)
        return None

    def hides(self, key: str) -> bool:
        """Whether lower layers are covered at a key: it was removed, or something that is no directory stands there."""
        whiteout, kind = self._state(key)
        return bool(whiteout) or kind not in (-1, _NUMBER[Kind.DIRECTORY])

    def begins_anew(self, key: str) -> bool:
        """Whether a directory's content in lower layers is covered: by ``.wh..wh..opq``, on Linux only."""
        return self.linux and bool(self._state(f"{key}/{OPAQUE}" if key else OPAQUE)[0])

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __del__(self) -> None:
        if connection := getattr(self, "_connection", None):  # a read-only file: letting go of it late loses nothing
            connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def _state(self, key: str) -> tuple[int, int]:
        """Whether a whiteout stands at a key, and the kind of the entry there (-1 for none)."""
        found = self._kinds.get(key)
        if found is None:
            parent, _unused, name = key.rpartition("/")
            rows = self._rows("SELECT whiteout, kind FROM entries WHERE parent = ? AND name = ?", parent, name)
            found = (int(any(row[0] for row in rows)), next((row[1] for row in rows if not row[0]), -1))
            if len(self._kinds) >= 100_000:
                self._kinds.clear()
            self._kinds[key] = found
        return found

    def _rows(self, query: str, *values: str) -> list[Any]:
        import sqlite3

        try:
            return self._connection.execute(query, values).fetchall()
        except UnicodeEncodeError:
            return []  # half a surrogate pair: no layer has such a name
        except sqlite3.Error as error:
            raise _damaged(self.path, error) from error


def _fill(temporary: Path, final: Path, entries: Iterator[tuple[Entry, BinaryIO | None]], keep: Callable[[str], bool],
          linux: bool, limits: Limits, source: str) -> None:
    import sqlite3

    connection = sqlite3.connect(temporary, isolation_level=None)
    try:
        connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; "
                                 f"PRAGMA application_id = {_APPLICATION}; PRAGMA user_version = {SCHEMA};" + _TABLES)
        connection.execute("BEGIN")
        connection.execute("INSERT INTO facts VALUES (?)", (int(linux),))
        _Filler(connection, keep, linux, limits, source).fill(entries)
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise _cannot_write(final, str(error)) from error
    finally:
        connection.close()
    handle = os.open(temporary, os.O_RDWR)  # the rename must not reach the disk before the content
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class _Filler:
    """Turns entries into rows."""

    def __init__(self, connection: sqlite3.Connection, keep: Callable[[str], bool], linux: bool, limits: Limits,
                 source: str) -> None:
        self._connection = connection
        self._keep = keep
        self._linux = linux
        self._limits = limits
        self._source = source
        self._rows: list[tuple[object, ...]] = []
        self._security: dict[bytes, int] = {}
        self._security_bytes = 0
        self._security_count = 0
        self._folders: dict[str, str] = {}  # folded parent -> its spelling, for each that something stands in
        self._directories: set[str] = {""}
        self._count = 0

    def fill(self, entries: Iterator[tuple[Entry, BinaryIO | None]]) -> None:
        """Write all rows."""
        for entry, content in entries:
            path = entry.path
            if not self._linux and ":" in path:
                continue  # an alternate stream belongs to its file
            key = path if self._linux else fold(path)
            parent, _unused, name = key.rpartition("/")
            if parent not in self._folders:
                self._folders[parent] = path[:len(path) - len(name) - 1] if parent else ""
            if entry.kind is Kind.DIRECTORY:
                self._directories.add(key)
            self._row(parent, name, entry)
            if content is not None and entry.size <= KEEP_LIMIT and self._keep(path):
                self._keep_content(key, entry.size, content)
        self._flush()
        for parent, spelling in list(self._folders.items()):
            self._imply(parent, spelling)
        self._flush()

    def _imply(self, key: str, spelling: str) -> None:
        """Directories that only their content speaks of, up to the top."""
        while key not in self._directories:
            self._directories.add(key)
            parent, _unused, name = key.rpartition("/")
            if not self._connection.execute("SELECT 1 FROM entries WHERE parent = ? AND name = ? AND whiteout = 0",
                                            (parent, name)).fetchone():
                self._row(parent, name, Entry(spelling, Kind.DIRECTORY))
            key, spelling = parent, spelling.rpartition("/")[0]

    def _row(self, parent: str, name: str, entry: Entry) -> None:
        self._count += 1
        if self._count > self._limits.entries:
            raise FormatError(f"cannot index the {self._source}", source=self._source,
                              why=f"it has more than {self._limits.entries} entries and parents")
        times = entry.times
        moments: tuple[int | None, ...] = (None,) * 4 if times is None else \
            (times.created, times.modified, times.accessed, times.changed)
        self._rows.append((parent, name, int(entry.kind is Kind.WHITEOUT), entry.path, _NUMBER[entry.kind], entry.size,
                           entry.attributes, None if entry.security is None else self._descriptor(entry.security),
                           *moments, entry.target or None, _eas_to_text(entry.eas)))
        if len(self._rows) >= 500:
            self._flush()

    def _flush(self) -> None:
        self._connection.executemany("INSERT OR REPLACE INTO entries VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)", self._rows)
        self._rows.clear()

    def _descriptor(self, security: bytes) -> int:
        """The number of a descriptor; equal ones share it, as long as remembering them stays cheap."""
        found = self._security.get(security)
        if found is None:
            self._security_count += 1
            found = self._security_count
            self._connection.execute("INSERT INTO security VALUES (?, ?)", (found, security))
            self._security_bytes += len(security)
            if self._security_bytes <= 8 << 20:
                self._security[security] = found
        return found

    def _keep_content(self, key: str, size: int, content: BinaryIO) -> None:
        """Copy a file into the index, a piece at a time."""
        self._connection.execute("INSERT OR REPLACE INTO kept (path, content) VALUES (?, zeroblob(?))", (key, size))
        number = self._connection.execute("SELECT id FROM kept WHERE path = ?", (key,)).fetchone()[0]
        with self._connection.blobopen("kept", "content", number) as blob:
            while data := content.read(1 << 18):
                blob.write(data)


def _entry(row: Any) -> Entry:
    path, kind, size, attributes, security, created, modified, accessed, changed, target, eas = row[:11]
    times = None if created is None else Times(created, modified, accessed, changed)
    return Entry(path, _KINDS[kind], size, attributes, security, times, target or "", _eas_from_text(eas))


def _eas_to_text(eas: tuple[tuple[str, bytes], ...]) -> str | None:
    return "\n".join(f"{name}={value.hex()}" for name, value in eas) if eas else None


def _eas_from_text(text: str | None) -> tuple[tuple[str, bytes], ...]:
    if not text:
        return ()
    pairs = (line.rpartition("=") for line in text.split("\n"))
    return tuple((name, bytes.fromhex(value)) for name, _unused, value in pairs)


def _matcher(patterns: Iterable[str], linux: bool) -> Callable[[str], bool]:
    """Whether a path matches one of the patterns: ``*`` within a component, all else literal, case as the layer's."""
    form = str if linux else fold
    match = _pattern([form(pattern) for pattern in patterns]).fullmatch
    return lambda path: match(form(path)) is not None


def _pattern(patterns: Iterable[str]) -> re.Pattern[str]:
    """Compile patterns of paths into one expression, whose time grows as the path does."""
    texts = [_glob(pattern) for pattern in patterns]
    return re.compile("|".join(texts) if texts else r"(?!)")


def _glob(pattern: str) -> str:
    # Each star but the last takes as little as it can and never more (the group is atomic): what the part after it
    # matches first leaves the most to the stars behind, so another try could not help and is not made.
    first, *parts = map(re.escape, pattern.split("*"))
    if not parts:
        return first
    return first + "".join(f"(?>[^/]*?{part})" for part in parts[:-1]) + f"[^/]*{parts[-1]}"


def _cannot_write(path: Path, why: str) -> StoreError:
    return StoreError(f"cannot write the index {path}", why=why, path=str(path))


def _damaged(path: Path, error: Exception) -> FormatError:
    return FormatError(f"cannot use the index {path}", source=str(path), why=f"it is damaged: {error}",
                       hint="remove it; it is made anew when needed")
