# SPDX-License-Identifier: Apache-2.0
"""Find the name someone meant to type."""

from __future__ import annotations

from collections.abc import Iterable


def closest(word: str, names: Iterable[str]) -> str:
    """The name at most two edits from ``word`` whatever its case, or the empty string; the first of equals wins."""
    best, found = 3, ""
    for name in sorted(names):
        distance = edits(word.lower(), name.lower(), best)
        if distance < best:
            best, found = distance, name
    return found


def edits(left: str, right: str, limit: int) -> int:
    """Levenshtein distance, or ``limit`` as soon as it cannot be smaller."""
    if abs(len(left) - len(right)) >= limit:
        return limit
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        diagonal, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (a != b))
        if min(row) >= limit:
            return limit
    return min(row[-1], limit)
