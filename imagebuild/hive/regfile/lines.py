# SPDX-License-Identifier: Apache-2.0
r"""One logical line of a ``.reg`` file, read exactly: the grammar, and what is wrong where it is left.

A logical line is a key (``[KEY]``, ``[-KEY]``), a value (``"name"=...``, ``@=...``), a comment or nothing. A value may
span lines: a string holds line ends as they are, and hexadecimal data go on after ``,\``.

What Windows takes and refuses was read off the tests that Wine's developers run on Windows too
(``programs/reg/tests``, import.c and export.c: what is refused leaves no value there). A line that Windows skips
without a word is a :class:`Problem` here. Beyond Windows, keywords may be in any case and blanks may follow the colon.
"""

from __future__ import annotations

import re

from ...errors import quoted
from ..tree import REG_BINARY, REG_DWORD, REG_SZ, Value

Item = tuple[str, str, Value | None]
"""What one logical line says: ``("key", path, None)``, ``("-key", path, None)``, ``("value", name, value)``,
``("-value", name, None)`` or ``("", "", None)`` for a line without content."""

BLANK: Item = ("", "", None)

_END = re.compile(r"[\r\n]")
_SPACE = re.compile(r"[ \t]*+")
_STRING = re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_HEX = re.compile(r"hex(?:\(([0-9a-f]*+)\))?:", re.IGNORECASE)
_DWORD = re.compile(r"dword:[ \t]*+([0-9a-f]*+)", re.IGNORECASE)
_BYTE = re.compile(r"[ \t]*([0-9a-fA-F]{1,2})[ \t]*")


class NeedMore(Exception):
    """The text ends before the logical line does, and more of it may follow."""


class Problem(Exception):
    """A logical line that cannot be read.

    ``at`` is where in the text, ``found`` and ``allowed`` say what. ``resume`` is where whoever skips it goes on:
    after its first physical line, but in hexadecimal data after the line that is wrong, as Windows does.
    """

    def __init__(self, at: int, found: str, allowed: str, resume: int = -1) -> None:
        super().__init__(found)
        self.at = at
        self.found = found
        self.allowed = allowed
        self.resume = resume


def logical_line(text: str, at: int, final: bool) -> tuple[Item, int]:
    """The item that begins at ``at`` and the position after it.

    ``final`` says that nothing follows ``text``; without it a line is complete when something follows its line end.
    Raises :class:`NeedMore` and :class:`Problem`.
    """
    at = _blanks(text, at)
    try:
        if text.startswith("[", at):
            return _key(text, at, final)
        if text.startswith(('"', "@"), at):
            return _value(text, at, final)
        end, after = _line_end(text, at, final)
        if end == at or text.startswith((";", "#"), at):
            return BLANK, after
        raise Problem(at, shown(text[at:end]), "[KEY], a value that begins with \" or @, or a ; comment")
    except Problem as problem:
        if problem.resume < 0:
            problem.resume = _line_end(text, at, final)[1]
            if problem.at >= problem.resume:  # most likely a quote is missing on the first line
                problem.at = at
                problem.found += ", which begins on this line and ends on a later one"
        raise


def shown(text: str) -> str:
    """A piece of what was found, short enough for an error, on one line."""
    return quoted(text if len(text) <= 60 else text[:57] + "...")


def _blanks(text: str, at: int) -> int:
    """The position after the blanks at ``at``."""
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _line_end(text: str, at: int, final: bool) -> tuple[int, int]:
    """Where the physical line ends, and where the next begins."""
    found = _END.search(text, at)
    if found is None:
        if not final:
            raise NeedMore
        return len(text), len(text)
    end = found.start()
    after = end + 2 if text.startswith("\r\n", end) else end + 1
    if after == len(text) and not final:  # a CR here may be half of a line end
        raise NeedMore
    return end, after


def _rest(text: str, at: int, what: str, final: bool) -> int:
    """The position after the line, of which only blanks and a comment may be left."""
    end, after = _line_end(text, at, final)
    left = text[at:end].strip(" \t")
    if left and left[0] != ";":
        raise Problem(at, f"{shown(left)} after {what}", "nothing but a comment that begins with ;")
    return after


def _key(text: str, at: int, final: bool) -> tuple[Item, int]:
    end, after = _line_end(text, at, final)
    close = text.rfind("]", at, end)  # the last one: names of keys hold brackets too
    if close < 0:
        raise Problem(at, f"{shown(text[at:end])}, a key without its closing bracket",
                      "[KEY] or [-KEY] on one line")
    _rest(text, close + 1, "a key", final)
    if text.startswith("-", at + 1):
        return ("-key", text[at + 2 : close], None), after
    return ("key", text[at + 1 : close], None), after


def _value(text: str, at: int, final: bool) -> tuple[Item, int]:
    name, at = ("", at + 1) if text[at] == "@" else _string(text, at, "a value's name", final)
    at = _blanks(text, at)
    end = _line_end(text, at, final)[0]
    if not text.startswith("=", at):
        raise Problem(at, f"{shown(text[at:end]) if end > at else 'nothing'} after a value's name",
                      "= and the data")
    at = _blanks(text, at + 1)
    if text.startswith('"', at):
        string, at = _string(text, at, "a text", final)
        data = string.encode("utf-16-le", "surrogatepass") + b"\0\0"
        return ("value", name, Value(name, REG_SZ, data)), _rest(text, at, "a text", final)
    if found := _HEX.match(text, at):
        number = found[1]
        if number is not None and not 1 <= len(number) <= 8:
            raise Problem(at, f"the type {shown(number)}", "one to eight hexadecimal digits")
        data, at = _bytes(text, found.end(), final)
        return ("value", name, Value(name, REG_BINARY if number is None else int(number, 16), data)), at
    if found := _DWORD.match(text, at):
        after = _rest(text, found.end(), "a dword", final)
        if not 1 <= len(found[1]) <= 8:
            raise Problem(at, f"a dword of {len(found[1])} digits", "one to eight hexadecimal digits")
        return ("value", name, Value(name, REG_DWORD, int(found[1], 16).to_bytes(4, "little"))), after
    if text.startswith("-", at):
        return ("-value", name, None), _rest(text, at + 1, "the - that deletes a value", final)
    raise Problem(at, f"{shown(text[at:end]) if end > at else 'nothing'} as data",
                  '"text", dword:, hex:, hex(N): or - to delete the value')


def _string(text: str, at: int, what: str, final: bool) -> tuple[str, int]:
    """The string in quotes at ``at``, its escapes undone, line ends in it as they are; the position after it."""
    found = _STRING.match(text, at)
    if found is None:
        if not final:
            raise NeedMore
        end = _line_end(text, at, final)[0]
        raise Problem(at, f"{what} that begins with {shown(text[at:end])} and never ends", 'a closing "')
    string = found[1]
    if "\\" in string:
        for escape in _ESCAPE.finditer(string):
            if escape[1] not in '"\\':
                raise Problem(at + 1 + escape.start(), f"{shown(escape[0])} in {what}",
                              r'\\ for a backslash and \" for a quote')
        string = _ESCAPE.sub(r"\1", string)
    return string, found.end()


def _bytes(text: str, at: int, final: bool) -> tuple[bytes, int]:
    """The data whose digits begin at ``at``, over as many lines as end in a backslash; the position after them.

    After a comma the next line may follow, blank lines and comments between; what ends in a comma alone ends there.
    """
    data = bytearray()
    first = True
    while True:
        end, after = _line_end(text, at, final)
        line = text[at:end].partition(";")[0].strip(" \t")
        goes_on = line.endswith("\\")
        digits = line[:-1].rstrip(" \t") if goes_on else line
        if not digits and not first and not goes_on:
            if end == len(text):  # the backslash was the last thing in the file
                return bytes(data), after
            at = after
            continue
        if goes_on and not digits.endswith(",") and (digits or not first):
            raise Problem(at, f"{shown(line[-60:])}, which breaks off in a byte", "a \\ after a comma", after)
        for token in digits.removesuffix(",").split(",") if digits else ():
            byte = _BYTE.fullmatch(token)
            if byte is None:
                raise Problem(at, f"{shown(token)} among bytes", "two hexadecimal digits each, with commas between",
                              after)
            data.append(int(byte[1], 16))
        if not goes_on or (end == len(text) and final):
            return bytes(data), after
        first, at = False, after
