# SPDX-License-Identifier: Apache-2.0
"""What an error text means: the causes it may have, the likeliest first, each with what tells it from the next.

Codes are believed most, for no language changes them; then the name of an operation that failed; then what engines
write themselves; Windows' own English last. Signs of different kinds add up, but those of lower kinds together never
outweigh one of a higher. Facts of the host and the image, where they are given, decide between causes of one symptom.

A text without a known sign has no cause: :attr:`Explanation.unknown` says what was missing. Generic codes (0x80070005,
``0x2``) and generic words ("Access is denied") are no sign without the operation that failed.
"""

from __future__ import annotations

import io
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO

from ..compat.failures import messages
from ..compat.failures.catalogue import Confidence, Failure, is_generic
from ..compat.failures.messages import MessageFacts
from ..windows.facts.host import HostFacts, WindowsVersion
from ..windows.status import Status, codes_in, find, hexadecimal
from .evidence import Evidence, weigh
from .logtext import blocks
from .scan import Hit, Match, Way, begins_record, scan

if TYPE_CHECKING:
    from ..compat.image import ImageFacts

KEPT = 3
"""Matches of one cause that are kept; the others are counted."""
PASTED = 1 << 16
"""Characters up to which a text is taken for pasted, and put together again where a terminal broke its lines."""
WRAPPED = 40
"""Characters that the longest line has at least, if a terminal broke it."""
ONE_MESSAGE = 12
"""Lines up to which a text may be one message."""

_WEIGHT: dict[Way, int] = {"code": 8, "operation": 4, "engine": 2, "windows": 1}
_FACT = 16
_LEVELS: tuple[Confidence, ...] = ("low", "medium", "high")


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause: the catalogue's entry (``failure``), why we think so (``matches``, the first few, on ``count`` lines
    in all, recognised in these ``ways``), how sure that is, and the facts that were weighed."""

    failure: Failure
    matches: tuple[Match, ...]
    count: int
    ways: frozenset[Way]
    confidence: Confidence
    evidence: tuple[Evidence, ...] = ()

    @property
    def score(self) -> int:
        """What it is ranked by: its signs, and the facts for and against."""
        facts = sum((_FACT if fact.speaks_for else -_FACT) << fact.decisive for fact in self.evidence)
        return sum(_WEIGHT[way] for way in self.ways) + facts


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a text means: ``causes``, the likeliest first, or none and ``unknown`` says why.

    ``codes`` are codes of the text that have a name but no entry of their own, ``said`` what known messages state
    (versions, architectures), ``lines`` the number of lines that were read.
    """

    causes: tuple[Cause, ...]
    unknown: str = ""
    codes: tuple[Status, ...] = ()
    said: tuple[MessageFacts, ...] = ()
    lines: int = 0

    @property
    def first(self) -> Cause | None:
        """The likeliest cause."""
        return self.causes[0] if self.causes else None


def explain(text: str, host: HostFacts | None = None, image: ImageFacts | None = None) -> Explanation:
    """What an error text means, in the light of a host and an image where they are known. Never raises.

    The text may be a line or a whole log, and in any language as far as it has codes or an engine's own words. A
    message that a terminal broke into lines is put together again.
    """
    data = text.encode("utf-8", "replace")
    found = explain_stream(io.BytesIO(BOM_UTF8 + data), host, image)
    if found.causes or len(text) > PASTED:
        return found
    for glue in (" ", ""):
        tally = _Tally()
        for line, joined in _unbroken(text.splitlines(), glue):
            tally.add(scan(joined.encode("utf-8", "replace"), line))
        if tally.entries:
            return tally.explanation(host, image, found.lines)
    return found


def explain_stream(stream: BinaryIO, host: HostFacts | None = None, image: ImageFacts | None = None) -> Explanation:
    """The same for a log of any length and encoding (UTF-8, UTF-16), read from a binary stream in blocks. Raises only
    what the stream raises."""
    tally, lines, head = _Tally(), 0, b""
    for block in blocks(stream):
        head = head or block.data[:PASTED]
        lines = block.line + block.data.count(b"\n") - block.data.endswith(b"\n")
        tally.add(scan(block.data, block.line))
    return tally.explanation(host, image, lines, head.decode("utf-8", "replace"))


@dataclass(slots=True)
class _Signs:
    """The signs of one entry so far."""

    matches: list[Match] = field(default_factory=list)
    ways: set[Way] = field(default_factory=set)
    count: int = 0
    last: int = 0


@dataclass(slots=True)
class _Tally:
    """Signs as they come, block by block, kept within bounds."""

    entries: dict[str, tuple[Failure, _Signs]] = field(default_factory=dict)
    codes: dict[int, Status] = field(default_factory=dict)
    said: dict[MessageFacts, None] = field(default_factory=dict)

    def add(self, hits: Iterable[Hit]) -> None:
        for hit in hits:
            if hit.failure is None:
                status = find(hit.code)
                if status is not None:
                    self.codes.setdefault(hit.code, status)
                continue
            signs = self.entries.setdefault(hit.failure.id, (hit.failure, _Signs()))[1]
            signs.ways.add(hit.match.way)
            if hit.match.line <= signs.last:  # the same line once more: another way, or the next block's beginning
                continue
            signs.last = hit.match.line
            signs.count += 1
            if len(signs.matches) < KEPT:
                signs.matches.append(hit.match)
                self.said.update(dict.fromkeys(messages.find(hit.match.text)))

    def explanation(self, host: HostFacts | None, image: ImageFacts | None, lines: int, head: str = "") -> Explanation:
        host, image = _completed(host, image, self.said)
        causes = [_cause(entry, signs, host, image) for entry, signs in self.entries.values()]
        causes.sort(key=lambda cause: (-cause.score, -cause.failure.priority, cause.matches[0].line, cause.failure.id))
        codes = tuple(self.codes.values())
        unknown = "" if causes else _unknown(head, lines, codes)
        return Explanation(tuple(causes), unknown, codes, tuple(self.said), lines)


def _cause(entry: Failure, signs: _Signs, host: HostFacts, image: ImageFacts) -> Cause:
    weighed = tuple(fact for name in entry.when if (fact := weigh(name, host, image)) is not None)
    level = _LEVELS.index(entry.confidence)
    if signs.ways <= {"windows"}:
        level = min(level, 1)
    if signs.ways <= {"operation"} or any(not fact.speaks_for for fact in weighed):
        level = 0
    elif weighed:
        level = min(level + 1, 2)
    return Cause(entry, tuple(signs.matches), signs.count, frozenset(signs.ways), _LEVELS[level], weighed)


def _completed(host: HostFacts | None, image: ImageFacts | None,
               said: Iterable[MessageFacts]) -> tuple[HostFacts, ImageFacts]:
    """Host and image, with what the messages say where nobody else said it."""
    from ..compat.image import ImageFacts

    host, image = host or HostFacts(os=""), image or ImageFacts()
    for facts in said:
        if facts.host and host.version is None:
            host = replace(host, version=WindowsVersion.parse(facts.host))
        if facts.image and not image.os_version:
            image = replace(image, os_version=facts.image)
        if facts.image_os and not image.os:
            image = replace(image, os=facts.image_os)
    return host, image


def _unbroken(lines: list[str], glue: str) -> Iterator[tuple[int, str]]:
    """Messages that a terminal broke, put together, each with the number of its first line.

    A break is told by the width: all lines of the message but its last are as long as the longest line of the text. A
    short text in which no line but the first begins a record may also be one message that was wrapped between words.
    """
    texts = [line.strip() for line in lines]
    width = max(map(len, texts), default=0)
    if width >= WRAPPED and len(texts) <= ONE_MESSAGE and all(len(text) > width / 2 for text in texts[:-1]) and \
            not any(map(begins_record, texts[1:])):
        yield 1, glue.join(texts)
        return
    start, parts = 1, texts[:1]
    for number, text in enumerate(texts[1:], start=2):
        if len(parts[-1]) < max(width - 1, WRAPPED):
            yield start, glue.join(parts)
            start, parts = number, []
        parts.append(text)
    yield start, glue.join(parts)


def _unknown(head: str, lines: int, codes: tuple[Status, ...]) -> str:
    """Why there is no cause."""
    if not head.strip():
        return "unknown, because there is no text"
    if codes:
        named = ", ".join(hexadecimal(code.code) for code in codes[:4])
        return f"unknown, because the catalogue has no cause for {named}"
    generic = [found.written for found in codes_in(head) if is_generic(found.code) and not found.bare]
    if generic:
        return (f"unknown, because {generic[0]} says nothing without the operation that failed: give the whole "
                "message, and the lines before it")
    what = "code, operation or message that the catalogue knows"
    return f"unknown, because the text has no {what}" if lines <= 1 else f"unknown, because no line has a {what}"
