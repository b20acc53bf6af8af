# SPDX-License-Identifier: Apache-2.0
"""A tar read once from front to back: headers as they are written, whoever wrote them.

Understood: ustar and its prefix, PAX extended and global headers, GNU long names and links, GNU and star base-256
numbers, old tars without magic, trailing slashes, missing end blocks. Formats: POSIX.1-2001 pax; GNU tar manual,
"Basic Tar Format"; where they leave room, what Go's ``archive/tar`` does, because that is what Windows hosts run.
Bad input raises ``FormatError`` with the offset in the uncompressed stream; memory is bounded by :class:`Limits`.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import adler32

from ..codec.readers import CHUNK_OUT, Readable
from ..errors import FormatError, UsageError, quoted

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BLOCK = 512
_NO_CONTENT = b"123456"  # links, devices, directories and FIFOs: a size they claim means nothing
_MAX_SIZE = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a hostile tar is put up with; every number can be raised by who knows better."""

    extended: int = 1 << 20
    """Bytes in one PAX header or GNU long name, and in all global headers together (as in Go)."""
    entries: int = 4_000_000
    """Entries in one layer, parents that are only implied included."""
    headers: int = 4 << 30
    """Bytes of headers in one layer."""
    path: int = 32_767
    """Characters in a path, what Windows can hold."""
    depth: int = 1024
    """Components in a path."""


DEFAULT_LIMITS = Limits()


class Header:
    """One header as it stands in the tar, its PAX and GNU extensions applied but nothing interpreted.

    ``name`` and ``linkname`` are raw bytes, ``typeflag`` one byte (``b"0"`` for NUL), ``size`` the bytes of content
    that follow, ``mtime`` whole seconds of the ustar field. ``pax`` holds all PAX records that apply, global ones
    included; it is shared, do not change it. ``offset`` is where the first block that belongs to the entry stands,
    ``data_offset`` where its content does.
    """

    __slots__ = ("data_offset", "linkname", "mode", "mtime", "name", "offset", "pax", "size", "typeflag")

    def __init__(self, name: bytes, typeflag: bytes, size: int, mode: int, mtime: int, linkname: bytes,
                 pax: dict[bytes, bytes], offset: int, data_offset: int) -> None:
        self.name = name
        self.typeflag = typeflag
        self.size = size
        self.mode = mode
        self.mtime = mtime
        self.linkname = linkname
        self.pax = pax
        self.offset = offset
        self.data_offset = data_offset

    @property
    def modified(self) -> int:
        """Nanoseconds since 1970; a PAX record of decimal seconds is finer than the header's whole ones."""
        text = self.pax.get(b"mtime")
        if text is None:
            return self.mtime * 1_000_000_000
        whole, _unused, part = text.partition(b".")
        digits = whole.removeprefix(b"-")
        if not digits.isdigit() or len(digits) > 12 or (part and not part.isdigit()):
            return self.mtime * 1_000_000_000
        value = int(digits) * 1_000_000_000 + int(part[:9].ljust(9, b"0") or b"0")
        return -value if whole.startswith(b"-") else value


class TarStream:
    """Reads headers one by one with :meth:`next`; between two calls the content can be read from :meth:`body`.

    ``stream`` is the uncompressed tar. ``source`` names it in errors. After the last header the stream is read to its
    end, so that whoever verifies a digest underneath has done so. ``globals_at`` lists where global headers stood
    (at most 16 of them): a layer should have none, since Windows would import them as files. With ``sparse`` a GNU
    sparse file is no error: its content is what stands in the tar, without the holes.
    """

    def __init__(self, stream: Readable, limits: Limits = DEFAULT_LIMITS, *, source: str = "layer",
                 sparse: bool = False) -> None:
        self._read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
        self._limits = limits
        self._source = source
        self._sparse = sparse
        self._data = b""
        self._at = 0
        self._before = 0  # bytes of the tar before self._data
        self._left = 0  # content of the current entry not yet read
        self._padding = 0
        self._globals: dict[bytes, bytes] = {}
        self._known: dict[bytes, dict[bytes, bytes]] = {}
        self._last = b"", b""  # the last PAX header, as it stood there, and its body
        self._entries = 0
        self._header_bytes = 0
        self._ended = False
        self.globals_at: list[int] = []

    def tell(self) -> int:
        """The offset in the uncompressed tar."""
        return self._before + self._at

    def next(self) -> Header | None:
        """The next header, or ``None`` at the end; content that was not read is skipped."""
        if self._ended:
            return None
        self._skip()
        start = self.tell()
        extended = b""
        long_name: bytes | None = None
        long_link: bytes | None = None
        while True:
            at = self.tell()
            again, body = self._last
            if again and not extended and self._data.startswith(again, self._at):  # checked when it came first
                self._at += len(again)
                self._count_header(BLOCK + len(body), at)
                extended = body
                continue
            block = self._block()
            if block is None:
                if at != start:
                    raise self._bad("an extended header is not followed by an entry", start)
                return None
            typeflag = block[156:157]
            if typeflag not in b"xgLKX":
                return self._header(block, start, extended, long_name, long_link)
            size = self._size(block, at)
            if size > self._limits.extended:
                raise self._bad(f"an extended header of {size} bytes, at most {self._limits.extended} are accepted", at)
            body = self._take(size + -size % BLOCK, "an extended header")[:size]
            self._count_header(BLOCK + len(body), at)
            if typeflag == b"L":
                long_name = body.partition(b"\0")[0]
            elif typeflag == b"K":
                long_link = body.partition(b"\0")[0]
            elif typeflag == b"g":
                self._merge_globals(self._records(body, at + BLOCK), at)
            else:
                if extended:  # the next one counts, but Go reads every one and refuses the tar for it
                    self._records(extended, start + BLOCK)
                extended = body
                if typeflag == b"x" and len(body) <= 1 << 13:
                    self._last = block + body + bytes(-size % BLOCK), body

    def body(self) -> Body:
        """The content of the current entry as a file; it is valid until the next call of :meth:`next`."""
        return Body(self, self._entries)

    def read_content(self, size: int, entry: int) -> bytes:
        """At most ``size`` bytes of the current entry's content, which must be the ``entry``-th."""
        if entry != self._entries:
            raise UsageError("cannot read the content of an entry that was passed", why="a layer is read front to back")
        if not self._left or not size:
            return b""
        if self._at >= len(self._data):
            self._more("the content of an entry")
        end = self._at + min(size, self._left)
        data = self._data if end >= len(self._data) and not self._at else self._data[self._at:end]
        self._at += len(data)
        self._left -= len(data)
        return data

    def _header(self, block: bytes, start: int, extended: bytes, long_name: bytes | None,
                long_link: bytes | None) -> Header:
        at = self.tell() - BLOCK
        pax = self._globals
        if extended:
            own = self._records(extended, start + BLOCK)
            pax = {**self._globals, **own} if self._globals else own
        typeflag = block[156:157]
        name = pax.get(b"path") or long_name or _name(block)
        if typeflag == b"\0":
            typeflag = b"5" if name.endswith(b"/") else b"0"
        if b"size" in pax:
            text = pax[b"size"]
            size = int(text) if text.isdigit() and len(text) < 20 else -1
            if not 0 <= size <= _MAX_SIZE:
                raise self._bad(f"a PAX size of {quoted(text[:30])}", start)
        else:
            size = self._size(block, at)
        if typeflag in _NO_CONTENT:
            size = 0
        if not self._sparse and is_sparse(typeflag, pax):
            raise self._bad("a GNU sparse file, which layers do not have (write it with its zeros)", start)
        linkname = pax.get(b"linkpath") or long_link or block[157:257].partition(b"\0")[0]
        if not name or b"\0" in name or b"\0" in linkname:
            raise self._bad("an entry without a name, or with a zero byte in it", start)
        self._entries += 1
        if self._entries > self._limits.entries:
            raise self._bad(f"more than {self._limits.entries} entries", start)
        self._count_header(BLOCK, start)
        more = typeflag == b"S" and block[482]  # the old GNU form goes on in blocks of its own
        while more:
            more = self._take(BLOCK, "the map of a sparse file")[504]
            self._count_header(BLOCK, start)
        self._left = size
        self._padding = -size % BLOCK
        mode, mtime = self._number(block[100:108], at + 100), self._number(block[136:148], at + 136)
        return Header(name, typeflag, size, mode, mtime, linkname, pax, start, self.tell())

    def _block(self) -> bytes | None:
        """The next header block, checked; ``None`` at the end of the tar."""
        at = self._at
        if len(self._data) - at < BLOCK:
            if not self._fill(BLOCK):
                if self._at != len(self._data):
                    raise self._bad("the tar is cut off in a header", self._before + len(self._data))
                self._ended = True  # no end blocks: GNU tar and Go accept that
                return None
            at = self._at
        block = self._data[at:at + BLOCK]
        stored = block[148:156]
        # Adler-32's low half is a sum in C; 256 bytes at a time cannot overflow it.
        total = (adler32(block[:256]) & 0xFFFF) + (adler32(block[256:]) & 0xFFFF) - 2
        total += 256 - (adler32(stored) & 0xFFFF) + 1  # the field itself counts as eight blanks
        digits = stored.strip(b" \0")
        if not digits.isdigit() or b"8" in digits or b"9" in digits \
                or (int(digits, 8) != total and int(digits, 8) != _signed(block)):
            if not block.strip(b"\0"):
                self._end()
                return None
            raise self._bad("not a tar header, or a damaged one (its checksum is wrong)", self.tell())
        self._at = at + BLOCK
        return block

    def _end(self) -> None:
        """Past the first zero block: a second one, or the end of the stream, must follow. Then read what is left."""
        at = self.tell()
        self._at += BLOCK
        if self._fill(BLOCK) and self._data[self._at:self._at + BLOCK].strip(b"\0"):
            raise self._bad("a lone block of zeros between entries", at)
        self._ended = True
        while self._data:
            self._before += len(self._data)
            self._at = 0
            self._data = self._read(CHUNK_OUT)

    def _records(self, body: bytes, offset: int) -> dict[bytes, bytes]:
        """The PAX records of a body; entries of one kind often share it to the byte, so it is kept for a while."""
        found = self._known.get(body)
        if found is None:
            found = parse_records(body, offset, self._source)
            if len(self._known) >= 64:
                self._known.clear()
            if len(body) <= 1 << 13:
                self._known[body] = found
        return found

    def _merge_globals(self, records: dict[bytes, bytes], at: int) -> None:
        merged = {key: value for key, value in {**self._globals, **records}.items() if value}
        if sum(map(len, merged)) + sum(map(len, merged.values())) > self._limits.extended:
            raise self._bad(f"more than {self._limits.extended} bytes of global headers", at)
        self._globals = merged
        if len(self.globals_at) < 16:
            self.globals_at.append(at)

    def _count_header(self, size: int, at: int) -> None:
        self._header_bytes += size
        if self._header_bytes > self._limits.headers:
            raise self._bad(f"more than {self._limits.headers} bytes of headers", at)

    def _size(self, block: bytes, at: int) -> int:
        field = block[124:135]
        size = int(field, 8) if field.isdigit() and block[135] in b"\0 " and b"8" not in field and b"9" not in field \
            else self._number(block[124:136], at + 124)
        if not 0 <= size <= _MAX_SIZE:
            raise self._bad(f"a size of {size}", at + 124)
        return size

    def _number(self, field: bytes, at: int) -> int:
        """A number of the ustar header: octal, or big-endian base 256 when the top bit is set (GNU)."""
        if field[0] & 0x80:
            value = int.from_bytes(field, "big") & ((1 << (8 * len(field) - 1)) - 1)
            return value - (1 << (8 * len(field) - 1)) if field[0] & 0x40 else value
        text = field.partition(b"\0")[0].strip(b" ") or b"0"
        if not text.isdigit() or b"8" in text or b"9" in text:
            raise self._bad(f"{quoted(field[:12])} is not a number", at)
        return int(text, 8)

    def _skip(self) -> None:
        """Pass what is left of the current content, and its padding, without copying it."""
        left = self._left
        while left > len(self._data) - self._at:
            left -= len(self._data) - self._at
            self._at = len(self._data)
            self._more("the content of an entry")
        self._at += left
        # A stream may end in the padding, as it does with 'docker build -f -'; to Go that is the tar's end.
        whole = self._fill(self._padding)
        self._at = self._at + self._padding if whole else len(self._data)
        self._left = self._padding = 0

    def _take(self, size: int, what: str) -> bytes:
        if not self._fill(size):
            raise self._bad(f"the tar is cut off in {what}", self._before + len(self._data))
        self._at += size
        return self._data[self._at - size:self._at]

    def _fill(self, size: int) -> bool:
        """Have at least ``size`` bytes at hand, if the stream has them."""
        if len(self._data) - self._at >= size:
            return True
        parts = [self._data[self._at:]]
        have = len(parts[0])
        while have < size and (data := self._read(CHUNK_OUT)):
            parts.append(data)
            have += len(data)
        self._before += self._at
        self._data, self._at = b"".join(parts), 0
        return have >= size

    def _more(self, what: str) -> None:
        """The next chunk, when all at hand was used."""
        self._before += len(self._data)
        self._data, self._at = self._read(CHUNK_OUT), 0
        if not self._data:
            raise self._bad(f"the tar is cut off in {what}", self._before)

    def _bad(self, why: str, offset: int) -> FormatError:
        return FormatError(f"cannot read the {self._source}", offset=offset, source=self._source, why=why)


class Body(io.RawIOBase):
    """The content of one entry, while the layer stands there."""

    def __init__(self, tar: TarStream, entry: int) -> None:
        super().__init__()
        self._tar = tar
        self._entry = entry

    def readable(self) -> bool:
        """Always."""
        return True

    def read1(self, size: int = -1) -> bytes:
        """The bytes at hand, at most ``size``; ``b""`` at the end."""
        return self._tar.read_content(size if size >= 0 else _MAX_SIZE, self._entry)

    def read(self, size: int | None = -1) -> bytes:
        """Exactly ``size`` bytes, or fewer at the end; everything when negative."""
        left = _MAX_SIZE if size is None or size < 0 else size
        parts = []
        while left and (data := self._tar.read_content(left, self._entry)):
            parts.append(data)
            left -= len(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill ``buffer`` with the bytes at hand."""
        view = memoryview(buffer).cast("B")
        data = self.read1(len(view))
        view[:len(data)] = data
        return len(data)


def parse_records(body: bytes, offset: int = 0, source: str = "layer") -> dict[bytes, bytes]:
    """The records of a PAX header, ``LENGTH KEY=VALUE\\n`` each; the last of a key counts.

    FormatError; its fact ``record`` is "length" where that is what is wrong.
    """
    records: dict[bytes, bytes] = {}
    at = 0
    while at < len(body):
        space = body.find(b" ", at, at + 20)
        digits = body[at:space]
        end = at + int(digits) if space > at and digits.isdigit() else at
        if not at < space < end <= len(body) or body[end - 1] != 0x0A:
            raise FormatError(f"cannot read the {source}", offset=offset + at, source=source,
                              why="a PAX record whose length is wrong", record="length")
        key, equals, value = body[space + 1:end - 1].partition(b"=")
        if not key or not equals:
            raise FormatError(f"cannot read the {source}", offset=offset + at, source=source,
                              why="a PAX record without a key")
        records[key] = value
        at = end
    return records


def is_sparse(typeflag: bytes, pax: dict[bytes, bytes]) -> bool:
    """Whether a header is a GNU sparse file's, in the old form or one of the PAX forms (GNU tar manual, D.2)."""
    return typeflag == b"S" or b"GNU.sparse.major" in pax or b"GNU.sparse.map" in pax or b"GNU.sparse.size" in pax


def _name(block: bytes) -> bytes:
    """The name of a header, with the prefix that POSIX (155 bytes) or star (131 bytes) put before it."""
    name = block[:100].partition(b"\0")[0]
    if block[257:263] != b"ustar\0":
        return name
    prefix = (block[345:476] if block[508:512] == b"tar\0" else block[345:500]).partition(b"\0")[0]
    return prefix + b"/" + name if prefix else name


def _signed(block: bytes) -> int:
    """The checksum as some old programs made it, over signed bytes."""
    others = block[:148] + block[156:]
    return 256 + sum(byte - 256 if byte > 127 else byte for byte in others)
