# SPDX-License-Identifier: Apache-2.0
"""Reads a layer: compressed or not, made by Windows, by us, by crane, BuildKit, buildah, or a plain Linux tar.

How a header becomes an entry follows hcsshim's import loop and go-winio's ``FileInfoFromHeader``, so that an entry
says what Windows would make of the header, with one exception: where a tar gives no access and change times, Windows
shows the year 1754, and we show the modification time.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

from ..codec.readers import Readable, open_reader
from ..errors import FormatError, InputError, NotFoundError, quoted
from ..windows.filetime import TICKS_PER_SECOND, UNIX_EPOCH, from_pax
from ..windows.upcase import fold
from .entry import ATTRIBUTE_DIRECTORY, Entry, Kind, Times
from .header import (
    RECORD_ATTRIBUTES,
    RECORD_CREATED,
    RECORD_EA,
    RECORD_MOUNTPOINT,
    RECORD_SECURITY,
    WHITEOUT,
)
from .tarstream import DEFAULT_LIMITS, Header, Limits, TarStream

_SDDL = b"MSWINDOWS.sd"
OPAQUE = ".wh..opq"
"""The name that the whiteout ``.wh..wh..opq`` takes away: on Linux it means that the whole directory begins anew."""

_ODD = re.compile(r"(?:^|/)\.{0,2}(?:/|$)|\\")  # empty, "." and ".." components, backslashes
_Values = tuple[int | None, bytes | None, Times | None, tuple[tuple[str, bytes], ...]]


def read(stream: Readable, *, linux: bool = False, limits: Limits = DEFAULT_LIMITS,
         source: str = "layer") -> Iterator[tuple[Entry, BinaryIO | None]]:
    """Every entry of a layer in its order, with its content for files; nothing is unpacked or kept.

    ``stream`` may be gzip, zstd or plain, and needs no seeking. Content can be read until the next entry is asked
    for. Paths come without leading ``./`` or ``/``, without doubled and trailing slashes; a root entry is left out;
    a path that would leave the layer through ``..`` is a ``FormatError``, as is everything else that is wrong with the
    bytes. After the last entry the stream has been read to its end. Devices and FIFOs come as empty files, as Windows
    imports them.

    ``linux`` reads a layer whose paths do not begin with ``Files``: backslashes are then part of names, symlink
    targets stay as they are, and AUFS's own whiteouts are left out.
    """
    tar = TarStream(open_reader(stream), limits, source=source)
    decode = Decoder(linux=linux, limits=limits, source=source)
    while (header := tar.next()) is not None:
        entry = decode(header)
        if entry is not None:
            yield entry, cast(BinaryIO, tar.body()) if entry.kind is Kind.FILE else None


def read_file(stream: Readable, path: str, *, linux: bool = False, limits: Limits = DEFAULT_LIMITS,
              source: str = "layer") -> tuple[Entry, BinaryIO]:
    """One file of a layer, read from the compressed stream without unpacking the rest.

    ``path`` is compared as Windows does (exactly with ``linux``). ``NotFoundError`` when the layer does not have it;
    ``InputError`` when it is no file: for a hard link, ``target`` of the error is the path to ask for instead. Reading
    stops at the file, so a digest of the whole blob is not verified by it.
    """
    wanted = path.strip("/")
    key: Callable[[str], str] = str if linux else fold
    wanted_key = key(wanted)
    for entry, content in read(stream, linux=linux, limits=limits, source=source):
        if key(entry.path) != wanted_key or entry.kind is Kind.WHITEOUT:
            continue
        if content is None:
            raise InputError(f"{wanted} is no file", why=f"it is a {entry.kind.value}"
                             + (f" to {entry.target}" if entry.target else ""), path=entry.path, target=entry.target)
        return entry, content
    raise NotFoundError(f"{wanted} is not in the {source}", path=wanted)


class Decoder:
    """Makes entries of headers; remembers what many headers share."""

    def __init__(self, *, linux: bool = False, limits: Limits = DEFAULT_LIMITS, source: str = "layer") -> None:
        self._linux = linux
        self._limits = limits
        self._source = source
        self._values: dict[tuple[int, int], tuple[dict[bytes, bytes], _Values]] = {}
        self._security: dict[bytes, bytes] = {}

    def __call__(self, header: Header) -> Entry | None:
        """The entry of a header; ``None`` for the root directory and for AUFS's bookkeeping."""
        path = self._path(header.name, header.offset)
        if not path:
            return None
        folder, _unused, name = path.rpartition("/")
        if name.startswith(WHITEOUT):
            return self._whiteout(folder, name[len(WHITEOUT):], header)
        attributes, security, times, eas = self._metadata(header)
        typeflag = header.typeflag
        target = ""
        if typeflag == b"5":
            kind = Kind.DIRECTORY
        elif typeflag == b"2":
            kind = Kind.JUNCTION if RECORD_MOUNTPOINT in header.pax else \
                Kind.DIRECTORY_SYMLINK if attributes is not None and attributes & ATTRIBUTE_DIRECTORY else Kind.SYMLINK
            target = self._text(header.linkname)
            if not self._linux:
                target = target.replace("/", "\\")
        elif typeflag == b"1":
            kind = Kind.HARD_LINK
            target = self._path(header.linkname, header.offset)
        else:
            kind = Kind.FILE
        return Entry(path, kind, header.size if kind is Kind.FILE else 0, attributes, security, times, target, eas)

    def _whiteout(self, folder: str, name: str, header: Header) -> Entry | None:
        if name in ("", ".", ".."):
            raise self._bad(f"a whiteout of {quoted(name)}", header.offset)
        if self._linux and name.startswith(WHITEOUT) and name != OPAQUE:
            return None
        return Entry(f"{folder}/{name}" if folder else name, Kind.WHITEOUT)

    def _path(self, raw: bytes, offset: int) -> str:
        """The path of a name, tidied; empty for the root."""
        path = self._text(raw)
        if len(path) > self._limits.path or path.count("/") >= self._limits.depth:
            raise self._bad(f"a path of {len(path)} characters", offset)
        if not _ODD.search(path):
            return path
        if not self._linux:
            path = path.replace("\\", "/")  # to Windows it is a separator
        components = [name for name in path.split("/") if name not in ("", ".")]
        if ".." in components:
            raise self._bad(f"the path {quoted(path[:200])} leads out of the layer", offset)
        if len(components) > self._limits.depth:
            raise self._bad(f"a path of {len(components)} components", offset)
        return "/".join(components)

    def _text(self, raw: bytes) -> str:
        """A name as text. What is not UTF-8 becomes U+FFFD, as Go does it on Windows, or ``\\xNN`` on Linux."""
        return raw.decode("utf-8", "backslashreplace" if self._linux else "replace")

    def _metadata(self, header: Header) -> _Values:
        """Attributes, security, times and EAs; kept for a while, since entries with equal records share them."""
        pax, offset = header.pax, header.offset
        key = (id(pax), header.mtime)
        kept = self._values.get(key)
        if kept is not None and kept[0] is pax:
            return kept[1]
        found = (self._attributes(pax, offset), self._descriptor(pax, offset), self._times(header),
                 self._eas(pax, offset))
        if len(self._values) >= 16:
            self._values.clear()
        self._values[key] = (pax, found)
        return found

    def _attributes(self, pax: dict[bytes, bytes], offset: int) -> int | None:
        text = pax.get(RECORD_ATTRIBUTES)
        if text is None:
            return None
        if not text.isdigit() or len(text) > 10 or int(text) > 0xFFFFFFFF:
            raise self._bad(f"MSWINDOWS.fileattr is {quoted(text[:30])}, not a decimal number of 32 bits", offset)
        return int(text)

    def _descriptor(self, pax: dict[bytes, bytes], offset: int) -> bytes | None:
        text = pax.get(RECORD_SECURITY)
        if text is not None:
            found = self._security.get(text)
            if found is None:
                found = self._base64(text, "MSWINDOWS.rawsd", offset)
                if len(self._security) >= 1024:
                    self._security.clear()
                if len(text) <= 1 << 13:
                    self._security[text] = found
            return found
        if _SDDL in pax:  # written by hcsshim before 2017
            from ..windows.acl.sddl import parse_sddl

            try:
                return parse_sddl(pax[_SDDL].decode()).to_bytes()
            except (UnicodeDecodeError, InputError) as error:
                raise self._bad(f"MSWINDOWS.sd is not a security descriptor: {error}", offset) from error
        return None

    def _times(self, header: Header) -> Times:
        pax, offset = header.pax, header.offset
        modified = self._time(pax, b"mtime", offset)
        if modified is None:
            modified = header.mtime * TICKS_PER_SECOND + UNIX_EPOCH
        created = self._time(pax, RECORD_CREATED, offset)
        accessed = self._time(pax, b"atime", offset)
        changed = self._time(pax, b"ctime", offset)
        return Times(modified if created is None else created, modified, modified if accessed is None else accessed,
                     modified if changed is None else changed)

    def _time(self, pax: dict[bytes, bytes], key: bytes, offset: int) -> int | None:
        text = pax.get(key)
        if not text:
            return None
        try:
            found = from_pax(text.decode("ascii"))
        except (UnicodeDecodeError, FormatError) as error:
            raise self._bad(f"the time {key.decode()} is {quoted(text[:30])}", offset) from error
        if not -1 << 62 <= found < 1 << 62:
            raise self._bad(f"the time {key.decode()} is {quoted(text[:30])}, farther away than a FILETIME reaches",
                            offset)
        return found

    def _eas(self, pax: dict[bytes, bytes], offset: int) -> tuple[tuple[str, bytes], ...]:
        eas = []
        for key, value in pax.items():
            if key.startswith(RECORD_EA):
                name = key[len(RECORD_EA):].decode("utf-8", "backslashreplace")
                eas.append((name, self._base64(value, key.decode("utf-8", "replace")[:100], offset)))
        return tuple(sorted(eas, key=lambda ea: ea[0].encode()))

    def _base64(self, text: bytes, what: str, offset: int) -> bytes:
        try:
            return b64decode(text, validate=True)
        except binascii.Error as error:
            raise self._bad(f"{what} is not base64", offset) from error

    def _bad(self, why: str, offset: int) -> FormatError:
        return FormatError(f"cannot read the {self._source}", offset=offset, source=self._source, why=why)
