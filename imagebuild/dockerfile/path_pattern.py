# SPDX-License-Identifier: Apache-2.0
"""Patterns for whole paths, of pieces that ``**``, ``*``, ``?`` and ``[…]`` mean.

A regular expression is quick and, with several runs of any length in a pattern, tries every way to divide a path among
them. So one with few of them is used for short paths; else the set of places that were reached so far is kept, which
costs length times length and never more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .globs import AnyOne, CharClass, Literal

_QUICK = 2
_SHORT = 512
"""With so many runs, over a path of this length, a regular expression takes some hundred thousand steps at most."""


@dataclass(frozen=True, slots=True)
class InName:
    """``*``: characters of one name."""


@dataclass(frozen=True, slots=True)
class Anything:
    """``**`` at the end: characters of any kind."""


@dataclass(frozen=True, slots=True)
class Folders:
    """``**/``: folders with their slashes, or nothing."""


Piece = Literal | CharClass | AnyOne | InName | Anything | Folders


class PathPattern:
    """Matches whole paths."""

    __slots__ = ("_pieces", "_regex", "_runs")

    def __init__(self, pieces: tuple[Piece, ...]) -> None:
        self._pieces = pieces
        self._runs = sum(isinstance(piece, InName | Anything | Folders) for piece in pieces)
        self._regex = re.compile("".join(map(_regex, pieces)), re.DOTALL) if self._runs <= _QUICK else None

    def matches(self, path: str) -> bool:
        """Whether it is the whole path."""
        if self._regex is not None and (self._runs < _QUICK or len(path) <= _SHORT):
            return self._regex.fullmatch(path) is not None
        reached = {0}
        for piece in self._pieces:
            reached = _after(path, reached, piece)
            if not reached:
                return False
        return len(path) in reached


def _after(path: str, reached: set[int], piece: Piece) -> set[int]:
    match piece:
        case Literal(char):
            return {at + 1 for at in reached if path.startswith(char, at)}
        case AnyOne():
            return {at + 1 for at in reached if at < len(path) and path[at] != "/"}
        case CharClass():
            return {at + 1 for at in reached if at < len(path) and piece.holds(path[at])}
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


def _regex(piece: Piece) -> str:
    match piece:
        case Literal(char):
            return re.escape(char)
        case AnyOne():
            return "[^/]"
        case CharClass(ranges, negated):
            inside = "".join(f"{re.escape(low)}-{re.escape(high)}" for low, high in ranges)
            return f"[{'^' if negated else ''}{inside}]"
        case InName():
            return "[^/]*"
        case Anything():
            return ".*"
    return "(?:.*/)?"
