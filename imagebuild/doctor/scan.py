# SPDX-License-Identifier: Apache-2.0
"""Finds the signs of known failures in a block of text: codes, operations, phrases.

Two steps, for logs are long and failures rare. First the block is searched for anchors, plain substrings of which
every sign contains one; that costs no regex but one for codes. Only lines with an anchor are then looked at exactly,
with their spaces collapsed, terminal colours gone, and the quotes of log formats (``\\"``) undone.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from ..compat.failures.catalogue import Failure, Phrase, failures, is_generic
from ..windows.status import canonical, codes_in, find

Way = Literal["code", "operation", "engine", "windows"]
"""How a cause was recognised: by a code, an operation that failed, an engine's phrase, Windows' English."""

WAYS: tuple[Way, ...] = ("code", "operation", "engine", "windows")

_WIDEST = 1 << 13
"""Characters of a line that are looked at around an anchor."""


@dataclass(frozen=True, slots=True)
class Match:
    """One sign: the ``line`` (from 1), the ``way`` it was recognised, ``what`` was recognised, and the line's ``text``
    (shortened)."""

    line: int
    way: Way
    what: str
    text: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A sign of one failure; without one (``failure`` is None) a code that has a name and no entry."""

    failure: Failure | None
    match: Match
    code: int = 0


@dataclass(frozen=True, slots=True)
class _Anchored:
    """What to look at where an anchor was found."""

    phrases: tuple[tuple[Failure, Phrase], ...]
    operations: tuple[tuple[Failure, str], ...]


def scan(data: bytes, first_line: int = 1) -> list[Hit]:
    """The signs in a block of UTF-8 lines, in the order of their lines. Never raises."""
    lowered = data.lower()
    places: dict[int, set[bytes]] = {}  # start of a line -> anchors in it
    for anchor in _anchors():
        at = lowered.find(anchor)
        while at >= 0:
            places.setdefault(lowered.rfind(b"\n", 0, at) + 1, set()).add(anchor)
            end = lowered.find(b"\n", at)
            at = lowered.find(anchor, end) if end >= 0 else -1
    for match in _codes().finditer(lowered):
        places.setdefault(lowered.rfind(b"\n", 0, match.start()) + 1, set()).add(b"")
    if not places:
        return []
    ends = [match.start() for match in re.finditer(b"\n", data)]
    found: list[Hit] = []
    for start in sorted(places):
        index = bisect_right(ends, start - 1) if start else 0
        found += _look(_Lines(data, start, ends, index), places[start], first_line + index)
    return found


def begins_record(line: str) -> bool:
    """Whether a line begins a log record (a time, a level, a prompt) or is empty, and so does not go on with the one
    before."""
    return not line.strip() or _record().match(line) is not None


class _Lines:
    """A line of a block and those that follow it, decoded when they are asked for."""

    def __init__(self, data: bytes, start: int, ends: list[int], index: int) -> None:
        self._data, self._start, self._ends, self._index = data, start, ends, index
        self.text = self._line(0) or ""

    def _line(self, after: int) -> str | None:
        index = self._index + after
        start = self._start if not after else self._ends[index - 1] + 1 if index <= len(self._ends) else len(self._data)
        if start >= len(self._data):
            return None
        end = self._ends[index] if index < len(self._ends) else len(self._data)
        return _plain(self._data[start:min(end, start + (1 << 17))].decode("utf-8", "replace"))

    def following(self, count: int) -> Iterator[str]:
        for after in range(1, count + 1):
            line = self._line(after)
            if line is None:
                return
            yield line

    def block(self, span: int) -> str:
        """The line and ``span`` more."""
        return "\n".join([self.text, *self.following(span)])

    def record(self) -> str:
        """The line, with up to three that go on with it (a wrapped message), as one."""
        parts = [self.text]
        for line in self.following(3):
            if begins_record(line):
                break
            parts.append(line)
        return " ".join(parts) if len(parts) > 1 else self.text


def _plain(line: str) -> str:
    """A line as its writer meant it."""
    if "\x1b" in line:
        line = _colour().sub("", line)
    if '\\"' in line:
        line = line.replace('\\"', '"')
    return " ".join(line.split())


def _look(lines: _Lines, anchors: set[bytes], number: int) -> Iterator[Hit]:
    """The signs in one line, by the anchors it has."""
    text = lines.text
    known: set[tuple[str, Way]] = set()
    explained: set[str] = set()  # operations for whose failure there is more than their name

    def hit(failure: Failure, way: Way, what: str) -> Iterator[Hit]:
        if (failure.id, way) not in known:
            known.add((failure.id, way))
            explained.update(failure.operations)
            yield Hit(failure, Match(number, way, what, _excerpt(text, what)))

    operations = [pair for anchor in anchors if anchor for pair in _anchors()[anchor].operations]
    numbers = list(codes_in(text)) if operations or b"" in anchors else []
    if b"" in anchors:
        for code in numbers:
            if code.bare and not text[max(0, code.start - 1):].startswith(f"({code.written})"):
                continue
            entries = _alone().get(code.code, ())
            for entry in entries:
                yield from hit(entry, "code", code.written)
            if not entries and not is_generic(code.code) and find(code.code) is not None:
                yield Hit(None, Match(number, "code", code.written, _excerpt(text, code.written)), code.code)
    if operations:
        # What goes on in the next lines counts where this one says that something failed; else it may be anything.
        failed = _failed().search(text) is not None
        record = lines.record() if failed else text
        codes = {code.code: code.written for code in (numbers if record is text else codes_in(record))
                 if not code.bare or _is_stated(record, code.start, code.written)}
        for entry, _unused in operations:
            for value in entry.codes:
                if value in codes:
                    yield from hit(entry, "code", codes[value])
    for anchor in sorted(anchors):
        for entry, phrase in _anchors()[anchor].phrases if anchor else ():
            match = phrase.pattern.search(_around(lines.block(phrase.span) if phrase.span else text, phrase.anchor))
            if match:
                yield from hit(entry, "engine" if phrase.by == "engine" else "windows", match[0])
    for entry, operation in operations:
        if entry.operation_alone and operation not in explained and failed:
            known.add((entry.id, "operation"))
            yield Hit(entry, Match(number, "operation", operation, _excerpt(text, operation)))


def _is_stated(text: str, start: int, written: str) -> bool:
    """Whether a short number is given as a result: ``(0x5)``, ``error 0x5``, ``code: 0x5``."""
    before = text[max(0, start - 8):start].lower().rstrip(" :=")
    return text[max(0, start - 1):].startswith(f"({written})") or before.endswith(("error", "code", "hresult"))


def _around(text: str, anchor: str) -> str:
    """The text, or of a very long one the part around its first anchor."""
    if len(text) <= _WIDEST:
        return text
    at = max(0, text.lower().find(anchor))
    return text[max(0, at - _WIDEST // 2):at + _WIDEST // 2]


def _excerpt(text: str, what: str) -> str:
    """A line short enough to be shown, around what was recognised in it."""
    if len(text) <= 240:
        return text
    at = max(0, text.lower().find(what[:40].lower()))
    start = max(0, at - 60)
    return ("…" if start else "") + text[start:start + 230] + "…"


@cache
def _alone() -> dict[int, tuple[Failure, ...]]:
    """Entries by codes that are signs of them without an operation."""
    found: dict[int, tuple[Failure, ...]] = {}
    for entry in failures():
        for code in entry.codes:
            if entry.tells_alone(code):
                found[canonical(code)] = (*found.get(canonical(code), ()), entry)
    return found


@cache
def _anchors() -> dict[bytes, _Anchored]:
    """Every anchor, with what it may be a part of."""
    phrases: dict[bytes, list[tuple[Failure, Phrase]]] = {}
    operations: dict[bytes, list[tuple[Failure, str]]] = {}
    for entry in failures():
        for phrase in entry.patterns:
            phrases.setdefault(phrase.anchor.encode(), []).append((entry, phrase))
        for operation in entry.operations:
            operations.setdefault(operation.lower().encode(), []).append((entry, operation))
    return {anchor: _Anchored(tuple(phrases.get(anchor, ())), tuple(operations.get(anchor, ())))
            for anchor in sorted({*phrases, *operations})}


@cache  # these are compiled when first needed: importing the room is to cost little
def _codes() -> re.Pattern[bytes]:
    """What may be a code that says enough alone; :func:`codes_in` decides."""
    return re.compile(rb"0x(?:f{8})?[89a-f][0-9a-f]{7}(?![0-9a-f])|\(0x[0-9a-f]{1,4}\)"
                      rb"|-(?:10[67]|21[34])[0-9]{6,7}(?![0-9])|(?<![0-9])(?:21[45]|32[12])[0-9]{7}(?![0-9])")


@cache
def _colour() -> re.Pattern[str]:
    return re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]")


@cache
def _failed() -> re.Pattern[str]:
    """What shows that an operation that is named failed, and was not only begun or done."""
    return re.compile(r"failed in Win32|encountered an error during|failure in a Windows system call|- failed|"
                      r"level=(?:error|fatal)|(?:hcs|hcsshim|System)::\w{1,40} [^\s:]{1,80}: \S", re.IGNORECASE)


@cache
def _record() -> re.Pattern[str]:
    """How a line begins that is a record of its own, and not the rest of the one before."""
    return re.compile(r"\s{0,8}(?:\d{1,4}[-/.:]\d{1,2}\b|\[|\{|time=|level=|ts=|[IWEF]\d{4} |[A-Z][a-z]{2} [ \d]\d |"
                      r"PS [A-Z]:|\$ |> |(?:TRACE|DEBUG|DEBU|INFO|WARN|ERRO|ERROR|FATA|FATAL)\b)")
