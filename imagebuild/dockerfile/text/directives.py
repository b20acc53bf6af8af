# SPDX-License-Identifier: Apache-2.0
"""Read the parser directives at the top of a Dockerfile: ``# escape=``, ``# syntax=``, ``# check=``.

Rules of BuildKit's ``parser/directives.go``: directives stand first, in any order, each once; names in any case; the
first line that is none of the three (an instruction, a blank line, any other comment) ends them. After a ``#!`` line
``syntax`` and ``check`` are still found, ``escape`` is not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import DockerfileError, quoted
from ..warning import Warning
from .text import SPACE

BACKSLASH = "\\"
BACKTICK = "`"
_DIRECTIVE = re.compile(r"([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*+=(.+)\Z")
_BLANK = "\t\n\f\r "
_NAMES = ("escape", "syntax", "check")


@dataclass(frozen=True, slots=True)
class Checks:
    """What ``# check=`` asks of a linter: rule names to skip or to turn on, and whether a finding is an error."""

    skip: tuple[str, ...] = ()
    experimental: tuple[str, ...] = ()
    error: bool = False


NO_CHECKS = Checks()


@dataclass(frozen=True, slots=True)
class Directives:
    """What stands at the top of a Dockerfile. ``syntax`` is the frontend image that was asked for, often empty."""

    escape: str = BACKSLASH
    syntax: str = ""
    checks: Checks = NO_CHECKS
    warnings: tuple[Warning, ...] = ()


def read_directives(lines: Sequence[str], file: str) -> Directives:
    """The directives of a Dockerfile given as its physical lines; late ones come back as warnings."""
    found: dict[str, str] = {}
    warnings: list[Warning] = []
    done = shebang = False
    for number, line in enumerate(lines, 1):
        comment = line.lstrip(SPACE)
        if not comment.startswith("#"):
            if comment:
                break  # past the first instruction a comment may be anything
            done = True
            continue
        match = _DIRECTIVE.match(comment[1:].lstrip(SPACE).rstrip("\r\n"))
        name = match[1].lower() if match else ""
        value = (match[2].strip(_BLANK) or match[2][-1:]) if match else ""  # BuildKit's pattern keeps one blank, too
        if number == 1 and line.startswith("#!"):
            shebang = True
        elif match is None or name not in _NAMES:
            done = True
        elif done or (shebang and name == "escape"):
            warnings.append(_late(name, value, number))
        elif name in found:
            raise DockerfileError(f"a second {name} directive", file=file, line=number,
                                  why="a parser directive may be given once", hint="keep one of them")
        else:
            found[name] = value
            if name == "escape" and value not in (BACKSLASH, BACKTICK):
                raise DockerfileError(f"the escape character cannot be {quoted(value[:40])}", file=file, line=number,
                                      why=f"it is either {BACKSLASH} or {BACKTICK}")
    return Directives(escape=found.get("escape", BACKSLASH), syntax=found.get("syntax", "").partition(" ")[0],
                      checks=_checks(found.get("check", "")), warnings=tuple(warnings))


def _late(name: str, value: str, line: int) -> Warning:
    return Warning("late-directive", f"# {name}={value} is only a comment here: directives come before every other "
                   "comment, blank line and instruction", line)


def _checks(text: str) -> Checks:
    """``skip=A,B;error=true``; unknown keys are left to whoever reads them, as BuildKit's linter only warns."""
    fields = dict(part.strip().partition("=")[::2] for part in text.split(";") if part.strip())
    names = {key.strip().lower(): tuple(name.strip() for name in value.split(",") if name.strip())
             for key, value in fields.items()}
    return Checks(skip=names.get("skip", ()), experimental=names.get("experimental", ()),
                  error=fields.get("error", "").strip().lower() in ("1", "t", "true"))
