# SPDX-License-Identifier: Apache-2.0
r"""Wine's registry as it keeps it: ``system.reg``, ``user.reg`` and ``userdef.reg`` read into keys.

::

    WINE REGISTRY Version 2
    ;; All keys relative to REGISTRY\\Machine

    #arch=win64

    [Software\\App] 1795505215
    #time=1dd7be52ec24980
    @="default"
    "Path"=str(2):"%SystemRoot%"

A key without values is written only when nothing below it says that it is there, so it has no time of its own then.
Held against files that Wine 10.0 wrote, to the byte; escapes that those do not have follow [from memory] Wine's
``server/registry.c`` (``save_subkeys``, ``dump_value``, ``load_keys``) and ``server/unicode.c``
(``dump_strW``, ``parse_strW``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ...errors import FormatError, quoted
from ...hive import REG_BINARY, REG_DWORD, REG_SZ, Key, Value
from ...hive.layout import MAX_DEPTH
from ...hive.tree import SYMLINK
from ...windows.filetime import TICKS_PER_SECOND, UNIX_EPOCH
from ...windows.upcase import fold

MAGIC = "WINE REGISTRY Version 2"
_BASE = ";; All keys relative to "
_C_ESCAPES = {"a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b"}
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{1,4})|([0-7]{1,3})|(.))", re.DOTALL)
_KEY = re.compile(r"\[((?:[^\]\\]|\\.)*)\](?:[ \t]+(\d{1,12}))?[ \t]*\Z")
_NAME = re.compile(r'(?:@|"((?:[^"\\]|\\.)*)")[ \t]*=[ \t]*')
_STRING = re.compile(r'(?:str\(([0-9a-fA-F]{1,8})\):)?"((?:[^"\\]|\\.)*)"[ \t]*\Z')
_HEX = re.compile(r"hex(?:\(([0-9a-fA-F]{1,8})\))?:(.*)\Z")
_DWORD = re.compile(r"dword:([0-9a-fA-F]{1,8})[ \t]*\Z")


@dataclass(frozen=True, slots=True)
class RegFile:
    """One file: where its keys hang (``REGISTRY\\Machine``), for which machine (``win64``), and the keys."""

    base: str
    arch: str
    root: Key


class _Open:
    """A key while its file is read."""

    __slots__ = ("class_name", "flags", "last_write", "name", "subkeys", "values")

    def __init__(self, name: str) -> None:
        self.name = name
        self.values: dict[str, Value] = {}
        self.subkeys: dict[str, _Open] = {}
        self.last_write: int | None = None
        self.class_name: str | None = None
        self.flags = 0

    def child(self, name: str) -> _Open:
        key = fold(name)
        found = self.subkeys.get(key)
        if found is None:
            found = self.subkeys[key] = _Open(name)
        return found

    def close(self) -> Key:
        subkeys = []  # a plain loop: a comprehension is a second frame at each level before Python 3.12
        for child in self.subkeys.values():
            subkeys.append(child.close())
        return Key(self.name, tuple(self.values.values()), tuple(subkeys), None, self.class_name, self.last_write,
                   self.flags)


def parse(data: bytes, *, source: str = "registry") -> RegFile:
    """Read a file. A key that comes twice gets the values of both, as Wine reads it. FormatError with the offset."""
    lines = _Lines(data, source)
    if lines.next() != MAGIC:
        raise lines.bad(f"it does not begin with {quoted(MAGIC)}")
    base, arch, root = "", "", _Open("")
    here: _Open | None = None
    while (line := lines.next()) is not None:
        first = line[:1]
        if first == "[":
            here = _key(root, line, lines)
        elif first in ('"', "@"):
            if here is None:
                raise lines.bad("a value before the first key")
            value = _value(line, lines)
            known = here.values.get(fold(value.name))
            here.values[fold(value.name)] = value if known is None else value._replace(name=known.name)
        elif first == "#":
            if line.startswith("#arch=") and here is None:
                arch = line[6:]
            elif here is not None:
                _option(here, line, lines)
        elif line.startswith(_BASE) and here is None:
            base = unescape(line[len(_BASE):])
    return RegFile(base, arch, root.close())


def unescape(text: str) -> str:
    """A name or string as it was before it was written."""
    if "\\" not in text:
        return text
    return _joined(_ESCAPE.sub(_unescaped, text))


def utf16(text: str) -> bytes:
    """Text as the registry keeps it; halves of surrogate pairs stay as they are."""
    return text.encode("utf-16-le", "surrogatepass")


class _Lines:
    """The lines of a file with their places; hexadecimal ones that go on in the next are joined by who reads them."""

    def __init__(self, data: bytes, source: str) -> None:
        self._lines = data.decode("latin-1").split("\n")  # the file is ASCII; Wine takes other bytes for Latin-1 too
        self._source = source
        self._at = 0

    def next(self) -> str | None:
        """The next line without its end."""
        if self._at == len(self._lines):
            return None
        self._at += 1
        return self._lines[self._at - 1].removesuffix("\r")

    def bad(self, why: str) -> FormatError:
        """What is wrong with the line that was read last."""
        offset = sum(len(line) + 1 for line in self._lines[:self._at - 1])
        return FormatError("cannot read Wine's registry", offset=offset, source=self._source, why=why)


def _key(root: _Open, line: str, lines: _Lines) -> _Open:
    found = _KEY.match(line)
    if found is None:
        raise lines.bad("a key that is not of the form [name] time")
    names = [unescape(name) for name in split(found[1])]
    if len(names) >= MAX_DEPTH:
        raise lines.bad(f"a key more than {MAX_DEPTH} levels deep")
    key = root
    for name in names:
        if not name or name[-1] == "\0":
            raise lines.bad("a key without a name, or one that ends with a zero, which Wine never writes")
        key = key.child(name)
    if found[2]:
        key.last_write = int(found[2]) * TICKS_PER_SECOND + UNIX_EPOCH
    return key


def split(text: str) -> Iterator[str]:
    """The names of a written path, still escaped: between them stand two backslashes."""
    if "\\" not in text:
        if text:
            yield text
        return
    start = at = 0
    while (at := text.find("\\", at)) >= 0:
        if text[at + 1:at + 2] == "\\":
            yield text[start:at]
            start = at + 2
        at += 2
    yield text[start:]


def _option(key: _Open, line: str, lines: _Lines) -> None:
    if line.startswith("#time="):
        try:
            key.last_write = int(line[6:22], 16)
        except ValueError:
            raise lines.bad("a time that is no hexadecimal number") from None
    elif line.startswith("#class="):
        text = line[7:].strip()
        if len(text) < 2 or text[0] != '"' or text[-1] != '"':
            raise lines.bad("a class without quotation marks")
        key.class_name = unescape(text[1:-1]).rstrip("\0") or None
    elif line.strip() == "#link":
        key.flags |= SYMLINK


def _value(line: str, lines: _Lines) -> Value:
    found = _NAME.match(line)
    if found is None:
        raise lines.bad("a value whose name does not end")
    name = unescape(found[1] or "").rstrip("\0")  # Wine never writes them
    rest = line[found.end():]
    text = _STRING.match(rest)
    if text is not None:
        return Value(name, int(text[1], 16) if text[1] else REG_SZ, utf16(unescape(text[2])) + b"\0\0")
    number = _DWORD.match(rest)
    if number is not None:
        return Value(name, REG_DWORD, int(number[1], 16).to_bytes(4, "little"))
    binary = _HEX.match(rest)
    if binary is None:
        raise lines.bad("a value that is neither text, dword nor hex")
    parts = [binary[2].strip()]
    while parts[-1].endswith("\\"):
        parts[-1] = parts[-1][:-1]
        more = lines.next()
        if more is None:
            raise lines.bad("a value that does not end")
        parts.append(more.strip())
    try:
        data = bytes.fromhex("".join(parts).replace(",", " "))
    except ValueError:
        raise lines.bad("bytes that are no hexadecimal numbers") from None
    return Value(name, int(binary[1], 16) if binary[1] else REG_BINARY, data)


def _unescaped(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 16))
    if found[2]:
        return chr(int(found[2], 8) & 0xFFFF)
    return _C_ESCAPES.get(found[3], found[3])


def _joined(text: str) -> str:
    """UTF-16 units that came one by one, the halves of pairs joined."""
    if any("\ud800" <= char <= "\udfff" for char in text):
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return text
