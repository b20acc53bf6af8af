# SPDX-License-Identifier: Apache-2.0
"""The line a program gets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.dockerapi import shapes
from imagebuild.engine.containers.commandline import command_line, escape, exec_line
from imagebuild.windows import cmdline

WORDS = st.lists(st.text(alphabet=' \t"\\ab', max_size=8), max_size=4)


@given(WORDS)
def test_a_program_cuts_the_line_into_the_words_it_was_made_of(words: list[str]) -> None:
    assert cmdline.split(exec_line(["program", *words])) == ["program", *words]


@pytest.mark.parametrize(("word", "escaped"), [
    ("", '""'), ("plain", "plain"), ("two words", '"two words"'), ("tab\t", '"tab\t"'), ('a"b', 'a\\"b'),
    ("a\\b", "a\\b"), ("a\\", "a\\"), ("a b\\", '"a b\\\\"'), ('a\\"b', 'a\\\\\\"b'), ("new\nline", "new\nline")])
def test_a_word_is_escaped_as_go_does_it(word: str, escaped: str) -> None:
    assert escape(word) == escaped


def test_a_command_follows_its_entrypoint() -> None:
    assert command_line(shapes.Config(entrypoint=("C:\\my app\\x.exe",), cmd=("a b",))) == '"C:\\my app\\x.exe" "a b"'
    assert command_line(shapes.Config(cmd=("cmd", "/c", "ver"))) == "cmd /c ver"
    assert command_line(shapes.Config()) == ""


def test_a_line_that_is_escaped_already_goes_as_it_is() -> None:
    line = 'cmd /S /C "echo a & echo "b""'
    assert command_line(shapes.Config(cmd=(line,), args_escaped=True)) == line
    assert command_line(shapes.Config(entrypoint=(line,), cmd=("two words",), args_escaped=True)) == \
        f'{line} "two words"'
