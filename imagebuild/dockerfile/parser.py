# SPDX-License-Identifier: Apache-2.0
"""Read a Dockerfile: bytes → instructions, stages and warnings.

The rules are BuildKit's (``frontend/dockerfile/parser`` and ``instructions``), read from its source; where its parser
takes anything (unknown instructions, flags on instructions that have none, text before the first FROM, a broken ONBUILD
trigger) the whole of BuildKit refuses later, and we refuse here, with file, line and instruction.

Where we differ on purpose: a line may have any length (BuildKit stops at 65,535 bytes); a flag may hold letters beyond
ASCII (BuildKit reads flags byte by byte and garbles them); an instruction must be UTF-8 without NUL; a heredoc source
whose content cannot be found is refused (BuildKit copies an empty file); ``required`` of a mount may stand before its
type.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import DockerfileError, FormatError, quoted
from . import lint
from .instructions import KEYWORDS, Arg, From, Instruction, OnBuild, Place, Run
from .suggest import closest
from .text import bounds
from .text.directives import BACKSLASH, BACKTICK, NO_CHECKS, Checks, read_directives
from .text.flags import Flags
from .text.heredoc import Heredoc, announced
from .text.reader import Reader, Statement, physical_lines
from .text.text import SPACE, is_space, split_command
from .typed import Request, build, read_json
from .warning import Warning

_HEREDOCS = frozenset(("ADD", "COPY", "RUN"))
_NOT_TRIGGERS = {"ONBUILD": "triggers do not nest", "FROM": "a trigger cannot begin a stage",
                 "MAINTAINER": "a trigger cannot name a maintainer"}
_MERGE = re.compile(r"(<{7}|={7}|>{7}|\|{7})")
_ONBUILD = re.compile(r"ONBUILD\s*+", re.IGNORECASE)
_BAD_CHARACTER = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Stage:
    """One FROM and what follows it; ``index`` counts from 0."""

    index: int
    start: From
    instructions: tuple[Instruction, ...]

    @property
    def name(self) -> str:
        """The name given with AS, in lower case, or empty."""
        return self.start.name


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """A whole Dockerfile. ``instructions`` holds all of them in order; ``stages`` and ``global_args`` divide them."""

    file: str
    instructions: tuple[Instruction, ...]
    escape: str = BACKSLASH
    syntax: str = ""
    checks: Checks = NO_CHECKS
    warnings: tuple[Warning, ...] = ()

    @property
    def global_args(self) -> tuple[Arg, ...]:
        """The ARGs before the first FROM, the only ones that FROM sees."""
        args: list[Arg] = []
        for instruction in self.instructions:
            if not isinstance(instruction, Arg):
                break
            args.append(instruction)
        return tuple(args)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages in order; there is at least one."""
        starts = [i for i, found in enumerate(self.instructions) if isinstance(found, From)]
        stages: list[Stage] = []
        for begin, end in zip(starts, [*starts[1:], len(self.instructions)], strict=True):
            start = self.instructions[begin]
            assert isinstance(start, From)
            stages.append(Stage(len(stages), start, self.instructions[begin + 1:end]))
        return tuple(stages)


def parse(data: bytes, *, name: str = "Dockerfile") -> Dockerfile:
    """Read a Dockerfile; ``name`` is what errors call the file. Raises nothing but ``DockerfileError``."""
    if len(data) > bounds.FILE:
        raise DockerfileError(f"the file has {len(data):,} bytes", file=name,
                              why=f"a Dockerfile has at most {bounds.FILE:,}", hint="COPY large data from the context")
    lines = physical_lines(data, name)
    directives = read_directives(lines, name)
    parser = _Parser(Reader(lines, directives.escape, name), directives.escape)
    instructions = parser.all()
    if not any(isinstance(instruction, From) for instruction in instructions):
        raise DockerfileError("there is no FROM" if instructions else "the file has no instructions", file=name,
                              why="a Dockerfile has at least one stage",
                              hint="begin with FROM and a base image, or FROM scratch")
    warnings = [*directives.warnings, *parser.warnings, *lint.stages(instructions)]
    return Dockerfile(name, tuple(instructions), directives.escape, directives.syntax, directives.checks,
                      tuple(sorted(warnings, key=lambda warning: warning.line)))


def parse_trigger(expression: str, *, name: str = "ONBUILD trigger") -> Instruction:
    """Read an ONBUILD trigger out of an image's config: one instruction, under the default escape character."""
    lines = physical_lines(expression.encode("utf-8", "surrogatepass"), name)
    instructions = _Parser(Reader(lines, BACKSLASH, name), BACKSLASH, started=True).all()
    if len(instructions) != 1:
        raise DockerfileError(f"a trigger is one instruction, not {len(instructions)}", file=name)
    keyword = instructions[0].keyword
    if keyword in _NOT_TRIGGERS:
        raise DockerfileError(f"{keyword} cannot be a trigger", file=name, why=_NOT_TRIGGERS[keyword])
    return instructions[0]


class _Parser:
    """Takes statements from a reader until there are none; ``started`` once a FROM was seen."""

    def __init__(self, reader: Reader, escape: str, *, started: bool = False) -> None:
        self.reader, self.escape, self.started = reader, escape, started
        self.stages = 0
        self.instructions: list[Instruction] = []
        self.warnings: list[Warning] = []

    def all(self) -> list[Instruction]:
        while (statement := self.reader.statement()) is not None:
            self.one(statement)
        return self.instructions

    def one(self, statement: Statement) -> None:
        word, flags, rest = split_command(statement.text, self.escape)
        keyword = word.upper()
        if keyword not in KEYWORDS:
            raise self.unknown(statement, word)
        try:
            instruction = self.onbuild(statement, flags, rest) if keyword == "ONBUILD" else build(
                self.cut(statement, keyword, flags, rest))
            self.started = self.started or keyword == "FROM"
            bounds.check(len(self.instructions) + 1, bounds.INSTRUCTIONS, "too many instructions")
            self.stages += keyword == "FROM"
            bounds.check(self.stages, bounds.STAGES, "too many stages", hint="divide the file")
            if not self.started and keyword != "ARG":
                raise FormatError("before the first FROM", why="only ARG may stand there", hint="move it below a FROM")
        except FormatError as error:
            raise DockerfileError(error.what, file=self.reader.file, line=statement.line, instruction=keyword,
                                  why=error.why, hint=error.hint) from None
        self.instructions.append(instruction)
        self.warnings += lint.instruction(instruction, statement, flags, rest)

    def cut(self, statement: Statement, keyword: str, flags: tuple[str, ...], rest: str) -> Request:
        """The parts of an instruction, its heredocs taken from the lines that follow."""
        json, problem = read_json(keyword, rest)
        heredocs: tuple[Heredoc, ...] = ()
        if keyword in _HEREDOCS and json is None and "<<" in statement.text:
            heredocs = tuple(self.reader.heredoc(one, statement.line) for one in announced(statement.text))
        source = self.reader.source(statement.line, self.reader.line)
        bad = _BAD_CHARACTER.search(source if heredocs else statement.text)
        if bad:
            raise FormatError("a NUL character" if bad[0] == "\0" else "text that is not UTF-8",
                              why="instructions are UTF-8 text", hint="save the file as UTF-8")
        place = Place(self.reader.file, statement.line, self.reader.line, statement.text.strip(SPACE), source,
                      self.escape)
        return Request(keyword, flags, rest, json, problem, heredocs, place)

    def onbuild(self, statement: Statement, flags: tuple[str, ...], rest: str) -> OnBuild:
        """The trigger is read as an instruction of its own; its place is that of the ONBUILD."""
        Flags("ONBUILD", flags)
        word, trigger_flags, trigger_rest = split_command(rest, self.escape)
        keyword = word.upper()
        if not keyword:
            raise FormatError("ONBUILD needs an instruction")
        if keyword in _NOT_TRIGGERS:
            raise FormatError(f"ONBUILD {keyword} is not allowed", why=_NOT_TRIGGERS[keyword])
        if keyword not in KEYWORDS:
            raise FormatError(f"ONBUILD {word} is not an instruction", hint=_did_you_mean(word))
        request = self.cut(statement, keyword, trigger_flags, trigger_rest)
        start = _ONBUILD.match(request.place.text)
        expression = "\n".join([request.place.text[start.end() if start else 0:],
                                *(doc.content + doc.name for doc in request.heredocs)])
        return OnBuild(request.place, expression, build(request))

    def unknown(self, statement: Statement, word: str) -> DockerfileError:
        """An unknown instruction, with the likeliest reason why it came to be read as one."""
        previous = self.instructions[-1] if self.instructions else None
        hint = _did_you_mean(word)
        if _MERGE.match(word):
            hint = "this is a merge conflict marker: resolve the conflict"
        elif not word:
            hint = "a continuation mark stands alone at the end of the file"
        elif any(is_space(char) for char in word):
            hint = "the space after the instruction is a no-break space: type it anew"
        elif isinstance(previous, Run) and previous.text.endswith(("@\"", "@'")):
            hint = "a PowerShell here-string spans lines: use RUN <<EOF … EOF, or join the lines"
        elif previous is not None and not hint:
            body = previous.place.source.rstrip(SPACE)
            other = BACKTICK if self.escape == BACKSLASH else BACKSLASH
            if body.endswith(other):
                hint = (f"the line before ends in {other}, but the escape character is {self.escape}: "
                        f"put # escape={other} in the first line of the file")
            elif isinstance(previous, Run):
                hint = f"if it belongs to the RUN before, end the lines before it with {self.escape}"
        name = word if len(word) <= 40 else word[:40] + "…"
        return DockerfileError(f"unknown instruction {quoted(name)}", file=self.reader.file, line=statement.line,
                               why="",
                               hint=hint, word=word)


def _did_you_mean(word: str) -> str:
    near = closest(word, KEYWORDS)
    return f"did you mean {near}?" if near else ""
