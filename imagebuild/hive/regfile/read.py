# SPDX-License-Identifier: Apache-2.0
r"""The text of a ``.reg`` file to edits, in pieces: a file of any size takes the memory of its longest value.

Two dialects, told apart by the first line: ``Windows Registry Editor Version 5.00`` (Windows 2000 and later) and
``REGEDIT4`` (Windows 9x and NT 4), whose text and whose ``hex(2)`` and ``hex(7)`` data are in the ANSI code page of
the machine that wrote it. Sources: Microsoft's "How to add, modify, or delete registry subkeys and values by using a
.reg file" (KB310516), and for what it leaves open see :mod:`.lines`.

Nine lines of ten look as regedit writes them, and one regular expression takes those. Whatever it does not know is
read by :func:`.lines.logical_line`, which knows everything; both give the same edits.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Protocol

from ...errors import FormatError, UsageError, quoted
from ..edits.edit import AddKey, DeleteKey, DeleteValue, Edit, SetValue
from ..roots import ROOTS, long_path
from ..tree import REG_BINARY, REG_DWORD, REG_EXPAND_SZ, REG_MULTI_SZ, REG_SZ, Value
from .lines import NeedMore, Problem, logical_line, shown

HEADER = "Windows Registry Editor Version 5.00"
LEGACY_HEADER = "REGEDIT4"
LIMIT = 1 << 26
"""Characters that one value, or one line, may have unless the caller says otherwise: 22 MB of data in hexadecimal."""

WHAT = "cannot read a .reg file"
PIECE = 1 << 20
"""Bytes that are read at once."""
START = 512
"""Bytes that are looked at to find the encoding."""

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_FIRST_LINE = re.compile(r"[^\r\n]*+")

# The lines that regedit writes: name (or @), then text, dword, or type and digits; or a key. An empty match is a line
# of another kind. The groups never give back what they took, so that a long line costs its length once.
_COMMON = re.compile(
    r'(?:(?:"([^"\r\n]*+)"|@)=(?:"([^"\r\n]*+)"|dword:([0-9a-fA-F]{8})|hex(?:\(([0-9a-fA-F]{1,8})\))?:'
    r"([0-9a-fA-F,]*+(?:(?<=,)\\\r?\n  [0-9a-fA-F,]++)*+))|\[([^\]\r\n]*+)\])(?:\r?\n)++|"
)


class Reads(Protocol):
    """A binary stream, as ``open(path, "rb")`` gives it."""

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; none at the end."""


def parse(stream: Reads | bytes, *, source: str = "reg file", ansi: str = "cp1252", rooted: bool = True,
          forgiving: bool = False, problem: Callable[[FormatError], object] | None = None,
          limit: int = LIMIT) -> Iterator[Edit]:
    """The edits that a ``.reg`` file asks for, in their order, while it is read.

    The encoding is found: UTF-16 of either order and UTF-8 by their byte order marks, without one UTF-8, or the code
    page ``ansi`` where the file begins with ``REGEDIT4``. Halves of surrogate pairs pass, since names may hold them.
    Paths begin with a root's long name; with ``rooted=False`` they are taken as they are, as hivexregedit writes
    them for a single hive. ``[KEY]`` gives an AddKey even where values follow.

    Raises FormatError with the fact ``line``: regedit skips what it cannot read and says nothing, this does not. With
    ``forgiving`` such a line is skipped and its error goes to ``problem`` (``list.append`` will do); a wrong
    encoding, a wrong first line and a line beyond ``limit`` characters are errors all the same.
    """
    window = _Window(BytesIO(stream) if isinstance(stream, bytes) else stream, source, ansi, limit)
    legacy, at = _header(window)
    path: str | None = None
    while True:
        text = window.text
        for found in _COMMON.finditer(text, at):
            name, string, dword, kind, digits, key = found.groups()
            if key is not None:
                if key[:1] == "-" or (edit := _enter(key, rooted)) is None:
                    break
                path = edit.path
                yield edit
            elif path is None or (name := _plain(name)) is None:
                break
            elif string is not None:
                if (string := _plain(string)) is None:
                    break
                yield SetValue(path, Value(name, REG_SZ, (string + "\0").encode("utf-16-le", "surrogatepass")))
            elif dword is not None:
                yield SetValue(path, Value(name, REG_DWORD, bytes.fromhex(dword)[::-1]))
            elif digits is not None:
                number = int(kind, 16) if kind else REG_BINARY
                data = _plain_bytes(digits)
                if data is None or (legacy and number in _ANSI_TYPES):
                    break
                yield SetValue(path, Value(name, number, data))
            else:
                break
            at = found.end()

        if at == len(text) and window.final:
            return
        try:
            (what, subject, value), after = logical_line(text, at, window.final)
            if what == "key":
                added = _enter(subject, rooted) or _no_root(at, after, subject)
                path = added.path
                yield added
            elif what == "-key":
                deleted = _enter(subject, rooted) or _no_root(at, after, subject)
                path = None
                yield DeleteKey(deleted.path)
            elif what:
                if path is None:
                    raise Problem(at, "a value that belongs to no key", "values after a [KEY]", after)
                if value is None:
                    yield DeleteValue(path, subject)
                else:
                    yield SetValue(path, _from_ansi(value, ansi, at, after) if legacy else value)
            at = after
        except NeedMore:
            window.more(at)
            at = 0
        except Problem as found_problem:
            error = window.error(found_problem)
            if not forgiving:
                raise error from None
            if problem is not None:
                problem(error)
            if text[at : found_problem.resume].lstrip(" \t")[:1] == "[":
                path = None  # what follows belongs to the key that could not be read, not to the one before
            at = found_problem.resume


_ANSI_TYPES = (REG_EXPAND_SZ, REG_MULTI_SZ)


def _header(window: _Window) -> tuple[bool, int]:
    """Whether the file is of the old dialect, and where its first line ends."""
    while True:
        found = _FIRST_LINE.match(window.text)
        end = found.end() if found else 0
        if end < len(window.text) or window.final:
            break
        window.more(0)
    first = window.text[:end].strip(" \t")
    if first not in (HEADER, LEGACY_HEADER):
        raise FormatError(WHAT, source=window.source, line=1, found=first[:60], allowed=f"{HEADER} or {LEGACY_HEADER}",
                          why=f"line 1 is {shown(first)}; allowed is exactly {quoted(HEADER)} or "
                          f"{quoted(LEGACY_HEADER)}")
    return first == LEGACY_HEADER, end


def _enter(key: str, rooted: bool) -> AddKey | None:
    """The key of this path, None where the path begins with no root."""
    path = long_path(key) if rooted else "\\".join(part for part in key.split("\\") if part)
    return None if path is None else AddKey(path)


def _no_root(at: int, after: int, key: str) -> AddKey:
    raise Problem(at, f"the key {shown(key)}", f"a path below {', '.join(ROOTS.values())} or a short form of these",
                  after)


def _plain(text: str | None) -> str | None:
    """A string between quotes with its escapes undone; None where that takes a closer look."""
    if text is None:
        return ""
    if "\\" not in text:
        return text
    marked = text.replace("\\\\", "\0")
    return None if "\\" in marked or "\0" in text else marked.replace("\0", "\\")


def _plain_bytes(digits: str) -> bytes | None:
    """The bytes of ``00,01,...`` as regedit writes and wraps it; None where anything is different."""
    if "\\" in digits:
        digits = digits.replace("\\\r\n  ", "").replace("\\\n  ", "")
    try:
        data = bytes.fromhex(digits.replace(",", " "))
    except ValueError:
        return None
    return data if 3 * len(data) == len(digits) + 1 or not digits else None


def _from_ansi(value: Value, ansi: str, at: int, after: int) -> Value:
    """A value of ``REGEDIT4`` as Windows keeps it: text becomes UTF-16 and gets its NUL where it has none."""
    if value.type not in _ANSI_TYPES or not value.data:
        return value
    try:
        text = value.data.decode(ansi)
    except UnicodeDecodeError as error:
        raise Problem(at, f"the byte {value.data[error.start]:#04x} in text", f"bytes of {ansi}", after) from None
    return value._replace(data=(text if text[-1:] == "\0" else text + "\0").encode("utf-16-le", "surrogatepass"))


class _Window:
    """The part of the text that is being read. ``text`` is that part, ``final`` whether nothing follows it."""

    def __init__(self, stream: Reads, source: str, ansi: str, limit: int) -> None:
        self.stream = stream
        self.source = source
        self.limit = limit
        self.text = ""
        self.final = False
        self.line, self.counted = 1, 0
        start = self._read(START)
        encoding, skip = "utf-8", 0
        if start.lstrip(b" \t").startswith(b"REGEDIT"):
            encoding = ansi
        for mark, name in _BOMS:
            if start.startswith(mark):
                encoding, skip = name, len(mark)
        try:
            self.decoder = codecs.getincrementaldecoder(encoding)(
                "surrogatepass" if encoding.startswith("utf-") else "strict")
        except LookupError:
            raise UsageError(f"cannot read a .reg file in the code page {quoted(ansi)}",
                             why="Python knows no such encoding") from None
        self.encoding = encoding
        self.taken = skip
        self._decode(start[skip:])

    def more(self, at: int) -> None:
        """Forget the text before ``at`` and read on; what is left doubles, so a long line is not read too often."""
        left = len(self.text) - at
        self.line_at(at)
        self.text, self.counted = self.text[at:], 0
        if left > self.limit:
            raise FormatError(WHAT, source=self.source, line=self.line, limit=self.limit,
                              why=f"line {self.line} begins a value of more than the {self.limit} characters that "
                                  "are allowed")
        self._decode(self._read(max(PIECE, left)))

    def error(self, problem: Problem) -> FormatError:
        """The error to raise for a line."""
        line = self.line_at(problem.at)
        return FormatError(WHAT, source=self.source, line=line, found=problem.found, allowed=problem.allowed,
                           why=f"line {line} has {problem.found}; allowed is {problem.allowed}")

    def line_at(self, at: int) -> int:
        """The number of the line at a position; it is counted from the last one that was asked for."""
        count, between = self.text.count, (min(self.counted, at), max(self.counted, at))
        ends = count("\n", *between) + count("\r", *between) - count("\r\n", *between)
        self.line += ends if at >= self.counted else -ends
        self.counted = at
        return self.line

    def _read(self, size: int) -> bytes:
        """At least ``size`` bytes, fewer only at the end."""
        parts = []
        while size > 0 and (part := self.stream.read(max(size, PIECE))):
            parts.append(part)
            size -= len(part)
        self.final = size > 0
        return b"".join(parts)

    def _decode(self, data: bytes) -> None:
        self.taken += len(data)
        try:
            self.text += self.decoder.decode(data, self.final)
        except UnicodeDecodeError as error:
            start, end = int(error.start), int(error.end)
            offset, wrong = self.taken - len(error.object) + start, error.object[start:end][:4]
            raise FormatError(WHAT, offset=offset, source=self.source,
                              why=f"the bytes {wrong.hex(' ')} are no {self.encoding}",
                              hint="save the file as UTF-8 or UTF-16 with a byte order mark, or name the code page "
                                   "that a REGEDIT4 file was written in") from None
