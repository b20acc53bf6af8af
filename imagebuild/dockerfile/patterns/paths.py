# SPDX-License-Identifier: Apache-2.0
"""Patterns for whole paths, of pieces that ``**``, ``*``, ``?`` and ``[…]`` mean.

A regular expression is quick and, with several runs of any length in a pattern, tries every way to divide a path among
them. So one with few of them is used for short paths; else :func:`.globs.matches` walks.
"""

from __future__ import annotations

import re

from .globs import AnyOne, Anything, CharClass, Folders, Literal, Piece, Star, matches

_QUICK = 2
_SHORT = 512
"""With so many runs, over a path of this length, a regular expression takes some hundred thousand steps at most."""


class PathPattern:
    """Matches whole paths."""

    __slots__ = ("_pieces", "_regex", "_runs")

    def __init__(self, pieces: tuple[Piece, ...]) -> None:
        self._pieces = pieces
        self._runs = sum(isinstance(piece, Star | Anything | Folders) for piece in pieces)
        self._regex = re.compile("".join(map(_regex, pieces)), re.DOTALL) if self._runs <= _QUICK else None

    def matches(self, path: str) -> bool:
        """Whether it is the whole path."""
        if self._regex is not None and (self._runs < _QUICK or len(path) <= _SHORT):
            return self._regex.fullmatch(path) is not None
        return matches(self._pieces, path)


def _regex(piece: Piece) -> str:
    match piece:
        case Literal(char):
            return re.escape(char)
        case AnyOne():
            return "[^/]"
        case CharClass(ranges, negated):
            inside = "".join(f"{re.escape(low)}-{re.escape(high)}" for low, high in ranges)
            return f"[{'^' if negated else ''}{inside}]"
        case Star():
            return "[^/]*"
        case Anything():
            return ".*"
    return "(?:.*/)?"
