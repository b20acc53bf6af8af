# SPDX-License-Identifier: Apache-2.0
"""Did you mean …?"""

from __future__ import annotations

from imagebuild.dockerfile.suggest import closest, edits


def test_two_edits_are_near_and_three_are_not():
    assert closest("COYP", ["COPY", "CMD"]) == "COPY"
    assert closest("wrkdir", ["WORKDIR"]) == "WORKDIR"
    assert closest("abc", ["xyz"]) == ""
    assert closest("xyz", ["COPY"]) == ""


def test_the_nearest_wins():
    assert closest("targe", ["target", "type", "tarmac"]) == "target"


def test_edits_counts_insertions_deletions_and_replacements():
    assert edits("abc", "abc", 9) == 0
    assert edits("abc", "abcd", 9) == 1
    assert edits("abc", "bc", 9) == 1
    assert edits("abc", "axc", 9) == 1
    assert edits("kitten", "sitting", 9) == 3
    assert edits("kitten", "sitting", 2) == 2
