# SPDX-License-Identifier: Apache-2.0
"""Cut one Dockerfile line into its parts: instruction, flags, words, key=value pairs, JSON arrays.

Facts from BuildKit's ``frontend/dockerfile/parser`` (``split_command.go``, ``line_parsers.go``). Nothing is expanded or
unquoted here, except inside flags, whose quotes and escapes BuildKit removes while it looks for their end.
What differs from BuildKit on purpose is listed at the top of :mod:`..parser`.
"""

from __future__ import annotations

import json
import re

#: What Go's ``unicode.IsSpace`` calls white space. Python's ``str.isspace`` adds U+001C to U+001F.
SPACE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
_SPACES = frozenset(SPACE)
BLANKS = re.compile(r"[\t\v\f\r ]+")
_SURROGATE = re.compile("[\ud800-\udfff]")


class NotStrings(ValueError):
    """A JSON array that holds something else than strings: refused, never read as a shell command."""


def is_space(char: str) -> bool:
    """Whether Go would call this character white space; false for the empty string."""
    return char in _SPACES


def split_command(line: str, escape: str) -> tuple[str, tuple[str, ...], str]:
    """``COPY --from=a b c`` → instruction as written, flags, the rest without outer space."""
    parts = BLANKS.split(line.strip(SPACE), maxsplit=1)
    if len(parts) == 1:
        return parts[0], (), ""
    flags, rest = split_flags(parts[1], escape)
    return parts[0], flags, rest.strip(SPACE)


def split_flags(line: str, escape: str) -> tuple[tuple[str, ...], str]:
    """The leading ``--`` words of ``line`` with quotes and escapes removed, and what follows them.

    A word ``--`` alone ends the flags. The escape character protects the next character, also inside both kinds of
    quotes, and disappears.
    """
    flags: list[str] = []
    pos, end = 0, len(line)
    while True:
        while pos < end and is_space(line[pos]):
            pos += 1
        if not line.startswith("--", pos):
            return tuple(flags), line[pos:]
        word, quote, quoted = "", "", False
        while pos < end:
            char = line[pos]
            if quote and char == quote:
                quote = ""
            elif not quote and is_space(char):
                break
            elif not quote and char in "'\"":
                quote, quoted = char, True
            else:
                if char == escape:
                    pos += 1  # an escape at the very end is dropped
                word += line[pos:pos + 1]
            pos += 1
        if word == "--":
            return tuple(flags), line[pos:]
        if word or quoted:
            flags.append(word)


def split_blanks(rest: str) -> tuple[str, ...]:
    """Words between blanks; quotes do not hold words together (COPY, ADD, FROM, EXPOSE, VOLUME)."""
    return tuple(BLANKS.split(rest)) if rest else ()


def split_words(rest: str, escape: str) -> tuple[str, ...]:
    """Words as ENV, LABEL and ARG read them: quotes and the escape hold a word together and stay in it."""
    words: list[str] = []
    word: list[str] = []  # joined once: a string that grows by a character at a time takes quadratic time
    quote = ""
    pos, end = 0, len(rest)
    while pos < end:
        char = rest[pos]
        if not quote and is_space(char):
            if word:
                words.append("".join(word))
                word.clear()
        elif char == escape and quote != "'":
            if pos + 1 == end:
                break  # a lone escape at the end is dropped
            word += (char, rest[pos + 1])
            pos += 1
        else:
            word.append(char)
            if not quote and char in "'\"":
                quote = char
            elif char == quote:
                quote = ""
        pos += 1
    if word:
        words.append("".join(word))
    return tuple(words)


def json_strings(rest: str) -> tuple[str, ...]:
    """The strings of a JSON array; ``ValueError`` when it is not one, :class:`NotStrings` when it holds other values.

    A lone surrogate becomes U+FFFD and a number too large for a double is invalid JSON, as in Go.
    """
    rest = rest.lstrip(SPACE)
    if not rest.startswith("["):
        raise ValueError("not a JSON array")
    try:
        values = json.loads(rest, parse_constant=_refuse_constant, parse_float=_float)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not all(isinstance(value, str) for value in values):
        raise NotStrings("a JSON form may hold strings only")
    return tuple(_SURROGATE.sub("\ufffd", value) for value in values)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is out of range")
    return value
