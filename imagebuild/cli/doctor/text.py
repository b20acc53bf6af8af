# SPDX-License-Identifier: Apache-2.0
"""Explanations as people read them, and as JSON."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from ...compat.failures.catalogue import Failure, failure, is_generic
from ...doctor import Cause, Explanation
from ...images.inspect.tree import shown
from ...windows.status import Status, find, hexadecimal, spellings

_WAYS = {"code": "the code", "operation": "the operation that failed", "engine": "the engine's own words",
         "windows": "Windows' English text"}
_LABEL = 9
_OTHERS = 4
_SURE = {"high": "confidence high", "medium": "possible", "low": "possible, confidence low"}


def explanation_text(found: Explanation) -> Iterator[str]:
    """Lines for people: each problem in full, with what it may be instead."""
    for status in found.codes:
        yield f"{status}"
    if not found.causes:
        yield found.unknown
        return
    for number, (cause, others) in enumerate(problems(found.causes)):
        if number or found.codes:
            yield ""
        yield f"{cause.failure.title} [{cause.failure.id}, {_SURE[cause.confidence]}]"
        yield from _cause(cause)
        yield from _others(cause, others)


def problems(causes: Sequence[Cause]) -> list[tuple[Cause, list[Cause]]]:
    """Causes by the lines they are of: the likeliest of each problem, and those that it may be instead."""
    out: list[tuple[Cause, list[Cause]]] = []
    for cause in causes:
        lines = {match.line for match in cause.matches}
        for first, others in out:
            if lines & {match.line for match in first.matches}:
                others.append(cause)
                break
        else:
            out.append((cause, []))
    return out


def _cause(cause: Cause) -> Iterator[str]:
    first = cause.matches[0]
    ways = " and ".join(_WAYS[way] for way in _WAYS if way in cause.ways)
    more = f"; {cause.count:,} lines in all, also line {cause.matches[1].line}" if cause.count > 1 else ""
    yield from _field("seen", f"line {first.line}: {shown(first.what)} ({ways}){more}")
    if shown(first.text) != shown(first.what):
        yield from _field("", shown(first.text))
    yield from _field("cause", cause.failure.cause)
    for fact in cause.evidence:
        yield from _field("for it" if fact.speaks_for else "against", fact.sentence)
    yield from _field("tell by", cause.failure.detect)
    yield from _field("look", cause.failure.lookup)
    yield from _field("do", cause.failure.remedy)
    yield from _field("source", ", ".join(cause.failure.citations))


def _others(cause: Cause, others: list[Cause]) -> Iterator[str]:
    """What it may be instead: what else matched; where nothing did, what it is taken for."""
    if others:
        yield "  or, less likely:"
        for other in others[:_OTHERS]:
            yield from _other(other.failure)
            for fact in other.evidence:
                yield from _field("    for" if fact.speaks_for else "    not", fact.sentence)
    elif cause.failure.neighbours:
        yield "  not to be taken for:"
        for name in cause.failure.neighbours:
            yield from _other(failure(name))


def _other(entry: Failure) -> Iterator[str]:
    yield f"    {entry.title} [{entry.id}]"
    yield from _field("    by", entry.detect)


def _field(label: str, value: str) -> Iterator[str]:
    """``label  value``, wrapped under the value."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 120
    lead = f"  {label:<{_LABEL}}" if len(label) < _LABEL else f"  {label} "
    yield from textwrap.wrap(value, max(width, 40), initial_indent=lead, subsequent_indent=" " * (2 + _LABEL),
                             break_long_words=False, break_on_hyphens=False) or [lead.rstrip()]


def code_text(code: int, entries: Sequence[Failure]) -> Iterator[str]:
    """One code: its name, its other spellings, and the failures that show it."""
    status = find(code)
    yield str(status) if status is not None else f"{hexadecimal(code)}: not in our tables"
    yield from _field("also", ", ".join(spellings(code)[1:]))
    if status is not None:
        yield from _field("source", status.source)
    for entry in entries:
        yield f"  {entry.title} [{entry.id}]"
        if not entry.tells_alone(code):
            yield from _field("  with", ", ".join(entry.operations))
        yield from _field("  by", entry.detect)
        yield from _field("  do", entry.remedy)
    if not entries:
        yield "  no failure of the catalogue has it"
    if is_generic(code):
        yield "  alone it says nothing: the operation that failed decides"


def explanation_facts(found: Explanation) -> dict[str, Any]:
    """The same for programs."""
    return {"causes": [_cause_facts(cause) for cause in found.causes], "unknown": found.unknown,
            "codes": [_status_facts(status) for status in found.codes],
            "said": [facts.facts() for facts in found.said], "lines": found.lines}


def _cause_facts(cause: Cause) -> dict[str, Any]:
    entry = cause.failure
    return {"id": entry.id, "title": entry.title, "stage": entry.stage, "confidence": cause.confidence,
            "score": cause.score, "count": cause.count, "ways": sorted(cause.ways),
            "matches": [{"line": match.line, "way": match.way, "what": match.what, "text": match.text}
                        for match in cause.matches],
            "evidence": [{"for": fact.speaks_for, "fact": fact.sentence} for fact in cause.evidence],
            "cause": entry.cause, "detect": entry.detect, "lookup": entry.lookup, "remedy": entry.remedy,
            "neighbours": list(entry.neighbours), "citations": list(entry.citations)}


def _status_facts(status: Status) -> dict[str, Any]:
    return {"code": hexadecimal(status.code), "name": status.name, "family": status.family, "meaning": status.meaning,
            "source": status.source}


def code_facts(code: int, entries: Sequence[Failure]) -> dict[str, Any]:
    """One code for programs."""
    status = find(code)
    named = {"code": hexadecimal(code), "name": "", "family": "", "meaning": "", "source": ""} if status is None else \
        _status_facts(status)
    return {**named, "spellings": list(spellings(code)), "alone": not is_generic(code),
            "failures": [entry.facts() for entry in entries]}
