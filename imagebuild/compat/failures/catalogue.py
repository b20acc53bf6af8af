# SPDX-License-Identifier: Apache-2.0
"""The failure catalogue: what goes wrong with Windows containers, how it shows, why, and what to do.

The entries stand in ``failures.json`` beside this file (its form: ``failures.schema.json``), with the day they were
last looked over. An entry is recognised by codes, by names of operations, and by phrases; each carries the fact that
tells it from its neighbours, for one symptom often has several causes. Sources are threads
(``owner/repository#number``), files (``owner/repository path@commit``) or pages; a wording is there only because one
of them shows it.

Windows translates its own texts, so codes and what engines write themselves (``by: engine``) are worth more than
Windows' English (``by: windows``).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

from ...errors import NotFoundError, quoted
from ...windows.status import canonical, hexadecimal

Author = Literal["engine", "windows"]
Confidence = Literal["high", "medium", "low"]

GENERIC = frozenset({0x8000_4005})
"""Codes besides Win32's (0x8007xxxx) that say nothing without the operation that failed: E_FAIL."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A text by which a failure is recognised.

    ``regex`` is for one line with its spaces collapsed, case ignored; with ``span`` for that line and so many more.
    ``anchor``, in small letters, is part of everything the regex matches: a search of much text looks for it first.
    ``by`` says who writes the text, ``example`` is one.
    """

    regex: str
    anchor: str
    by: Author
    example: str
    span: int = 0

    @property
    def pattern(self) -> re.Pattern[str]:
        """The regex, compiled when first asked for."""
        return _compiled(self.regex)


@dataclass(frozen=True, slots=True)
class Failure:
    """One entry.

    ``codes`` are canonical (:mod:`imagebuild.windows.status`). ``operations`` are names as hcsshim and HNS print them;
    with ``operation_alone`` a failing one is a sign even without a code. ``code_alone``: the entry's Win32 codes say
    enough without an operation. ``detect`` is the fact that separates it, ``lookup`` how to look that up, ``when`` the
    names of facts that speak for it (and against it, where they are known to be otherwise). ``neighbours`` are entries
    that it is taken for. Of two that match equally, the one with the higher ``priority`` is named first.
    """

    id: str
    title: str
    stage: str
    cause: str
    detect: str
    lookup: str
    remedy: str
    citations: tuple[str, ...]
    confidence: Confidence
    priority: int
    codes: tuple[int, ...] = ()
    operations: tuple[str, ...] = ()
    patterns: tuple[Phrase, ...] = ()
    when: tuple[str, ...] = ()
    neighbours: tuple[str, ...] = ()
    code_alone: bool = False
    operation_alone: bool = False
    engine: str = ""
    notes: str = ""

    def tells_alone(self, code: int) -> bool:
        """Whether this code of the entry is a sign of it even where no operation is named."""
        return code in self.codes and (self.code_alone or not is_generic(code))

    def facts(self) -> dict[str, Any]:
        """The entry for JSON; codes are hexadecimal."""
        return {"id": self.id, "title": self.title, "stage": self.stage, "codes": list(map(hexadecimal, self.codes)),
                "operations": list(self.operations), "patterns": [phrase.regex for phrase in self.patterns],
                "cause": self.cause, "detect": self.detect, "lookup": self.lookup, "remedy": self.remedy,
                "engine": self.engine, "notes": self.notes, "confidence": self.confidence,
                "citations": list(self.citations)}


def is_generic(code: int) -> bool:
    """Whether a code says nothing without its operation: Win32's, and E_FAIL."""
    return code >> 16 == 0x8007 or code in GENERIC


def failures() -> tuple[Failure, ...]:
    """All entries, in the order of the file."""
    return tuple(_table()[1].values())


def updated() -> date:
    """The day the entries were last compared with their sources."""
    return _table()[0]


def failure(name: str) -> Failure:
    """The entry with this id; NotFoundError when there is none."""
    found = _table()[1].get(name)
    if found is None:
        raise NotFoundError(f"there is no failure {quoted(name[:60])}",
                            hint="'wcow doctor explain --list' names them all")
    return found


def by_code(code: int) -> tuple[Failure, ...]:
    """Entries that have a code, in any of its forms, the likeliest first."""
    wanted = canonical(code)
    return tuple(sorted((entry for entry in failures() if wanted in entry.codes), key=lambda entry: -entry.priority))


@cache
def _table() -> tuple[date, dict[str, Failure]]:
    document = json.loads(Path(__file__).with_name("failures.json").read_bytes())
    return date.fromisoformat(document["updated"]), {row["id"]: _failure(row) for row in document["failures"]}


def _failure(row: dict[str, Any]) -> Failure:
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    values["codes"] = tuple(canonical(int(code, 16)) for code in row.get("codes", ()))
    values["patterns"] = tuple(Phrase(**phrase) for phrase in row.get("patterns", ()))
    return Failure(**values)


@cache
def _compiled(regex: str) -> re.Pattern[str]:
    return re.compile(regex, re.IGNORECASE | re.ASCII)
