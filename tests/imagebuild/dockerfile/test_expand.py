# SPDX-License-Identifier: Apache-2.0
"""Expansion, by rules and against outcomes recorded from BuildKit."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuild.dockerfile.expand import expand, expand_words, expansion
from imagebuild.errors import FormatError

RECORDED = json.loads((Path(__file__).parent / "buildkit_expansions.json").read_text(encoding="utf-8"))
ENV = {"X": "val", "E": "", "P": "C:\\a\\b", "S": " a  b ", "F": "a/b/c.txt", "Z": "a*b"}


@pytest.mark.parametrize("word, expected", [
    ("$X", "val"), ("${X}", "val"), ("$Xy", ""), ("${X}y", "valy"), ("$", "$"), ("$ a", "$ a"), ("a$", "a$"),
    ("${U:-d}", "d"), ("${E:-d}", "d"), ("${E-d}", ""), ("${U-d}", "d"), ("${X:-d}", "val"),
    ("${X:+d}", "d"), ("${E:+d}", ""), ("${E+d}", "d"), ("${U+d}", ""),
    ("${X:?no}", "val"), ("${E?no}", ""),
    ("${F#*/}", "b/c.txt"), ("${F##*/}", "c.txt"), ("${F%/*}", "a/b"), ("${F%%/*}", "a"),
    ("${F/a/X}", "X/b/c.txt"), (r"${F//\//-}", "a-b-c.txt"), ("${F//c.txt/}", "a/b/"), (r"${Z/\*/-}", "a-b"),
    ("${Z/*/-}", "-"), (r"${Z#a\*}", "b"),
    ("${U:-${X}}", "val"), ("${U:-a ${V:-b}}", "a b"), ("${U:-'a}b'}", "a}b"),
    ("'$X'", "$X"), ('"$X"', "val"), ('"a\'b"', "a'b"), ("'a\"b'", 'a"b'), ('""', ""),
    (r"\$X", "$X"), (r'"\$X"', "$X"), (r'"C:\dir"', r"C:\dir"), (r"C:\dir", "C:dir"), (r"C:\\dir", r"C:\dir"),
    (r'"C:\\dir"', r"C:\dir"), (r"'C:\\dir'", r"C:\\dir"), ("$P", r"C:\a\b"), ("a\\", "a"),
    ("$1", ""), ("$10x", "x"), ("$?", ""), ("<<a", "<<a"),
])
def test_the_default_escape(word, expected):
    assert expand(word, ENV.get) == expected


@pytest.mark.parametrize("word, expected", [
    (r"C:\dir", r"C:\dir"), (r"C:\\dir", r"C:\\dir"), ("`$X", "$X"), ('"`$X"', "$X"), (r"\$X", r"\val"),
    ("a`b", "ab"), ('"a`b"', "a`b"), ("``", "`"), (r"C:\$X\$X", r"C:\val\val"),
])
def test_the_backtick_escape(word, expected):
    assert expand(word, ENV.get, "`") == expected


@pytest.mark.parametrize("word, said", [
    ("'a", "single quote"), ('"a', "double quote"), ('"a\\', "double quote"), ("${X", "}"), ("${", "}"),
    ("${}", "name"), ("${{X}}", "name"), ("${:X}", "name"), ("${X:-a", "}"), ("${X!a}", "substitution"),
    ("${X:#a}", "substitution"), ("${X:a}", "substitution"), ("${U?}", "U: is not allowed to be unset"),
    ("${U:?}", "U: is not allowed to be unset"), ("${E:?}", "E: is not allowed to be empty"),
    ("${U:?set U}", "U: set U"), (r"${X#\v}", "not an escape"), ("${X/a", "/"), ("${X:-'}", "quote"),
    ("${a:-" * 500, "inside each other"),
])
def test_what_cannot_be_expanded_says_why(word, said):
    with pytest.raises(FormatError) as caught:
        expand(word, ENV.get)
    assert said in str(caught.value)


def test_words_split_at_unquoted_space_even_out_of_variables():
    assert expand_words("80 $S \"$S\" c\\ d", ENV.get) == ["80", "a", "b", " a  b ", "c d"]
    assert expand_words("a${U:-b}c", ENV.get) == ["abc"]
    assert expand_words("'' \"\"", ENV.get) == []


def test_the_names_that_were_used_and_those_unset_are_reported():
    found = expansion("$X ${U} ${V:-$W} '$Q' $E", ENV.get)
    assert found.used == {"X", "E"}
    assert found.unset == {"U", "V", "W"}


@pytest.mark.parametrize(("word", "undefined"), [
    ("${U:-a} ${V-a} ${W+a} ${W:+a}", set()), ("${U:-a} $U", {"U"}), ("${U#a}", {"U"}), ("${U:-$V}", {"V"})])
def test_a_name_with_a_default_is_not_undefined(word: str, undefined: set[str]) -> None:
    assert expansion(word, ENV.get).undefined == undefined


def test_raw_forms_leave_quotes_escapes_and_unset_references_in():
    assert expansion("'a' \"b\"", ENV.get, raw_quotes=True).text == "'a' \"b\""
    assert expansion(r'a\b "\$"', ENV.get, raw_escapes=True).text == r"a\b \$"
    assert expansion("$U ${U} ${U:-a} ${U/b/c} $X", ENV.get, keep_unset=True).text == "$U ${U} ${U:-a} ${U/b/c} val"
    assert expansion("${env:PATH}", ENV.get, keep_unset=True).text == "${env:PATH}"
    with pytest.raises(FormatError, match="substitution"):
        expansion("${X:PATH}", ENV.get, keep_unset=True)
    assert expansion("it's $X \"", ENV.get, literal_quotes=True).text == "it's val \""


@pytest.mark.parametrize("case", RECORDED["cases"], ids=lambda case: repr(case["word"]))
def test_buildkit_gave_the_same(case):
    try:
        found = expansion(case["word"], RECORDED["env"].get, case["escape"])
    except FormatError:
        assert "error" in case
        return
    assert "error" not in case
    assert (found.text, sorted(found.used), sorted(found.unset)) == (case["text"], case["used"], case["unset"])
    if "${" not in case["word"]:  # BuildKit loses the characters before a ${X:-d} when it splits
        assert list(found.words) == case["words"]


def test_an_error_shows_the_beginning_of_a_long_text():
    with pytest.raises(FormatError) as caught:
        expand("'" + "x" * 10_000, ENV.get)
    assert len(str(caught.value)) < 200


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from(list("${}XUE:-+?#%/*\\`'\" a<é")), max_size=20), st.sampled_from("\\`"))
def test_nothing_but_our_error_escapes(word, escape):
    try:
        found = expansion(word, ENV.get, escape)
    except FormatError:
        return
    assert found.used <= set(ENV)
    assert not found.unset & set(ENV)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=20).filter(lambda text: "'" not in text))
def test_single_quotes_keep_everything(text):
    assert expand(f"'{text}'", ENV.get) == text


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=20), st.sampled_from("\\`"))
def test_every_text_can_be_protected(text, escape):
    assert expand("".join(escape + char for char in text), ENV.get, escape) == text


def test_a_word_of_megabytes_takes_seconds_at_most() -> None:
    """Growing an attribute by a character at a time copies it each time: minutes for what a generator may write."""
    begin = time.monotonic()
    assert expansion("x" * 1_000_000 + " y", lambda name: None).words[1] == "y"
    assert time.monotonic() - begin < 10
