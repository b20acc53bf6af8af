# SPDX-License-Identifier: Apache-2.0
r"""Keys, or edits, to the text of a ``.reg`` file as regedit writes it.

Source of the form: what ``reg export`` of Windows writes, as the tests of Wine's developers record it
(``programs/reg/tests/export.c``), and Windows' own rule for long data: a line of hexadecimal is wrapped as soon as it
has 77 characters or more, names and types included, and goes on after two blanks. Values keep their order.

Where regedit loses something, this does not: text goes out as text only where it comes back byte for byte, so with
one NUL, at its end; without line ends, which reading tools treat differently; and in whole code points. All else is
``hex(1):``. A name is always written as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

from ...errors import InputError, quoted
from ..edits.edit import AddKey, DeleteKey, DeleteValue, Edit, SetValue
from ..tree import REG_BINARY, REG_DWORD, REG_SZ, SUPERSEDE_TREE, TOMBSTONE, KeyLike, Value
from .read import HEADER

Encoding = Literal["utf-16", "utf-8"]

PIECE = 1 << 20
"""Characters after which a piece is handed over."""
KEPT = 1 << 14
"""How many different names and texts are remembered, since hives repeat both a lot; long ones are not."""
SHORT = 256

WIDTH = 77
STEP = 75
"""Characters of 25 bytes in hexadecimal, commas included: what fits a line after two blanks."""

_NO_TEXT = re.compile("[\0\r\n]")


def export(keys: Iterable[tuple[str, KeyLike]], *, encoding: Encoding = "utf-16") -> Iterator[bytes]:
    r"""The ``.reg`` file of these keys, each with its whole path (``HKEY_LOCAL_MACHINE\...``), in pieces of about 2 MB.

    ``utf-16`` is what regedit writes: a byte order mark, CRLF. ``utf-8`` is for tools of other systems and for
    comparing: no mark, LF, and text only where it is ASCII, since ``hivexregedit`` would take other text for Latin-1.
    Names may hold halves of surrogate pairs; UTF-8 carries each as three bytes, which :func:`.read.parse` reads and
    other tools may refuse.

    In a delta, tombstones become ``[-KEY]`` and ``"name"=-``, a key that replaces the tree below it is deleted first.
    The text cannot say that only the values of a key are replaced, nor hold classes, security and times. Raises
    InputError for a key whose name holds a line end.
    """
    form = _Form("\r\n", ascii_only=False) if encoding == "utf-16" else _Form("\n", ascii_only=True)
    return _encoded(_keys(keys, form), encoding)


def export_edits(edits: Iterable[Edit], *, encoding: Encoding = "utf-16") -> Iterator[bytes]:
    """The ``.reg`` file of these edits, encoded as :func:`export` does it."""
    form = _Form("\r\n", ascii_only=False) if encoding == "utf-16" else _Form("\n", ascii_only=True)
    return _encoded(_edits(edits, form), encoding)


def render_edits(edits: Iterable[Edit], *, newline: str = "\n") -> str:
    """These edits as the text of a ``.reg`` file, to be shown.

    A key is named once for the edits of it that follow each other. Reading the text gives the same edits, each run of
    them after an AddKey: in a ``.reg`` file only a key that is there can lose a value.
    """
    return "".join(_edits(edits, _Form(newline, ascii_only=False)))


def _encoded(pieces: Iterable[str], encoding: Encoding) -> Iterator[bytes]:
    codec = "utf-8"
    if encoding == "utf-16":
        codec = "utf-16-le"
        yield b"\xff\xfe"
    parts: list[str] = []
    size = 0
    for piece in pieces:
        parts.append(piece)
        size += len(piece)
        if size >= PIECE:
            yield "".join(parts).encode(codec, "surrogatepass")
            parts.clear()
            size = 0
    yield "".join(parts).encode(codec, "surrogatepass")


def _keys(keys: Iterable[tuple[str, KeyLike]], form: _Form) -> Iterator[str]:
    newline, value_line = form.newline, form.value
    yield HEADER + newline
    gone: tuple[str, ...] = ()  # what paths below the last such key begin with
    replaced: tuple[str, ...] = ()
    for path, key in keys:
        semantics = key.semantics
        if semantics == TOMBSTONE:
            gone = (path + "\\",)
            yield form.key(path, "-")
        elif not path.startswith(gone):
            if semantics == SUPERSEDE_TREE and not path.startswith(replaced):
                replaced = (path + "\\",)
                yield form.key(path, "-")
            values = key.values
            line = form.key(path)
            yield line + "".join([value_line(value) for value in values]) if values else line
    yield newline


def _edits(edits: Iterable[Edit], form: _Form) -> Iterator[str]:
    yield HEADER + form.newline
    current: str | None = None
    for edit in edits:
        if isinstance(edit, DeleteKey):
            current = None
            yield form.key(edit.path, "-")
            continue
        if edit.path != current or isinstance(edit, AddKey):
            current = edit.path
            yield form.key(edit.path)
        if isinstance(edit, SetValue):
            yield form.value(edit.value)
        elif isinstance(edit, DeleteValue):
            yield form.value(Value.tombstone(edit.name))
    yield form.newline


class _Form:
    """How lines are written: what ends them, whether text beyond ASCII may be text; and what was written before."""

    def __init__(self, newline: str, *, ascii_only: bool) -> None:
        self.newline = newline
        self.ascii_only = ascii_only
        self.names: dict[str, str] = {}
        self.texts: dict[bytes, str | None] = {}

    def key(self, path: str, sign: str = "") -> str:
        """The line of a key, after an empty one."""
        if "\n" in path or "\r" in path:
            raise InputError("cannot write a .reg file", path=path,
                             why=f"the key {quoted(path)} has a line end in its name, and a key is one line of such a "
                             "file")
        if not path or path[0] == "-":
            path = "\\" + path  # the root of a hive, or what would be read as a deletion
        return f"{self.newline}[{sign}{path}]{self.newline}"

    def value(self, value: Value) -> str:
        """The line or lines of a value."""
        name, kind, data, deleted = value
        begin = self.names.get(name)
        if begin is None:
            escaped = name.replace("\\", "\\\\").replace('"', '\\"')
            begin = f'"{escaped}"=' if name else "@="
            if len(name) < SHORT:
                if len(self.names) >= KEPT:
                    self.names.clear()
                self.names[name] = begin
        if deleted:
            return f"{begin}-{self.newline}"
        if kind == REG_SZ:
            try:
                text = self.texts[data]
            except KeyError:
                text = self.text(data)
            if text is not None:
                return f'{begin}"{text}"{self.newline}'
        elif kind == REG_DWORD and len(data) == 4:
            return f"{begin}dword:{data[::-1].hex()}{self.newline}"
        return self.hexadecimal(f"{begin}hex:" if kind == REG_BINARY else f"{begin}hex({kind:x}):", data)

    def text(self, data: bytes) -> str | None:
        """What stands between the quotes, None for data that would not come back."""
        text: str | None = None
        if data[-2:] == b"\0\0":
            try:
                text = data[:-2].decode("utf-16-le")
            except UnicodeDecodeError:
                pass
            else:
                if _NO_TEXT.search(text) or (self.ascii_only and not text.isascii()):
                    text = None
                else:
                    text = text.replace("\\", "\\\\").replace('"', '\\"')
        if len(data) < SHORT:
            if len(self.texts) >= KEPT:
                self.texts.clear()
            self.texts[data] = text
        return text

    def hexadecimal(self, begin: str, data: bytes) -> str:
        """Bytes after the beginning of their line, wrapped where regedit wraps."""
        used = len(begin) if begin.isascii() else len(begin.encode("utf-16-le", "surrogatepass")) // 2
        digits = data.hex(",")
        first = max(1, -((used - WIDTH) // 3)) * 3
        if len(digits) <= first:
            return f"{begin}{digits}{self.newline}"
        fold = f"\\{self.newline}  "
        lines = [digits[at : at + STEP] for at in range(first, len(digits), STEP)]
        return f"{begin}{digits[:first]}{fold}{fold.join(lines)}{self.newline}"
