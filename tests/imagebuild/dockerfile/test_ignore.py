# SPDX-License-Identifier: Apache-2.0
""".dockerignore."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuild.dockerfile.ignore import Ignore, ignore_names
from imagebuild.errors import FormatError


@pytest.mark.parametrize("text, left_out, kept", [
    ("", [], ["a"]),
    ("# a\n\n  \n#b", [], ["a", "b", "# a"]),
    ("\ufeffa", ["a"], []),
    ("a\r\nb\r\n", ["a", "b", "a/x"], ["c"]),
    ("  a  ", ["a"], []),
    (" # a", ["# a"], ["a"]),
    ("a", ["a", "a/b", "a/b/c"], ["ab", "x/a"]),
    ("a/", ["a", "a/b"], ["x/a"]),
    ("/a", ["a"], ["x/a"]),
    ("./a//b/../c", ["a/c"], ["a/b"]),
    ("a/../../b", [], ["a", "b"]),
    ("*.log", ["a.log", "a.log/x"], ["x/a.log"]),
    ("*/a", ["x/a", "x/a/b"], ["a", "x/y/a"]),
    ("**/*.log", ["a.log", "x/a.log", "x/y/a.log"], ["a.txt"]),
    ("**/a", ["a", "x/a", "x/y/a/z"], ["xa", "x/ya"]),
    ("**a", ["a", "xa", "x/ya"], ["ab"]),
    ("a/**", ["a/b", "a/b/c"], ["a", "ab"]),
    ("a/**/b", ["a/b", "a/x/b", "a/x/y/b/c"], ["a/xb"]),
    ("a**/b", ["a/b", "ax/b", "ab"], ["b"]),
    ("**", ["a", "a/b"], []),
    ("?", ["a", "b/c"], ["ab"]),
    ("[a-c]x", ["bx"], ["dx"]),
    (r"a\*", ["a/b", "a/b/c"], ["a", "ab", "a*"]),
    (r"bin\x", ["bin/x"], ["binx"]),
    (".git\n**/bin\n*\n!obj\\Docker\\publish\\*\n!obj\\Docker\\empty\\", ["a", "obj/x", "obj/Docker/x"],
     ["obj/Docker/publish/a", "obj/Docker/empty", "obj/Docker/empty/x"]),
    ("*\n!a", ["b", "c/a"], ["a", "a/b"]),
    ("*\n! a", ["b"], ["a"]),
    ("*\n!/a", ["b"], ["a"]),
    ("*\n!a/b\na/b/c", ["a", "a/x", "a/b/c"], ["a/b", "a/b/d"]),
    ("!a\na", ["a"], []),
    ("a\n!a/b", ["a", "a/c"], ["a/b", "a/b/c"]),
    ("**\n!**/*.dll", ["a", "a/b.exe"], ["x.dll", "a/b.dll"]),
    ("a.b", ["a.b"], ["axb"]),
    ("a(b)$+{}|", ["a(b)$+{}|"], ["ab"]),
    (".", [], ["a"]), ("/", [], ["a"]), ("..", [], ["a"]),
    # a folder that came back does not bring back what a pattern of its own leaves out
    ("*/f\n!d", ["d/f"], ["d", "d/g"]),
])
def test_the_last_match_decides(text, left_out, kept):
    ignore = Ignore.parse(text.encode())
    assert [path for path in left_out + kept if ignore.excludes(path)] == left_out


@pytest.mark.parametrize("text, line", [("a\n!", 2), ("[", 1), ("a\n\nb[", 3), ("[b-a]", 1), ("! ", 1), ("!/", 1)])
def test_a_bad_line_is_named(text, line):
    with pytest.raises(FormatError, match=rf"\.dockerignore:{line}"):
        Ignore.parse(text.encode())


def test_bytes_that_are_not_text_are_refused():
    with pytest.raises(FormatError, match="not UTF-8") as caught:
        Ignore.parse(b"a\n\xff")
    assert caught.value.offset == 2


def test_backslashes_that_linux_takes_for_protection_are_reported():
    assert [warning.line for warning in Ignore.parse(b"a\nbin\\obj\nc\\*").warnings] == [3]


def test_moby_for_windows_leaves_out_the_same_paths():
    """Recorded under Wine from moby/patternmatcher built for Windows; test_patterns_oracle.py asks it anew."""
    cases = json.loads(Path(__file__).with_name("ignore_windows.json").read_text())
    for case in cases:
        ignore = Ignore.parse(case["ignore"].encode())
        assert [path for path in case["excluded"] + case["kept"] if ignore.excludes(path)] == case["excluded"], case


@pytest.mark.parametrize("text, folder, walk", [
    ("a", "a", False), ("a", "b", True), ("*\n!a/b/c", "a", True), ("*\n!a/b/c", "a/b", True), ("*\n!a/b/c",
        "b", False),
    ("*\n!a/b/c", "a/x", False), ("*\n!**/x", "b", True), ("*\n!*/x", "b", True), ("*\n!*/x", "b/c", False),
    ("*\n!a", "b", False), ("a\n!a", "a", True), ("*\n!b?/c", "bx", True), ("*\n!b?/c", "ax", False),
    ("!a/b\n*", "a", True), ("*\n!a[b]/c", "z", True),
])
def test_a_walk_knows_where_it_may_stop(text, folder, walk):
    assert Ignore.parse(text.encode()).may_contain_included(folder) is walk


def test_a_walk_may_carry_verdicts():
    ignore = Ignore.parse(b"a\n!a/b")
    top = ignore.verdict("a")
    assert top.excluded
    assert not ignore.verdict("a/b", top).excluded
    assert ignore.verdict("a/c", top).excluded


def test_patterns_can_come_one_by_one():
    ignore = Ignore.of(("*.txt", "!b.txt", " "))
    assert (ignore.excludes("a.txt"), ignore.excludes("b.txt"), ignore.warnings) == (True, False, ())
    with pytest.raises(FormatError, match="--exclude"):
        Ignore.of(("[",))


def test_an_empty_path_is_never_left_out():
    assert not Ignore.parse(b"**").excludes("")


def test_a_dockerfile_may_have_an_ignore_file_of_its_own():
    assert ignore_names("win/Dockerfile") == ("win/Dockerfile.dockerignore", ".dockerignore")


SEGMENTS = st.sampled_from(["a", "b", "*", "**", "?", "a*", "[ab]", "[^a]", "..", ".", "\\*", "a.b", ""])
LINES = st.lists(st.builds(lambda mark, parts: mark + "/".join(parts), st.sampled_from(["", "!", "/", "#", " "]),
                           st.lists(SEGMENTS, max_size=4)), max_size=5)


@settings(max_examples=300, deadline=None)
@given(LINES, st.lists(st.sampled_from(["a", "b", "ab", "a.b", "*"]), min_size=1, max_size=4))
def test_pruning_never_loses_a_path(lines, parts):
    try:
        ignore = Ignore.parse("\n".join(lines).encode())
    except FormatError:
        return
    if not ignore.excludes("/".join(parts)):
        for count in range(1, len(parts)):
            assert ignore.may_contain_included("/".join(parts[:count]))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=30))
def test_nothing_but_our_error_escapes(data):
    try:
        Ignore.parse(data).excludes("a/b")
    except FormatError:
        return
