# SPDX-License-Identifier: Apache-2.0
"""Shell patterns of ``${X#p}``, ``${X%p}`` and ``${X/p/r}``.

``*`` is any run of characters, ``?`` any one (neither crosses a line end), everything else is itself; ``\\`` protects
``*``, ``?`` and itself, and disappears before ``}`` and ``/``. It is always ``\\``, whatever the Dockerfile's escape
character (BuildKit ``shell/lex.go``, ``convertShellPatternToRegex``).

Matching keeps the set of positions reached so far: a pattern of many stars costs length times length, never more.
"""

from __future__ import annotations

from ...errors import FormatError, quoted
from ..text import bounds

_STAR, _ANY = object(), object()
_Token = object


def remove_prefix(value: str, pattern: str, *, longest: bool) -> str:
    """``value`` without the shortest (or longest) prefix that matches."""
    end = _Work(pattern).match(value, 0, _tokens(pattern), longest)
    return value if end is None else value[end:]


def remove_suffix(value: str, pattern: str, *, longest: bool) -> str:
    """``value`` without the shortest (or longest) suffix that matches."""
    end = _Work(pattern).match(value[::-1], 0, _tokens(pattern)[::-1], longest)
    return value if end is None else value[:len(value) - end]


def replace(value: str, pattern: str, new: str, *, every: bool) -> str:
    """``value`` with the first (or every) longest match replaced; empty matches count as Go's regexp counts them."""
    tokens, work = _tokens(pattern), _Work(pattern)
    out: list[str] = []
    search = copied = 0
    while search <= len(value):
        found = next(((start, end) for start in range(search, len(value) + 1)
                      if (end := work.match(value, start, tokens, True)) is not None), None)
        if found is None:
            break
        start, end = found
        out.append(value[copied:start])
        if end > copied or start == 0:  # never an empty match directly after another match
            out.append(new)
        copied = end
        search = max(end, search + 1)
        if not every:
            break
    return "".join([*out, value[copied:]])


def _tokens(pattern: str) -> list[_Token]:
    tokens: list[_Token] = []
    chars = iter(pattern)
    for char in chars:
        if char == "\\":
            char = next(chars, "")
            if char not in ("*", "?", "\\", "}", "/"):
                raise FormatError(f"cannot use the pattern {quoted(pattern)}", hint="write \\\\ for one backslash",
                                  why=f"\\{char} is not an escape in a pattern: only \\* \\? \\\\ \\}} \\/ are")
            if char not in "}/":
                tokens.append(char)
                continue
        tokens.append(_STAR if char == "*" else _ANY if char == "?" else char)
    return tokens


class _Work:
    """Matches, and counts its steps: beyond a bound the pattern is refused."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._steps = 0

    def match(self, value: str, start: int, tokens: list[_Token], longest: bool) -> int | None:
        """Where a match that begins at ``start`` ends, or ``None``."""
        reached = {start}
        for token in tokens:
            reached = _after(value, reached, token)
            self._steps += len(reached) + 1
            if self._steps > bounds.PATTERN_STEPS:
                raise FormatError(f"cannot use the pattern {quoted(self._pattern[:60])}",
                                  why=f"comparing takes more than {bounds.PATTERN_STEPS:,} steps")
            if not reached:
                return None
        return max(reached) if longest else min(reached)


def _after(value: str, reached: set[int], token: _Token) -> set[int]:
    """The positions behind one token of a pattern."""
    if token is _STAR:
        after: set[int] = set()
        for position in reached:
            while position not in after:
                after.add(position)
                if position < len(value) and value[position] != "\n":
                    position += 1
        return after
    if token is _ANY:
        return {at + 1 for at in reached if at < len(value) and value[at] != "\n"}
    return {at + 1 for at in reached if at < len(value) and value[at] == token}
