# SPDX-License-Identifier: Apache-2.0
"""Durations of XML Schema (``PT20S``, ``P0DT1H``), as WS-Management writes its time-outs."""

from __future__ import annotations

import re

from ....errors import FormatError, quoted

_SHAPE = re.compile(r"P(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?")
_UNITS = (86400, 3600, 60, 1)


def parse(text: str) -> float:
    """Return seconds; FormatError for negative ones, for years and months, whose length nothing tells, and for text
    that is no duration."""
    found = _SHAPE.fullmatch(text.strip()[:64])
    if found is None or not any(found.groups()):
        raise FormatError(f"not a duration: {quoted(text[:64])}", why="it reads PT20S, PT1M30S or P1DT2H")
    return sum(float(part) * unit for part, unit in zip(found.groups(), _UNITS, strict=True) if part)


def seconds(value: float) -> str:
    """Return a time-out as Windows writes it: ``PT7200.000S``."""
    return f"PT{value:.3f}S"


def elapsed(value: float) -> str:
    """Return how long something has lasted, as Windows writes it: ``P0DT0H1M2S``."""
    whole = int(value)
    return f"P{whole // 86400}DT{whole // 3600 % 24}H{whole // 60 % 60}M{whole % 60}S"
