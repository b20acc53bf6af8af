# SPDX-License-Identifier: Apache-2.0
"""Verdicts for people: a line that sums up, three verdicts with their reasons, what to do, where it is from."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator

from ...compat.documents import Subject
from ...compat.peers import Tool
from ...compat.picks import Pick
from ...compat.report import Report
from ...compat.verdict import Answer, Reason, Verdict
from ...images.inspect.tree import shown
from ...oci import Platform

_COLOURS: dict[Answer, str] = {"yes": "32", "likely": "32", "maybe": "33", "unknown": "33", "no": "31"}
_WHY = {"os": "another system", "architecture": "another processor", "version": "its os.version",
        "features": "its os.features", "later": "a later choice"}


def coloured(answer: Answer, width: int = 0) -> str:
    """An answer, in colour on a terminal."""
    text = f"{answer:<{width}}"
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{_COLOURS[answer]}m{text}\x1b[0m"


def report_lines(report: Report) -> Iterator[str]:
    """A whole report."""
    yield from _wrapped(report.summary, "")
    yield ""
    for name, verdict in (("support", report.support), ("engine", report.engine), ("start", report.start)):
        yield from _verdict(name, verdict)
    if report.warnings:
        yield ""
        for reason in report.warnings:
            yield from _wrapped(f"warning: {reason.text}", "  ")
    yield from _remedies(report)
    yield from _sources(report)


def pick_lines(subject: Subject, found: Pick, *, every: bool) -> Iterator[str]:
    """What an engine takes from an index; ``every`` lists all entries with why they were passed over."""
    name = shown(subject.name)
    rule = found.engine.rule()
    way = "build" if rule.algorithm == "dockerd-graphdriver" else rule.generation
    if found.place is None:
        yield f"{found.engine.name} takes nothing from {name}, and says:"
        yield from _wrapped(found.error, "  ")
    else:
        yield f"{found.engine.name} takes entry {found.place} of {name}: {_entry(subject, found.place)}"
    if every:
        yield from _entries(subject, found)
        yield f"  (chosen by {rule.algorithm}, rule {way}: {rule.source})"
    if found.report is None:
        return
    yield ""
    if found.place is None and found.better is not None:
        yield f"The nearest is entry {found.better}, {_entry(subject, found.better)}:"
    yield from report_lines(found.report)
    if found.place is not None and found.better is not None:
        yield ""
        yield (f"Entry {found.better}, {_entry(subject, found.better)}, would do better; ask for it by its digest"
               + (f": {subject.digests[found.better]}" if subject.digests else ""))


def tool_lines(tool: Tool, subject: Subject, wanted: Platform, place: int | None) -> Iterator[str]:
    """What a tool takes that knows of no host."""
    name = shown(subject.name)
    if place is None:
        yield f"{tool.name}, asked for {wanted}, takes nothing from {name}"
    else:
        yield f"{tool.name}, asked for {wanted}, takes entry {place} of {name}: {_entry(subject, place)}"
    yield from _wrapped(f"it compares {tool.compares}", "  ")
    yield from _wrapped(f"source: {tool.source}", "  ")


def _entries(subject: Subject, found: Pick) -> Iterator[str]:
    why = {item.place: _WHY[item.why] for item in found.passed}
    for place in range(len(subject.entries)):
        mark = "→" if place == found.place else " "
        tail = f"  passed over: {why[place]}" if place in why else ""
        yield f"  {mark} {place}  {_entry(subject, place)}{tail}"


def _entry(subject: Subject, place: int) -> str:
    platform = subject.entries[place]
    if platform is None:
        return "no platform"
    return shown(str(platform)) + (f" +{'+'.join(map(shown, platform.os_features))}" if platform.os_features else "")


def _verdict(name: str, verdict: Verdict) -> Iterator[str]:
    head = f"  {name:<8} {coloured(verdict.answer, 7)}  "
    blank = " " * len(f"  {name:<8} {verdict.answer:<7}  ")
    first = True
    for reason in verdict.reasons:
        for line in _wrapped(reason.text, blank):
            yield head + line[len(blank):] if first else line
            first = False
    sure = {"documented": "documented", "code": "read in source", "reported": "reported by users",
            "inferred": "inferred", "none": ""}[verdict.confidence]
    if sure:
        yield f"{blank}[{sure}: {verdict.reasons[0].code}]"


def _remedies(report: Report) -> Iterator[str]:
    if report.remedies and report.runs != "yes":
        yield ""
        yield "What to do:"
        for remedy in report.remedies:
            yield from _wrapped(remedy, "    ", "  - ")


def _sources(report: Report) -> Iterator[str]:
    reasons: Iterable[Reason] = (*report.support.reasons, *report.engine.reasons, *report.start.reasons,
                                 *report.warnings)
    sources = list(dict.fromkeys(reason.sources for reason in reasons if reason.sources))
    if sources:
        yield ""
        yield "Sources:"
        for source in sources:
            yield f"  {source}"


def _wrapped(text: str, indent: str, first: str | None = None) -> list[str]:
    """Lines that fit a terminal; in a file or a pipe one line."""
    lead = indent if first is None else first
    if not sys.stdout.isatty():
        return [lead + shown(text)]
    return textwrap.wrap(shown(text), max(shutil.get_terminal_size().columns, 40), initial_indent=lead,
                         subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
