# SPDX-License-Identifier: Apache-2.0
"""File name patterns as Go's ``path/filepath.Match`` reads them on Unix: what COPY and ``.dockerignore`` are made of.

``*`` is any run of characters but ``/``, ``?`` any one but ``/``, ``[a-z]`` and ``[^a-z]`` one character of a class
(which may be ``/``), and ``\\`` protects the next character. A pattern matches a whole path, not a part of it. Case
counts.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import FormatError, quoted


@dataclass(frozen=True, slots=True)
class Literal:
    """One character that stands for itself; ``protected`` when it was written with a backslash."""

    char: str
    protected: bool = False


@dataclass(frozen=True, slots=True)
class CharClass:
    """``[a-cx]``: ranges of characters, first and last; ``negated`` for ``[^…]``."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool

    def holds(self, char: str) -> bool:
        """Whether the character is in the class."""
        return any(low <= char <= high for low, high in self.ranges) is not self.negated


@dataclass(frozen=True, slots=True)
class Star:
    """``*``."""


@dataclass(frozen=True, slots=True)
class AnyOne:
    """``?``."""


@dataclass(frozen=True, slots=True)
class Anything:
    """``**`` at the end, where that means something: characters of any kind."""


@dataclass(frozen=True, slots=True)
class Folders:
    """``**/``, where that means something: folders with their slashes, or nothing."""


Token = Literal | CharClass | Star | AnyOne
Piece = Token | Anything | Folders


def match(pattern: str, path: str) -> bool:
    """Whether the pattern matches the whole path.

    ``FormatError`` for a bad pattern whatever the path is; Go notices one only as far as it compares.
    """
    return matches(tokens(pattern), path)


def has_glob(pattern: str) -> bool:
    """Whether the pattern holds a wildcard, or an escape that matching would take away."""
    return any(char in "*?[\\" for char in pattern)


def matches(parts: tuple[Piece, ...], path: str) -> bool:
    """The same for a pattern that was read before. Keeps the set of places that were reached so far, so it costs length
    times length, never more."""
    reached = {0}
    for part in parts:
        reached = _after(path, reached, part)
        if not reached:
            return False
    return len(path) in reached


def _after(path: str, reached: set[int], part: Piece) -> set[int]:
    match part:
        case Literal(char):
            return {at + 1 for at in reached if path.startswith(char, at)}
        case AnyOne():
            return {at + 1 for at in reached if at < len(path) and path[at] != "/"}
        case CharClass():
            return {at + 1 for at in reached if at < len(path) and part.holds(path[at])}
        case Anything():
            return set(range(min(reached), len(path) + 1))
        case Folders():
            first = min(reached)
            return reached | {at + 1 for at in range(first, len(path)) if path[at] == "/"}
    after: set[int] = set()
    for at in reached:
        while at not in after:
            after.add(at)
            if at < len(path) and path[at] != "/":
                at += 1
    return after


def tokens(pattern: str) -> tuple[Token, ...]:
    """Read a pattern; ``FormatError`` where Go answers ``syntax error in pattern``."""
    parts: list[Token] = []
    pos = 0
    while pos < len(pattern):
        char = pattern[pos]
        if char == "[":
            part, pos = _char_class(pattern, pos + 1)
            parts.append(part)
            continue
        if char == "\\":
            pos += 1
            if pos == len(pattern):
                raise _bad(pattern, "it ends in a lone backslash")
            parts.append(Literal(pattern[pos], protected=True))
        else:
            parts.append(Star() if char == "*" else AnyOne() if char == "?" else Literal(char))
        pos += 1
    return tuple(parts)


def _char_class(pattern: str, pos: int) -> tuple[CharClass, int]:
    negated = pattern.startswith("^", pos)
    pos += negated
    ranges: list[tuple[str, str]] = []
    while not (ranges and pattern.startswith("]", pos)):
        low, pos = _class_char(pattern, pos)
        high = low
        if pattern.startswith("-", pos):
            high, pos = _class_char(pattern, pos + 1)
        ranges.append((low, high))
    return CharClass(tuple(ranges), negated), pos + 1


def _class_char(pattern: str, pos: int) -> tuple[str, int]:
    """One end of a range."""
    char = pattern[pos:pos + 1]
    if char == "\\":
        pos += 1
        char = pattern[pos:pos + 1]
    elif char in ("-", "]"):
        raise _bad(pattern, f"a {char} in [ ] needs a backslash before it")
    if not char:
        raise _bad(pattern, "a [ is not closed")
    return char, pos + 1


def _bad(pattern: str, why: str) -> FormatError:
    return FormatError(f"{quoted(pattern)} is not a pattern", why=why, pattern=pattern)
