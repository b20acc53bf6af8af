# SPDX-License-Identifier: Apache-2.0
"""The table of a Windows engine's refusals against moby's sources, as Debian has them: the line that a row names is
there and holds the row's words."""

from __future__ import annotations

from difflib import SequenceMatcher
from functools import cache

import pytest
from support import windows_calls, windows_create, windows_mounts
from support.programs import GO_SOURCES
from support.windows_rules import Row

DOCKER = GO_SOURCES / "src" / "github.com" / "docker"
SHARED = 10
"""Characters in a row that a sentence and its line have in common at least."""

ROWS = [row for row in (*windows_create.ROWS, *windows_mounts.ROWS, *windows_calls.ROWS) if ":" in row.source]

pytestmark = pytest.mark.skipif(not (DOCKER / "docker" / "daemon").is_dir(),
                                reason="Docker's sources are not installed")


@cache
def lines(path: str) -> list[str]:
    place = DOCKER / "docker" / path
    text = (place if place.exists() else DOCKER / path).read_text(encoding="utf-8")
    return text.replace('\\"', '"').replace("\\\\", "\\").splitlines()


@pytest.mark.parametrize("row", ROWS, ids=[row.label for row in ROWS])
def test_the_line_that_a_row_names_has_its_words(row: Row) -> None:
    path, _, number = row.source.partition(":")
    line = lines(path)[int(number) - 1]
    assert line.strip()
    if row.says and not row.ours:
        shared = SequenceMatcher(None, row.says, line, autojunk=False).find_longest_match()
        assert shared.size >= SHARED or "No such " in line, line  # that sentence is put together of pieces
