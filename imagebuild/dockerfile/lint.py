# SPDX-License-Identifier: Apache-2.0
"""What is worth a warning: each rule looks at one instruction, or at all of them, and never refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .instructions import (
    KEYWORDS,
    Env,
    From,
    Instruction,
    OnBuild,
    Transfer,
    User,
    Volume,
    Workdir,
)
from .text.reader import Statement
from .text.text import SPACE, json_strings
from .warning import Warning

_PATH = re.compile(r"""["']?(?:[A-Za-z]:|.*[\\/]).*[^\\]\Z""")
_LOST = re.compile(r"\\[A-Za-z0-9_.]")
_JSON_LIKE = re.compile(r"""\s*\[\s*["']""")
_STRICT_JSON = frozenset(("COPY", "ADD", "VOLUME"))


def instruction(found: Instruction, statement: Statement, flags: Sequence[str], rest: str) -> Iterator[Warning]:
    """Everything to say about one instruction."""
    if statement.blank_line:
        yield Warning("empty-continuation", f"a blank line inside {found.keyword}: Docker will refuse it one day",
                      statement.blank_line)
    yield from _swallowed(found, statement)
    yield from _invalid_json(found, rest)
    if found.escape == "\\":
        yield from _lost(found, statement)
    if isinstance(found, OnBuild) and found.escape != "\\" and ("\\" in found.expression or "`" in found.expression):
        yield Warning("onbuild-escape", "whoever builds on this image reads the trigger with \\ as the escape "
                      "character, not `", found.line)


def stages(instructions: Sequence[Instruction]) -> Iterator[Warning]:
    """Stage names given twice."""
    seen: dict[str, int] = {}
    for found in instructions:
        if isinstance(found, From) and found.name:
            if found.name in seen:
                yield Warning("duplicate-stage", f"stage {found.name} was already begun in line {seen[found.name]}; "
                              "the name now means this one", found.line)
            seen[found.name] = found.line


def _swallowed(found: Instruction, statement: Statement) -> Iterator[Warning]:
    """``COPY a C:\\b\\`` at a line's end: the author meant a folder, the parser a continuation."""
    if found.escape != "\\":
        return
    for (line, content), (following, after) in zip(statement.pieces, statement.pieces[1:], strict=False):
        if not content or content[-1] in SPACE:
            continue
        token = content.split()[-1]
        begins = after.split(maxsplit=1)[:1]
        if begins and begins[0] in KEYWORDS and (_PATH.match(token) or found.keyword not in ("RUN", "CMD")):
            yield Warning("swallowed-line", f"{token}\\ ends in the escape character, so line {following} "
                          f"({begins[0]} …) belongs to this {found.keyword}: write {token}\\\\ or use # escape=`",
                          line)
        elif found.keyword in ("COPY", "ADD", "WORKDIR") and _PATH.match(token) and not after[:1].isspace():
            yield Warning("swallowed-line", f"{token}\\ ends in the escape character, so line {following} is joined "
                          f"to it without a space: write {token}\\\\ or use # escape=`", line)


def _invalid_json(found: Instruction, rest: str) -> Iterator[Warning]:
    keyword = found.keyword
    if isinstance(found, OnBuild):
        yield from _invalid_json(found.trigger, rest.split(maxsplit=1)[-1])
        return
    if keyword == "HEALTHCHECK":
        rest = rest.split(maxsplit=1)[-1]
    if getattr(found, "json", True) or not rest.startswith("["):
        return
    if keyword not in _STRICT_JSON and not _JSON_LIKE.match(rest):
        return  # [Environment]::SetEnvironmentVariable(…) and [ -f x ] are ordinary commands
    try:
        json_strings(rest)
    except ValueError as error:
        reads = "words" if keyword in _STRICT_JSON else "a shell command"
        yield Warning("invalid-json", f"{keyword} looks like a JSON list but is not one ({error}); it is read as "
                      f"{reads}. In JSON every backslash is doubled and quotes are double quotes", found.line)


def _lost(found: Instruction, statement: Statement) -> Iterator[Warning]:
    """Words in which the default escape character would take a path's backslash away."""
    for word in [*_words(found), *_flag_words(statement)]:
        lost = _unprotected(word)
        if lost:
            yield Warning("lost-backslash", f"the backslash of {lost} in {word} is the escape character and "
                          "disappears: double it or use # escape=`", found.line)
            return


def _words(found: Instruction) -> Iterator[str]:
    match found:
        case Transfer():
            yield from (*found.sources, found.destination, found.chown)
            yield from (line for doc in found.inline if doc.expand for line in doc.text.splitlines())
        case Workdir():
            yield found.path
        case User():
            yield found.user
        case Volume():
            yield from found.paths
        case Env():
            yield from (pair.value for pair in found.pairs)


def _flag_words(statement: Statement) -> Iterator[str]:
    """The flags as written; their first escape is already gone from the instruction's values."""
    for word in statement.text.split()[1:]:
        if not word.startswith("--"):
            return
        yield word


def _unprotected(word: str) -> str:
    """The first ``\\x`` outside quotes that expansion would turn into ``x``; escapes of other characters are meant."""
    quote, pos = "", 0
    while pos < len(word):
        char = word[pos]
        if char == "\\" and quote != "'":
            if not quote and _LOST.match(word, pos):
                return word[pos:pos + 2]
            pos += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        pos += 1
    return ""
