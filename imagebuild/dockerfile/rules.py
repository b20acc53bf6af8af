# SPDX-License-Identifier: Apache-2.0
"""Which parts of which instruction are expanded, and how: one table, and the function that follows it.

Source: BuildKit ``instructions/commands.go`` (the ``Expand`` and ``ExpandRaw`` methods) and
``dockerfile2llb/convert.go`` (``dispatch``, ``toCommand``, ``dispatchArg``, ``convert_expose.go``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from ..errors import FormatError
from .expand import Expansion, Lookup, expansion
from .instructions import (
    Add,
    Arg,
    Copy,
    Env,
    Expose,
    From,
    Instruction,
    Label,
    Run,
    StopSignal,
    Transfer,
    User,
    Volume,
    Workdir,
)
from .mounts import parse_mount
from .text import bounds


class How(Enum):
    """How a field is expanded."""

    WORD = "one word stays one word"
    WORDS = "split at unquoted space after expansion"
    PAIRS = "keys and values, each as one word, all with what held before the instruction"
    DOCUMENT = "heredoc content: variables only, quotes mean nothing, the escape character is always a backslash"
    MOUNT = "every value of a --mount option as one word; not its from"
    IN_ORDER = "each ARG default as one word that sees the names before it, and only when no --build-arg is given"


class Scope(Enum):
    """Which variables are seen."""

    STAGE = "ARG and ENV of the stage so far, the later one winning, and the base image's ENV"
    GLOBAL = "only ARGs before the first FROM and the predefined ones"


@dataclass(frozen=True, slots=True)
class Rule:
    """One field of an instruction."""

    field: str
    how: How
    scope: Scope = Scope.STAGE


_TRANSFER = (Rule("chown", How.WORD), Rule("chmod", How.WORD), Rule("sources", How.WORD),
             Rule("destination", How.WORD), Rule("inline", How.DOCUMENT))

#: What is not here is never expanded: CMD, ENTRYPOINT, SHELL, HEALTHCHECK, MAINTAINER, ONBUILD (its trigger is expanded
#: when it runs), the command of RUN (the shell sees the variables), ``COPY --from`` and ``--exclude``.
EXPANDED: Mapping[type[Instruction], tuple[Rule, ...]] = {
    From: (Rule("base", How.WORD, Scope.GLOBAL), Rule("platform", How.WORD, Scope.GLOBAL)),
    Arg: (Rule("args", How.IN_ORDER),),
    Env: (Rule("pairs", How.PAIRS),),
    Label: (Rule("pairs", How.PAIRS),),
    Copy: _TRANSFER,
    Add: (*_TRANSFER, Rule("checksum", How.WORD)),
    Run: (Rule("mounts", How.MOUNT),),
    Workdir: (Rule("path", How.WORD),),
    User: (Rule("user", How.WORD),),
    Expose: (Rule("ports", How.WORDS),),
    Volume: (Rule("paths", How.WORD),),
    StopSignal: (Rule("signal", How.WORD),),
}


@dataclass(frozen=True, slots=True)
class Expanded:
    """An instruction with its words expanded, the variables that had a value, and those that had none."""

    instruction: Instruction
    used: frozenset[str]
    unset: frozenset[str]


def expand_instruction(instruction: Instruction, lookup: Lookup) -> Expanded:
    """Follow the table. ``lookup`` must answer for the scope the table names.

    ARG comes back as it is: its defaults are the builder's to expand, in order (:attr:`How.IN_ORDER`). Windows knows
    variables without regard to case; a ``lookup`` for a Windows stage should, too. Errors are ``DockerfileError``.
    """
    used: set[str] = set()
    unset: set[str] = set()

    size = 0

    def heard(result: Expansion) -> Expansion:
        nonlocal size
        used.update(result.used)
        unset.update(result.undefined)
        size += len(result.text)
        bounds.check(size, bounds.EXPANDED, "its words have too many characters")
        return result

    def word(text: str, escape: str = instruction.escape, literal_quotes: bool = False) -> str:
        return heard(expansion(text, lookup, escape, literal_quotes=literal_quotes)).text

    def words(text: str) -> tuple[str, ...]:
        return heard(expansion(text, lookup, instruction.escape)).words

    def field(rule: Rule, value: Any) -> Any:
        match rule.how:
            case How.WORD if isinstance(value, str):
                return word(value)
            case How.WORD:
                return tuple(word(one) for one in value)
            case How.WORDS:
                return tuple(part for one in value for part in words(one))
            case How.PAIRS:
                return tuple(replace(pair, key=word(pair.key), value=word(pair.value)) for pair in value)
            case How.DOCUMENT:
                return tuple(replace(doc, content=word(doc.text, "\\", True), chomp=False) if doc.expand else doc
                             for doc in value)
            case How.MOUNT:
                return tuple(parse_mount(mount.word, word) for mount in value)
            case How.IN_ORDER:
                return value

    try:
        changes = {rule.field: field(rule, getattr(instruction, rule.field))
                   for rule in EXPANDED.get(type(instruction), ())}
    except FormatError as error:
        raise instruction.error(error.what, why=error.why, hint=error.hint or _hint(instruction)) from None
    return Expanded(replace(instruction, **changes), frozenset(used), frozenset(unset))


def _hint(instruction: Instruction) -> str:
    if isinstance(instruction, Transfer) and not instruction.json and '"' in instruction.text:
        return f'a path with spaces needs the JSON form: {instruction.keyword} ["source", "destination"]'
    return ""
