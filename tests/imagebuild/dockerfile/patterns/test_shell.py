# SPDX-License-Identifier: Apache-2.0
"""Shell patterns in ``${X#p}`` and ``${X/p/r}``."""

from __future__ import annotations

import fnmatch
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuild.dockerfile.patterns.shell import remove_prefix, remove_suffix, replace
from imagebuild.errors import FormatError


def test_the_shortest_or_the_longest_prefix_goes():
    assert remove_prefix("a/b/c", "*/", longest=False) == "b/c"
    assert remove_prefix("a/b/c", "*/", longest=True) == "c"
    assert remove_prefix("a/b/c", "x", longest=False) == "a/b/c"
    assert remove_prefix("abc", "??", longest=False) == "c"


def test_the_shortest_or_the_longest_suffix_goes():
    assert remove_suffix("a/b/c", "/*", longest=False) == "a/b"
    assert remove_suffix("a/b/c", "/*", longest=True) == "a"
    assert remove_suffix("a*b", r"\*b", longest=False) == "a"


def test_the_first_or_every_match_is_replaced_by_the_literal_text():
    assert replace("a.b.c", ".", "-", every=False) == "a-b.c"
    assert replace("a.b.c", ".", "-", every=True) == "a-b-c"
    assert replace("abc", "*", "$1", every=True) == "$1"
    assert replace("abc", "", "-", every=True) == "-a-b-c-"
    assert replace("aXbXc", "X*", "", every=False) == "a"


def test_a_star_stays_on_its_line():
    assert replace("ab\ncd", "*", "-", every=True) == "-\n-"


@pytest.mark.parametrize("pattern", [r"a\b", "\\", r"C:\x"])
def test_other_escapes_are_refused(pattern):
    with pytest.raises(FormatError, match="not an escape"):
        remove_prefix("x", pattern, longest=False)


def test_braces_and_slashes_lose_their_backslash():
    assert remove_prefix("}/x", r"\}\/", longest=False) == "x"


def test_many_stars_take_no_time():
    start = time.perf_counter()
    assert remove_prefix("a" * 2000, "*a" * 30 + "b", longest=True) == "a" * 2000
    assert time.perf_counter() - start < 2


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab*?", max_size=6), st.text(alphabet="ab", max_size=8))
def test_a_whole_match_is_what_fnmatch_says(pattern, value):
    matched = fnmatch.fnmatchcase(value, pattern)
    assert (remove_prefix(value + "|", pattern + "|", longest=True) == "") is matched or not matched
    if matched:
        assert remove_prefix(value, pattern, longest=True) == ""
        assert remove_suffix(value, pattern, longest=True) == ""
    short = remove_prefix(value, pattern, longest=False)
    assert value.endswith(short)
    assert len(short) >= len(remove_prefix(value, pattern, longest=True))
