# SPDX-License-Identifier: Apache-2.0
"""Heredocs: ``<<EOF``, ``<<-EOF``, ``<<"EOF"``, ``<<'EOF'``, ``3<<EOF``, several on a line.

Facts from BuildKit's ``parser/parser.go``. The escape character in a heredoc's word is always ``\\``. A quoted word
means that the content is not expanded; ``-`` means that leading tabs are dropped, also before the closing word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...errors import FormatError
from ..expand import expansion

_MARK = re.compile(r"([0-9]*)<<(-?)[\t\n\f\r ]*([^<]*)\Z")
_TABS = re.compile(r"^\t+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Heredoc:
    """One heredoc. ``content`` is every character between the two words, with its own line ends."""

    name: str
    content: str = ""
    expand: bool = True
    chomp: bool = False
    descriptor: int = 0

    @property
    def text(self) -> str:
        """The content without the leading tabs that ``<<-`` drops."""
        return _TABS.sub("", self.content) if self.chomp else self.content


def heredoc_word(word: str) -> Heredoc | None:
    """The heredoc that this word announces, still without content; ``None`` when it is an ordinary word."""
    match = _MARK.match(word)
    if match is None or not match[3]:
        return None
    plain = expansion(match[3], _unset, keep_unset=True).words
    if len(plain) != 1:
        return None
    quoted = expansion(match[3], _unset, raw_quotes=True, keep_unset=True).words
    if len(quoted) != 1:
        return None
    return Heredoc(plain[0], expand=_quotes(plain[0]) == _quotes(quoted[0]), chomp=bool(match[2]),
                   descriptor=int(match[1] or 0))


def announced(line: str) -> tuple[Heredoc, ...]:
    """The heredocs an instruction line announces, in order. A line whose quotes do not close announces none."""
    try:
        words = expansion(line, _unset, raw_quotes=True, raw_escapes=True, keep_unset=True).words
    except FormatError:
        return ()
    return tuple(doc for word in words if (doc := heredoc_word(word)) is not None)


def _unset(name: str) -> None:
    return None


def _quotes(text: str) -> int:
    return text.count("'") + text.count('"')
