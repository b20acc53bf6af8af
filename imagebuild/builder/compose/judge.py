# SPDX-License-Identifier: Apache-2.0
"""What is built is linted while it is written: nothing that Windows would refuse gets a name.

``--lint error`` stops at what an importer would refuse, ``warn`` says it and goes on, ``off`` looks at nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Literal

from ...errors import InputError
from ...events import Event, Warn
from ...layer import Kind
from ...lint import Finding, LayerLinter, Report, Severity, check_image
from ...lint.hives import place_of
from ...lint.spool import Content
from ...oci import Image
from ...windows.upcase import fold
from ..context.changes import Change, Later, Local

Mode = Literal["error", "warn", "off"]


@dataclass(frozen=True, slots=True)
class Judge:
    """Looks at layers and images, and says what to do about what is found."""

    mode: Mode = "error"

    def linter(self, *, base: bool) -> LayerLinter | None:
        """The checks for a layer that is about to be written; none when nothing is to be looked at."""
        return None if self.mode == "off" else LayerLinter(base=base)

    def image(self, image: Image) -> Iterator[Event]:
        """Look at a finished image's config and manifest."""
        if self.mode == "off":
            return
        report = Report(base=False)
        check_image(image, report)
        yield from self.decide(report.take(), "the image")

    def decide(self, findings: Iterable[Finding], what: str) -> Iterator[Event]:
        """Warn, or stop: InputError names the first thing that Windows would refuse, and how many more there are."""
        errors = []
        for finding in findings:
            if finding.severity is Severity.ERROR and self.mode == "error":
                errors.append(finding)
            elif finding.severity >= Severity.WARNING:
                yield Warn(_text(finding), code=finding.rule)
        if errors:
            more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
            rule = errors[0].rule
            raise InputError(f"Windows would not import {what}", why=_text(errors[0]) + more, rule=rule,
                             hint=f"'wcow lint --explain {rule}' says why; --lint warn builds it all the same")


def hive_in(path: str, change: Change | None, fetched: Mapping[tuple[int, str], Path]) -> Content | None:
    """The content of a hive that goes into a layer, for the linter; ``None`` for everything else. ``fetched`` has the
    files that come out of other images."""
    if change is None or change.kind is not Kind.FILE or place_of(fold(path)) is None:
        return None
    content = change.content
    if content is None or isinstance(content, bytes):
        return content
    place = fetched[(id(content.rootfs), content.path)] if isinstance(content, Later) else \
        content.context.location(content.path) if isinstance(content, Local) else content
    with open(place, "rb") as stream:  # noqa: PTH123 - any path-like will do
        return mmap(stream.fileno(), 0, access=ACCESS_READ) if os.fstat(stream.fileno()).st_size else b""


def _text(finding: Finding) -> str:
    return f"{finding.rule}: " + (f"{finding.path}: " if finding.path else "") + finding.message
