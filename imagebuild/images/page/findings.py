# SPDX-License-Identifier: Apache-2.0
"""What the linter says of an image, as the findings that the HTML page shows."""

from __future__ import annotations

from collections.abc import Iterator

from ...events import Event, Finish, Result, Step
from ..compare.pairs import Side
from .page import PageFinding

MOST = 2000
"""Findings that are shown; an image with more has one fault many times over."""


def lint_for_page(side: Side) -> Iterator[Event]:
    """Lint an image, or one layer of it; the last event carries a list of :class:`~.page.PageFinding`.

    Each layer is streamed once. Layers that Windows would never be given (of a Linux image) have no findings.
    """
    from ... import lint

    found: list[PageFinding] = []
    step = f"lint {side.digest}"
    if side.windows():
        yield Step(step, f"linting {side.name}")
        only = None if side.layer is None else (side.layer,)
        total = 0
        for finding in lint.image(side.image, side.store, only=only):
            total += 1
            if total > MOST:
                continue
            rule = lint.find_rule(finding.rule)
            found.append(PageFinding(finding.rule, finding.severity.word(), finding.message, finding.path,
                                     finding.layer, ", ".join(finding.importers), rule.fix, rule.source))
        if total > MOST:
            found.append(PageFinding("", "note", f"{total - MOST:,} more findings are not shown",
                                     hint=f"'wcow lint {side.name}' prints all of them"))
        yield Finish(step, f"{total} finding{'' if total == 1 else 's'}")
    yield Result(found, {"findings": len(found)})


__all__ = ["lint_for_page"]
