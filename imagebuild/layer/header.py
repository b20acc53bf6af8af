# SPDX-License-Identifier: Apache-2.0
"""The bytes before a file's content: a PAX extended header and a ustar header, as Windows' exporter writes them.

Forms: POSIX.1-2001 pax for the layout; go-winio ``backuptar/tar.go`` for records, modes and typeflags; hcsshim
``pkg/ociwclayer/export.go`` for hard links and whiteouts. Written by hand because ``tarfile`` forces a slash after
directory names, which makes Windows overlook ``UtilityVM``, and takes 37 microseconds an entry where this takes two:
all records but ``path``, ``size`` and ``linkpath`` are the same for thousands of files, so they are made once.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from zlib import adler32

from ..windows.filetime import TICKS_PER_SECOND, UNIX_EPOCH, to_pax
from .batch import Batch
from .entry import Entry, Kind

BLOCK = 512
WHITEOUT = ".wh."
OCTAL_SIZE_LIMIT = 1 << 33
"""From 8 GiB on, eleven octal digits cannot say the size, and a PAX record does."""

RECORD_ATTRIBUTES = b"MSWINDOWS.fileattr"
RECORD_SECURITY = b"MSWINDOWS.rawsd"
RECORD_MOUNTPOINT = b"MSWINDOWS.mountpoint"
RECORD_EA = b"MSWINDOWS.xattr."
RECORD_CREATED = b"LIBARCHIVE.creationtime"

_TYPEFLAG = {Kind.FILE: b"0", Kind.DIRECTORY: b"5", Kind.SYMLINK: b"2", Kind.DIRECTORY_SYMLINK: b"2",
             Kind.JUNCTION: b"2", Kind.HARD_LINK: b"1", Kind.WHITEOUT: b"0"}
# The C_IS* bits that go-winio leaves in the mode; it sets no permission bits, except on hard links.
_MODE = {Kind.FILE: 0o100000, Kind.DIRECTORY: 0o040000, Kind.SYMLINK: 0o120000, Kind.DIRECTORY_SYMLINK: 0o160000,
         Kind.JUNCTION: 0o160000, Kind.HARD_LINK: 0o644, Kind.WHITEOUT: 0}

_UID_GID = b"0000000\0" * 2
_USTAR = b"ustar\0" b"00" + bytes(64) + b"0000000\0" * 2 + bytes(167)  # no names, no device, no prefix
_MEMO = 4096
"""How many templates are kept: bounds memory when every file has times of its own."""


class Headers:
    """Makes headers for one layer; remembers the parts that many entries share."""

    def __init__(self) -> None:
        self._templates: dict[object, _Template] = {}
        self._records: dict[bytes, bytes] = {}

    def template(self, entry: Entry) -> _Template:
        """What entries with the kind, attributes, security, times and EAs of ``entry`` have in common."""
        key = (entry.kind, entry.attributes, entry.security, entry.times, entry.eas)
        found = self._templates.get(key)
        if found is None:
            if len(self._templates) >= _MEMO:
                self._templates.clear()
            found = self._templates[key] = _Template(entry, self._common(entry))
        return found

    def encode(self, entry: Entry) -> bytes:
        """All header blocks of ``entry``."""
        return self.template(entry).encode(entry)

    def _common(self, entry: Entry) -> list[bytes]:
        """The records that do not depend on path, size and target."""
        records = []
        if entry.attributes is not None:
            records.append(record(RECORD_ATTRIBUTES, b"%d" % entry.attributes))
        if entry.kind is Kind.JUNCTION:
            records.append(record(RECORD_MOUNTPOINT, b"1"))
        if entry.security is not None:
            known = self._records.get(entry.security)
            if known is None:
                if len(self._records) >= _MEMO:
                    self._records.clear()
                known = self._records[entry.security] = record(RECORD_SECURITY, b64encode(entry.security))
            records.append(known)
        if entry.times is not None:
            times = entry.times
            records += [record(RECORD_CREATED, to_pax(times.created).encode()),
                        record(b"mtime", to_pax(times.modified).encode()),
                        record(b"atime", to_pax(times.accessed).encode()),
                        record(b"ctime", to_pax(times.changed).encode())]
        records += [record(RECORD_EA + name.encode(), b64encode(value)) for name, value in entry.eas]
        return records


class _Template:
    """Everything of an entry's headers but path, size and target."""

    __slots__ = ("_after", "_after_sum", "_common", "_kind", "_mode", "_mtime", "_pax")

    def __init__(self, entry: Entry, common: list[bytes]) -> None:
        seconds = 0 if entry.times is None else (entry.times.modified - UNIX_EPOCH) // TICKS_PER_SECOND
        if not 0 <= seconds < 1 << 33:
            seconds = 0  # the record has it
        self._common = common
        self._pax = _extended(common)
        self._kind = entry.kind
        self._mode = b"%07o\0" % _MODE[entry.kind] + _UID_GID
        self._mtime = b"%011o\0" % seconds
        self._after = _TYPEFLAG[entry.kind] + bytes(100) + _USTAR
        self._after_sum = _sum(self._after[:256]) + _sum(self._after[256:]) + 8 * 0x20  # the checksum counts as blanks

    def encode(self, entry: Entry) -> bytes:
        """The header blocks of an entry that has this template."""
        path = entry.path
        size = entry.size
        if len(path) <= 100 and path.isascii() and size < OCTAL_SIZE_LIMIT and not entry.target \
                and self._kind is not Kind.WHITEOUT:
            before = path.encode().ljust(100, b"\0") + self._mode + b"%011o\0" % size + self._mtime
            checksum = (adler32(before) & 0xFFFF) - 1 + self._after_sum
            return self._pax + before + b"%06o\0 " % checksum + self._after
        return self._encode_slowly(entry)

    def headers(self, batch: Batch) -> Iterator[tuple[bytes, ...]]:
        """The header blocks of the entries of a batch that has this template, each in pieces to be joined."""
        folder, pax, mode, mtime, after = f"{batch.folder}/".encode(), self._pax, self._mode, self._mtime, self._after
        room = 100 - len(folder) if batch.folder.isascii() else 0
        base = self._after_sum - 1
        for at, (name, size) in enumerate(zip(batch.names, batch.sizes, strict=True)):
            if len(name) <= room and size < OCTAL_SIZE_LIMIT:
                before = folder + name.encode().ljust(room, b"\0") + mode + b"%011o\0" % size + mtime
                yield pax, before, b"%06o\0 " % ((adler32(before) & 0xFFFF) + base), after
            else:
                yield (self._encode_slowly(batch.entry(at)),)

    def _encode_slowly(self, entry: Entry) -> bytes:
        """The same for long or foreign names, links, whiteouts and huge files, which need records of their own."""
        path = entry.path
        if self._kind is Kind.WHITEOUT:
            folder, slash, name = path.rpartition("/")
            path = folder + slash + WHITEOUT + name
        own = []
        short_path, short_target = _short(path), _short(entry.target)
        if short_path != path.encode():
            own.append(record(b"path", path.encode()))
        if short_target != entry.target.encode():
            own.append(record(b"linkpath", entry.target.encode()))
        size = entry.size
        if size >= OCTAL_SIZE_LIMIT:
            own.append(record(b"size", b"%d" % size))
            size = 0
        before = short_path.ljust(100, b"\0") + self._mode + b"%011o\0" % size + self._mtime
        after = self._after[:1] + short_target.ljust(100, b"\0") + self._after[101:]
        checksum = _sum(before) + _sum(after[:256]) + _sum(after[256:]) + 8 * 0x20
        pax = _extended(self._common + own) if own else self._pax
        return pax + before + b"%06o\0 " % checksum + after


def record(key: bytes, value: bytes) -> bytes:
    """One PAX record, ``LENGTH KEY=VALUE\\n``, whose length counts its own digits."""
    rest = len(key) + len(value) + 3
    length = rest + len(b"%d" % rest)
    if len(b"%d" % length) + rest != length:
        length += 1
    return b"%d %b=%b\n" % (length, key, value)


def _extended(records: list[bytes]) -> bytes:
    """The PAX header block and its records, sorted bytewise by key as Go's writer sorts them; empty for none."""
    if not records:
        return b""
    body = b"".join(line for _unused, line in sorted((_key(line), line) for line in records))
    # Go names this block after the file; no reader looks at the name, and one name for all lets the block be shared.
    before = b"PaxHeaders.0/entry".ljust(100, b"\0") + b"0000000\0" + _UID_GID + b"%011o\0" % len(body) + b"%011o\0" % 0
    after = b"x" + bytes(100) + _USTAR
    checksum = _sum(before) + _sum(after[:256]) + _sum(after[256:]) + 8 * 0x20
    return before + b"%06o\0 " % checksum + after + body + bytes(-len(body) % BLOCK)


def _key(line: bytes) -> bytes:
    return line[line.index(b" ") + 1:line.index(b"=")]


def _short(text: str) -> bytes:
    """What of ``text`` fits the ustar field, for programs that read no PAX: ASCII, at most 100 bytes."""
    return text.encode("ascii", "replace")[:100]


def _sum(data: bytes) -> int:
    """The sum of at most 256 bytes, by the C code of Adler-32, whose low half is one more than it."""
    return (adler32(data) & 0xFFFF) - 1
