# SPDX-License-Identifier: Apache-2.0
"""What became of a suite: read from the report that pytest writes (JUnit's XML)."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from adapter import LEFT_OUT, REFUSED
from sources import Source


@dataclass(frozen=True, slots=True)
class Outcome:
    """The tests of a suite by what became of them; ``left_out`` and ``skipped`` have the reason of each."""

    source: Source
    user: str
    passed: tuple[str, ...]
    failed: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]
    skipped: tuple[tuple[str, str], ...]
    """Skipped by the suite itself, or expected to fail by it, and failed."""

    @property
    def refused(self) -> int:
        """How many of those that are left out ask for what the engine refuses, and says so."""
        return sum(reason.startswith(REFUSED) for _, reason in self.left_out)

    @property
    def percent(self) -> float:
        """Passed, of a hundred that apply; 0 where nothing ran."""
        applied = len(self.passed) + len(self.failed)
        return 100 * len(self.passed) / applied if applied else 0.0

    def line(self) -> str:
        """One line for people."""
        return (f"{self.source.suite.name} {self.source.state[:12]} ({self.user}): {len(self.passed)} passed, "
                f"{len(self.failed)} failed ({self.percent:.1f} %), {len(self.left_out)} left out, "
                f"{len(self.skipped)} skipped by the suite itself")


def read(source: Source, report: Path, user: str) -> Outcome:
    """The outcome that a report tells. A suite that wrote no report has failed as a whole."""
    passed, failed, left_out, skipped = [], [], [], []
    for name, kind, reason in _cases(report):
        if kind in ("failure", "error"):
            failed.append(name)
        elif kind == "skipped" and reason.startswith(LEFT_OUT):
            left_out.append((name, reason.removeprefix(LEFT_OUT)))
        elif kind == "skipped":
            skipped.append((name, reason))
        else:
            passed.append(name)
    bad = set(failed)  # a test that passed and whose teardown failed has two lines
    return Outcome(source, user, tuple(name for name in passed if name not in bad), tuple(dict.fromkeys(failed)),
                   tuple(left_out), tuple(skipped))


def _cases(report: Path) -> Iterator[tuple[str, str, str]]:
    if not report.exists():
        yield "the whole suite", "error", "pytest wrote no report"
        return
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname', '')}::{case.get('name', '')}"
        found = [child for child in case if child.tag in ("failure", "error", "skipped")]
        if not found:
            yield name, "passed", ""
        for child in found:
            yield name, child.tag, child.get("message", "")
