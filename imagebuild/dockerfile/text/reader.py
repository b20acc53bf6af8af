# SPDX-License-Identifier: Apache-2.0
"""Join a Dockerfile's physical lines into statements: continuations, comments, blank lines, heredocs.

Facts from BuildKit's ``parser/parser.go``. A line whose last character but blanks is the escape character continues,
unless another escape character stands before it: ``C:\\\\`` at a line's end is a path, ``C:\\`` swallows the next line.
Comments and blank lines inside a continuation are dropped. A heredoc's lines are taken as they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ...errors import DockerfileError
from .heredoc import Heredoc
from .text import SPACE

_LINES = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True)
class Statement:
    """One instruction's text as one line, with the (number, content) of the physical lines that went into it."""

    text: str
    line: int
    pieces: tuple[tuple[int, str], ...]
    blank_line: int = 0


def physical_lines(data: bytes, file: str) -> list[str]:
    """The lines with their ends. Bytes that are not UTF-8 come as surrogates, which only comments may hold."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DockerfileError("the file is UTF-16", file=file, line=1, why="a Dockerfile is UTF-8",
                              hint="save it as UTF-8 (in PowerShell: Set-Content -Encoding utf8)")
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    return _LINES.findall(text)


class Reader:
    """Walks over the physical lines; ``line`` is the number of the last one taken."""

    def __init__(self, lines: list[str], escape: str, file: str) -> None:
        self.lines, self.file, self.line = lines, file, 0
        self._escape = escape
        mark = re.escape(escape)
        self._continued = re.compile(rf"(?:(?<=[^{mark}])|^){mark}[ \t]*\Z", re.DOTALL)

    def statement(self) -> Statement | None:
        """The next statement, or ``None`` at the end."""
        while self.line < len(self.lines):
            content, more = self._cut(self._take().lstrip(SPACE))
            if content.startswith("#") or not (content or more):
                continue
            start, joined, blank = self.line, [content], 0
            pieces = [(start, content)]
            while more and self.line < len(self.lines):
                raw = self._take()
                if raw.lstrip(SPACE).startswith("#"):
                    continue
                if not raw.lstrip(SPACE):
                    blank = blank or self.line
                    continue
                content, more = self._cut(raw)
                joined.append(content)
                pieces.append((self.line, content))
            return Statement("".join(joined), start, tuple(pieces), blank)
        return None

    def heredoc(self, announced: Heredoc, start: int) -> Heredoc:
        """The heredoc with its content, taken up to the line that closes it."""
        content: list[str] = []
        while self.line < len(self.lines):
            raw = self.lines[self.line]
            self.line += 1
            word = raw.rstrip("\r\n")
            if (word.lstrip("\t") if announced.chomp else word) == announced.name:
                return replace(announced, content="".join(content))
            content.append(raw)
        raise DockerfileError(f"the heredoc {announced.name} is not closed", file=self.file, line=start,
                              why=f"no line is exactly {announced.name}", hint="that word stands alone on a line")

    def source(self, first: int, last: int) -> str:
        """The physical lines ``first`` to ``last`` as they stand in the file."""
        return "".join(self.lines[first - 1:last])

    def _take(self) -> str:
        self.line += 1
        return self.lines[self.line - 1].rstrip("\r\n")

    def _cut(self, line: str) -> tuple[str, bool]:
        """The line without its continuation mark, and whether it had one. A comment never continues."""
        if line.startswith("#"):
            return line, False
        match = self._continued.search(line)
        return (line[:match.start()], True) if match else (line, False)
