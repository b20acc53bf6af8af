# SPDX-License-Identifier: Apache-2.0
"""Cutting one line into parts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuild.dockerfile.text.text import (
    NotStrings,
    is_space,
    json_strings,
    split_blanks,
    split_command,
    split_flags,
    split_words,
)

BACKSLASH, BACKTICK = "\\", "`"


def test_a_line_is_instruction_flags_and_rest():
    assert split_command("  COPY --from=a --link  b c ", BACKSLASH) == ("COPY", ("--from=a", "--link"), "b c")
    assert split_command("CMD", BACKSLASH) == ("CMD", (), "")


@pytest.mark.parametrize("line, escape, flags, rest", [
    ("--a=b c", BACKSLASH, ("--a=b",), "c"),
    ("- --a", BACKSLASH, (), "- --a"),
    ("--a -- --b", BACKSLASH, ("--a",), " --b"),
    ("--a='x y' z", BACKSLASH, ("--a=x y",), "z"),
    ('--a="x y" z', BACKSLASH, ("--a=x y",), "z"),
    ('--a="x\\"y" z', BACKSLASH, ('--a=x"y',), "z"),
    (r"--a=x\ y z", BACKSLASH, ("--a=x y",), "z"),
    (r"--a=C:\x z", BACKSLASH, ("--a=C:x",), "z"),
    (r"--a=C:\x z", BACKTICK, (r"--a=C:\x",), "z"),
    ("--a=x` y z", BACKTICK, ("--a=x y",), "z"),
    ("--a=x\\", BACKSLASH, ("--a=x",), ""),
    ("--ä=ö z", BACKSLASH, ("--ä=ö",), "z"),
    ("--", BACKSLASH, (), ""),
])
def test_flags_lose_their_quotes_and_escapes(line, escape, flags, rest):
    assert split_flags(line, escape) == (flags, rest)


def test_blanks_split_inside_quotes_too():
    assert split_blanks('"a b"\tc') == ('"a', 'b"', "c")
    assert split_blanks("") == ()


@pytest.mark.parametrize("rest, escape, words", [
    ('a="b c" d=e', BACKSLASH, ('a="b c"', "d=e")),
    ("a='b c'", BACKSLASH, ("a='b c'",)),
    (r"a=b\ c d=e", BACKSLASH, (r"a=b\ c", "d=e")),
    (r'a="b\" c" d', BACKSLASH, (r'a="b\" c"', "d")),
    (r"a='b\' c", BACKSLASH, (r"a='b\'", "c")),
    ("a=b` c", BACKTICK, ("a=b` c",)),
    ("a=C:\\ b=c", BACKTICK, ("a=C:\\", "b=c")),
    ("a=b\\", BACKSLASH, ("a=b",)),
    ('a="b\\', BACKSLASH, ('a="b',)),
    ('""', BACKSLASH, ('""',)),
    ("a\u00a0b", BACKSLASH, ("a", "b")),
    ("", BACKSLASH, ()),
])
def test_words_keep_quotes_and_escapes(rest, escape, words):
    assert split_words(rest, escape) == words


@pytest.mark.parametrize("text, strings", [
    ('["a", "b"]', ("a", "b")),
    ('  [ ]', ()),
    (r'["C:\\\\Program Files\\\\Go"]', (r"C:\\Program Files\\Go",)),
    (r'["\ud800x"]', ("\ufffdx",)),
    (r'["\u00e4"]', ("ä",)),
])
def test_json_forms_are_decoded(text, strings):
    assert json_strings(text) == strings


@pytest.mark.parametrize("text", ["", "a", '["a"', '["a"] b', r'["C:\app"]', "['a']", "[NaN]", "[1e999]", '["a",]',
                                  "[" * 100_000])
def test_what_is_not_json_is_told_apart(text):
    with pytest.raises(ValueError) as caught:
        json_strings(text)
    assert not isinstance(caught.value, NotStrings)


@pytest.mark.parametrize("text", ["[1]", "[null]", '["a", ["b"]]', '[{"a": "b"}]', "[1.5]"])
def test_json_of_other_values_is_refused(text):
    with pytest.raises(NotStrings):
        json_strings(text)


def test_space_is_what_go_calls_space():
    assert all(map(is_space, "\t\n\v\f\r \x85\xa0\u1680\u2003\u2028\u202f\u205f\u3000"))
    assert not any(map(is_space, ["", "a", "\x1c", "\x1f", "\u200b", "\ufeff"]))


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="-a='\"\\` \t", max_size=30), st.sampled_from("\\`"))
def test_cutting_never_fails_and_keeps_every_plain_word(line, escape):
    flags, rest = split_flags(line, escape)
    assert all(isinstance(flag, str) for flag in flags)
    assert line.endswith(rest)
    assert not split_words("", escape)
    joined = "".join(split_words(line, escape))
    if escape not in line:
        assert joined.replace(" ", "").replace("\t", "") == line.replace(" ", "").replace("\t", "")
