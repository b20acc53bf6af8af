# SPDX-License-Identifier: Apache-2.0
"""File name patterns as Go's filepath.Match."""

from __future__ import annotations

import fnmatch
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuild.dockerfile.patterns.globs import has_glob, match
from imagebuild.errors import FormatError


@pytest.mark.parametrize("pattern, path, expected", [
    ("app.dll", "app.dll", True), ("app.dll", "APP.dll", False), ("*.dll", "app.dll", True), ("*.dll",
        "a/app.dll", False),
    ("a/*", "a/b", True), ("a/*", "a/b/c", False), ("a/*/c", "a/b/c", True), ("?", "é", True), ("?", "/", False),
    ("?", "", False), ("*", "", True), ("", "", True), ("**", "a", True), ("**", "a/b", False),
    ("[a-c]x", "bx", True), ("[a-c]x", "dx", False), ("[^a-c]x", "dx", True), ("[^a-c]x", "bx", False), ("[!a]",
        "b", False),
    ("[a^]", "^", True), ("[^/]", "/", False), ("[^a]", "/", True), (r"[\]]", "]", True), (r"[\-x]", "-", True),
    (r"a\*", "a*", True), (r"a\*", "ab", False), ("[z-a]", "m", False), ("]", "]", True), ("x-y", "x-y", True),
])
def test_a_pattern_matches_a_whole_path(pattern, path, expected):
    assert match(pattern, path) is expected


@pytest.mark.parametrize("pattern", ["[", "[a", "[a-", "[]", "[]a]", "[-]", "[a-]", "[^", "[^]", "a\\", "[\\", "[a\\",
    "b[c-"])
def test_a_bad_pattern_is_refused_whatever_the_path(pattern):
    for path in ("", "a", "zzz"):
        with pytest.raises(FormatError, match="is not a pattern"):
            match(pattern, path)


def test_what_holds_a_wildcard():
    assert all(map(has_glob, ["*", "a?", "[a]", "a\\*"]))
    assert not any(map(has_glob, ["", "a.b/c]", "{a}"]))


def test_many_stars_take_no_time():
    start = time.perf_counter()
    assert not match("*a" * 30 + "b", "a" * 2000)
    assert time.perf_counter() - start < 2


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab*?.", max_size=6), st.text(alphabet="ab.", max_size=6))
def test_without_folders_and_classes_it_is_what_fnmatch_says(pattern, path):
    assert match(pattern, path) is fnmatch.fnmatchcase(path, pattern)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab[]^-\\*?/", max_size=8), st.text(alphabet="ab/[]^-", max_size=6))
def test_nothing_but_our_error_escapes(pattern, path):
    try:
        match(pattern, path)
    except FormatError:
        return
