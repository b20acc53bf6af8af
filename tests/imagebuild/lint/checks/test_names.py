# SPDX-License-Identifier: Apache-2.0
"""Names before anything is asked about what they stand for: what is told, in full, and what is made of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.breaches import Breaches

from imagebuild.layer.tarstream import DEFAULT_LIMITS
from imagebuild.lint.checks.names import check_component, is_stream, text_of, tidy, too_long
from imagebuild.windows.names import MAX_NAME, MAX_PATH

SHALLOW = replace(DEFAULT_LIMITS, depth=3)


def call(check: Callable[..., Any], *values: Any, **named: Any) -> tuple[Any, list[tuple[Any, ...]]]:
    """What a checker gives, and what it tells."""
    report = Breaches()
    return check(*values, report=report, **named), report.told


# --- text -----------------------------------------------------------------------------------------------------------

@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_every_text_comes_back_without_a_word(text: str) -> None:
    assert call(text_of, text.encode(), 512) == (text, [])


@given(st.binary(max_size=20))
def test_what_is_not_utf_8_is_told_and_shown_with_question_marks(raw: bytes) -> None:
    raw += b"\xff"
    text = raw.decode("utf-8", "replace")
    assert call(text_of, raw, 512) == (text, [("name-not-unicode", f"{raw!r} is not UTF-8", text, 512)])


def test_of_long_bytes_the_first_two_hundred_are_shown() -> None:
    (_, [(_, message, _, _)]) = call(text_of, b"\xff" * 300, 0)
    assert message == repr(b"\xff" * 200) + " is not UTF-8"


# --- paths ----------------------------------------------------------------------------------------------------------

@given(st.lists(st.sampled_from(["a", "b.c", "..d", "", ".", "..", "x\\y", "e "]), min_size=1, max_size=5))
def test_a_path_is_what_is_left_without_empty_and_single_dot_components(parts: list[str]) -> None:
    name = "/".join(parts)
    path, told = call(tidy, name, 5, limits=DEFAULT_LIMITS)
    kept = [part for part in re.split(r"[/\\]", name) if part not in ("", ".")]
    assert path == ("" if ".." in kept else "/".join(kept))
    rules = {rule for rule, *_ in told}
    assert all(where == (name, 5) for _, _, *rest in told for where in [tuple(rest)])
    assert ("backslash-in-name" in rules) is ("\\" in name)
    assert ("root-entry" in rules) is (not kept)
    assert ("parent-reference" in rules) is (".." in kept)
    assert ("absolute-path" in rules) is (bool(kept) and name.startswith("/"))


@pytest.mark.parametrize(("name", "path", "told"), [
    ("Files/a", "Files/a", []), ("Files/a/", "Files/a", []), ("Files/..a/.b", "Files/..a/.b", []),
    ("./", "", [("root-entry", "it stands for the root of the tar")]),
    ("", "", [("root-entry", "it stands for the root of the tar")]),
    ("/", "", [("root-entry", "it stands for the root of the tar")]),
    ("/Files/a", "Files/a", [("absolute-path", "it begins with a slash")]),
    ("//Files/a", "Files/a", [("absolute-path", "it begins with a slash"), ("unclean-path", "it means Files/a")]),
    ("Files/../a", "", [("parent-reference", "it has '..' in it")]),
    ("./Files//a", "Files/a", [("unclean-path", "it means Files/a")]),
    ("Files/a//", "Files/a", [("unclean-path", "it means Files/a")]),
    ("Files\\a", "Files/a", [("backslash-in-name", "Windows takes the backslash for a slash")]),
])
def test_what_is_odd_about_a_path_is_told(name: str, path: str, told: list[tuple[str, str]]) -> None:
    assert call(tidy, name, 7, limits=DEFAULT_LIMITS) == (path, [(*what, name, 7) for what in told])


def test_only_of_long_paths_the_length_and_depth_are_asked() -> None:
    short, long = "a/" * 5 + "b" * 990, "a/" * 5 + "b" * 991
    assert call(tidy, short, 1, limits=SHALLOW) == (short, [])
    assert call(tidy, long, 1, limits=SHALLOW) == ("", [
        ("name-too-long", "the path is too long: 6 folders deep, 3 are looked at", long[:200] + "...", 1)])
    flat = "Files/" + "b" * 1100
    assert call(tidy, flat, 1, limits=SHALLOW) == (flat, [])


@pytest.mark.parametrize(("path", "what"), [
    ("a" * MAX_PATH, ""), ("a" * (MAX_PATH + 1), f"{MAX_PATH + 1} characters, {MAX_PATH} are allowed"),
    ("\U0001f600" * (MAX_PATH // 2), ""),
    ("\U0001f600" * (MAX_PATH // 2 + 1), f"{MAX_PATH + 1} characters, {MAX_PATH} are allowed"),
    ("\U0001f600" * MAX_PATH, f"{2 * MAX_PATH} characters, {MAX_PATH} are allowed"),
    ("a/" * (MAX_PATH // 2) + "a", f"{MAX_PATH // 2 + 1} folders deep, 3 are looked at"),
    ("\U0001f600" * (MAX_PATH + 2), f"{MAX_PATH + 2} characters, {MAX_PATH} are allowed"),
    ("\ud800" * 3, ""), ("a/b/c", ""), ("a/b/c/d", "4 folders deep, 3 are looked at")])
def test_a_path_has_no_more_units_and_folders_than_can_be(path: str, what: str) -> None:
    told = [("name-too-long", f"the path is too long: {what}", path[:200] + "...", 3)] if what else []
    assert call(too_long, path, 3, limits=SHALLOW) == (bool(what), told)


# --- components -----------------------------------------------------------------------------------------------------

LONG = "n" * (MAX_NAME + 1)


@pytest.mark.parametrize(("base", "told"), [
    ("a.txt", []), ("n" * MAX_NAME, []), ("\U0001f600" * (MAX_NAME // 2), []), ("\uffff" * MAX_NAME, []),
    ("a?b", [("forbidden-character", "'a?b' has '?' in it")]),
    ("a\x1fb", [("forbidden-character", "'a\\x1fb' has the control character U+001F in it")]),
    ("a\x01b", [("forbidden-character", "'a\\x01b' has the control character U+0001 in it")]),
    ("?" + "b" * 150, [("forbidden-character", f"{'?' + 'b' * 99!r} has '?' in it")]),
    ("a\udc00", [("name-not-unicode", "'a\\udc00' has half a surrogate pair in it")]),
    ("\ud800" + "b" * 150, [("name-not-unicode", f"{chr(0xd800) + 'b' * 99!r} has half a surrogate pair in it")]),
    ("a.", [("trailing-dot-or-space", "'a.' ends with '.'")]),
    ("a ", [("trailing-dot-or-space", "'a ' ends with ' '")]),
    ("b" * 150 + ".", [("trailing-dot-or-space", f"{'b' * 100!r} ends with '.'")]),
    ("nul.txt", [("reserved-name", "'nul.txt' is a device on Windows")]),
    ("nul." + "b" * 150, [("reserved-name", f"{'nul.' + 'b' * 96!r} is a device on Windows")]),
    (LONG, [("name-too-long", f"{'n' * 60!r}... has {MAX_NAME + 1} UTF-16 units, {MAX_NAME} are allowed")]),
    ("\U00010000" * 128, [("name-too-long", f"{chr(0x10000) * 60!r}... has 256 UTF-16 units, 255 are allowed")]),
    ("con?.", [("forbidden-character", "'con?.' has '?' in it"), ("trailing-dot-or-space", "'con?.' ends with '.'")]),
])
def test_what_is_wrong_with_a_component_is_told(base: str, told: list[tuple[str, str]]) -> None:
    assert call(check_component, base, "Files/x", 9) == (None, [(*what, "Files/x", 9) for what in told])


# --- alternate streams ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("name", "is_one", "told"), [
    ("Files/a:s", True, ("stream-without-type", "the stream s of Files/a, without its type")),
    ("Files/a:s:", True, ("stream-without-type", "the stream s of Files/a, without its type")),
    ("Files/a:s:$DATA", True, ("stream-with-type", "the stream s of Files/a, with its type")),
    ("Files/a:s:$data", True, ("stream-with-type", "the stream s of Files/a, with its type")),
    ("Files/a:s:$x", False, ("colon-in-name", "'Files/a:s:$x' is no stream of the entry before it")),
    ("Files/a::$DATA", False, ("colon-in-name", "'Files/a::$DATA' is no stream of the entry before it")),
    ("Files/a:s/b", False, ("colon-in-name", "'Files/a:s/b' is no stream of the entry before it")),
    ("Files/A:s", False, ("colon-in-name", "'Files/A:s' is no stream of the entry before it")),
    ("Files/b:" + "s" * 150, False, ("colon-in-name",
                                     f"{'Files/b:' + 's' * 92!r} is no stream of the entry before it")),
])
def test_a_stream_belongs_to_the_entry_before_it_to_the_letter(name: str, is_one: bool, told: tuple[str, str]) -> None:
    assert call(is_stream, name, "Files/a", "Files/p", 4) == (is_one, [(*told, "Files/p", 4)])
