# SPDX-License-Identifier: Apache-2.0
"""What became of a start, or of a step of a build."""

from __future__ import annotations

import re
from dataclasses import dataclass

SCREEN = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][0-9A-Z]|[=>])")
"""What moves a terminal's cursor, colours it, or names its window."""


AHEAD = re.compile(r"\x1b\[(\d*)C")
"""A space that was there already: the cursor goes over it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """``said`` is empty when all was as expected, else what came instead."""

    what: str
    """The way of starting, or the step."""
    command: str
    said: str = ""

    @property
    def ran(self) -> bool:
        return not self.said


def plain(output: str) -> str:
    """A terminal's output as text."""
    return SCREEN.sub("", AHEAD.sub(lambda found: " " * int(found[1] or 1), output))


def told(wanted: str, code: int, output: str, ended: int | str) -> str:
    """What to say of a program that should have shown ``wanted`` (a pattern) and ended with ``code``; empty when it
    did."""
    clear = plain(output).replace("\r\n", "\n")
    missing = not re.search(wanted, clear)
    if not missing and ended == code:
        return ""
    last = next((line.strip() for line in reversed(clear.splitlines()) if line.strip()), "nothing")
    what = f"ended with {ended} in place of {code}" if ended != code else f"did not show {wanted!r}"
    return f"{what}; its last words: {last[-300:]}"
